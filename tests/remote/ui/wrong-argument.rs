use greenpool::green_pool;
use greenpool::remote::Here;

#[green_pool(size = 4, remote)]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller() {
    let far = fetch::on(&Here::new());
    far.spawn("/faq").await.await.unwrap();
    far.spawm("/faq".to_owned()).await;
}

fn main() {}
