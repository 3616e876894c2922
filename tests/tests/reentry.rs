//! Jobs that use their own pool, and pools that use each other.

use std::pin::Pin;

use futures::poll;
use greenpool::{GreenPile, GreenPool};
use greenpool_tests::{Gate, Gauge, Log, at_rest, paused};

type Job<T> = Pin<Box<dyn Future<Output = T> + Send>>;

#[test]
fn a_job_of_a_full_pool_lends_its_slot_to_the_child_and_waits_for_it() {
    paused(async {
        let (pool, order, gate) = (GreenPool::new(1), Log::new(), Gate::new());
        let (inner, log, open) = (pool.clone(), order.clone(), gate.clone());
        let green = pool
            .spawn(async move {
                log.push("parent");
                let child_log = log.clone();
                let child = inner
                    .spawn(async move {
                        child_log.push("child");
                        open.passed().await;
                        child_log.push("child ends");
                        7
                    })
                    .await;
                log.push("parent goes on");
                child.await.unwrap()
            })
            .await;
        at_rest().await;
        assert_eq!(order.take(), ["parent", "child"]);
        assert_eq!((pool.running(), pool.free(), pool.waiting()), (1, 0, 0), "the limit stays exact");
        gate.open();
        assert_eq!(green.await.unwrap(), 7);
        assert_eq!(order.take(), ["child ends", "parent goes on"]);
        assert_eq!((pool.running(), pool.free()), (0, 1));
    });
}

#[test]
fn spawn_n_lends_too() {
    paused(async {
        let (pool, ran) = (GreenPool::new(1), Gauge::default());
        let (inner, inside) = (pool.clone(), ran.clone());
        pool.spawn_n(async move {
            for _ in 0..3 {
                let inside = inside.clone();
                inner.spawn_n(async move { drop(inside.enter()) }).await;
            }
        })
        .await;
        pool.waitall().await;
        assert_eq!(ran.total(), 3);
    });
}

#[test]
fn with_a_free_slot_the_child_takes_that() {
    paused(async {
        let (pool, gate) = (GreenPool::new(2), Gate::new());
        let (inner, open) = (pool.clone(), gate.clone());
        let green = pool.spawn(async move { drop(inner.spawn(open.passed()).await) }).await;
        green.await.unwrap();
        assert_eq!(pool.running(), 1, "the parent did not wait for the child");
        gate.open();
        pool.waitall().await;
    });
}

#[test]
fn a_lent_slot_overtakes_those_who_are_queued_and_takes_nothing_from_them() {
    paused(async {
        let (pool, gate, order) = (GreenPool::new(1), Gate::new(), Log::new());
        let (inner, open, log) = (pool.clone(), gate.clone(), order.clone());
        pool.spawn_n(async move {
            open.passed().await;
            let child = log.clone();
            inner.spawn_n(async move { child.push("child") }).await;
            log.push("parent");
        })
        .await;
        let log = order.clone();
        let mut queued = Box::pin(pool.spawn_n(async move { log.push("queued") }));
        assert!(poll!(&mut queued).is_pending());
        gate.open();
        queued.await;
        pool.waitall().await;
        assert_eq!(order.take(), ["child", "parent", "queued"]);
    });
}

#[test]
fn a_childs_panic_comes_through_its_handle() {
    paused(async {
        let pool = GreenPool::new(1);
        let inner = pool.clone();
        let job = async move {
            let failing: Job<()> = Box::pin(async { std::panic::resume_unwind(Box::new("planned")) });
            inner.spawn(failing).await.await.expect_err("the child panics").is_panic()
        };
        assert!(pool.spawn(job).await.await.unwrap());
        assert_eq!((pool.running(), pool.free()), (0, 1));
    });
}

#[test]
fn a_parent_that_is_aborted_while_it_lends_takes_the_child_along() {
    paused(async {
        let (pool, alive) = (GreenPool::new(1), Gauge::default());
        let (inner, inside) = (pool.clone(), alive.enter());
        let parent = pool
            .spawn(async move {
                let child = async move {
                    let _inside = inside;
                    std::future::pending::<()>().await;
                };
                drop(inner.spawn(child).await);
            })
            .await;
        at_rest().await;
        parent.abort();
        assert!(parent.await.expect_err("aborted").is_cancelled());
        at_rest().await;
        assert_eq!((alive.now(), pool.running(), pool.free()), (0, 0, 1));
    });
}

