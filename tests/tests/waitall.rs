//! `GreenPool::waitall`.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{FutureExt, poll};
use greenpool::{GreenPool, lend};
use greenpool_tests::{Gate, Gauge, at_rest, paused, threads};

#[test]
fn waitall_on_an_idle_pool_returns_at_once() {
    paused(async {
        assert!(poll!(GreenPool::new(1).waitall()).is_ready());
        assert!(poll!(GreenPool::new(0).waitall()).is_ready());
    });
}

#[test]
fn waitall_waits_for_all_jobs_also_failing_and_aborted_ones() {
    paused(async {
        let pool = GreenPool::new(4);
        let gate = Gate::new();
        pool.spawn_n(gate.clone().passed()).await;
        let failing = async || -> () { std::panic::resume_unwind(Box::new("planned")) };
        pool.spawn_n(failing()).await;
        let aborted = pool.spawn(std::future::pending::<()>()).await;
        let mut all = pool.waitall();
        assert!(poll!(&mut all).is_pending());
        aborted.abort();
        at_rest().await;
        assert!(poll!(&mut all).is_pending());
        gate.open();
        all.await;
        assert_eq!(pool.running(), 0);
    });
}

#[test]
fn waitall_waits_for_queued_spawners_too() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(1), Gauge::default());
        let gate = Gate::new();
        for _ in 0..5 {
            let (pool, gauge, gate) = (pool.clone(), gauge.clone(), gate.clone());
            tokio::spawn(async move {
                let job = async move {
                    gate.passed().await;
                    drop(gauge.enter());
                };
                pool.spawn_n(job).await;
            });
        }
        at_rest().await;
        assert_eq!(pool.waiting(), 4);
        gate.open();
        pool.waitall().await;
        assert_eq!(gauge.total(), 5, "a slot on its way never lets the pool look idle");
    });
}

#[test]
fn waitall_returns_for_all_who_wait() {
    paused(async {
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        pool.spawn_n(gate.clone().passed()).await;
        let all: Vec<_> = (0..10).map(|_| tokio::spawn(pool.waitall())).collect();
        at_rest().await;
        assert!(all.iter().all(|all| !all.is_finished()));
        gate.open();
        for all in all {
            all.await.unwrap();
        }
        pool.waitall().await;
    });
}

#[test]
fn waitall_returns_after_a_shrink_to_0_though_somebody_is_queued() {
    paused(async {
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        pool.spawn_n(gate.clone().passed()).await;
        let mut queued = pool.spawn(async {});
        assert!(poll!(&mut queued).is_pending());
        let mut all = pool.waitall();
        assert!(poll!(&mut all).is_pending());
        pool.resize(0);
        assert!(poll!(&mut all).is_pending());
        gate.open();
        all.await;
        assert_eq!((pool.running(), pool.waiting()), (0, 1));
    });
}

#[test]
fn waitall_counts_the_jobs_of_maps_and_piles() {
    paused(async {
        let pool = GreenPool::new(2);
        let gate = Gate::new();
        let open = gate.clone();
        let _map = pool.imap(move |_| open.clone().passed(), 0..1);
        let pile = greenpool::GreenPile::on(&pool);
        pile.spawn(gate.clone().passed()).await;
        at_rest().await;
        let mut all = pool.waitall();
        assert!(poll!(&mut all).is_pending());
        gate.open();
        all.await;
    });
}

#[test]
fn a_dropped_waitall_leaves_the_pool_alone() {
    paused(async {
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        pool.spawn_n(gate.clone().passed()).await;
        let mut all = pool.waitall();
        assert!(poll!(&mut all).is_pending());
        drop(all);
        gate.open();
        pool.waitall().await;
    });
}

#[test]
fn waitall_panics_inside_one_of_the_pools_own_jobs() {
    paused(async {
        let pool = GreenPool::new(2);
        let own = pool.clone();
        let job = async move { AssertUnwindSafe(own.waitall()).catch_unwind().await.is_err() };
        assert!(pool.spawn(job).await.await.unwrap());
        pool.waitall().await;
    });
}

