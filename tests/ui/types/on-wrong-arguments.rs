use greenpool::{GreenPool, green_pool};

#[green_pool(size = 4)]
async fn fetch(url: String, depth: u8) -> usize {
    url.len() + usize::from(depth)
}

async fn caller(pool: &GreenPool) {
    let _ = fetch::on(pool).spawn(7, 1).await;
    let _ = fetch::on(pool).spawn(String::new()).await;
    let _ = fetch::on(pool).imap([String::new()], 7);
    let _ = fetch::on(pool).imap_stream([(String::new(), 7)]);
}

fn main() {}
