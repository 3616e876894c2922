use greenpool::green_pool;

static POOL: greenpool::GreenPool = greenpool::GreenPool::builder(4).per_key(2).build();

#[green_pool(pool = POOL, key = url.len(), per_key = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller() {
    fetch(String::new()).await;
    let _ = fetch::spawn(String::new()).await.await;
}

fn main() {}
