use greenpool::green_pool;

#[green_pool(size = 4, remote)]
async fn store(#[shared] db: &'static str, page: String) -> usize {
    page.len() + db.len()
}

fn main() {}
