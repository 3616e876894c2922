use greenpool::green_pool;

static POOL: u8 = 4;

#[green_pool(pool = POOL)]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {}
