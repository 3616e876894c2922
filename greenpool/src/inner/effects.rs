//! What must follow a change of a member's state, once no lock is held.

use std::sync::Arc;
use std::task::Waker;

use crate::inner::member::Member;
use crate::inner::wait::WaitEdge;
use crate::inner::{Inner, PoolServed};

/// Run by `lending::deadlock::run`, with no lock held: wakers run user code, and dropping a wait may drop the last
/// reference to a pool or a map.
#[must_use = "run it with no lock held"]
#[derive(Default)]
pub(crate) struct Effects {
    /// Tickets that the job's slot was lent to.
    pub(crate) served: Vec<PoolServed>,
    pub(crate) wakers: Vec<Waker>,
    /// The job gives its slot back to the pool, and is absent already.
    pub(crate) releases: bool,
    /// A lender that gets its slot from the pool instead of from this job.
    pub(crate) forgotten: Option<Arc<Member>>,
    /// A lender whose borrower has ended, and whose slot comes home later.
    pub(crate) told: Option<Arc<Member>>,
    /// Waits that were cloned or replaced on the way. Dropped last.
    pub(crate) waits: Vec<WaitEdge>,
    pub(crate) check: Check,
    /// A search must also start from the job itself, since it may be in a deadlock while other jobs of its pool move.
    pub(crate) from_job: bool,
}

/// Whether to search for deadlocks that the job's pool is part of.
#[derive(Default)]
pub(crate) enum Check {
    #[default]
    No,
    Yes,
    /// Yes, unless this pool, which the job waits for, can move.
    Unless(Arc<Inner>),
}

impl Effects {
    /// Wakes `wakers`, and searches if the job may wait.
    pub(crate) fn new(wakers: Vec<Waker>, may_wait: bool) -> Self {
        Effects { wakers, check: if may_wait { Check::Yes } else { Check::No }, ..Effects::default() }
    }
}
