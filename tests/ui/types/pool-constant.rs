use greenpool::green_pool;

use greenpool::GreenPool;

const POOL: GreenPool = GreenPool::const_new(4);

#[green_pool(pool = POOL)]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {}
