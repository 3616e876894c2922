use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: String) -> &str {
    ""
}

fn main() {}
