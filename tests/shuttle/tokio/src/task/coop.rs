//! Replaces `tokio::task::coop`: a task has a budget of a few operations per poll.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::random_below;

shuttle::thread_local! {
    static LEFT: Cell<Option<usize>> = Cell::new(None);
}

/// Highest number of operations per poll.
const MAX_BUDGET: usize = 4;

fn left() -> Option<usize> {
    LEFT.try_with(Cell::get).ok().flatten()
}

fn set_left(left: Option<usize>) {
    LEFT.with(|cell| cell.set(left));
}

/// Runs one poll of a task.
pub(crate) fn budget<R>(poll: impl FnOnce() -> R) -> R {
    set_left(Some(1 + random_below(MAX_BUDGET)));
    let result = poll();
    set_left(None);
    result
}

/// Whether the task may continue.
pub fn has_budget_remaining() -> bool {
    left() != Some(0)
}

/// Spends one operation. Without budget left, wakes the task to be polled again and returns pending.
pub fn poll_proceed(cx: &mut Context<'_>) -> Poll<RestoreOnPending> {
    let before = left();
    match before {
        Some(0) => {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Some(left) => set_left(Some(left - 1)),
        None => {}
    }
    Poll::Ready(RestoreOnPending(Cell::new(before)))
}

/// Runs a future whose operations cost nothing.
pub fn unconstrained<F: Future>(future: F) -> Unconstrained<F> {
    Unconstrained(future)
}

/// Replaces `tokio::task::coop::Unconstrained`.
#[must_use]
#[derive(Debug)]
pub struct Unconstrained<F>(F);

impl<F: Future + Unpin> Future for Unconstrained<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let before = left();
        set_left(None);
        let polled = Pin::new(&mut self.0).poll(cx);
        set_left(before);
        polled
    }
}

/// Restores the budget if the operation made no progress.
#[must_use]
#[derive(Debug)]
pub struct RestoreOnPending(Cell<Option<usize>>);

impl RestoreOnPending {
    /// Keeps the operation spent.
    pub fn made_progress(&self) {
        self.0.set(None);
    }
}

impl Drop for RestoreOnPending {
    fn drop(&mut self) {
        if let Some(before) = self.0.get() {
            set_left(Some(before));
        }
    }
}
