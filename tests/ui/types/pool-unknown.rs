use greenpool::green_pool;

#[green_pool(pool = POOL)]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {}
