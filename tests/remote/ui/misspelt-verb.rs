use greenpool::green_pool;
use greenpool::remote::Here;

#[green_pool(size = 4, remote)]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {
    let far = fetch::on(&Here::new());
    drop(far.imap_unorderd(["a".to_owned()]));
}
