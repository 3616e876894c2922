use greenpool::green_pool;

#[green_pool(size = 4)]
pub trait Fetch {}

fn main() {}
