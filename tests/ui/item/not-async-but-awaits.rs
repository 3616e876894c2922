use greenpool::green_pool;

#[green_pool(size = 4)]
fn fetch(url: String) -> usize {
    std::future::ready(url.len()).await
}

async fn caller() {
    fetch(String::new()).await;
    let _ = fetch::spawn(String::new()).await.await;
}

fn main() {}
