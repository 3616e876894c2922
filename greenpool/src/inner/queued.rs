//! What is queued for a slot of a pool: one job, or calls that follow each other.

use std::any::Any;
use std::sync::Arc;

use crate::inner::ErasedJob;
use crate::inner::member::Member;
use crate::sync::slots::QueuedJob;
use crate::sync::slots::gates::Hold;

/// Queued calls, whatever their type, in the order in which they were queued.
pub(crate) trait ErasedBacklog: Send + Sync {
    /// The first call begins.
    fn begin(&self, lender: Option<Arc<Member>>, key: Option<Hold>);

    /// Drops the last `count` calls. The pool counts them as refused.
    fn refuse(&self, count: usize);

    /// Whether the workers of that group will run them.
    fn is_of(&self, group: u32) -> bool;

    /// The backlog itself, to find out its type.
    fn as_any(&self) -> &dyn Any;
}

/// What one ticket of a pool is for.
pub(crate) enum PoolJob {
    /// A job that something waits for.
    One(Box<dyn ErasedJob>),
    /// Calls that nothing waits for, and between which nothing else is queued.
    Calls(Calls),
}

/// A number of calls in a backlog. Dropping it refuses them.
///
/// It does not say which calls, so it need not be as long as they are: a call that begins is the first one that is
/// left, and calls that are refused are the last ones. While a ticket is queued its backlog has the calls of that
/// ticket and, before these, those that were granted a slot and are about to begin.
pub(crate) struct Calls {
    backlog: Arc<dyn ErasedBacklog>,
    count: usize,
}

impl Calls {
    /// The first call in a new backlog.
    pub(crate) fn first(backlog: Arc<dyn ErasedBacklog>) -> Self {
        Calls { backlog, count: 1 }
    }

    pub(crate) fn backlog(&self) -> &dyn ErasedBacklog {
        &*self.backlog
    }

    /// One more call was added to the backlog.
    pub(crate) fn add_one(&mut self) {
        self.count += 1;
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        if self.count > 0 {
            self.backlog.refuse(self.count);
        }
    }
}

impl PoolJob {
    /// Whether the workers of that group will run it.
    pub(crate) fn is_of(&self, group: u32) -> bool {
        match self {
            PoolJob::One(job) => job.is_of(group),
            PoolJob::Calls(calls) => calls.backlog.is_of(group),
        }
    }
}

impl QueuedJob<Arc<Member>> for PoolJob {
    fn begin(self, lender: Option<Arc<Member>>, key: Option<Hold>) {
        match self {
            PoolJob::One(job) => job.begin(lender, key),
            PoolJob::Calls(mut calls) => {
                debug_assert_eq!(calls.count, 1, "each call begins in a slot of its own");
                calls.count = 0;
                calls.backlog.begin(lender, key);
            }
        }
    }

    fn refuse(self) {
        match self {
            PoolJob::One(job) => job.refuse(),
            PoolJob::Calls(calls) => drop(calls),
        }
    }

    fn calls(&self) -> usize {
        match self {
            PoolJob::One(_) => 0,
            PoolJob::Calls(calls) => calls.count,
        }
    }

    fn split_first(&mut self) -> Option<Self> {
        match self {
            PoolJob::Calls(calls) if calls.count > 1 => {
                calls.count -= 1;
                Some(PoolJob::Calls(Calls::first(calls.backlog.clone())))
            }
            _ => None,
        }
    }
}
