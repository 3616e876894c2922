//! `GreenPool`: one limit, first come, first served.

use std::sync::Arc;

use futures::poll;
use greenpool::GreenPool;
use greenpool_tests::{Gate, Gauge, Log, paused, threads, until_idle};

#[test]
fn a_new_pool_has_all_slots_free() {
    let pool = GreenPool::new(3);
    assert_eq!((pool.size(), pool.free(), pool.running(), pool.waiting()), (3, 3, 0, 0));
    assert!(!pool.is_closed());
}

#[test]
fn the_default_pool_has_the_same_size_as_in_eventlet() {
    assert_eq!(GreenPool::default().size(), 1000);
}

#[test]
fn a_pool_can_be_a_static() {
    static POOL: GreenPool = GreenPool::const_new(2);
    paused(async {
        assert_eq!(POOL.spawn(async { 7 }).await.await.unwrap(), 7);
        assert_eq!(POOL.size(), 2);
    });
}

#[test]
fn a_clone_is_the_same_pool() {
    paused(async {
        let pool = GreenPool::new(1);
        let other = pool.clone();
        pool.spawn_n(std::future::pending::<()>()).await;
        assert_eq!((other.running(), other.free()), (1, 0));
        other.resize(5);
        assert_eq!(pool.size(), 5);
    });
}

#[test]
fn spawn_with_a_free_slot_takes_it_and_returns_at_once() {
    paused(async {
        let pool = GreenPool::new(2);
        let ran = Gauge::default();
        for running in 1..=2 {
            let ran = ran.clone();
            assert!(poll!(pool.spawn_n(async move { drop(ran.enter()) })).is_ready());
            assert_eq!(pool.running(), running);
        }
        assert_eq!(ran.total(), 0, "no job runs inside `spawn`");
        pool.waitall().await;
        assert_eq!(ran.total(), 2);
    });
}

#[test]
fn nothing_is_spawned_until_the_future_is_awaited() {
    paused(async {
        let pool = GreenPool::new(1);
        drop(pool.spawn(async {}));
        drop(pool.spawn_n(async {}));
        assert_eq!((pool.running(), pool.waiting()), (0, 0));
    });
}

#[test]
fn spawn_waits_for_a_free_slot() {
    paused(async {
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        pool.spawn_n(gate.clone().opened()).await;
        let mut second = pool.spawn(async { 2 });
        assert!(poll!(&mut second).is_pending());
        until_idle().await;
        assert!(poll!(&mut second).is_pending());
        assert_eq!((pool.running(), pool.free(), pool.waiting()), (1, 0, 1));
        gate.open();
        assert_eq!(second.await.await.unwrap(), 2);
        assert_eq!((pool.running(), pool.free(), pool.waiting()), (0, 1, 0));
    });
}

#[test]
fn spawn_n_waits_for_a_free_slot() {
    paused(async {
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        pool.spawn_n(gate.clone().opened()).await;
        let mut second = pool.spawn_n(async {});
        assert!(poll!(&mut second).is_pending());
        gate.open();
        second.await;
        pool.waitall().await;
    });
}

#[test]
fn waiters_are_served_first_come_first_served() {
    paused(async {
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        let order = Log::new();
        pool.spawn_n(gate.clone().opened()).await;
        for n in 0..50 {
            let (queue, order) = (pool.clone(), order.clone());
            tokio::spawn(async move {
                if n % 2 == 0 {
                    queue.spawn_n(async move { order.push(n) }).await;
                } else {
                    drop(queue.spawn(async move { order.push(n) }).await);
                }
            });
            until_idle().await;
            assert_eq!(pool.waiting(), n + 1);
        }
        gate.open();
        pool.waitall().await;
        assert_eq!(order.take(), (0..50).collect::<Vec<_>>());
    });
}

#[test]
fn no_fast_path_overtakes_a_waiter() {
    paused(async {
        let pool = GreenPool::new(1);
        let order = Log::new();
        let gate = Gate::new();
        pool.spawn_n(gate.clone().opened()).await;
        let mut first = pool.spawn_n({
            let order = order.clone();
            async move { order.push("first") }
        });
        assert!(poll!(&mut first).is_pending());
        assert!(pool.try_spawn(async {}).is_err());
        let mut second = pool.spawn_n({
            let order = order.clone();
            async move { order.push("second") }
        });
        assert!(poll!(&mut second).is_pending());
        gate.open();
        // They are polled in the other order.
        second.await;
        first.await;
        pool.waitall().await;
        assert_eq!(order.take(), ["first", "second"]);
    });
}

