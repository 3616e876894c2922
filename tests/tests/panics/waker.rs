//! Panics in wakers: a waiter's waker panics in the job that wakes it.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::FutureExt;
use greenpool::{GreenPile, GreenPool, green_pool, pile};
use greenpool_tests::{Gate, paused, until_idle};

use crate::route::planned;

/// A waker that panics when woken.
struct PanicOnWake;

impl Wake for PanicOnWake {
    fn wake(self: Arc<Self>) {
        planned();
    }
}

/// A waker that panics only when its last clone is dropped.
struct PanicOnDrop;

impl Wake for PanicOnDrop {
    fn wake(self: Arc<Self>) {
        std::mem::forget(self);
    }
}

impl Drop for PanicOnDrop {
    fn drop(&mut self) {
        planned();
    }
}

/// Polls with a waker that panics.
fn poll_panicking<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    future.poll_unpin(&mut Context::from_waker(&Waker::from(Arc::new(PanicOnWake))))
}

/// A pool of one slot whose only job ends when the gate opens.
async fn occupied() -> (GreenPool, greenpool::GreenThread<u32>, Gate) {
    let (pool, gate) = (GreenPool::new(1), Gate::new());
    let job = gate.clone().opened().map(|()| 1);
    let green = pool.spawn(job).await;
    (pool, green, gate)
}

#[test]
fn a_spawn_whose_waker_panics_does_not_fail_the_job_before_it() {
    paused(async {
        let (pool, green, gate) = occupied().await;
        let mut spawn = pool.spawn(async { 2 });
        let mut spawn_n = pool.spawn_n(async {});
        assert!(poll_panicking(&mut spawn).is_pending() && poll_panicking(&mut spawn_n).is_pending());
        gate.open();
        assert_eq!(green.await.unwrap(), 1);
        until_idle().await;
        assert_eq!((pool.running(), pool.waiting(), pool.stats().finished), (0, 0, 3), "both ran without being polled");
        assert_eq!(spawn.await.await.unwrap(), 2);
        spawn_n.await;
        pool.waitall().await;
        assert_eq!((pool.stats().finished, pool.stats().panicked, pool.free()), (3, 0, 1));
    });
}

#[test]
fn a_waker_that_panics_does_not_stop_other_wake_ups() {
    paused(async {
        let pool = GreenPool::new(0);
        let mut panicking = pool.spawn(async {});
        assert!(poll_panicking(&mut panicking).is_pending());
        let inside = pool.clone();
        let second = tokio::spawn(async move { inside.spawn(async { 2 }).await.await.unwrap() });
        until_idle().await;
        assert!(
            catch_unwind(AssertUnwindSafe(|| pool.resize(2))).is_ok(),
            "the panic does not reach the caller of `resize`"
        );
        assert_eq!(second.await.unwrap(), 2);
        drop(panicking);
        assert_eq!(pool.free(), 2);
    });
}

#[test]
fn a_waitall_whose_waker_panics_does_not_fail_the_last_job() {
    paused(async {
        let (pool, green, gate) = occupied().await;
        let (mut all, mut down) = (pool.waitall(), pool.shutdown(Duration::from_secs(1)));
        assert!(poll_panicking(&mut all).is_pending() && poll_panicking(&mut down).is_pending());
        gate.open();
        assert_eq!(green.await.unwrap(), 1);
        until_idle().await;
        assert_eq!((pool.stats().finished, pool.stats().panicked, pool.free()), (1, 0, 1));
        assert!(poll_panicking(&mut all).is_ready());
        assert_eq!(down.await.finished, 1);
    });
}

#[test]
fn abort_all_aborts_every_job_even_if_its_waker_panics() {
    paused(async {
        let pool = GreenPool::new(2);
        let (first, second) = (pool.spawn(pending::<()>()).await, pool.spawn(pending::<()>()).await);
        until_idle().await;
        let mut aborted = pool.abort_all();
        assert!(poll_panicking(&mut aborted).is_pending());
        assert!(first.await.unwrap_err().is_cancelled() && second.await.unwrap_err().is_cancelled());
        assert!(poll_panicking(&mut aborted).is_ready());
        assert_eq!((pool.stats().aborted, pool.stats().panicked, pool.free()), (2, 0, 2));
    });
}

