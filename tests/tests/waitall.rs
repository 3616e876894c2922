//! `GreenPool::waitall`.

use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake};

use futures::{FutureExt, poll};
use greenpool::{GreenPool, PoolStats, lend};
use greenpool_tests::{Gate, Gauge, paused, threads, until_idle};
use tokio::task::yield_now;

#[test]
fn waitall_on_an_idle_pool_returns_at_once() {
    paused(async {
        assert!(poll!(GreenPool::new(1).waitall()).is_ready());
        assert!(poll!(GreenPool::new(0).waitall()).is_ready());
    });
}

#[test]
fn waitall_waits_for_all_jobs_including_panicking_and_aborted_ones() {
    paused(async {
        let pool = GreenPool::new(4);
        let gate = Gate::new();
        pool.spawn_n(gate.clone().opened()).await;
        let failing = async || -> () { std::panic::resume_unwind(Box::new("planned")) };
        pool.spawn_n(failing()).await;
        let aborted = pool.spawn(std::future::pending::<()>()).await;
        let mut all = pool.waitall();
        assert!(poll!(&mut all).is_pending());
        aborted.abort();
        until_idle().await;
        assert!(poll!(&mut all).is_pending());
        gate.open();
        all.await;
        assert_eq!(pool.running(), 0);
    });
}

#[test]
fn waitall_waits_for_queued_spawns() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(1), Gauge::default());
        let gate = Gate::new();
        for _ in 0..5 {
            let (pool, gauge, gate) = (pool.clone(), gauge.clone(), gate.clone());
            tokio::spawn(async move {
                let job = async move {
                    gate.opened().await;
                    drop(gauge.enter());
                };
                pool.spawn_n(job).await;
            });
        }
        until_idle().await;
        assert_eq!(pool.waiting(), 4);
        gate.open();
        pool.waitall().await;
        assert_eq!(gauge.total(), 5, "a pool does not look idle while a slot is being handed over");
    });
}

#[test]
fn waitall_returns_for_every_waiter() {
    paused(async {
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        pool.spawn_n(gate.clone().opened()).await;
        let all: Vec<_> = (0..10).map(|_| tokio::spawn(pool.waitall())).collect();
        until_idle().await;
        assert!(all.iter().all(|all| !all.is_finished()));
        gate.open();
        for all in all {
            all.await.unwrap();
        }
        pool.waitall().await;
    });
}

#[test]
fn waitall_returns_after_a_shrink_to_0_although_a_spawn_is_queued() {
    paused(async {
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        pool.spawn_n(gate.clone().opened()).await;
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
        let _map = pool.imap(move |_| open.clone().opened(), 0..1);
        let pile = greenpool::GreenPile::on(&pool);
        pile.spawn(gate.clone().opened()).await;
        until_idle().await;
        let mut all = pool.waitall();
        assert!(poll!(&mut all).is_pending());
        gate.open();
        all.await;
    });
}

#[test]
fn dropping_a_waitall_does_not_affect_the_pool() {
    paused(async {
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        pool.spawn_n(gate.clone().opened()).await;
        let mut all = pool.waitall();
        assert!(poll!(&mut all).is_pending());
        drop(all);
        gate.open();
        pool.waitall().await;
    });
}

#[test]
fn waitall_panics_inside_a_job_of_the_same_pool() {
    paused(async {
        let pool = GreenPool::new(2);
        let own = pool.clone();
        let job = async move { AssertUnwindSafe(own.waitall()).catch_unwind().await.is_err() };
        assert!(pool.spawn(job).await.await.unwrap());
        pool.waitall().await;
    });
}

#[test]
fn waitall_on_another_pool_works_inside_a_job() {
    paused(async {
        let (pool, other) = (GreenPool::new(1), GreenPool::new(1));
        let gate = Gate::new();
        other.spawn_n(gate.clone().opened()).await;
        let green = pool.spawn(async move { other.waitall().await }).await;
        until_idle().await;
        assert!(!green.is_finished());
        gate.open();
        green.await.unwrap();
    });
}

