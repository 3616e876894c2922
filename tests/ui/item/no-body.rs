use greenpool::green_pool;

trait Fetch {
    #[green_pool(size = 4)]
    async fn fetch(url: String) -> usize;
}

fn main() {}
