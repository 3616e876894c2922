use greenpool::{green_pool, pile};

#[green_pool(size = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller() {
    let _ = pile![fetch(1)].join().await;
}

fn main() {}