#[test]
fn waitall_on_another_pool_is_fine_inside_a_job() {
    paused(async {
        let (pool, other) = (GreenPool::new(1), GreenPool::new(1));
        let gate = Gate::new();
        other.spawn_n(gate.clone().passed()).await;
        let green = pool.spawn(async move { other.waitall().await }).await;
        at_rest().await;
        assert!(!green.is_finished());
        gate.open();
        green.await.unwrap();
    });
}

#[test]
fn a_slot_that_goes_to_a_queued_spawner_never_lets_the_pool_look_idle() {
    threads(2, async {
        // Two threads at a time that only they can decide: one gives the slot back, the other asks whether all is over.
        for _ in 0..2_000 {
            let pool = GreenPool::new(0);
            let mut holder = Box::pin(pool.spawn(async {}));
            let mut queued = Box::pin(pool.spawn(async {}));
            assert!(poll!(&mut holder).is_pending() && poll!(&mut queued).is_pending());
            pool.resize(1);
            let start = Arc::new(AtomicUsize::new(0));
            let meet = move || {
                start.fetch_add(1, Ordering::SeqCst);
                for spins in 0.. {
                    match start.load(Ordering::SeqCst) {
                        2 => break,
                        _ if spins < 1000 => std::hint::spin_loop(),
                        _ => std::thread::yield_now(),
                    }
                }
            };
            let meet_too = meet.clone();
            let gone = tokio::spawn(async move {
                meet_too();
                drop(holder);
            });
            let mut all = pool.waitall();
            meet();
            let idle = poll!(&mut all).is_ready();
            gone.await.unwrap();
            assert!(!idle, "the slot is on its way to the one that is queued");
            assert_eq!((pool.running(), pool.waiting()), (1, 0));
        }
    });
}

#[test]
fn waitall_waits_for_a_job_that_has_given_its_slot_back_for_a_while() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        pool.spawn_n(lend(gate.clone().passed())).await;
        at_rest().await;
        let mut all = pool.waitall();
        assert!(poll!(&mut all).is_pending());
        // Others come and go meanwhile.
        pool.spawn(async {}).await.await.unwrap();
        at_rest().await;
        assert_eq!((pool.running(), pool.stats().finished), (0, 1));
        assert!(poll!(&mut all).is_pending());
        gate.open();
        all.await;
        assert_eq!(pool.stats().finished, 2);
    });
}

#[test]
fn waitall_waits_for_a_job_that_goes_on_without_its_slot() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        let passed = gate.clone().passed();
        let job = async {
            assert!(poll!(Box::pin(lend(std::future::pending::<()>()))).is_pending());
            passed.await;
        };
        pool.spawn_n(job).await;
        at_rest().await;
        let mut all = pool.waitall();
        assert!(poll!(&mut all).is_pending());
        gate.open();
        all.await;
        assert_eq!((pool.running(), pool.free(), pool.stats().finished), (0, 1, 1));
    });
}

#[test]
fn waitall_waits_for_a_lender_whose_slot_was_given_back_by_the_borrower() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        let (inner, passed) = (pool.clone(), gate.clone().passed());
        let job = async move {
            let child = async { assert!(poll!(Box::pin(lend(std::future::pending::<()>()))).is_pending()) };
            inner.spawn(child).await.await.unwrap();
            passed.await;
        };
        pool.spawn_n(job).await;
        let mut all = pool.waitall();
        assert!(poll!(&mut all).is_pending());
        at_rest().await;
        assert!(poll!(&mut all).is_pending());
        gate.open();
        all.await;
        assert_eq!((pool.running(), pool.free(), pool.stats().finished), (0, 1, 2));
    });
}

#[test]
fn waitall_waits_for_a_job_that_finds_no_slot_to_go_on_with() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        pool.spawn_n(lend(gate.clone().passed())).await;
        at_rest().await;
        pool.resize(0);
        gate.open();
        at_rest().await;
        let mut all = pool.waitall();
        assert!(poll!(&mut all).is_pending());
        assert_eq!((pool.running(), pool.waiting()), (0, 1));
        pool.resize(1);
        all.await;
        assert_eq!(pool.stats().finished, 1);
    });
}
