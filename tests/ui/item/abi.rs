use greenpool::green_pool;

#[green_pool(size = 4)]
async extern "C" fn fetch(n: u8) -> u8 {
    n
}

fn main() {}
