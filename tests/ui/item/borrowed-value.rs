use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: &Vec<u8>) -> usize {
    url.len()
}

async fn caller(url: &Vec<u8>) {
    let _: Result<usize, _> = fetch::spawn(url).await.await;
}

fn main() {}
