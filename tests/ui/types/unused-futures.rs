#![deny(unused_must_use)]
use greenpool::{GreenPile, GreenPool, green_pool};

#[green_pool(size = 4)]
async fn fetch() {}

async fn caller(pool: GreenPool, mut pile: GreenPile<()>) {
    fetch::spawn_n();
    fetch::spawn().await;
    pool.spawn(async {});
    pool.spawn_n(async {});
    pool.waitall();
    pool.shutdown(std::time::Duration::ZERO);
    pool.imap(|()| async {}, [()]);
    pile.spawn(async {});
    pile.next();
    pile.spawner();
    fetch::starmap([()]).next();
    greenpool::pile![fetch()].next();
    greenpool::pile![fetch()].join();
    greenpool::pile![fetch()].try_join();
    greenpool::pile![fetch()].next_unordered();
    pile.next_unordered();
    fetch::starmap([()]).indexed().next();
    greenpool::pile![fetch()].values();
    fetch::starmap([()]).values().next();
    fetch::spawn().await.value();
    pool.waitall_or_panic();
    pool.slot();
    pool.slot().await.unwrap();
}

fn main() {}
