use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(#[shared] base: String, #[shared] url: String) -> usize {
    base.len() + url.len()
}

fn main() {
    let _ = fetch::spawn(String::new(), String::new());
}
