use greenpool::green_pool;

#[green_pool(size = 4, key = url.len(), per_key = 2, remote)]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {}
