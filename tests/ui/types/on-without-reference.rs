use greenpool::{GreenPool, green_pool};

#[green_pool(size = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller(pool: GreenPool) {
    let _ = fetch::on(pool).spawn(String::new()).await;
}

fn main() {}
