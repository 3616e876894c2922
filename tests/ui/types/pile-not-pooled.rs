use greenpool::{green_pool, pile};

async fn caller() {
    async fn plain() {}
    let _ = pile![plain()].join().await;
}

fn main() {}
