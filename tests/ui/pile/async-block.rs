use greenpool::{green_pool, pile};

async fn caller() {
    let _ = pile![async { 1 }].join().await;
}

fn main() {}
