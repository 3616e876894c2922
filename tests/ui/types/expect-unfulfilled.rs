#![deny(warnings)]

use greenpool::green_pool;

#[green_pool]
#[expect(non_snake_case, reason = "it once was `URL`")]
async fn fetch(url: String, #[expect(non_snake_case)] depth: u8) -> usize {
    url.len() + usize::from(depth)
}

#[expect(dead_code)]
#[green_pool]
async fn used() {}

fn main() {
    drop(fetch::spawn(String::new(), 1));
    drop(used::spawn());
}
