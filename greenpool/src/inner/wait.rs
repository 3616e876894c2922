//! What a job waits for, and whether it is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use tokio::task::AbortHandle;

use crate::inner::Inner;
use crate::sync::slots::Ticket;

/// What a pending verb waits for: something in a pool, perhaps with a place in that pool's queue.
#[derive(Clone)]
pub(crate) struct WaitEdge {
    pub(crate) inner: Arc<Inner>,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) source: ReadySource,
    pub(crate) waker: Waker,
    /// It has what it waited for, but for the job's slot.
    pub(crate) resuming: bool,
    /// Which of the job's futures it is pending in.
    pub(crate) branch: u32,
    /// In which turn of that future it was last polled.
    pub(crate) last_polled: u64,
    /// In which turn of that future it was asked to look again.
    pub(crate) woken_at: Option<u64>,
    /// It was woken to see whether a poll of its job blocks a thread.
    pub(crate) probed: bool,
    /// How many jobs of the pool had ended when it last looked.
    pub(crate) ends_seen: u64,
}

/// Who can tell whether a verb will find something when it is polled again.
#[derive(Clone)]
pub(crate) enum ReadySource {
    /// Nobody but its ticket: a slot that is on its way counts as one that moves.
    Ticket,
    /// Set when it is there, or on its way.
    Flag(Arc<AtomicBool>),
    /// A task whose result is there.
    Task(AbortHandle),
    /// The pool is idle.
    Idle,
    Other(Arc<dyn Progress>),
}

/// Something that a job can wait for.
pub(crate) trait Progress: Send + Sync {
    /// Whether something is there for the one who waits, or will come from outside of greenpool; if not, what that waits for
    /// in turn is added to `found`.
    fn will_progress(&self, found: &mut Vec<WaitEdge>) -> bool;
}

/// Whether a verb will find something when it is polled again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    No,
    /// Nobody can tell but the verb itself; it has to be woken for that.
    Unknown,
    /// It was woken, or will be.
    Yes,
}

impl WaitEdge {
    /// Something in `inner`, from the branch that is being polled with `waker`.
    pub(crate) fn new(
        inner: &Arc<Inner>,
        ticket: Option<Ticket>,
        source: ReadySource,
        branch: u32,
        waker: &Waker,
    ) -> Self {
        WaitEdge {
            inner: inner.clone(),
            ticket,
            source,
            waker: waker.clone(),
            resuming: false,
            branch,
            last_polled: 0,
            woken_at: None,
            probed: false,
            ends_seen: inner.awaited_by.ends(),
        }
    }

    /// Whether the verb will find something. If not, what that waits for in turn is added to `found`.
    pub(crate) fn readiness(&self, found: &mut Vec<WaitEdge>) -> Readiness {
        if self.resuming {
            return Readiness::Yes;
        }
        // A pool without slots begins nothing before it is resized, which is up to somebody outside.
        let slots = &self.inner.slots;
        if self.ticket.is_some_and(|ticket| slots.size() == 0 && slots.is_queued(ticket)) {
            return Readiness::Yes;
        }
        let there = match &self.source {
            ReadySource::Ticket => false,
            ReadySource::Flag(flag) => flag.load(Ordering::SeqCst),
            // Its result is there only after its job has given back the slot. Whoever ends may be the one.
            ReadySource::Task(task) if !task.is_finished() && self.inner.awaited_by.ends() != self.ends_seen => {
                return Readiness::Unknown;
            }
            ReadySource::Task(task) => task.is_finished(),
            ReadySource::Idle => slots.is_idle(),
            ReadySource::Other(other) => other.will_progress(found),
        };
        if there { Readiness::Yes } else { Readiness::No }
    }
}