#[test]
fn a_pool_does_not_look_idle_while_a_slot_goes_to_a_queued_spawn() {
    threads(2, async {
        // Two threads race: one releases the slot, the other checks whether the pool is idle.
        for _ in 0..2_000 {
            let pool = GreenPool::new(0);
            let mut holder = Box::pin(pool.spawn(pending::<()>()));
            let mut queued = Box::pin(pool.spawn(pending::<()>()));
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
            let release = tokio::spawn(async move {
                meet_too();
                drop(holder);
            });
            let mut all = pool.waitall();
            meet();
            let idle = poll!(&mut all).is_ready();
            release.await.unwrap();
            assert!(!idle, "the slot is being handed to the queued spawn");
            drop(queued);
            all.await;
            assert_eq!((pool.running(), pool.waiting()), (0, 0));
        }
    });
}

#[test]
fn waitall_waits_for_a_job_that_has_lent_its_slot() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        pool.spawn_n(lend(gate.clone().opened())).await;
        until_idle().await;
        let mut all = pool.waitall();
        assert!(poll!(&mut all).is_pending());
        // Other jobs come and go in the meantime.
        pool.spawn(async {}).await.await.unwrap();
        until_idle().await;
        assert_eq!((pool.running(), pool.stats().finished), (0, 1));
        assert!(poll!(&mut all).is_pending());
        gate.open();
        all.await;
        assert_eq!(pool.stats().finished, 2);
    });
}

#[test]
fn waitall_waits_for_a_job_that_continues_without_a_slot() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        let opened = gate.clone().opened();
        let job = async {
            assert!(poll!(Box::pin(lend(std::future::pending::<()>()))).is_pending());
            opened.await;
        };
        pool.spawn_n(job).await;
        until_idle().await;
        let mut all = pool.waitall();
        assert!(poll!(&mut all).is_pending());
        gate.open();
        all.await;
        assert_eq!((pool.running(), pool.free(), pool.stats().finished), (0, 1, 1));
    });
}

#[test]
fn waitall_waits_for_a_lender_whose_slot_was_released_by_the_borrower() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        let (inner, opened) = (pool.clone(), gate.clone().opened());
        let job = async move {
            let child = async { assert!(poll!(Box::pin(lend(std::future::pending::<()>()))).is_pending()) };
            inner.spawn(child).await.await.unwrap();
            opened.await;
        };
        pool.spawn_n(job).await;
        let mut all = pool.waitall();
        assert!(poll!(&mut all).is_pending());
        until_idle().await;
        assert!(poll!(&mut all).is_pending());
        gate.open();
        all.await;
        assert_eq!((pool.running(), pool.free(), pool.stats().finished), (0, 1, 2));
    });
}

#[test]
fn waitall_waits_for_a_job_that_has_no_slot_to_resume_with() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        pool.spawn_n(lend(gate.clone().opened())).await;
        until_idle().await;
        pool.resize(0);
        gate.open();
        until_idle().await;
        let mut all = pool.waitall();
        assert!(poll!(&mut all).is_pending());
        assert_eq!((pool.running(), pool.waiting()), (0, 0), "only calls that have not begun are counted");
        pool.resize(1);
        all.await;
        assert_eq!(pool.stats().finished, 1);
    });
}

#[test]
fn the_jobs_that_waitall_has_seen_end_are_counted_at_once() {
    struct Read(GreenPool, Mutex<Vec<PoolStats>>);

    impl Wake for Read {
        fn wake(self: Arc<Self>) {
            self.1.lock().unwrap().push(self.0.stats());
        }
    }

    // Two kinds of jobs: a worker runs the first, and a map the second. Both end while they are marked as aborted.
    for is_map in [false, true] {
        paused(async move {
            let (pool, gate) = (GreenPool::new(1), Gate::new());
            let (inside, opened) = (pool.clone(), gate.clone());
            let job = async move {
                opened.opened().await;
                drop(inside.abort_all());
            };
            let read = Arc::new(Read(pool.clone(), Mutex::default()));
            let _map = if is_map {
                let mut map = pool.imap(|job| job, [job]);
                assert!(map.next().now_or_never().is_none());
                Some(map)
            } else {
                pool.spawn_n(job).await;
                None
            };
            while pool.running() == 0 {
                yield_now().await;
            }
            let mut waitall = pin!(pool.waitall());
            while waitall.as_mut().poll(&mut Context::from_waker(&read.clone().into())).is_pending() {
                gate.open();
                yield_now().await;
            }
            let seen = read.1.lock().unwrap();
            assert!(!seen.is_empty(), "it was woken");
            for stats in &*seen {
                assert_eq!((stats.running, stats.suspended, stats.finished, stats.aborted), (0, 0, 1, 0), "{stats:?}");
            }
        });
    }
}
