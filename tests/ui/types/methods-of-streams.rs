use greenpool::{GreenPile, green_pool, pile};

#[green_pool(size = 4)]
async fn count(n: u8) -> u8 {
    n
}

async fn caller() {
    let all: Vec<_> = count::imap([1]).collect().await;
    let all: Vec<_> = count::imap([1]).values().collect().await;
    let some = count::imap([1]).filter_map(|n| n.ok());
    let pairs = count::imap([1]).indexed().map(|(_, n)| n);
    let first = count::try_imap([Ok::<u8, ()>(1)]).take(1);
    let both = GreenPile::<u8>::new(2).chain(GreenPile::new(2));
    let all = pile![count(1)].map(|n| n);
}

fn main() {}
