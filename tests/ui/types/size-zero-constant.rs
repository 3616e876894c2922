use greenpool::green_pool;

const SIZE: usize = 0;

#[green_pool(size = SIZE)]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {}
