//! As `tokio::task::coop`: a task has a budget of a few operations for each poll.

use std::cell::Cell;
use std::task::{Context, Poll};

use crate::any_below;

shuttle::thread_local! {
    static LEFT: Cell<Option<usize>> = Cell::new(None);
}

/// At most so many operations.
const MOST: usize = 4;

fn left() -> Option<usize> {
    LEFT.try_with(Cell::get).ok().flatten()
}

fn set_left(left: Option<usize>) {
    LEFT.with(|cell| cell.set(left));
}

/// Runs one poll of a task.
pub(crate) fn budget<R>(poll: impl FnOnce() -> R) -> R {
    set_left(Some(1 + any_below(MOST)));
    let result = poll();
    set_left(None);
    result
}

/// Whether the task may go on.
pub fn has_budget_remaining() -> bool {
    left() != Some(0)
}

/// One operation, which a task makes or is woken for once more.
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

/// Gives the operation back if it made no progress.
#[must_use]
#[derive(Debug)]
pub struct RestoreOnPending(Cell<Option<usize>>);

impl RestoreOnPending {
    /// It did.
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
