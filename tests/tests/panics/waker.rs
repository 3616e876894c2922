//! Panics in wakers: of whoever waits, in the job that ends.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::FutureExt;
use greenpool::{GreenPile, GreenPool, green_pool, pile};
use greenpool_tests::{Gate, at_rest, paused};

use crate::way::planned;

/// Panics when it is woken.
struct Mine;

impl Wake for Mine {
    fn wake(self: Arc<Self>) {
        planned();
    }
}

/// Panics when the last of its wakers is dropped, and at nothing else.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        std::mem::forget(self);
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        planned();
    }
}

/// Polls with a waker that panics.
fn poll_mined<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    future.poll_unpin(&mut Context::from_waker(&Waker::from(Arc::new(Mine))))
}

/// A pool of one slot whose only job ends when the gate opens.
async fn occupied() -> (GreenPool, greenpool::GreenThread<u32>, Gate) {
    let (pool, gate) = (GreenPool::new(1), Gate::new());
    let job = gate.clone().passed().map(|()| 1);
    let green = pool.spawn(job).await;
    (pool, green, gate)
}

#[test]
fn the_job_before_a_spawn_whose_waker_panics_ends_well() {
    paused(async {
        let (pool, green, gate) = occupied().await;
        let mut spawn = pool.spawn(async { 2 });
        let mut spawn_n = pool.spawn_n(async {});
        assert!(poll_mined(&mut spawn).is_pending() && poll_mined(&mut spawn_n).is_pending());
        gate.open();
        assert_eq!(green.await.unwrap(), 1);
        at_rest().await;
        assert_eq!((pool.running(), pool.waiting(), pool.stats().panicked), (1, 1, 0), "the slot is the first one's");
        assert_eq!(spawn.await.await.unwrap(), 2);
        spawn_n.await;
        pool.waitall().await;
        assert_eq!((pool.stats().finished, pool.stats().panicked, pool.free()), (3, 0, 1));
    });
}

#[test]
fn a_waker_that_panics_keeps_no_other_from_being_woken() {
    paused(async {
        let pool = GreenPool::new(0);
        let mut mined = pool.spawn(async {});
        assert!(poll_mined(&mut mined).is_pending());
        let inside = pool.clone();
        let second = tokio::spawn(async move { inside.spawn(async { 2 }).await.await.unwrap() });
        at_rest().await;
        assert!(catch_unwind(AssertUnwindSafe(|| pool.resize(2))).is_ok(), "who resizes has nothing to do with it");
        assert_eq!(second.await.unwrap(), 2);
        drop(mined);
        assert_eq!(pool.free(), 2);
    });
}

#[test]
fn the_last_job_before_a_waitall_whose_waker_panics_ends_well() {
    paused(async {
        let (pool, green, gate) = occupied().await;
        let (mut all, mut down) = (pool.waitall(), pool.shutdown(Duration::from_secs(1)));
        assert!(poll_mined(&mut all).is_pending() && poll_mined(&mut down).is_pending());
        gate.open();
        assert_eq!(green.await.unwrap(), 1);
        at_rest().await;
        assert_eq!((pool.stats().finished, pool.stats().panicked, pool.free()), (1, 0, 1));
        assert!(poll_mined(&mut all).is_ready());
        assert_eq!(down.await.finished, 1);
    });
}

#[test]
fn abort_all_awaited_by_a_waker_that_panics_aborts_all_the_same() {
    paused(async {
        let pool = GreenPool::new(2);
        let (first, second) = (pool.spawn(pending::<()>()).await, pool.spawn(pending::<()>()).await);
        at_rest().await;
        let mut aborted = pool.abort_all();
        assert!(poll_mined(&mut aborted).is_pending());
        assert!(first.await.unwrap_err().is_cancelled() && second.await.unwrap_err().is_cancelled());
        assert!(poll_mined(&mut aborted).is_ready());
        assert_eq!((pool.stats().aborted, pool.stats().panicked, pool.free()), (2, 0, 2));
    });
}

