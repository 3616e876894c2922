use greenpool::{green_pool, pile};

#[green_pool(size = 4)]
async fn count() -> u8 {
    1
}

async fn caller() {
    let _ = pile![colour = 4; count(), async { 1 }].join().await;
}

fn main() {}
