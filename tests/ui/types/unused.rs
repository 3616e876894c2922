#![deny(dead_code)]
use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {}
