//! What a job waits for, and whether it is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use tokio::task::AbortHandle;

use crate::inner::Core;
use crate::sync::slots::Ticket;

/// What a pending verb waits for: something in a pool, perhaps with a place in that pool's queue.
#[derive(Clone)]
pub(crate) struct Wait {
    pub(crate) core: Arc<Core>,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) outlook: Outlook,
    pub(crate) waker: Waker,
    /// It has what it waited for, but for the job's slot.
    pub(crate) resuming: bool,
    /// Which of the job's futures it is pending in.
    pub(crate) part: u32,
    /// In which turn of that future it was last polled.
    pub(crate) looked: u64,
    /// In which turn of that future it was asked to look again.
    pub(crate) asked: Option<u64>,
    /// It was woken to see whether a poll of its job blocks a thread.
    pub(crate) probed: bool,
    /// How many jobs of the pool had ended when it last looked.
    pub(crate) seen: u64,
}

/// Who can tell whether a verb will find something when it is polled again.
#[derive(Clone)]
pub(crate) enum Outlook {
    /// Nobody but its ticket: a slot that is on its way counts as one that moves.
    Ticket,
    /// Set when it is there, or on its way.
    Flag(Arc<AtomicBool>),
    /// A task whose result is there.
    Task(AbortHandle),
    /// The pool is idle.
    Idle,
    Other(Arc<dyn Foresee>),
}

/// Something that a job can wait for.
pub(crate) trait Foresee: Send + Sync {
    /// Whether something is there for the one who waits, or will come from outside of greenpool; if not, what that waits for
    /// in turn is added to `found`.
    fn foresee(&self, found: &mut Vec<Wait>) -> bool;
}

/// Whether a verb will find something when it is polled again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prospect {
    Nothing,
    /// Nobody can tell but the verb itself; it has to be woken for that.
    Perhaps,
    /// It was woken, or will be.
    Something,
}

impl Wait {
    /// Whether the verb will find something. If not, what that waits for in turn is added to `found`.
    pub(crate) fn prospect(&self, found: &mut Vec<Wait>) -> Prospect {
        if self.resuming {
            return Prospect::Something;
        }
        // A pool without slots begins nothing before it is resized, which is up to somebody outside.
        let slots = &self.core.slots;
        if self.ticket.is_some_and(|ticket| slots.size() == 0 && slots.is_queued(ticket)) {
            return Prospect::Something;
        }
        let there = match &self.outlook {
            Outlook::Ticket => false,
            Outlook::Flag(flag) => flag.load(Ordering::SeqCst),
            // Its result is there only after its job has given back the slot. Whoever ends may be the one.
            Outlook::Task(task) if !task.is_finished() && self.core.awaited.ends() != self.seen => {
                return Prospect::Perhaps;
            }
            Outlook::Task(task) => task.is_finished(),
            Outlook::Idle => slots.is_idle(),
            Outlook::Other(other) => other.foresee(found),
        };
        if there { Prospect::Something } else { Prospect::Nothing }
    }
}
