#![deny(unused_must_use)]
use greenpool::{GreenPool, green_pool};

#[green_pool(size = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller(pool: &GreenPool) {
    fetch::on(pool);
    fetch::on(pool).spawn_n(String::new());
}

fn main() {
    let _ = caller;
}
