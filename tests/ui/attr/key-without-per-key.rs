use greenpool::green_pool;

#[green_pool(size = 100, key = url.len())]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller() {
    fetch(String::new()).await;
    let _ = fetch::spawn(String::new()).await.await;
}

fn main() {}
