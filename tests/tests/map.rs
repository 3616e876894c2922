//! `imap`, `starmap` and their unordered variants: order, limits, constant memory.

use std::pin::Pin;
use std::sync::Arc;

use futures::stream::FusedStream;
use futures::{Stream, StreamExt, poll};
use greenpool::{GreenMap, GreenPool};
use greenpool_tests::{Gate, Gauge, paused, threads, until_idle};

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

#[test]
fn imap_yields_results_in_item_order() {
    paused(async {
        let (pool, gates) = (GreenPool::new(3), gates(3));
        let mut map = pool.imap(gated(&gates), 0..3);
        for gate in gates.iter().rev() {
            assert!(poll!(std::pin::pin!(map.next())).is_pending());
            gate.open();
            until_idle().await;
        }
        assert_eq!(values(map).await, [0, 1, 2]);
    });
}

#[test]
fn imap_unordered_yields_results_in_completion_order() {
    paused(async {
        let (pool, gates) = (GreenPool::new(3), gates(3));
        let mut map = pool.imap_unordered(gated(&gates), 0..3);
        for n in [1, 2, 0] {
            gates[n].open();
            assert_eq!(map.next().await.unwrap().unwrap(), n);
        }
        assert!(map.next().await.is_none());
    });
}

#[test]
fn imap_over_a_tuple_zips() {
    paused(async {
        let pool = GreenPool::new(2);
        let sum = pool.imap(|a: i32, b: i32| async move { a + b }, ([1, 2, 3], vec![10, 20]));
        assert_eq!(values(sum).await, [11, 22]);
        let text =
            pool.imap(|a: &str, b: char, c: u8| async move { format!("{a}{b}{c}") }, (["x", "y"], "ab".chars(), 1..));
        assert_eq!(values(text).await, ["xa1", "yb2"]);
    });
}

#[test]
fn starmap_unpacks_tuples() {
    paused(async {
        let pool = GreenPool::new(2);
        let map = pool.starmap(|a: i32, b: i32, c: i32| async move { a + b * c }, [(1, 2, 3), (4, 5, 6)]);
        assert_eq!(values(map).await, [7, 34]);
        let single = pool.starmap(|a: i32| async move { -a }, [(1,), (2,)]);
        assert_eq!(values(single).await, [-1, -2]);
        let mut unordered =
            values(pool.starmap_unordered(|a: i32, b: i32| async move { a * b }, [(1, 2), (3, 4)])).await;
        unordered.sort_unstable();
        assert_eq!(unordered, [2, 12]);
    });
}

#[test]
fn an_empty_map_ends_at_once_at_any_pool_size() {
    paused(async {
        for size in [0, 1, 5] {
            let mut map = GreenPool::new(size).imap(|n: i32| async move { n }, []);
            assert!(map.next().await.is_none());
            assert!(map.next().await.is_none(), "`None` again after the end");
        }
    });
}

#[test]
fn a_map_starts_without_being_polled() {
    paused(async {
        let (pool, ran) = (GreenPool::new(2), Gauge::default());
        let inside = ran.clone();
        let map = pool.imap(
            move |n: i32| {
                let inside = inside.clone();
                async move {
                    drop(inside.enter());
                    n
                }
            },
            0..2,
        );
        until_idle().await;
        assert_eq!(ran.total(), 2);
        assert_eq!(values(map).await, [0, 1]);
    });
}

#[test]
fn a_job_starts_when_another_completes_even_out_of_order() {
    paused(async {
        let (pool, gates) = (GreenPool::new(2), gates(4));
        let map = pool.imap(gated(&gates), 0..4).window(4);
        until_idle().await;
        assert_eq!(pool.running(), 2);
        gates[1].open();
        gates[2].open();
        gates[3].open();
        until_idle().await;
        assert_eq!(pool.running(), 1, "all except the first have completed");
        gates[0].open();
        assert_eq!(values(map).await, [0, 1, 2, 3]);
    });
}

#[test]
fn a_long_map_on_several_threads_stays_in_order() {
    threads(4, async {
        let pool = GreenPool::new(16);
        let job = |n: usize| async move {
            if n % 5 == 1 {
                tokio::task::yield_now().await;
            }
            n
        };
        assert_eq!(values(pool.imap(job, 0..20_000)).await, (0..20_000).collect::<Vec<_>>());
        let mut unordered = values(pool.imap_unordered(job, 0..20_000)).await;
        unordered.sort_unstable();
        assert_eq!(unordered, (0..20_000).collect::<Vec<_>>());
        assert_eq!(pool.running(), 0);
    });
}

#[test]
fn a_panicking_job_keeps_its_place_and_the_map_continues() {
    paused(async {
        let pool = GreenPool::new(2);
        let job = |n: i32| async move {
            if n == 1 {
                std::panic::resume_unwind(Box::new("one"));
            }
            n
        };
        let mut map = pool.imap(job, 0..3);
        assert_eq!(map.next().await.unwrap().unwrap(), 0);
        assert!(map.next().await.unwrap().expect_err("the second panics").is_panic());
        assert_eq!(map.next().await.unwrap().unwrap(), 2);
        assert!(map.next().await.is_none());
    });
}

#[test]
fn a_function_that_panics_when_called_keeps_its_place() {
    paused(async {
        let pool = GreenPool::new(1);
        let job = |n: i32| {
            if n == 1 {
                std::panic::resume_unwind(Box::new("one"));
            }
            async move { n }
        };
        let mut map = pool.imap(job, 0..3);
        assert_eq!(map.next().await.unwrap().unwrap(), 0);
        assert!(map.next().await.unwrap().expect_err("the second panics").is_panic());
        assert_eq!(map.next().await.unwrap().unwrap(), 2);
        assert!(map.next().await.is_none());
        assert_eq!(pool.running(), 0);
    });
}

#[test]
fn a_cancelled_next_takes_nothing() {
    paused(async {
        let (pool, gates) = (GreenPool::new(1), gates(2));
        let mut map = pool.imap(gated(&gates), 0..2);
        for gate in gates.iter() {
            let mut next = Box::pin(map.next());
            assert!(poll!(&mut next).is_pending());
            gate.open();
            until_idle().await;
            drop(next);
            assert!(map.next().await.is_some());
        }
        assert!(map.next().await.is_none());
    });
}

#[test]
fn a_map_is_a_fused_unpin_stream() {
    fn check<S: Stream + FusedStream + Unpin + Send>(stream: S) -> S {
        stream
    }
    paused(async {
        let pool = GreenPool::new(2);
        let mut map = check(pool.imap(|n: i32| async move { n }, 0..3));
        assert!(!map.is_terminated());
        let all: Vec<i32> = StreamExt::map(map.by_ref(), Result::unwrap).collect().await;
        assert_eq!(all, [0, 1, 2]);
        assert!(map.is_terminated());
        for _ in 0..3 {
            assert!(StreamExt::next(&mut map).await.is_none());
        }
    });
}
