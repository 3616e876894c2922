use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: String, depth: u8) -> usize {
    url.len() + usize::from(depth)
}

async fn caller() {
    let _ = fetch.spawn(String::new(), 1).await;
}

fn main() {}
