use greenpool::green_pool;

mod site {
    #[super::green_pool(size = 4)]
    async fn fetch(url: String) -> usize {
        url.len()
    }
}

async fn caller() {
    let _ = site::fetch::spawn(String::new()).await;
}

fn main() {}
