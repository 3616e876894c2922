use greenpool::green_pool;

#[green_pool(size = 4, remote)]
async fn store(#[shared] db: u32, #[shared] cache: u32, page: String) -> usize {
    page.len() + (db + cache) as usize
}

fn main() {}
