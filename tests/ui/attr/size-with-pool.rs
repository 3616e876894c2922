use greenpool::green_pool;

static POOL: greenpool::GreenPool = greenpool::GreenPool::const_new(4);

#[green_pool(size = 4, pool = POOL)]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller() {
    fetch(String::new()).await;
    let _ = fetch::spawn(String::new()).await.await;
}

fn main() {}
