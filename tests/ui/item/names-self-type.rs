use greenpool::green_pool;

struct Client;

impl Client {
    #[green_pool(size = 4)]
    async fn fetch(client: std::sync::Arc<Self>) {
        drop(client);
    }
}

fn main() {}
