use greenpool::green_pool;

#[green_pool(size = 4)]
async fn load(url: String) -> Result<usize, std::io::Error> {
    Ok(url.len())
}

async fn caller() {
    let length: usize = load::spawn(String::new()).await.await.unwrap();
    let cancelled = load::spawn(String::new()).await.await.unwrap().is_cancelled();
}

fn main() {}
