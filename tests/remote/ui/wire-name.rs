use greenpool::green_pool;

#[green_pool(size = 4, remote, name = "a.b")]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {}
