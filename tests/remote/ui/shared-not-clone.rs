use greenpool::green_pool;

struct Db;

#[green_pool(size = 4, remote)]
async fn store(#[shared] db: Db, page: String) -> usize {
    let Db = db;
    page.len()
}

fn main() {}
