use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(#[shared] base: &str, url: String) -> usize {
    base.len() + url.len()
}

fn main() {
    let _ = fetch::imap("base", [String::new()]);
}
