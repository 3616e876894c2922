use std::io::Error;

use greenpool::{GreenPile, green_pool, pile};

#[green_pool(size = 4)]
async fn count(n: u8) -> u8 {
    n
}

async fn caller() {
    for n in count::imap([1]) {}
    for n in count::imap([1]).values() {}
    for (index, n) in count::imap([1]).indexed() {}
    for n in count::try_imap([Ok::<u8, Error>(1)]) {}
    let mut pile = GreenPile::<u8>::new(2);
    for n in &mut pile {}
    for n in pile.values() {}
    for n in pile![count(1)] {}
    for n in pile![count(1)].values() {}
    let all = Vec::from_iter(count::imap_unordered([1]).values());
}

fn main() {}
