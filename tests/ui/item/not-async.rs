use greenpool::green_pool;

#[green_pool(size = 4)]
fn fetch(url: String) -> usize {
    url.len()
}

async fn caller() {
    let _: Result<usize, _> = fetch::spawn(String::new()).await.await;
}

fn main() {}