#[test]
fn a_handle_whose_waker_panics_does_not_fail_its_job() {
    #[green_pool(size = 1)]
    async fn pass(gate: Gate) -> u32 {
        gate.opened().await;
        3
    }

    paused(async {
        let (pool, mut green, gate) = occupied().await;
        let mut declared = pass::spawn(gate.clone()).await;
        let mut both = pile![pass(gate.clone()), pass(gate.clone())].join();
        assert!(poll_panicking(&mut green).is_pending());
        assert!(poll_panicking(&mut declared).is_pending());
        assert!(poll_panicking(&mut both).is_pending());
        gate.open();
        until_idle().await;
        assert_eq!(green.await.unwrap() + declared.await.unwrap(), 4);
        let (a, b) = both.await;
        assert_eq!(a.unwrap() + b.unwrap(), 6);
        for pool in [&pool, pass::pool()] {
            assert_eq!((pool.stats().panicked, pool.stats().aborted, pool.free()), (0, 0, 1));
        }
    });
}

#[test]
fn a_map_continues_after_its_consumers_waker_panics() {
    paused(async {
        for unordered in [false, true] {
            let (pool, gate) = (GreenPool::new(2), Gate::new());
            let open = gate.clone();
            let job = move |n: u32| open.clone().opened().map(move |()| n);
            let mut map = if unordered { pool.imap_unordered(job, 0..6) } else { pool.imap(job, 0..6) };
            assert!(poll_panicking(&mut map.next()).is_pending());
            gate.open();
            until_idle().await;
            let mut sum = 0;
            while let Some(result) = map.next().await {
                sum += result.unwrap();
            }
            assert_eq!((sum, pool.stats().panicked, pool.stats().aborted, pool.free()), (15, 0, 0, 2));
        }
    });
}

#[test]
fn a_map_over_an_async_source_continues_after_its_consumers_waker_panics() {
    paused(async {
        let (pool, gate) = (GreenPool::new(2), Gate::new());
        let open = gate.clone();
        let job = move |n: u32| open.clone().opened().map(move |()| n);
        let mut map = pool.imap_stream(job, futures::stream::iter(0..6));
        assert!(poll_panicking(&mut map.next()).is_pending());
        gate.open();
        until_idle().await;
        let mut sum = 0;
        while let Some(result) = map.next().await {
            sum += result.unwrap();
        }
        assert_eq!((sum, pool.stats().panicked, pool.stats().aborted, pool.free()), (15, 0, 0, 2));
    });
}

#[test]
fn a_pile_continues_after_its_consumers_waker_panics() {
    paused(async {
        let (pool, green, gate) = occupied().await;
        let mut pile = GreenPile::on(&pool);
        let spawner = pile.spawner();
        assert!(poll_panicking(&mut pile.next()).is_pending());
        gate.open();
        green.await.unwrap();
        spawner.spawn(async { 1 }).await;
        assert!(poll_panicking(&mut pile.next()).is_pending());
        spawner.spawn(async { 2 }).await;
        assert_eq!(pile.next().await.unwrap().unwrap(), 1);
        assert_eq!(pile.next().await.unwrap().unwrap(), 2);
        assert!(poll_panicking(&mut pile.next()).is_pending());
        drop(spawner);
        assert!(pile.next().await.is_none());
        assert_eq!((pool.stats().panicked, pool.free()), (0, 1));
    });
}

#[test]
fn a_waker_that_panics_on_drop_leaves_the_pool_intact() {
    paused(async {
        let (pool, green, gate) = occupied().await;
        let mut spawn = pin!(pool.spawn(async { 2 }));
        {
            let waker = Waker::from(Arc::new(PanicOnDrop));
            assert!(spawn.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        // The next poll replaces and drops that waker.
        let replaced = AssertUnwindSafe(|| spawn.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(catch_unwind(replaced).is_err());
        assert_eq!((pool.running(), pool.waiting()), (1, 1), "a spawn whose poll panicked keeps its place");
        gate.open();
        assert_eq!(green.await.unwrap(), 1);
        assert_eq!(spawn.await.await.unwrap(), 2);

        let (pool, green, gate) = occupied().await;
        let mut spawn = Box::pin(pool.spawn(async { 2 }));
        {
            let waker = Waker::from(Arc::new(PanicOnDrop));
            assert!(spawn.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        assert!(catch_unwind(AssertUnwindSafe(|| drop(spawn))).is_err());
        assert_eq!((pool.running(), pool.waiting()), (1, 0));
        gate.open();
        assert_eq!(green.await.unwrap(), 1);
        pool.waitall().await;
        assert_eq!(pool.free(), 1);
    });
}
