use greenpool::green_pool;

struct Client;

impl Client {
    #[green_pool(size = 4)]
    async fn fetch(self, url: String) -> usize {
        url.len()
    }
}

fn main() {}
