use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: String, #[cfg(all())] depth: u8) -> usize {
    url.len() + usize::from(depth)
}

fn main() {}
