use std::error::Error;

use greenpool::{GreenPool, green_pool};

#[green_pool(size = 4)]
async fn load(url: String) -> usize {
    url.len()
}

async fn caller(pool: GreenPool) -> Result<(), Box<dyn Error>> {
    let length = load::spawn(String::new()).await.unwrap();
    let length = load::spawn(String::new()).await.expect("a length");
    let length = pool.spawn(async { 1 }).await.unwrap_or(0);
    let length = load::spawn(String::new()).await?;
    match load::spawn(String::new()).await {
        Ok(length) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn main() {}
