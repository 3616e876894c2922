//! A job that is queued for a slot. It belongs to its pool, so it begins when its turn comes, whatever queued it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::inner::member::Member;
use crate::inner::{ErasedJob, Inner};
use crate::job::cell::{JobBox, NewJob, Replies, complete};
use crate::job::error::JoinError;
use crate::job::permit::Permit;
use crate::job::reply_page::ReplyAlloc;
use crate::job::running::JobState;
use crate::job::span::Origin;
use crate::sync::quiet::{drop_quietly, run_quietly};
use crate::sync::slots::gates::Hold;
use crate::worker::group::{Group, abort};

/// A job in its cell, and the workers that will run it: those of the runtime on which it was queued. Dropping it
/// cancels the job.
pub(crate) struct Queued {
    /// `None` once it has begun, or was refused.
    job: Option<JobBox>,
    /// `None` if the pool is closed, so that the job can only be refused.
    group: Option<Arc<Group>>,
    inner: Arc<Inner>,
}

impl Queued {
    pub(super) fn new(job: JobBox, group: Option<Arc<Group>>, inner: &Arc<Inner>) -> Self {
        Queued { job: Some(job), group, inner: inner.clone() }
    }

    /// A job that can only be refused.
    pub(super) fn unplaced(job: NewJob<'_>, inner: &Arc<Inner>) -> Self {
        let mut alloc = ReplyAlloc::new(0);
        let replies = job.has_handle.then(|| Replies::new(&mut alloc, inner));
        Self::new(job.fill(None, JobState::None, Origin::none(), replies), None, inner)
    }
}

impl ErasedJob for Queued {
    fn begin(mut self: Box<Self>, lender: Option<Arc<Member>>, key: Option<Hold>) {
        let (Some(mut job), Some(group)) = (self.job.take(), &self.group) else { return };
        let is_lent = lender.is_some();
        *job.as_mut().state() = JobState::Permit(Permit::with_key(&self.inner, lender, key));
        if is_lent { group.put_lent(job) } else { group.put(job) }
    }

    fn refuse(mut self: Box<Self>) {
        let Some(mut job) = self.job.take() else { return };
        run_quietly(|| job.as_mut().drop_content());
        self.inner.counters.refused.fetch_add(1, Ordering::Relaxed);
        drop_quietly(complete(job, Some(JoinError::closed())));
    }

    fn is_of(&self, group: u32) -> bool {
        self.group.as_ref().is_some_and(|own| own.number() == group)
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            abort(job);
        }
    }
}
