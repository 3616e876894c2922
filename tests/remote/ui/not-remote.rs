use greenpool::green_pool;
use greenpool::remote::Here;

#[green_pool(size = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {
    let _ = fetch::on(&Here::new());
}
