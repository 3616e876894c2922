use greenpool::green_pool;

#[green_pool = 100]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {}
