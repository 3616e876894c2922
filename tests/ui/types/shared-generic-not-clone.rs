use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch<C: Send>(#[shared] client: Option<C>, url: String) -> usize {
    drop(client);
    url.len()
}

async fn caller() {
    let _ = fetch::imap(Some(1), [String::new()]);
}

fn main() {}
