//! A job that is queued for a slot. It belongs to its pool, so it begins when its turn comes, whatever queued it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::inner::member::Member;
use crate::inner::{ErasedJob, Inner};
use crate::job::cell::{JobBox, complete};
use crate::job::error::JoinError;
use crate::job::permit::Permit;
use crate::job::running::JobState;
use crate::sync::slots::gates::Hold;
use crate::worker::group::{Group, abort};

/// A job in its cell, and the workers that will run it: those of the runtime on which it was queued. Dropping it
/// cancels the job.
pub(crate) struct Queued {
    /// `None` once it has begun, or was refused.
    job: Option<JobBox>,
    group: Arc<Group>,
    inner: Arc<Inner>,
}

impl Queued {
    pub(crate) fn new(job: JobBox, group: Arc<Group>, inner: Arc<Inner>) -> Self {
        Queued { job: Some(job), group, inner }
    }
}

impl ErasedJob for Queued {
    fn begin(mut self: Box<Self>, lender: Option<Arc<Member>>, key: Option<Hold>) {
        let Some(mut job) = self.job.take() else { return };
        let is_lent = lender.is_some();
        *job.as_mut().state() = JobState::Permit(Permit::with_key(&self.inner, lender, key));
        if is_lent { self.group.put_lent(job) } else { self.group.put(job) }
    }

    fn refuse(mut self: Box<Self>) {
        let Some(mut job) = self.job.take() else { return };
        let _ = catch_unwind(AssertUnwindSafe(|| job.as_mut().drop_content()));
        self.inner.counters.refused.fetch_add(1, Ordering::Relaxed);
        let _ = complete(job, Some(JoinError::closed()));
    }

    fn is_of(&self, group: u32) -> bool {
        self.group.number() == group
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            abort(job);
        }
    }
}
