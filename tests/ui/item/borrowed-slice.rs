use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: &[u8]) -> usize {
    url.len()
}

async fn caller(url: &[u8]) {
    let _: Result<usize, _> = fetch::spawn(url).await.await;
}

fn main() {}
