use greenpool::green_pool;

struct S;

#[green_pool(size = 4)]
impl S {}

fn main() {}
