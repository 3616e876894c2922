#![deny(unused_must_use)]
use greenpool::{green_pool, pile};

#[green_pool(size = 4)]
async fn count() -> u8 {
    1
}

async fn caller() {
    pile![count()];
}

fn main() {}
