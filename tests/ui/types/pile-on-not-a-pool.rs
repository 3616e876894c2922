use greenpool::{green_pool, pile};

#[green_pool(size = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller() {
    let seven = 7;
    let _ = pile![on seven; fetch(String::new()), fetch(String::new())].join().await;
}

fn main() {}
