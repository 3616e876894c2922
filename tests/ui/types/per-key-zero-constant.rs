use greenpool::green_pool;

const PER_HOST: usize = 0;

#[green_pool(size = 100, key = url.len(), per_key = PER_HOST)]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller() {
    fetch(String::new()).await;
    let _ = fetch::spawn(String::new()).await.await;
}

fn main() {}
