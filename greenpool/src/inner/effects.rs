//! What a change of a job's state asks for, once no lock is held.

use std::sync::Arc;
use std::task::Waker;

use crate::inner::Inner;
use crate::inner::wait::WaitEdge;

/// To be run by `lending::deadlock`, with no lock held: others are woken, and the last reference to something may be dropped.
#[must_use = "it is to be run with no lock held"]
#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) wakers: Vec<Waker>,
    /// What was looked at on the way; dropped last.
    pub(crate) waits: Vec<WaitEdge>,
    pub(crate) check: Check,
}

/// Whether to look for knots that the job's pool is part of.
#[derive(Default)]
pub(crate) enum Check {
    #[default]
    No,
    Yes,
    /// Unless this pool can move.
    Unless(Arc<Inner>),
}

impl Effects {
    pub(crate) fn new(wakers: Vec<Waker>, may_wait: bool) -> Self {
        Effects { wakers, waits: Vec::new(), check: if may_wait { Check::Yes } else { Check::No } }
    }
}
