use std::cell::Cell;

use greenpool::green_pool;

#[derive(Clone)]
struct Counter(Cell<usize>);

#[green_pool(size = 4, remote)]
async fn store(#[shared] counter: Counter, page: String) -> usize {
    page.len() + counter.0.get()
}

fn main() {}
