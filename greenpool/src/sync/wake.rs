//! Waking those who wait.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Wakes all of them. A waker that panics has told the panic hook, and that is all: whoever ended a job, gave a slot back or left a queue
/// has nothing to do with it, and must not be torn down by it.
#[inline]
pub(crate) fn wake(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(wake_one);
}

fn wake_one(waker: Waker) {
    let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
}
