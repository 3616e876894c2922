use greenpool::green_pool;

#[green_pool(size = 4)]
#[tokio::main]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller() {
    let _ = fetch::spawn(String::new()).await;
}

fn main() {}
