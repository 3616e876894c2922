use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: std::borrow::Cow<'_, str>) -> usize {
    url.len()
}

async fn caller(url: std::borrow::Cow<'_, str>) {
    let _: Result<usize, _> = fetch::spawn(url).await.await;
}

fn main() {}
