use greenpool::green_pool;

#[tokio::main]
#[green_pool(size = 4)]
async fn fetch() -> usize {
    1
}

fn main() {}
