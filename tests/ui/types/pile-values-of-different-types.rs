use greenpool::{green_pool, pile};

#[green_pool(size = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

#[green_pool(size = 4)]
async fn count() -> u8 {
    1
}

async fn caller() {
    let mut values = pile![fetch(String::new()), count()].values();
    values.next().await;
}

fn main() {}
