use greenpool::GreenPile;

async fn caller() {
    let mut pile = GreenPile::<u8>::new(4);
    let one = pile.next();
    let other = pile.next();
    tokio::join!(one, other);
}

fn main() {}
