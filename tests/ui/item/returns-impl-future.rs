use greenpool::green_pool;

use std::future::Future;

#[green_pool(size = 4)]
fn fetch(url: String) -> impl Future<Output = usize> {
    async move { url.len() }
}

async fn caller() {
    fetch(String::new()).await;
    let _ = fetch::spawn(String::new()).await.await;
}

fn main() {}
