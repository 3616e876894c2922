use greenpool::green_pool;

#[green_pool(size = 4)]
static FETCH: u8 = 0;

fn main() {}