#[test]
fn try_spawn_runs_the_job_if_a_slot_is_free() {
    paused(async {
        let pool = GreenPool::new(1);
        let green = pool.try_spawn(async { 3 }).expect("a free slot");
        assert_eq!(pool.running(), 1);
        assert_eq!(green.await.unwrap(), 3);
    });
}

#[test]
fn try_spawn_returns_the_future_if_the_pool_is_full() {
    paused(async {
        let pool = GreenPool::new(1);
        let first = pool.try_spawn(async { 1 }).expect("a free slot");
        let refused = pool.try_spawn(async { 2 }).expect_err("no free slot");
        assert!(refused.is_full() && !refused.is_closed());
        assert_eq!(pool.waiting(), 0, "nothing is queued");
        assert_eq!((first.await.unwrap(), refused.into_inner().await), (1, 2));
    });
}

#[test]
fn try_spawn_does_not_overtake_a_waiter() {
    paused(async {
        let pool = GreenPool::new(0);
        let mut waiter = pool.spawn(async {});
        assert!(poll!(&mut waiter).is_pending());
        pool.resize(1);
        assert!(pool.try_spawn(async {}).expect_err("the slot belongs to the waiter").is_full());
        waiter.await.await.unwrap();
        assert!(pool.try_spawn(async {}).is_ok());
    });
}

#[test]
fn a_pool_of_size_0_runs_nothing_until_it_is_resized() {
    paused(async {
        let pool = GreenPool::new(0);
        let mut green = pool.spawn(async { 1 });
        assert!(poll!(&mut green).is_pending());
        until_idle().await;
        assert_eq!((pool.free(), pool.running(), pool.waiting()), (0, 0, 1));
        pool.resize(1);
        assert_eq!(green.await.await.unwrap(), 1);
    });
}

/// Submits jobs to one pool by every route, from several tasks at once.
async fn spawn_by_every_route(pool: GreenPool, gauge: Gauge, jobs: usize) {
    let job = move |n: usize| {
        let gauge = gauge.clone();
        async move {
            let _inside = gauge.enter();
            for _ in 0..n % 4 {
                tokio::task::yield_now().await;
            }
            n
        }
    };
    let job = Arc::new(job);
    let spawned = tokio::spawn({
        let (pool, job) = (pool.clone(), job.clone());
        async move {
            for n in 0..jobs {
                pool.spawn_n(job(n)).await;
                drop(pool.spawn(job(n)).await);
                if let Err(full) = pool.try_spawn(job(n)) {
                    drop(full.into_inner());
                }
            }
        }
    });
    let piled = tokio::spawn({
        let (pool, job) = (pool.clone(), job.clone());
        async move {
            let mut pile = greenpool::GreenPile::on(&pool);
            for n in 0..jobs {
                pile.spawn(job(n)).await;
            }
            while let Some(result) = pile.next().await {
                result.unwrap();
            }
        }
    });
    let (by_imap, by_starmap) = (job.clone(), job);
    let mut imap = pool.imap(move |n| by_imap(n), 0..jobs);
    let mut starmap = pool.starmap_unordered(move |a, b| by_starmap(a + b), (0..jobs).map(|n| (n, 1)));
    while let Some(result) = imap.next().await {
        result.unwrap();
    }
    while let Some(result) = starmap.next().await {
        result.unwrap();
    }
    spawned.await.unwrap();
    piled.await.unwrap();
    pool.waitall().await;
}

#[test]
fn the_limit_holds_whatever_route_jobs_take() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(3), Gauge::default());
        spawn_by_every_route(pool.clone(), gauge.clone(), 100).await;
        assert_eq!(gauge.peak(), 3);
        assert!(gauge.total() >= 500);
        assert_eq!((pool.running(), pool.waiting(), pool.free()), (0, 0, 3));
    });
}

#[test]
fn the_limit_holds_on_several_threads() {
    threads(4, async {
        let (pool, gauge) = (GreenPool::new(3), Gauge::default());
        spawn_by_every_route(pool.clone(), gauge.clone(), 2000).await;
        assert!(gauge.peak() <= 3, "{}", gauge.peak());
        assert_eq!((pool.running(), pool.waiting(), pool.free()), (0, 0, 3));
    });
}

#[test]
fn debug_output_shows_size_and_running() {
    paused(async {
        let pool = GreenPool::new(2);
        pool.spawn_n(std::future::pending::<()>()).await;
        let text = format!("{pool:?}");
        assert!(text.contains("size: 2") && text.contains("running: 1"), "{text}");
    });
}
