use greenpool::{green_pool, pile};

#[green_pool(size = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

#[green_pool(size = 4)]
async fn count() -> u8 {
    1
}

async fn caller(url: String) {
    let _ = pile![fetch(url.), count()].join().await;
}

fn main() {}
