use greenpool::green_pool;

#[green_pool(size = 4)]
pub async fn fetch(url: String) -> usize;

async fn caller() {
    fetch(String::new()).await;
}

fn main() {}
