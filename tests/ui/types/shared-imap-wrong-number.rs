use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(#[shared] base: String, url: String) -> usize {
    base.len() + url.len()
}

async fn caller() {
    let _ = fetch::imap([String::new()]);
    let _ = fetch::starmap([(String::new(),)]);
}

fn main() {}
