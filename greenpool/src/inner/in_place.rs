//! Waiting in place: a verb that is awaited by a `block_on` within the poll of a job.
//!
//! # Implementation details
//!
//! This is the one case in which a job is polled without a slot. `Handle::block_on` inside `block_in_place` waits for a
//! verb until it is ready, so the poll of the job does not end, and the job cannot lend its slot between two polls.
//! Without the slot, what it waits for might never begin.
//!
//! Nothing says that a poll is such a poll. But the verb is polled with the waker of the `block_on`, not with that of a
//! task, and it is polled again as soon as it is woken. A set of futures that wakes and polls its members itself, as
//! `FuturesUnordered` does, has its own wakers too, but it returns to its task after a few polls. So a verb with such a
//! waker is woken when it matters, and goes on to wake itself each time it is polled. If it is polled
//! [`LOOKS`] times within one poll of the job, that poll blocks its thread, and the slot is lent while it does
//! (`Member::look`). When the verb is ready, it waits for a slot before it returns.

// From `core`, because the model checkers need not explore it.
use core::sync::atomic::{AtomicUsize, Ordering};
use std::ptr;
use std::task::Waker;

/// A verb that is polled as often within one poll of its job is awaited in place.
pub(crate) const LOOKS: u32 = 16;

/// The address of the virtual table of the wakers of tokio's tasks.
static TASK: AtomicUsize = AtomicUsize::new(0);

fn vtable(waker: &Waker) -> usize {
    ptr::from_ref(waker.vtable()).addr()
}

/// A task of the pool is being polled with this waker.
#[inline]
pub(crate) fn note_task(waker: &Waker) {
    if TASK.load(Ordering::Relaxed) == 0 {
        TASK.store(vtable(waker), Ordering::Relaxed);
    }
}

/// Whether a verb that is polled with this waker may be awaited in place.
pub(crate) fn is_possible(waker: &Waker) -> bool {
    TASK.load(Ordering::Relaxed) != vtable(waker)
}
