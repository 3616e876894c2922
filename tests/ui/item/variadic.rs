use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: String, _: ...) -> usize {
    url.len()
}

fn main() {}
