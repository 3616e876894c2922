//! How many jobs a map runs and holds at once: the pool's size, the map's window, and other waiters for slots.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream::FusedStream;
use futures::{Stream, StreamExt, poll};
use greenpool::{GreenMap, GreenPool};
use greenpool_tests::{Gate, Gauge, paused, until_idle};

/// Takes all remaining values.
async fn values<T>(mut map: GreenMap<T>) -> Vec<T> {
    let mut values = vec![];
    while let Some(result) = map.next().await {
        values.push(result.expect("no job fails"));
    }
    values
}

/// Creates one gate for each item.
fn gates(n: usize) -> Arc<Vec<Gate>> {
    Arc::new((0..n).map(|_| Gate::new()).collect())
}

fn gated(
    gates: &Arc<Vec<Gate>>,
) -> impl Fn(usize) -> Pin<Box<dyn Future<Output = usize> + Send>> + Send + Sync + 'static {
    let gates = gates.clone();
    move |n| {
        let gate = gates[n].clone();
        Box::pin(async move {
            gate.opened().await;
            n
        })
    }
}

/// A map over `items` numbers. The jobs count themselves in `held`; the caller subtracts the results that it takes.
fn counted(pool: &GreenPool, items: usize, held: &Arc<AtomicUsize>, peak: &Arc<AtomicUsize>) -> GreenMap<usize> {
    let (held, peak) = (held.clone(), peak.clone());
    let job = move |n: usize| {
        let now = held.fetch_add(1, Ordering::SeqCst) + 1;
        peak.fetch_max(now, Ordering::SeqCst);
        async move {
            if n % 3 == 1 {
                tokio::task::yield_now().await;
            }
            n
        }
    };
    pool.imap(job, 0..items)
}

#[test]
fn a_map_never_holds_more_items_than_its_size_or_window() {
    paused(async {
        for (size, window) in [(1, None), (4, None), (4, Some(1)), (4, Some(2)), (4, Some(9)), (2, Some(3))] {
            let (held, peak) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
            let mut map = counted(&GreenPool::new(size), 500, &held, &peak);
            if let Some(window) = window {
                map = map.window(window);
            }
            for n in 0..500 {
                if n % 7 == 0 {
                    until_idle().await;
                }
                let item = map.next().await.unwrap().unwrap();
                held.fetch_sub(1, Ordering::SeqCst);
                assert_eq!(item, n);
            }
            assert!(map.next().await.is_none());
            assert_eq!(peak.load(Ordering::SeqCst), window.unwrap_or(size), "size {size}, window {window:?}");
        }
    });
}

#[test]
fn a_map_that_is_not_read_stops_at_its_window() {
    paused(async {
        let (pool, ran) = (GreenPool::new(3), Gauge::default());
        let inside = ran.clone();
        let map = pool.imap(
            move |n: u64| {
                let inside = inside.clone();
                async move {
                    drop(inside.enter());
                    n
                }
            },
            0..,
        );
        until_idle().await;
        assert_eq!((ran.total(), pool.running()), (3, 0), "results hold no slot");
        drop(map);
    });
}

#[test]
fn a_slow_first_item_stalls_an_ordered_map_only_at_its_window() {
    paused(async {
        let (pool, gates) = (GreenPool::new(2), gates(10));
        gates[1..].iter().for_each(Gate::open);
        let mut map = pool.imap(gated(&gates), 0..10).window(5);
        until_idle().await;
        assert!(poll!(std::pin::pin!(map.next())).is_pending());
        gates[0].open();
        assert_eq!(values(map).await, (0..10).collect::<Vec<_>>());
    });
}

#[test]
fn a_map_runs_at_most_as_many_jobs_as_its_pool_has_slots() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(4), Gauge::default());
        let inside = gauge.clone();
        let job = move |n: usize| {
            let inside = inside.clone();
            async move {
                let _inside = inside.enter();
                for _ in 0..n % 5 {
                    tokio::task::yield_now().await;
                }
                n
            }
        };
        assert_eq!(values(pool.imap(job, 0..200).window(50)).await, (0..200).collect::<Vec<_>>());
        assert_eq!(gauge.peak(), 4);
    });
}

#[test]
fn two_maps_share_the_slots_of_one_pool() {
    paused(async {
        let (pool, gates) = (GreenPool::new(1), gates(1));
        let first = pool.imap(gated(&gates), 0..1);
        until_idle().await;
        let second = pool.imap(|n: i32| async move { n }, 0..3);
        until_idle().await;
        assert_eq!((pool.running(), first.size_hint().0, second.size_hint().0), (1, 1, 3));
        gates[0].open();
        assert_eq!(values(second).await, [0, 1, 2]);
        assert_eq!(values(first).await, [0]);
    });
}

#[test]
fn a_map_does_not_starve_other_waiters() {
    paused(async {
        let pool = GreenPool::new(1);
        let endless = pool.imap(
            |n: u64| async move {
                tokio::task::yield_now().await;
                n
            },
            0..,
        );
        let reader = tokio::spawn(async move {
            let mut endless = endless;
            while let Some(result) = endless.next().await {
                result.unwrap();
            }
        });
        for n in 0..20 {
            assert_eq!(pool.spawn(async move { n }).await.await.unwrap(), n);
        }
        reader.abort();
    });
}

#[test]
fn a_map_that_was_stopped_while_its_worker_is_queued_has_ended() {
    paused(async {
        let pool = GreenPool::new(1);
        let slot = pool.slot().await.unwrap();
        let mut map = pool.imap(|n: u32| async move { n }, 0..10);
        until_idle().await;
        map.stop();
        assert_eq!(map.size_hint(), (0, Some(0)));
        assert!(map.try_next().is_none());
        assert!(map.is_terminated());
        drop(slot);
    });
}

#[test]
fn a_job_that_has_stopped_its_map_goes_on_in_its_slot() {
    paused(async {
        let pool = GreenPool::new(1);
        let inside = pool.clone();
        let job = pool.spawn(async move {
            let gate = Gate::new();
            let mut numbers = inside.imap(|n: u32| async move { n }, 0..9).window(2);
            assert_eq!(numbers.next().await.unwrap().unwrap(), 0);
            let opened = gate.clone();
            let other = inside.imap(
                move |n: u32| {
                    let opened = opened.clone();
                    async move {
                        opened.opened().await;
                        n
                    }
                },
                0..1,
            );
            // Now both maps are queued.
            until_idle().await;
            numbers.stop();
            let left = numbers.count().await;
            gate.open();
            (left, other.count().await)
        });
        assert_eq!(job.await.value().await, (1, 1));
    });
}

#[test]
fn a_worker_that_was_queued_before_the_window_shrank_begins_no_job() {
    paused(async {
        let (pool, begun) = (GreenPool::new(2), Gauge::default());
        let slot = pool.slot().await.unwrap();
        let entered = begun.clone();
        let job = move |_: u32| {
            let running = entered.enter();
            async move {
                std::future::pending::<()>().await;
                drop(running);
            }
        };
        let map = pool.imap(job, 0..);
        until_idle().await;
        assert_eq!((begun.now(), pool.waiting()), (1, 1));
        pool.resize(1);
        drop(slot);
        until_idle().await;
        assert_eq!((begun.now(), pool.running()), (1, 1));
        pool.resize(2);
        until_idle().await;
        assert_eq!((begun.now(), pool.running()), (2, 2));
        drop(map);
    });
}
