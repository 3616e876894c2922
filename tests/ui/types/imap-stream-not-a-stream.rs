use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: String, depth: u8) -> usize {
    url.len() + usize::from(depth)
}

async fn caller(pages: Vec<(String, u8)>) {
    let _ = fetch::imap_stream(pages);
}

fn main() {}
