use greenpool::green_pool;

const SIZE: u32 = 4;

#[green_pool(size = SIZE)]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {}
