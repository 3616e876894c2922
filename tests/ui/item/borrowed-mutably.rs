use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: &mut String) -> usize {
    url.len()
}

async fn caller(url: &mut String) {
    let _: Result<usize, _> = fetch::spawn(url).await.await;
}

fn main() {}
