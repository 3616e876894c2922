//! Payloads that panic when they are dropped, where nobody gets them.

use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use greenpool::{GreenPool, JoinError};
use greenpool_tests::{Gate, paused, until_idle};

/// Panics when it is dropped.
struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        panic!("of the payload");
    }
}

/// Panics with such a payload when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic_any(Payload);
    }
}

/// Panics when it is polled, and when it is dropped.
struct Both(Bomb);

impl Future for Both {
    type Output = u32;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u32> {
        panic!("in poll {}", size_of_val(&self.0))
    }
}

struct BadWaker;

impl Wake for BadWaker {
    fn wake(self: Arc<Self>) {
        panic_any(Payload);
    }
}

fn bad_waker() -> Waker {
    Arc::new(BadWaker).into()
}

/// What the payload says. It is not dropped.
fn text(error: JoinError) -> String {
    let text = error.to_string();
    std::mem::forget(error);
    text
}

/// Whether `f` does not panic. A payload is not dropped.
fn completes<T>(f: impl FnOnce() -> T) -> bool {
    let result = catch_unwind(AssertUnwindSafe(f));
    let completes = result.is_ok();
    result.map_err(std::mem::forget).ok();
    completes
}

#[test]
fn a_future_that_panics_in_poll_and_on_drop_affects_no_other_job() {
    paused(async {
        let pool = GreenPool::new(4);
        let first = pool.spawn(Both(Bomb)).await;
        let mut others = Vec::new();
        for n in 0..3 {
            others.push(pool.spawn(async move { n }).await);
        }
        assert_eq!(first.await.map_err(text), Err("the job panicked: in poll 0".to_owned()));
        for other in others {
            other.await.unwrap();
        }
        let stats = pool.stats();
        assert_eq!((stats.panicked, stats.finished, stats.aborted), (1, 3, 0));
    });
}

#[test]
fn a_future_of_a_map_that_panics_in_poll_and_on_drop_is_one_result() {
    for unordered in [false, true] {
        paused(async move {
            let pool = GreenPool::new(2);
            let job = |n: u32| if n == 0 { Both(Bomb).boxed() } else { ready(n).boxed() };
            let map = if unordered { pool.imap_unordered(job, 0..4) } else { pool.imap(job, 0..4) };
            let mut results: Vec<_> = map.map(|result| result.map_err(text)).collect().await;
            results.sort_unstable();
            assert_eq!(results, [Ok(1), Ok(2), Ok(3), Err("the job panicked: in poll 0".to_owned())]);
            assert_eq!(pool.free(), 2);
        });
    }
}

#[test]
fn a_waker_that_panics_reaches_neither_who_wakes_it_nor_another_job() {
    paused(async {
        let pool = GreenPool::new(0);
        let mut slot = Box::pin(pool.slot());
        assert!(slot.poll_unpin(&mut Context::from_waker(&bad_waker())).is_pending());
        assert!(completes(|| pool.resize(1)), "`resize` panics");
        drop(slot);
        let gate = Gate::new();
        let mut first = pool.spawn(gate.clone().opened()).await;
        assert!(first.poll_unpin(&mut Context::from_waker(&bad_waker())).is_pending());
        let queued = [1, 2].map(|n| tokio::spawn(pool.spawn(async move { n })));
        until_idle().await;
        gate.open();
        for queued in queued {
            queued.await.unwrap().await.unwrap();
        }
        first.await.unwrap();
    });
}

#[test]
fn a_refused_job_that_panics_on_drop_keeps_no_other_from_being_refused() {
    paused(async {
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        let _first = pool.spawn(gate.clone().opened()).await;
        let bomb = Bomb;
        let bad = async move {
            let _bomb = bomb;
            pending::<()>().await;
        };
        let bad = tokio::spawn(pool.spawn(bad));
        let other = tokio::spawn(pool.spawn(async {}));
        until_idle().await;
        assert_eq!(pool.waiting(), 2);
        assert!(completes(|| pool.shutdown(Duration::ZERO).now_or_never()), "`shutdown` panics");
        gate.open();
        assert!(text(bad.await.unwrap().await.unwrap_err()).contains("closed"));
        assert!(other.await.unwrap().await.unwrap_err().is_closed());
        assert_eq!(pool.stats().refused, 2);
    });
}

#[test]
fn the_panic_of_a_job_comes_before_that_of_its_source() {
    struct Source(u32, #[allow(dead_code, reason = "held only to be dropped")] Bomb);

    impl Iterator for Source {
        type Item = u32;

        fn next(&mut self) -> Option<u32> {
            self.0 += 1;
            Some(self.0)
        }
    }

    paused(async {
        let job = |n: u32| async move { if n == 1 { panic_any(Payload) } else { pending::<u32>().await } };
        let mut values = GreenPool::new(1).imap(job, Source(0, Bomb)).values();
        let payload = AssertUnwindSafe(values.next()).catch_unwind().await.expect_err("it panics");
        assert!(payload.is::<Payload>());
        std::mem::forget(payload);
        assert!(values.next().await.is_none());
    });
}

#[test]
fn the_panic_of_a_size_hint_comes_before_that_of_its_item() {
    struct Hint(u32);

    impl Iterator for Hint {
        type Item = u32;

        fn next(&mut self) -> Option<u32> {
            self.0 += 1;
            Some(self.0)
        }

        fn size_hint(&self) -> (usize, Option<usize>) {
            assert!(self.0 != 2, "of the hint");
            (0, None)
        }
    }

    paused(async {
        let pool = GreenPool::new(1);
        let job = |n: u32| {
            let bomb = (n == 2).then(|| Bomb);
            async move {
                std::mem::forget(bomb);
                n
            }
        };
        let results: Vec<_> = pool.imap(job, Hint(0)).map(|result| result.map_err(text)).collect().await;
        assert!(matches!(&results[..], [Ok(1), Err(error)] if error.contains("of the hint")), "{results:?}");
        assert_eq!(pool.free(), 1);
    });
}

#[test]
fn a_panic_that_waitall_or_panic_did_not_take_is_dropped_with_its_pool() {
    paused(async {
        let pool = GreenPool::new(1);
        pool.spawn_n(async { panic_any(Payload) }).await;
        pool.waitall().await;
        assert!(completes(|| drop(pool)));
    });
}
