//! What a pending verb waits for, and whether it is ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use tokio::task::AbortHandle;

use crate::inner::Inner;
use crate::sync::slots::Ticket;

/// One pending verb: an edge of the graph of waiting jobs, from a job to the pool that must make progress.
#[derive(Clone)]
pub(crate) struct WaitEdge {
    pub(crate) inner: Arc<Inner>,
    /// The ticket in that pool's queue that the verb waits for.
    pub(crate) ticket: Option<Ticket>,
    pub(crate) source: ReadySource,
    pub(crate) waker: Waker,
    /// The verb has its result and waits only for the job's slot.
    pub(crate) resuming: bool,
    /// The branch of the job that the verb is pending in.
    pub(crate) branch: u32,
    /// The number of that branch's poll in which the verb was last polled.
    pub(crate) last_polled: u64,
    /// The number of that branch's poll at which a search last woke the verb.
    pub(crate) woken_at: Option<u64>,
    /// A search woke the verb, to find out whether the current poll blocks its thread.
    pub(crate) probed: bool,
    /// How many ends the pool had counted when the verb was last polled.
    pub(crate) ends_seen: u64,
}

/// What can tell whether a verb will be ready when it is polled again.
#[derive(Clone)]
pub(crate) enum ReadySource {
    /// Only its ticket: a granted slot counts as a moving job of the pool.
    Ticket,
    /// A flag that is set when the result is there, or on its way.
    Flag(Arc<AtomicBool>),
    /// A tokio task that has finished.
    Task(AbortHandle),
    /// The pool, once it is idle.
    Idle,
    /// Something that makes progress by itself, as a map does.
    Other(Arc<dyn Progress>),
}

/// Something that a job can wait for and that may wait for greenpool itself.
pub(crate) trait Progress: Send + Sync {
    /// Whether it has something for the waiting job, or can get something without waiting for greenpool. If not, adds
    /// what it waits for in turn to `found`.
    fn will_progress(&self, found: &mut Vec<WaitEdge>) -> bool;
}

/// Whether a verb will be ready when it is polled again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    No,
    /// Only the verb itself can tell, so it must be woken.
    Unknown,
    /// It will; it has been woken, or will be.
    Yes,
}

impl WaitEdge {
    /// A wait for something in `inner`, from the branch that is being polled with `waker`.
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

    /// Whether the verb will be ready. If not, adds what its source waits for in turn to `found`.
    pub(crate) fn readiness(&self, found: &mut Vec<WaitEdge>) -> Readiness {
        if self.resuming {
            return Readiness::Yes;
        }
        // A pool of size 0 begins nothing until it is resized, and that must come from outside.
        let slots = &self.inner.slots;
        if self.ticket.is_some_and(|ticket| slots.size() == 0 && slots.is_queued(ticket)) {
            return Readiness::Yes;
        }
        let ready = match &self.source {
            ReadySource::Ticket => false,
            // SeqCst pairs with the stores in `ReplyState::note_ending`, `NotifyEnd` and `pile`: a job sets the flag,
            // then releases its slot. A search that finds the slot released finds the flag set.
            ReadySource::Flag(flag) => flag.load(Ordering::SeqCst),
            // Its result comes only after its job has released the slot. The job that ended may be this one.
            ReadySource::Task(task) if !task.is_finished() && self.inner.awaited_by.ends() != self.ends_seen => {
                return Readiness::Unknown;
            }
            ReadySource::Task(task) => task.is_finished(),
            ReadySource::Idle => slots.is_idle(),
            ReadySource::Other(other) => other.will_progress(found),
        };
        if ready { Readiness::Yes } else { Readiness::No }
    }
}
