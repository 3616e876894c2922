use greenpool::green_pool;

#[green_pool(size = 4, remote)]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {}
