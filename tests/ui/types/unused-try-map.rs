#![deny(unused_must_use)]
use greenpool::{GreenPool, green_pool};

#[green_pool(size = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller(pool: &GreenPool, rows: Vec<Result<String, String>>) {
    fetch::try_imap(rows.clone());
    pool.try_imap(fetch, rows.clone()).next();
    fetch::on(pool).spawn(String::new());
}

fn main() {
    let _ = caller;
}
