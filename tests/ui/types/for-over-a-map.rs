use greenpool::{GreenPile, green_pool, pile};

#[green_pool(size = 4)]
async fn count(n: u8) -> u8 {
    n
}

async fn caller() {
    for n in count::imap([1]) {}
    let pile = GreenPile::<u8>::new(2);
    for n in pile {}
    for n in pile![count(1)] {}
}

fn main() {}
