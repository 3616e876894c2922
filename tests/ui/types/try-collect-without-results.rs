use greenpool::green_pool;

#[green_pool(size = 4)]
async fn count(url: String) -> usize {
    url.len()
}

async fn caller() {
    let _ = count::imap([String::new()]).try_collect::<Vec<_>>();
}

fn main() {}
