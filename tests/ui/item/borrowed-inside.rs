use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: Vec<&str>) -> usize {
    url.len()
}

async fn caller(url: Vec<&str>) {
    let _: Result<usize, _> = fetch::spawn(url).await.await;
}

fn main() {}
