use greenpool::green_pool;

#[green_pool(size = 4)]
pub enum Fetch {}

fn main() {}
