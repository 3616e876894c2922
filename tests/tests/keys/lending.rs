//! Jobs that wait for calls with a key.

use std::future::pending;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use futures::poll;
use greenpool::GreenPool;
use greenpool_tests::{Gate, Gauge, Log, paused, threads, until_idle};
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::{Gauges, keyed};

/// A job that spawns `width` jobs of the same key, to a depth, and awaits them one after the other.
fn visit(pool: GreenPool, key: u32, width: u32, depth: u32, gauges: Gauges) -> BoxFuture<'static, u32> {
    Box::pin(async move {
        let inside = gauges.enter(key);
        yield_now().await;
        drop(inside);
        let mut visited = 1;
        if depth > 0 {
            for _ in 0..width {
                let job = visit(pool.clone(), key, width, depth - 1, gauges.clone());
                visited += pool.spawn_keyed(key, job).await.await.unwrap();
            }
        }
        let _inside = gauges.enter(key);
        yield_now().await;
        visited
    })
}

#[test]
fn a_job_lends_its_key_with_its_slot_to_a_call_of_the_same_key() {
    for (size, per_key) in [(100, 1), (1, 1), (2, 1), (3, 2), (100, 4)] {
        paused(async move {
            let (pool, gauges) = (keyed(size, per_key), Gauges::default());
            let jobs = (0..4).map(|_| pool.spawn_keyed(0, visit(pool.clone(), 0, 2, 4, gauges.clone())));
            for green in join_all(jobs).await {
                assert_eq!(green.await.unwrap(), 31);
            }
            assert!(gauges.peak() <= per_key, "{} of {per_key}", gauges.peak());
            assert_eq!((pool.stats().finished, pool.keys().len(), pool.running()), (4 * 31, 0, 0));
        });
    }
}

#[test]
fn recursion_in_one_key_has_no_bound_of_depth() {
    paused(async {
        let (pool, gauges) = (keyed(8, 1), Gauges::default());
        let job = visit(pool.clone(), 0, 1, 10_000, gauges.clone());
        assert_eq!(pool.spawn_keyed(0, job).await.await.unwrap(), 10_001);
        assert_eq!((gauges.peak(), pool.stats().overflowed), (1, 0));
    });
}

/// Each job of one key waits for jobs of the other, and so on.
fn cross(pools: [GreenPool; 2], at: usize, depth: u32) -> BoxFuture<'static, u32> {
    Box::pin(async move {
        yield_now().await;
        if depth == 0 {
            return 1;
        }
        let next = 1 - at;
        let pool = pools[next].clone();
        let spawn = |depth| pool.spawn_keyed(next, cross(pools.clone(), next, depth));
        let (one, two) = (spawn(depth - 1).await, spawn(depth - 1).await);
        1 + one.await.unwrap() + two.await.unwrap()
    })
}

#[test]
fn keys_that_wait_for_each_other_do_not_deadlock() {
    for size in [1, 2, 100] {
        paused(async move {
            // In one pool. Of a large one, another job has a slot for ever.
            let pool = keyed(size, 1);
            let others = usize::from(size > 50);
            if others > 0 {
                pool.spawn_n(std::future::pending::<()>()).await;
            }
            let jobs = [0, 1].map(|at| pool.spawn_keyed(at, cross([pool.clone(), pool.clone()], at, 6)));
            for green in join_all(jobs).await {
                assert_eq!(green.await.unwrap(), 127);
            }
            assert_eq!((pool.running(), pool.keys().len()), (others, 0));
            // In two pools.
            let pools = [keyed(size, 1), keyed(size, 1)];
            let jobs = [0, 1].map(|at| pools[at].spawn_keyed(at, cross(pools.clone(), at, 6)));
            for green in join_all(jobs).await {
                assert_eq!(green.await.unwrap(), 127);
            }
            assert_eq!((pools[0].running(), pools[1].running()), (0, 0));
        });
    }
}

#[test]
fn keys_that_wait_for_each_other_do_not_deadlock_on_several_threads() {
    threads(4, async {
        for _ in 0..8 {
            let pools = [keyed(2, 1), keyed(3, 1)];
            let jobs = [0, 1].map(|at| pools[at].spawn_keyed(at, cross(pools.clone(), at, 5)));
            for green in join_all(jobs).await {
                assert_eq!(green.await.unwrap(), 63);
            }
        }
    });
}

#[test]
fn a_circle_of_two_keys_is_resolved_by_one_call_over_the_limit() {
    paused(async {
        let (pool, both) = (keyed(100, 1), Gauge::default());
        let meet = std::sync::Arc::new(tokio::sync::Barrier::new(2));
        let job = |own: u32, other: u32| {
            let (jobs, both, meet) = (pool.clone(), both.clone(), meet.clone());
            pool.spawn_keyed(own, async move {
                meet.wait().await;
                let green = jobs.spawn_keyed(other, async move { drop(both.enter()) }).await;
                green.await.unwrap();
            })
        };
        let (one, two) = (job(1, 2).await, job(2, 1).await);
        one.await.unwrap();
        two.await.unwrap();
        assert_eq!((both.total(), pool.stats().overflowed), (2, 1));
    });
}

