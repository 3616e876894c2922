use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: [u8]) -> usize {
    url.len()
}

fn main() {}