/// A chain of jobs, each of which waits for its child in the same pool.
fn chain(pool: GreenPool, depth: usize) -> Job<usize> {
    Box::pin(async move {
        if depth == 0 {
            return 0;
        }
        let child = pool.spawn(chain(pool.clone(), depth - 1)).await;
        child.await.unwrap() + 1
    })
}

#[test]
fn recursion_has_no_depth_limit() {
    paused(async {
        for size in [1, 2, 7] {
            let pool = GreenPool::new(size);
            assert_eq!(pool.spawn(chain(pool.clone(), 5_000)).await.await.unwrap(), 5_000);
            assert_eq!((pool.running(), pool.free()), (0, size.cast_signed()));
        }
    });
}

/// A tree of jobs: each spawns both its children before it waits for them.
fn tree(pool: GreenPool, gauge: Gauge, depth: usize) -> Job<usize> {
    Box::pin(async move {
        if depth == 0 {
            let _inside = gauge.enter();
            tokio::task::yield_now().await;
            return 1;
        }
        let left = pool.spawn(tree(pool.clone(), gauge.clone(), depth - 1)).await;
        let right = pool.spawn(tree(pool.clone(), gauge, depth - 1)).await;
        left.await.unwrap() + right.await.unwrap()
    })
}

#[test]
fn a_tree_of_jobs_ends_within_the_limit() {
    paused(async {
        for size in [1, 2, 3, 10] {
            let (pool, gauge) = (GreenPool::new(size), Gauge::default());
            assert_eq!(pool.spawn(tree(pool.clone(), gauge.clone(), 8)).await.await.unwrap(), 256);
            assert!(gauge.peak() <= size, "{} of {size}", gauge.peak());
            assert_eq!(pool.running(), 0);
        }
    });
}

#[test]
fn a_map_inside_a_job_of_the_same_full_pool_ends() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(1), Gauge::default());
        let (inner, inside) = (pool.clone(), gauge.clone());
        let job = async move {
            let work = move |n: u32| {
                let inside = inside.clone();
                async move {
                    let _inside = inside.enter();
                    tokio::task::yield_now().await;
                    n
                }
            };
            let mut map = inner.imap(work, 0..10);
            let mut sum = 0;
            while let Some(n) = map.next().await {
                sum += n.unwrap();
            }
            sum
        };
        assert_eq!(pool.spawn(job).await.await.unwrap(), 45);
        assert_eq!((gauge.peak(), pool.running(), pool.free()), (1, 0, 1));
    });
}

#[test]
fn maps_inside_maps_of_the_same_pool_end() {
    fn nested(pool: GreenPool, depth: u32) -> Job<u32> {
        Box::pin(async move {
            if depth == 0 {
                return 1;
            }
            let inner = pool.clone();
            let mut map = pool.imap(move |_| nested(inner.clone(), depth - 1), 0..3);
            let mut sum = 0;
            while let Some(n) = map.next().await {
                sum += n.unwrap();
            }
            sum
        })
    }
    paused(async {
        for size in [1, 2, 5] {
            let pool = GreenPool::new(size);
            assert_eq!(nested(pool.clone(), 4).await, 81);
            assert_eq!(pool.spawn(nested(pool.clone(), 4)).await.await.unwrap(), 81);
            assert_eq!(pool.running(), 0);
        }
    });
}

#[test]
fn a_pile_inside_a_job_of_the_same_full_pool_ends() {
    paused(async {
        let pool = GreenPool::new(1);
        let inner = pool.clone();
        let job = async move {
            let mut pile = GreenPile::on(&inner);
            for n in 0..5 {
                pile.spawn(async move { n }).await;
            }
            let mut sum = 0;
            while let Some(n) = pile.next().await {
                sum += n.unwrap();
            }
            sum
        };
        assert_eq!(pool.spawn(job).await.await.unwrap(), 10);
        assert_eq!((pool.running(), pool.free()), (0, 1));
    });
}

/// Each pool's job waits for a job of the next pool, round and round.
fn round(pools: Vec<GreenPool>, left: usize) -> Job<usize> {
    Box::pin(async move {
        if left == 0 {
            return 0;
        }
        let next = pools[left % pools.len()].clone();
        next.spawn(round(pools, left - 1)).await.await.unwrap() + 1
    })
}

#[test]
fn pools_that_call_each_other_in_a_circle_end() {
    paused(async {
        for n in 2..=3 {
            let pools: Vec<GreenPool> = (0..n).map(|_| GreenPool::new(1)).collect();
            assert_eq!(round(pools.clone(), 20).await, 20);
            for pool in &pools {
                assert_eq!((pool.running(), pool.waiting(), pool.free()), (0, 0, 1));
            }
        }
    });
}
