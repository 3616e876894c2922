use greenpool::green_pool;

#[green_pool(size = 4)]
mod fetch {}

fn main() {}
