use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(#[shared] base: String, url: String) -> usize {
    base.len() + url.len()
}

async fn caller() {
    let _ = fetch::imap(std::iter::repeat(String::new()), [String::new()]);
}

fn main() {}