#[test]
fn a_key_that_is_held_is_no_deadlock_while_its_job_moves() {
    paused(async {
        let (pool, gate, log) = (keyed(1, 1), Gate::new(), Log::new());
        let (outer, opened, inner) = (pool.clone(), gate.clone(), log.clone());
        let holder = keyed(1, 1);
        let held = holder.clone();
        holder.queue_keyed("a", opened.opened());
        let waits = pool.spawn_keyed("b", async move {
            held.spawn_keyed("a", async move { inner.push(()) }).await.await.unwrap();
            drop(outer);
        });
        let green = waits.await;
        until_idle().await;
        assert!(log.take().is_empty());
        assert_eq!((holder.stats().waiting_for_key, holder.stats().overflowed), (1, 0));
        gate.open();
        green.await.unwrap();
        assert_eq!(log.take(), [()]);
    });
}

#[test]
fn a_job_lends_its_slot_when_the_key_of_the_call_becomes_free() {
    paused(async {
        let (pool, gate, log) = (keyed(2, 1), Gate::new(), Log::new());
        pool.queue_keyed("a", gate.clone().opened());
        let (jobs, parent) = (pool.clone(), log.clone());
        // Its child waits for `a`. When that is free, all slots but that of the parent are taken.
        let green = pool
            .spawn_keyed("b", async move {
                let child = parent.clone();
                jobs.spawn_n_keyed("a", async move { child.push("child") }).await;
                parent.push("parent");
            })
            .await;
        let later = Gate::new();
        for key in ["c", "d"] {
            let (later, log) = (later.clone(), log.clone());
            pool.queue_keyed(key, async move {
                log.push(key);
                later.opened().await;
            });
        }
        until_idle().await;
        assert_eq!(log.take(), [""; 0]);
        gate.open();
        until_idle().await;
        // The parent lent its slot to the child as soon as that was in line. The slot of the first `a` went to `c`.
        let mut seen = log.take();
        seen.sort_unstable();
        assert_eq!(seen, ["c", "child", "d", "parent"]);
        later.open();
        green.await.unwrap();
        pool.waitall().await;
    });
}

#[test]
fn a_job_that_goes_on_beside_its_child_does_not_lend_its_key_again() {
    paused(async {
        let (pool, gauge) = (keyed(10, 1), Gauge::default());
        let (inside, children) = (pool.clone(), gauge.clone());
        let parent = async move {
            let child = |n: u64| {
                let (pool, gauge) = (inside.clone(), children.clone());
                async move {
                    // By then another child has the key, and the timer has woken the parent.
                    sleep(Duration::from_millis(10 * n)).await;
                    let job = async move {
                        let _inside = gauge.enter();
                        sleep(Duration::from_secs(1)).await;
                    };
                    pool.spawn_keyed("k", job).await.await.unwrap();
                }
            };
            join_all((0..5).map(child)).await;
        };
        pool.spawn_keyed("k", parent).await.await.unwrap();
        assert_eq!((gauge.peak(), gauge.total()), (1, 5));
        assert_eq!((pool.running(), pool.keys().len(), pool.stats().overflowed), (0, 0, 0));
    });
}

#[test]
fn a_job_lends_its_slot_when_a_call_ahead_of_the_one_it_waits_for_is_given_up() {
    paused(async {
        for dropped in [false, true] {
            let (pool, gate, begin) = (keyed(2, 1), Gate::new(), Gate::new());
            let first = pool.spawn_keyed("k", gate.clone().opened()).await;
            let (inside, may_begin) = (pool.clone(), begin.clone());
            let waits = async move {
                may_begin.opened().await;
                inside.spawn_keyed("k", async { 7 }).await.await.unwrap()
            };
            let waits = pool.spawn(waits).await;
            // These are queued: one that never ends, and one that is parked ahead of the call that the job waits for.
            pool.queue(pending::<()>());
            let mut ahead = Box::pin(pool.spawn_keyed("k", async { unreachable!("it was given up") }));
            if dropped {
                assert!(poll!(&mut ahead).is_pending());
            } else {
                pool.queue_keyed("k", async { unreachable!("it was given up") });
            }
            begin.open();
            until_idle().await;
            gate.open();
            first.await.unwrap();
            until_idle().await;
            assert_eq!((pool.running(), pool.stats().spawned), (2, 3), "the one that never ends has the free slot");
            drop(ahead);
            pool.close();
            assert_eq!(waits.await.unwrap(), 7);
            pool.abort_all().await;
        }
    });
}
