use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(#[shared] url: String) -> usize {
    url.len()
}

fn main() {
    let _ = fetch::spawn(String::new());
}
