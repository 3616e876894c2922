use greenpool::{green_pool, pile};

#[green_pool(size = 4)]
async fn fetch(url: String) -> Result<usize, std::fmt::Error> {
    Ok(url.len())
}

async fn caller() -> Result<usize, Box<dyn std::error::Error>> {
    let (length,) = pile![fetch(String::new())].try_values().await?;
    Ok(length)
}

fn main() {}
