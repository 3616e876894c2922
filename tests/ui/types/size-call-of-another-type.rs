use greenpool::green_pool;

#[green_pool(size = u32::max(1, 2))]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {}
