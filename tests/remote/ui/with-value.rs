use greenpool::green_pool;

#[green_pool(size = 4, remote = true)]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {}
