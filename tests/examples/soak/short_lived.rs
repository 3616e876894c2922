//! Pools that are shut down while in use.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use greenpool::{GreenPile, GreenPool};
use greenpool_tests::Gauge;
use tokio::task::yield_now;

use crate::rng::Rng;
use crate::world::World;

/// A job that completes soon, or never.
fn job(started: &Gauge, mut rng: Rng) -> impl Future<Output = ()> + Send + use<> {
    let started = started.clone();
    async move {
        let _inside = started.enter();
        match rng.below(4) {
            0 => pending().await,
            1 => tokio::time::sleep(Duration::from_micros(rng.below(1000) as u64)).await,
            _ => yield_now().await,
        }
    }
}

/// Creates a pool, uses it from several tasks, and shuts it down in the meantime.
pub(crate) async fn open_and_shut_down(world: &Arc<World>, seed: u64, grace: Duration) {
    let mut rng = Rng::new(seed);
    let (pool, started) = (GreenPool::new(1 + rng.below(3)), Gauge::default());
    let users: Vec<_> = (0..6)
        .map(|user| {
            let (pool, started, mut rng) = (pool.clone(), started.clone(), Rng::new(rng.next()));
            tokio::spawn(async move {
                match user {
                    0 => {
                        while pool
                            .spawn(job(&started, Rng::new(rng.next())))
                            .await
                            .await
                            .is_ok_and(|()| !pool.is_closed())
                        {}
                    }
                    1 => {
                        while !pool.is_closed() {
                            pool.spawn_n(job(&started, Rng::new(rng.next()))).await;
                        }
                    }
                    2 => {
                        let pile = GreenPile::on(&pool);
                        while !pool.is_closed() {
                            pile.spawn(job(&started, Rng::new(rng.next()))).await;
                        }
                    }
                    3 => {
                        let mut map = pool
                            .imap_stream(move |()| job(&started, Rng::new(rng.next())), futures::stream::repeat(()));
                        while map.next().await.is_some() {}
                    }
                    _ => {
                        let mut map = pool.imap(move |_: u64| job(&started, Rng::new(rng.next())), 0..);
                        while map.next().await.is_some() {}
                    }
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_micros(rng.below(2000) as u64)).await;
    let report = pool.shutdown(grace).await;
    let stats = pool.stats();
    assert_eq!((started.now(), stats.running, pool.free()), (0, 0, stats.size as isize), "{stats:?} after {report:?}");
    assert_eq!(stats.spawned, stats.finished + stats.aborted, "{stats:?}");
    for user in users {
        user.await.expect("users of a closed pool get an error");
    }
    let after = pool.stats();
    assert_eq!((after.spawned, after.finished, after.aborted), (stats.spawned, stats.finished, stats.aborted));
    world.completed("shutdown");
}
