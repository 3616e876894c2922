//! Jobs that use their own pool, and pools whose jobs use each other.

use std::pin::Pin;

use futures::poll;
use greenpool::{GreenPile, GreenPool};
use greenpool_tests::{Gate, Gauge, Log, paused, until_idle};

type Job<T> = Pin<Box<dyn Future<Output = T> + Send>>;

#[test]
fn a_job_of_a_full_pool_lends_its_slot_to_the_child_it_awaits() {
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
                        open.opened().await;
                        child_log.push("child completes");
                        7
                    })
                    .await;
                log.push("parent resumes");
                child.await.unwrap()
            })
            .await;
        until_idle().await;
        assert_eq!(order.take(), ["parent", "child"]);
        assert_eq!((pool.running(), pool.free(), pool.waiting()), (1, 0, 0), "the limit holds exactly");
        gate.open();
        assert_eq!(green.await.unwrap(), 7);
        assert_eq!(order.take(), ["child completes", "parent resumes"]);
        assert_eq!((pool.running(), pool.free()), (0, 1));
    });
}

#[test]
fn spawn_n_also_lends_the_slot() {
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
fn the_child_takes_a_free_slot_if_there_is_one() {
    paused(async {
        let (pool, gate) = (GreenPool::new(2), Gate::new());
        let (inner, open) = (pool.clone(), gate.clone());
        let green = pool.spawn(async move { drop(inner.spawn(open.opened()).await) }).await;
        green.await.unwrap();
        assert_eq!(pool.running(), 1, "the parent did not wait for the child");
        gate.open();
        pool.waitall().await;
    });
}

#[test]
fn a_lent_slot_bypasses_the_queue_and_then_returns_to_it() {
    paused(async {
        let (pool, gate, order) = (GreenPool::new(1), Gate::new(), Log::new());
        let (inner, open, log) = (pool.clone(), gate.clone(), order.clone());
        pool.spawn_n(async move {
            open.opened().await;
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
fn the_panic_of_a_child_reaches_its_handle() {
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
fn aborting_a_parent_that_waits_for_its_spawned_child_drops_the_child() {
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
        until_idle().await;
        parent.abort();
        assert!(parent.await.expect_err("aborted").is_cancelled());
        until_idle().await;
        assert_eq!((alive.now(), pool.running(), pool.free()), (0, 0, 1));
    });
}

/// A chain of jobs. Each waits for its child in the same pool.
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

/// A tree of jobs. Each spawns both its children before it waits for them.
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
fn a_tree_of_jobs_completes_within_the_limit() {
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
fn a_map_inside_a_job_of_the_same_full_pool_completes() {
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
fn maps_inside_maps_of_the_same_pool_complete() {
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
fn a_pile_inside_a_job_of_the_same_full_pool_completes() {
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

/// Each job waits for a job of the next pool in the cycle.
fn count_down(pools: Vec<GreenPool>, left: usize) -> Job<usize> {
    Box::pin(async move {
        if left == 0 {
            return 0;
        }
        let next = pools[left % pools.len()].clone();
        next.spawn(count_down(pools, left - 1)).await.await.unwrap() + 1
    })
}

#[test]
fn pools_that_call_each_other_in_a_cycle_complete() {
    paused(async {
        for n in 2..=3 {
            let pools: Vec<GreenPool> = (0..n).map(|_| GreenPool::new(1)).collect();
            assert_eq!(count_down(pools.clone(), 20).await, 20);
            for pool in &pools {
                assert_eq!((pool.running(), pool.waiting(), pool.free()), (0, 0, 1));
            }
        }
    });
}
