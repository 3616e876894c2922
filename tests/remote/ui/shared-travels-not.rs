use greenpool::green_pool;
use greenpool::remote::Here;

#[derive(Clone)]
struct Db;

#[green_pool(size = 4, remote)]
async fn store(#[shared] db: Db, page: String) -> usize {
    let Db = db;
    page.len()
}

fn main() {
    let here = Here::new().serve(store::handler(Db));
    drop(store::on(&here).call(Db, "page".into()));
}
