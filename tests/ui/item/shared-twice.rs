use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(#[shared] #[shared] base: String, url: String) -> usize {
    base.len() + url.len()
}

fn main() {
    let _ = fetch::imap(String::new(), [String::new()]);
}
