use greenpool::{green_pool, pile};

async fn caller() {
    let _ = pile![1 + 2].join().await;
}

fn main() {}
