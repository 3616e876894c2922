use greenpool::green_pool;

struct Client;

trait Fetch {
    async fn fetch(url: String);
}

impl Fetch for Client {
    #[green_pool(size = 4)]
    async fn fetch(_url: String) {}
}

fn main() {}
