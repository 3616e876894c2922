use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: String) -> Result<usize, std::fmt::Error> {
    Ok(url.len())
}

async fn caller() -> Result<usize, std::fmt::Error> {
    let mut sum = 0;
    let add = async |length| {
        sum += length;
        Ok(())
    };
    fetch::imap([String::new()]).try_for_each(add).await?;
    Ok(sum)
}

fn main() {}
