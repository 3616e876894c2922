//! Pools that are closed in mid-flight.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use greenpool::{GreenPile, GreenPool};
use greenpool_tests::Gauge;
use tokio::task::yield_now;

use crate::dice::Dice;
use crate::world::World;

/// A job that ends soon, or never.
fn job(begun: &Gauge, mut dice: Dice) -> impl Future<Output = ()> + Send + use<> {
    let begun = begun.clone();
    async move {
        let _inside = begun.enter();
        match dice.below(4) {
            0 => pending().await,
            1 => tokio::time::sleep(Duration::from_micros(dice.below(1000) as u64)).await,
            _ => yield_now().await,
        }
    }
}

/// Makes a pool, uses it from several tasks, and shuts it down meanwhile.
pub(crate) async fn life(world: &Arc<World>, seed: u64, grace: Duration) {
    let mut dice = Dice::new(seed);
    let (pool, begun) = (GreenPool::new(1 + dice.below(3)), Gauge::default());
    let users: Vec<_> = (0..6)
        .map(|user| {
            let (pool, begun, mut dice) = (pool.clone(), begun.clone(), Dice::new(dice.next()));
            tokio::spawn(async move {
                match user {
                    0 => {
                        while pool
                            .spawn(job(&begun, Dice::new(dice.next())))
                            .await
                            .await
                            .is_ok_and(|()| !pool.is_closed())
                        {}
                    }
                    1 => {
                        while !pool.is_closed() {
                            pool.spawn_n(job(&begun, Dice::new(dice.next()))).await;
                        }
                    }
                    2 => {
                        let pile = GreenPile::on(&pool);
                        while !pool.is_closed() {
                            pile.spawn(job(&begun, Dice::new(dice.next()))).await;
                        }
                    }
                    3 => {
                        let mut map = pool
                            .imap_stream(move |()| job(&begun, Dice::new(dice.next())), futures::stream::repeat(()));
                        while map.next().await.is_some() {}
                    }
                    _ => {
                        let mut map = pool.imap(move |_: u64| job(&begun, Dice::new(dice.next())), 0..);
                        while map.next().await.is_some() {}
                    }
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_micros(dice.below(2000) as u64)).await;
    let report = pool.shutdown(grace).await;
    let stats = pool.stats();
    assert_eq!((begun.now(), stats.running, pool.free()), (0, 0, stats.size as isize), "{stats:?} after {report:?}");
    assert_eq!(stats.spawned, stats.finished + stats.aborted, "{stats:?}");
    for user in users {
        user.await.expect("who uses a closed pool hears of it");
    }
    let after = pool.stats();
    assert_eq!((after.spawned, after.finished, after.aborted), (stats.spawned, stats.finished, stats.aborted));
    world.did("shutdown");
}
