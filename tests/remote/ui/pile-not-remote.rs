use greenpool::remote::Here;
use greenpool::{green_pool, pile};

#[green_pool(size = 4)]
async fn local(url: String) -> usize {
    url.len()
}

#[green_pool(size = 4, remote)]
async fn far(url: String) -> usize {
    url.len()
}

async fn both(here: Here) {
    let pile = pile![on here; local("a".to_owned()), far("b".to_owned())];
    drop(pile.join().await);
}

fn main() {}
