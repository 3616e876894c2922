use greenpool::{green_pool, pile};

#[green_pool(size = 4)]
async fn fetch(url: String) -> Result<usize, std::fmt::Error> {
    Ok(url.len())
}

#[green_pool(size = 4)]
async fn parse(text: String) -> Result<u8, std::num::ParseIntError> {
    text.parse()
}

async fn caller() -> Result<(usize, u8), std::io::Error> {
    pile![fetch(String::new()), parse(String::new())].try_values().await
}

fn main() {}
