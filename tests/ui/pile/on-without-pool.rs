use greenpool::{green_pool, pile};

#[green_pool(size = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {
    let _ = pile![on; fetch(String::new())];
}
