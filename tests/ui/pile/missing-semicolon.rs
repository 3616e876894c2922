use greenpool::{green_pool, pile};

#[green_pool(size = 4)]
async fn count() -> u8 {
    1
}

async fn caller() {
    let pool = greenpool::GreenPool::new(4);
    let _ = pile![in pool, count()].join().await;
}

fn main() {}
