use greenpool::{GreenPool, pile};

async fn plain(url: String) -> usize {
    url.len()
}

async fn caller(pool: GreenPool) {
    let _ = pile![on pool; plain(String::new())];
}

fn main() {}
