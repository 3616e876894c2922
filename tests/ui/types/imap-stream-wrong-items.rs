use greenpool::green_pool;

#[green_pool(size = 4)]
async fn fetch(url: String, depth: u8) -> usize {
    url.len() + usize::from(depth)
}

async fn caller() {
    let _ = fetch::imap_stream(futures::stream::iter([String::new()]));
}

fn main() {}
