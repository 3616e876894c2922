//! Building blocks of the models: counted values, jobs that pause, and the checks at the end.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use shuttle::rand::Rng;
use tokio::runtime::Runtime;

use crate::GreenPool;

/// A random number below `end`.
pub(super) fn random_below(end: usize) -> usize {
    shuttle::rand::thread_rng().gen_range(0..end)
}

/// True or false at random.
pub(super) fn random_bool() -> bool {
    random_below(2) == 0
}

/// Counts a model's values and jobs.
#[derive(Clone, Default)]
pub(super) struct Tally(Arc<Counts>);

#[derive(Default)]
struct Counts {
    created: AtomicUsize,
    started: AtomicUsize,
    completed: AtomicUsize,
    dropped: AtomicUsize,
}

/// The argument of a job, and then its result.
pub(super) struct Value {
    pub(super) number: usize,
    tally: Tally,
}

impl Tally {
    pub(super) fn value(&self, number: usize) -> Value {
        self.0.created.fetch_add(1, Ordering::Relaxed);
        Value { number, tally: self.clone() }
    }

    /// Number of jobs that have started.
    pub(super) fn started(&self) -> usize {
        self.0.started.load(Ordering::Relaxed)
    }

    /// Number of jobs that have completed.
    pub(super) fn completed(&self) -> usize {
        self.0.completed.load(Ordering::Relaxed)
    }

    /// Number of live values.
    pub(super) fn alive(&self) -> usize {
        self.0.created.load(Ordering::Relaxed) - self.0.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.tally.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// A job that returns its argument, possibly after a pause.
pub(super) async fn echo(value: Value) -> Value {
    value.tally.0.started.fetch_add(1, Ordering::Relaxed);
    pause().await;
    value.tally.0.completed.fetch_add(1, Ordering::Relaxed);
    value
}

/// Waits for nothing, for its own task, or for another thread.
pub(super) async fn pause() {
    match random_below(4) {
        0 | 1 => {}
        2 => pending_once(Waker::wake).await,
        _ => pending_once(|waker| drop(thread::spawn(|| waker.wake()))).await,
    }
}

/// Pending once. `arrange_wake` must ensure that the waker is called.
async fn pending_once(arrange_wake: impl FnOnce(Waker)) {
    let mut arrange_wake = Some(arrange_wake);
    poll_fn(|cx| match arrange_wake.take() {
        Some(arrange_wake) => {
            arrange_wake(cx.waker().clone());
            Poll::Pending
        }
        None => Poll::Ready(()),
    })
    .await;
}

/// Blocks jobs until it is opened.
#[derive(Clone, Default)]
pub(super) struct Gate(Arc<Mutex<(bool, Vec<Waker>)>>);

impl Gate {
    pub(super) fn open(&self) {
        let wakers = {
            let (open, wakers) = &mut *self.0.lock().unwrap();
            *open = true;
            std::mem::take(wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.lock().unwrap().0
    }

    pub(super) async fn opened(self) {
        poll_fn(|cx| {
            let (open, wakers) = &mut *self.0.lock().unwrap();
            if *open {
                return Poll::Ready(());
            }
            wakers.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Checks that the jobs that share it are polled one at a time.
#[derive(Clone, Default)]
pub(super) struct Gauge(Arc<AtomicUsize>);

impl Gauge {
    /// A whole job.
    pub(super) fn alone<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        self.gauged(1 << 16, 0, future)
    }

    /// A part of a job, whose parts may be polled side by side.
    pub(super) fn part<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        self.gauged(1, (1 << 16) - 1, future)
    }

    fn gauged<F: Future>(self, weight: usize, beside: usize, future: F) -> impl Future<Output = F::Output> {
        let mut future = Box::pin(future);
        poll_fn(move |cx| {
            let others = self.0.fetch_add(weight, Ordering::SeqCst);
            assert!(others <= beside, "two jobs are polled at once");
            let polled = future.as_mut().poll(cx);
            self.0.fetch_sub(weight, Ordering::SeqCst);
            polled
        })
    }
}

/// Polls a future once, and keeps it.
pub(super) async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut poll = |cx: &mut Context<'_>| match Pin::new(&mut *future).poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    };
    poll_fn(&mut poll).await
}

/// Polls a future once, and drops it if it is not ready.
pub(super) async fn try_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    let mut poll = |cx: &mut Context<'_>| match Pin::new(&mut future).poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    };
    poll_fn(&mut poll).await
}

/// Waits for all jobs of the pools, drops the runtime, and checks that everything has been released.
pub(super) fn finish(runtime: Runtime, pools: &[&GreenPool], tally: &Tally) {
    for pool in pools {
        runtime.block_on(pool.waitall());
    }
    // Drop the runtime first: a map may still look for another item, and an untaken result is dropped after its job's
    // slot is released.
    drop(runtime);
    assert_idle(pools, tally);
}

/// Checks that the pools have released everything, once no runtime is left.
pub(super) fn assert_idle(pools: &[&GreenPool], tally: &Tally) {
    for pool in pools {
        let stats = pool.stats();
        assert_eq!(pool.free(), pool.size() as isize, "the number of free slots is wrong: {stats:?}");
        assert_eq!(pool.waiting(), 0, "a waiter is left: {stats:?}");
        assert_eq!(stats.spawned, stats.finished + stats.panicked + stats.aborted, "a job was lost: {stats:?}");
    }
    assert_eq!(tally.alive(), 0, "a value is still alive");
}
