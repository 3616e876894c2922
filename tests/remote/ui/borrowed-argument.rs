use greenpool::green_pool;

#[green_pool(size = 4, remote)]
async fn fetch(url: &'static str) -> usize {
    url.len()
}

fn main() {}
