//! What a pending verb waits for, and whether it is ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use crate::inner::{Inner, in_place};
use crate::sync::slots::Ticket;

/// One pending verb: an edge of the graph of waiting jobs, from a job to the pool that must make progress.
#[derive(Clone)]
pub(crate) struct WaitEdge {
    pub(crate) inner: Arc<Inner>,
    /// The ticket in that pool's queue that the verb waits for.
    pub(crate) ticket: Option<Ticket>,
    pub(crate) source: ReadySource,
    /// [`Shared`], since it is cloned under locks.
    pub(crate) waker: Waker,
    /// The verb has its result and waits only for the job's slot.
    pub(crate) resuming: bool,
    /// Whether the ticket was served with the slot of this job.
    pub(crate) lent: Lent,
    /// The branch of the job that the verb is pending in.
    pub(crate) branch: u32,
    /// It was not polled with the waker of a task, so perhaps in place: by a `block_on` in the poll of the job.
    pub(crate) maybe_in_place: bool,
    /// The number of that branch's poll in which the verb was last polled.
    pub(crate) last_polled: u64,
    /// How often it has been polled in that poll.
    pub(crate) looks: u32,
    /// The number of that branch's poll at which a search last woke the verb.
    pub(crate) woken_at: Option<u64>,
    /// A search woke the verb, to find out whether the current poll blocks its thread.
    pub(crate) probed: bool,
}

/// A waker whose clones share one clone of the original, so that cloning it runs no foreign code.
struct Shared(Waker);

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake_by_ref();
    }
}

/// Whether a child of the job runs in its slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lent {
    No,
    Yes,
    /// It did, and the verb has been woken because the child is over.
    Over,
}

/// What can tell whether a verb will be ready when it is polled again.
#[derive(Clone)]
pub(crate) enum ReadySource {
    /// A job has begun, once its ticket has been served.
    Begun,
    /// A child of this job has begun, or has ended if it runs in the slot of this job. The flag is set when the child
    /// is about to release that slot.
    Child(Arc<AtomicBool>),
    /// A flag that is set when the result is there, or on its way.
    Flag(Arc<AtomicBool>),
    /// The pool, once it is idle.
    Idle,
    /// Something that makes progress by itself, as a map does.
    Other(Arc<dyn Progress>),
}

/// Something that a job can wait for and that may wait for greenpool itself.
pub(crate) trait Progress: Send + Sync {
    /// Whether it adds all that it waits for to `found`. Otherwise it may also wait for any job of its pool.
    fn tells_all(&self) -> bool {
        false
    }

    /// Whether it has something for the waiting job, or can get something without waiting for greenpool. If not, adds
    /// what it waits for in turn to `found`.
    fn readiness(&self, found: &mut Vec<WaitEdge>) -> Readiness;
}

/// Whether a verb will be ready when it is polled again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    No,
    /// Something that does not wait for greenpool will make it ready, and wake it then.
    Later,
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
            waker: Waker::from(Arc::new(Shared(waker.clone()))),
            resuming: false,
            lent: Lent::No,
            branch,
            maybe_in_place: in_place::is_possible(waker),
            last_polled: 0,
            looks: 0,
            woken_at: None,
            probed: false,
        }
    }

    /// The waker, if the verb waits for a child that ran in the job's own slot and is over. Only once, since the job
    /// may not poll the verb again for a while.
    pub(crate) fn take_over(&mut self) -> Option<Waker> {
        let ReadySource::Child(ended) = &self.source else { return None };
        // SeqCst as in `readiness`.
        let is_over = self.lent == Lent::Yes && ended.load(Ordering::SeqCst);
        is_over.then(|| {
            self.lent = Lent::Over;
            self.waker.clone()
        })
    }

    /// Whether other waits, which [`readiness`](Self::readiness) adds, say all that the verb waits for.
    pub(crate) fn stands_for_others(&self) -> bool {
        matches!(&self.source, ReadySource::Other(other) if other.tells_all())
    }

    /// Whether the verb will be ready. If not, adds what its source waits for in turn to `found`.
    pub(crate) fn readiness(&self, found: &mut Vec<WaitEdge>) -> Readiness {
        // A pool of size 0 begins nothing until it is resized, and that must come from outside.
        let slots = &self.inner.slots;
        if self.resuming || self.ticket.is_some_and(|ticket| slots.size() == 0 && slots.is_queued(ticket)) {
            return Readiness::Later;
        }
        let ready = match &self.source {
            ReadySource::Child(ended) if self.lent != Lent::No => ended.load(Ordering::SeqCst),
            ReadySource::Begun | ReadySource::Child(_) => !self.ticket.is_some_and(|ticket| slots.is_queued(ticket)),
            // SeqCst pairs with the stores in `ReplyState::note_ending` and `pile`: a job sets the flag,
            // then releases its slot. A search that finds the slot released finds the flag set.
            ReadySource::Flag(flag) => flag.load(Ordering::SeqCst),
            ReadySource::Idle => slots.is_idle(),
            ReadySource::Other(other) => return other.readiness(found),
        };
        if ready { Readiness::Yes } else { Readiness::No }
    }
}
