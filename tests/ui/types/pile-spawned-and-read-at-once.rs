use greenpool::GreenPile;

async fn caller() {
    let mut pile = GreenPile::<u8>::new(4);
    let producer = async { pile.spawn(async { 1 }).await };
    let consumer = async { pile.next().await };
    tokio::join!(producer, consumer);
}

fn main() {}