#[test]
fn the_job_behind_a_handle_whose_waker_panics_ends_well() {
    #[green_pool(size = 1)]
    async fn pass(gate: Gate) -> u32 {
        gate.passed().await;
        3
    }

    paused(async {
        let (pool, mut green, gate) = occupied().await;
        let mut declared = pass::spawn(gate.clone()).await;
        let mut both = pile![pass(gate.clone()), pass(gate.clone())].join();
        assert!(poll_mined(&mut green).is_pending());
        assert!(poll_mined(&mut declared).is_pending());
        assert!(poll_mined(&mut both).is_pending());
        gate.open();
        at_rest().await;
        assert_eq!(green.await.unwrap() + declared.await.unwrap(), 4);
        let (a, b) = both.await;
        assert_eq!(a.unwrap() + b.unwrap(), 6);
        for pool in [&pool, pass::pool()] {
            assert_eq!((pool.stats().panicked, pool.stats().aborted, pool.free()), (0, 0, 1));
        }
    });
}

#[test]
fn a_map_whose_consumers_waker_panics_goes_on() {
    paused(async {
        for unordered in [false, true] {
            let (pool, gate) = (GreenPool::new(2), Gate::new());
            let open = gate.clone();
            let job = move |n: u32| open.clone().passed().map(move |()| n);
            let mut map = if unordered { pool.imap_unordered(job, 0..6) } else { pool.imap(job, 0..6) };
            assert!(poll_mined(&mut map.next()).is_pending());
            gate.open();
            at_rest().await;
            let mut sum = 0;
            while let Some(result) = map.next().await {
                sum += result.unwrap();
            }
            assert_eq!((sum, pool.stats().panicked, pool.stats().aborted, pool.free()), (15, 0, 0, 2));
        }
    });
}

#[test]
fn a_map_over_an_async_source_whose_consumers_waker_panics_goes_on() {
    paused(async {
        let (pool, gate) = (GreenPool::new(2), Gate::new());
        let open = gate.clone();
        let job = move |n: u32| open.clone().passed().map(move |()| n);
        let mut map = pool.imap_stream(job, futures::stream::iter(0..6));
        assert!(poll_mined(&mut map.next()).is_pending());
        gate.open();
        at_rest().await;
        let mut sum = 0;
        while let Some(result) = map.next().await {
            sum += result.unwrap();
        }
        assert_eq!((sum, pool.stats().panicked, pool.stats().aborted, pool.free()), (15, 0, 0, 2));
    });
}

#[test]
fn a_pile_whose_consumers_waker_panics_goes_on() {
    paused(async {
        let (pool, green, gate) = occupied().await;
        let mut pile = GreenPile::on(&pool);
        let spawner = pile.spawner();
        assert!(poll_mined(&mut pile.next()).is_pending());
        gate.open();
        green.await.unwrap();
        spawner.spawn(async { 1 }).await;
        assert!(poll_mined(&mut pile.next()).is_pending());
        spawner.spawn(async { 2 }).await;
        assert_eq!(pile.next().await.unwrap().unwrap(), 1);
        assert_eq!(pile.next().await.unwrap().unwrap(), 2);
        assert!(poll_mined(&mut pile.next()).is_pending());
        drop(spawner);
        assert!(pile.next().await.is_none());
        assert_eq!((pool.stats().panicked, pool.free()), (0, 1));
    });
}

#[test]
fn a_waker_whose_destructor_panics_leaves_the_pool_as_it_was() {
    paused(async {
        let (pool, green, gate) = occupied().await;
        let mut spawn = pin!(pool.spawn(async { 2 }));
        {
            let waker = Waker::from(Arc::new(Bomb));
            assert!(spawn.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        // The next poll replaces that waker, and drops it.
        let replaced = AssertUnwindSafe(|| spawn.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(catch_unwind(replaced).is_err());
        assert_eq!((pool.running(), pool.waiting()), (1, 0), "a poll that panicked has left the queue");
        gate.open();
        assert_eq!(green.await.unwrap(), 1);
        assert_eq!(spawn.await.await.unwrap(), 2);

        let (pool, green, gate) = occupied().await;
        let mut spawn = Box::pin(pool.spawn(async { 2 }));
        {
            let waker = Waker::from(Arc::new(Bomb));
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
