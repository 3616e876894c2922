use greenpool::green_pool;

#[green_pool(size = 4, remote, remote)]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {}
