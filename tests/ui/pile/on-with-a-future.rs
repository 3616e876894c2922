use greenpool::{GreenPool, green_pool, pile};

#[green_pool(size = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {
    let pool = GreenPool::new(1);
    let _ = pile![on pool; fetch(String::new()), async { 1 }];
}
