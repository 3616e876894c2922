use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: String) -> usize {
    url.len()
}

async fn caller(rows: Vec<Result<String, std::io::Error>>) {
    let _ = fetch::try_imap_stream(rows);
}

fn main() {}
