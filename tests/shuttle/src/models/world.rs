//! What models are made of: values that are counted, jobs that take their time, and what holds at the end.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use shuttle::rand::Rng;
use tokio::runtime::Runtime;

use crate::GreenPool;

/// A number below `end`, by chance.
pub(super) fn any_below(end: usize) -> usize {
    shuttle::rand::thread_rng().gen_range(0..end)
}

/// Either, by chance.
pub(super) fn any() -> bool {
    any_below(2) == 0
}

/// What became of a model's values.
#[derive(Clone, Default)]
pub(super) struct Tally(Arc<Counts>);

#[derive(Default)]
struct Counts {
    made: AtomicUsize,
    begun: AtomicUsize,
    done: AtomicUsize,
    dropped: AtomicUsize,
}

/// A value that is a job's argument, and then its result.
pub(super) struct Value {
    pub(super) number: usize,
    tally: Tally,
}

impl Tally {
    pub(super) fn value(&self, number: usize) -> Value {
        self.0.made.fetch_add(1, Ordering::Relaxed);
        Value { number, tally: self.clone() }
    }

    /// How many jobs have begun.
    pub(super) fn begun(&self) -> usize {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// How many jobs came to their own end.
    pub(super) fn done(&self) -> usize {
        self.0.done.load(Ordering::Relaxed)
    }

    /// How many values there are now.
    pub(super) fn alive(&self) -> usize {
        self.0.made.load(Ordering::Relaxed) - self.0.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.tally.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// A job: waits now and then, and gives its argument back.
pub(super) async fn carry(value: Value) -> Value {
    value.tally.0.begun.fetch_add(1, Ordering::Relaxed);
    pause().await;
    value.tally.0.done.fetch_add(1, Ordering::Relaxed);
    value
}

/// Waits not at all, or for its own task, or for another thread.
pub(super) async fn pause() {
    match any_below(4) {
        0 | 1 => {}
        2 => once(Waker::wake).await,
        _ => once(|waker| drop(thread::spawn(|| waker.wake()))).await,
    }
}

/// Pending once; `begin` is to see to it that the waker is called.
async fn once(begin: impl FnOnce(Waker)) {
    let mut begin = Some(begin);
    poll_fn(|cx| match begin.take() {
        Some(begin) => {
            begin(cx.waker().clone());
            Poll::Pending
        }
        None => Poll::Ready(()),
    })
    .await;
}

/// A gate that jobs wait at until it is opened.
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

    pub(super) async fn pass(self) {
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

/// Polls a future once, and gives it up if it is not ready.
pub(super) async fn try_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    let mut once = |cx: &mut Context<'_>| match Pin::new(&mut future).poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    };
    poll_fn(&mut once).await
}

/// Waits for all jobs of the pools, and ends the runtime; then all that they had is there again.
pub(super) fn finish(runtime: Runtime, pools: &[&GreenPool], tally: &Tally) {
    for pool in pools {
        runtime.block_on(pool.waitall());
    }
    // A map may look once more for an item, and a result that nobody takes is dropped after the slot of its job is free.
    drop(runtime);
    at_rest(pools, tally);
}

/// No runtime is left: all that the pools had is there again.
pub(super) fn at_rest(pools: &[&GreenPool], tally: &Tally) {
    for pool in pools {
        let stats = pool.stats();
        assert_eq!(pool.free(), pool.size() as isize, "a slot is lost or made: {stats:?}");
        assert_eq!(pool.waiting(), 0, "somebody still waits: {stats:?}");
        assert_eq!(stats.spawned, stats.finished + stats.panicked + stats.aborted, "a job is lost: {stats:?}");
    }
    assert_eq!(tally.alive(), 0, "a value is still there");
}
