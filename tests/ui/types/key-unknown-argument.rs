use greenpool::green_pool;

fn host(url: &str) -> String {
    url.to_owned()
}

#[green_pool(size = 100, key = host(&uri), per_key = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller() {
    fetch(String::new()).await;
    let _ = fetch::spawn(String::new()).await.await;
}

fn main() {}
