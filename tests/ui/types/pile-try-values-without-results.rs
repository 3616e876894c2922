use greenpool::{green_pool, pile};

#[green_pool(size = 4)]
async fn fetch(url: String) -> Result<usize, std::fmt::Error> {
    Ok(url.len())
}

#[green_pool(size = 4)]
async fn count() -> u8 {
    1
}

async fn caller() -> Result<(usize, u8), std::fmt::Error> {
    pile![fetch(String::new()), count()].try_values().await
}

fn main() {}
