//! Waking wakers that may panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Wakes all of them. If a waker panics, the panic hook reports it and nothing else happens: code that ends a job,
/// releases a slot or leaves a queue must not unwind because of a stranger's waker.
#[inline]
pub(crate) fn wake(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(wake_one);
}

fn wake_one(waker: Waker) {
    let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
}
