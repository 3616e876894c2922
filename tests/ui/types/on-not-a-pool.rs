use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller() {
    let _ = fetch::on(&7).spawn(String::new()).await;
}

fn main() {}
