use greenpool::{green_pool, pile};

async fn caller() {
    let _ = pile![String::new().len()].join().await;
}

fn main() {}
