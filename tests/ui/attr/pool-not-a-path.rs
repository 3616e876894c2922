use greenpool::green_pool;

fn pool() -> greenpool::GreenPool {
    greenpool::GreenPool::new(4)
}

#[green_pool(pool = pool())]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller() {
    fetch(String::new()).await;
    let _ = fetch::spawn(String::new()).await.await;
}

fn main() {}
