use greenpool::green_pool;

#[green_pool(size = 4)]
pub struct Fetch;

fn main() {}
