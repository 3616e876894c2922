use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch<'a>(url: &'a str) -> usize {
    url.len()
}

async fn caller(url: &str) {
    fetch(url).await;
    let _ = fetch::spawn(url).await.await;
}

fn main() {}
