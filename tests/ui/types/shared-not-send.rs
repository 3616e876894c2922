use std::rc::Rc;

use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(#[shared] client: Rc<str>, url: String) -> usize {
    client.len() + url.len()
}

fn main() {}
