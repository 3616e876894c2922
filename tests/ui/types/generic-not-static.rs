use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch<T: AsRef<str> + Send>(url: T) -> usize {
    url.as_ref().len()
}

async fn caller(url: &str) {
    let _ = fetch::spawn(url).await;
}

fn main() {}
