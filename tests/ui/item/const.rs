use greenpool::green_pool;

#[green_pool(size = 4)]
const async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {}
