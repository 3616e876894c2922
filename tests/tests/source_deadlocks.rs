//! Async sources that wait for the pool of the job which reads the map.

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, once};
use greenpool::{GreenPool, green_pool, inherit};
use greenpool_tests::{Gate, paused};
use tokio::task::yield_now;

#[green_pool(size = 5, key = n % 2, per_key = 1)]
async fn keyed(n: u32) -> u32 {
    yield_now().await;
    n
}

/// How a source may wait for a pool before it has its item.
const SOURCES: [(&str, fn(GreenPool) -> BoxFuture<'static, u32>); 3] = [
    ("spawn", |pool| Box::pin(async move { pool.spawn(async { 7 }).await.await.unwrap() })),
    ("slot", |pool| Box::pin(async move { pool.slot().await.map(|_slot| 7).unwrap() })),
    ("spawn in a branch", |pool| {
        Box::pin(async move {
            let branch = inherit(async move { pool.spawn(async { 7 }).await.await.unwrap() });
            tokio::spawn(branch).await.unwrap()
        })
    }),
];

type Map = fn(&GreenPool, BoxStream<'static, u32>) -> BoxFuture<'static, u32>;

/// The maps, and the limit by key of the pools that they run in.
const MAPS: [(&str, Option<usize>, Map); 2] = [
    ("with keys", Some(1), |pool, source| {
        let mut map = keyed::on(pool).imap_stream(source);
        Box::pin(async move { map.next().await.unwrap().unwrap() })
    }),
    ("without keys", None, |pool, source| {
        let mut map = pool.imap_stream(|n| async move { n }, source);
        Box::pin(async move { map.next().await.unwrap().unwrap() })
    }),
];

#[test]
fn a_source_that_waits_for_the_pool_of_its_reader_is_part_of_a_deadlock() {
    paused(async {
        for (how, source) in SOURCES {
            for (which, per_key, map) in MAPS {
                // A search that starts in a pool that moves finds nothing, unless the map tells all that it waits for.
                for moves in [false, true] {
                    if moves && per_key.is_none() {
                        continue;
                    }
                    let (builder, own, gate) = (GreenPool::builder(5), GreenPool::new(1), Gate::new());
                    let pool = per_key.map_or(builder, |limit| builder.per_key(limit)).build();
                    if moves {
                        pool.spawn_n(gate.clone().opened()).await;
                    }
                    let (pool_in, own_in) = (pool.clone(), own.clone());
                    let job = own.spawn(async move { map(&pool_in, once(source(own_in)).boxed()).await });
                    assert_eq!(job.await.await.unwrap(), 7, "{how}, {which}");
                    gate.open();
                    pool.waitall().await;
                    assert_eq!((own.running(), pool.running()), (0, 0), "{how}, {which}");
                }
            }
        }
    });
}
