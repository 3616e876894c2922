use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: String, depth: u8) -> usize {
    url.len() + usize::from(depth)
}

async fn caller(url: &String) {
    let _ = fetch::spawn(url, 1).await;
}

fn main() {}
