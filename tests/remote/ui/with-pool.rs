use greenpool::{GreenPool, green_pool};

static POOL: GreenPool = GreenPool::const_new(4);

#[green_pool(pool = POOL, remote)]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {}
