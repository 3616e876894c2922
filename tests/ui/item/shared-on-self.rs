use greenpool::green_pool;

struct Client;

impl Client {
    #[green_pool(size = 4)]
    async fn fetch(#[shared] self, url: String) -> usize {
        url.len()
    }
}

fn main() {}
