use greenpool::green_pool;

#[green_pool(size = 4, remote)]
async fn fetch(url: &'static str) -> usize {
    url.len()
}

#[green_pool(size = 4, remote)]
async fn measure(page: &str) -> usize {
    page.len()
}

fn main() {}
