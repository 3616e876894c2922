#![deny(unused_must_use)]

use greenpool::green_pool;
use greenpool::remote::Here;

#[green_pool(size = 4, remote)]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller() {
    let far = fetch::on(&Here::new());
    far.run("nightly");
    far.imap(["/".to_owned()]);
    far.spawn("/".to_owned());
}

fn main() {}
