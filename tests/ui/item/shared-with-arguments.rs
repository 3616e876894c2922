use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(#[shared(clone)] base: String, #[shared = "yes"] path: String, url: String) -> usize {
    base.len() + path.len() + url.len()
}

#[green_pool(size = 4)]
async fn parse(#[shared()] base: String, url: String) -> usize {
    base.len() + url.len()
}

fn main() {
    let _ = fetch::imap(String::new(), String::new(), [String::new()]);
    let _ = parse::imap(String::new(), [String::new()]);
}
