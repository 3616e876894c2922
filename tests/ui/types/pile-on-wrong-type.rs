use greenpool::{GreenPool, green_pool, pile};

#[green_pool(size = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller(pool: GreenPool) {
    let _ = pile![on pool; fetch(7)];
    let _ = pile![on pool; fetch(String::new(), 1)];
}

fn main() {}
