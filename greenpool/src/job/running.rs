//! What a job owns: a permit from `spawn` on, and while it runs its entry in the live-job count and its context.
//!
//! `README.md` in this folder tells in which order these go when the job ends, and why.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::job::permit::Permit;
use crate::job::span::{JobSpan, Origin};
use crate::lending::context::JobContext;

/// One job that runs, or several that run one after the other in the same slot. Dropping it ends the job and releases
/// the slot.
pub(crate) struct Running {
    /// `None` only while the job is being polled.
    context: Option<JobContext>,
    /// The epoch of the live-job count in which the job entered.
    epoch: u32,
    phase: Phase,
    span: JobSpan,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The job has not been polled yet, or waits for something. If this is dropped now, the job was aborted.
    Idle,
    /// User code is running. If this is dropped now, that code has panicked.
    Polling,
    /// The last poll returned `Ready`.
    Done,
    /// The slot has been acquired, but no job has come. If this is dropped now, none began.
    Unused,
    /// The job has ended and released everything. Another one can begin here.
    Vacant,
}

/// The part of a [`Running`] that the code inside [`Running::enter`] can use.
pub(crate) struct Entered<'a> {
    epoch: u32,
    span: &'a mut JobSpan,
}

impl Entered<'_> {
    /// Runs `poll` in the job's span.
    #[inline]
    pub(crate) fn in_scope<R>(&self, poll: impl FnOnce() -> R) -> R {
        self.span.in_scope(poll)
    }

    /// The epoch of the live-job count in which the job entered.
    #[inline]
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The next job begins. The live-job count has it already.
    #[inline]
    pub(crate) fn begin_next(&mut self, inner: &Inner, origin: &Origin) {
        self.span.next_job(inner, origin);
    }
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Finished,
    Panicked,
    Aborted,
    /// No job began after all, because there was nothing to run.
    Withdrawn,
}

impl Running {
    /// A slot that was just acquired, or that `lender` lent, for a job that is still to come.
    #[inline]
    pub(crate) fn new(inner: Arc<Inner>, lender: Option<Arc<Member>>, origin: &Origin) -> Self {
        let epoch = inner.live.enter(1);
        Self::entered(lender.map_or(JobContext::Plain(inner), JobContext::Borrowed), epoch, Phase::Unused, origin)
    }

    /// A job begins in this slot.
    #[inline]
    fn begin_in(permit: Permit, origin: &Origin) -> Self {
        let (context, epoch) = permit.into_context();
        Self::entered(context, epoch, Phase::Idle, origin)
    }

    /// A job begins that the live-job count has already.
    #[inline]
    fn entered(context: JobContext, epoch: u32, phase: Phase, origin: &Origin) -> Self {
        let span = JobSpan::new(context.inner(), origin);
        Running { context: Some(context), epoch, phase, span }
    }

    #[inline]
    pub(crate) fn inner(&self) -> &Arc<Inner> {
        let context = self.context.as_ref();
        context.expect("the context is `None` only while the job is being polled").inner()
    }

    /// Ready if the job may be polled, because it has its slot. Otherwise wakes `cx` when it has one.
    #[inline]
    pub(crate) fn poll_slot(&self, cx: &Context<'_>) -> Poll<()> {
        self.context.as_ref().map_or(Poll::Ready(()), |context| context.poll_slot(cx))
    }

    /// The record of the job, if it has waited for greenpool.
    #[inline]
    pub(crate) fn member(&self) -> Option<&Arc<Member>> {
        self.context.as_ref().and_then(JobContext::as_member)
    }

    /// Runs `f`, which drops the job's future, in the job's span.
    pub(crate) fn in_scope<R>(&self, f: impl FnOnce() -> R) -> R {
        self.span.in_scope(f)
    }

    /// Runs `f` as this job, or as several jobs one after the other. `f` returns the result of polling the last one.
    #[inline]
    pub(crate) fn enter<T>(&mut self, f: impl FnOnce(Entered<'_>) -> Poll<T>) -> Poll<T> {
        self.phase = Phase::Polling;
        let entered = Entered { epoch: self.epoch, span: &mut self.span };
        let polled = JobContext::enter(&mut self.context, || f(entered));
        self.phase = if polled.is_ready() { Phase::Done } else { Phase::Idle };
        polled
    }

    /// The epoch of the live-job count in which the job entered.
    #[inline]
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// No job is here, and the next one is still to come. With `follows`, one has been here before.
    pub(crate) fn mark_between_jobs(&mut self, follows: bool) {
        self.phase = if follows { Phase::Done } else { Phase::Unused };
    }

    /// The poll is over, but the job has not ended.
    pub(crate) fn mark_idle(&mut self) {
        self.phase = Phase::Idle;
    }

    /// Whether only the pool must learn that the job has finished. The job must have one of the pool's own slots, and
    /// must never have waited for greenpool.
    #[inline]
    pub(crate) fn is_unobserved(&self) -> bool {
        debug_assert!(self.phase == Phase::Done, "the job has finished");
        self.span.is_unobserved()
    }

    /// Ends such a job, except that the caller must release the slot next. Runs no user code, wakes nothing and takes
    /// no lock. Returns false if the job was aborted: then the caller must call
    /// [`leave_aborted`](crate::inner::live::LiveJobs::leave_aborted) once the slot is released.
    #[inline]
    pub(crate) fn release_quietly(&mut self) -> bool {
        self.phase = Phase::Vacant;
        self.inner().live.leave(self.epoch)
    }

    /// The same for another slot of the pool's own, after [`release_quietly`](Self::release_quietly).
    #[inline]
    pub(crate) fn begin(&mut self, inner: &Inner, origin: &Origin) {
        self.epoch = inner.live.enter(1);
        self.phase = Phase::Unused;
        self.span.next_job(inner, origin);
    }

    /// The job has ended: counts it, and releases its slot.
    #[inline]
    pub(crate) fn finish(mut self, outcome: Outcome) {
        self.end(outcome);
    }

    #[inline]
    fn end(&mut self, outcome: Outcome) {
        let Some(context) = self.context.take() else {
            return;
        };
        // Before the slot is released: whatever sees the slot released finds the job in no list.
        self.span.end();
        let counters = &context.inner().counters;
        match outcome {
            Outcome::Finished => {}
            Outcome::Panicked => {
                counters.panicked.fetch_add(1, Ordering::Relaxed);
            }
            Outcome::Aborted => {
                counters.aborted.fetch_add(1, Ordering::Relaxed);
            }
            Outcome::Withdrawn => context.inner().live.uncount_begun(1),
        }
        // The job leaves the count before it releases the slot, so when `waitall` sees the slot released, the job is
        // not counted any longer. An aborted job leaves the count of aborted jobs after that: `abort_all` waits for it,
        // and must find the slot released.
        let left = context.inner().live.leave(self.epoch);
        let inner = (!left).then(|| context.inner().clone());
        context.end();
        if let Some(inner) = inner {
            inner.live.leave_aborted();
        }
    }
}

// Runs when the job panics, and when the task that holds this is dropped.
impl Drop for Running {
    // Not inline, so that it is compiled once.
    fn drop(&mut self) {
        match self.phase {
            Phase::Idle => self.end(Outcome::Aborted),
            Phase::Polling => self.end(Outcome::Panicked),
            Phase::Done => self.end(Outcome::Finished),
            Phase::Unused => self.end(Outcome::Withdrawn),
            Phase::Vacant => {}
        }
    }
}

/// How far a job has come.
#[derive(Default)]
pub(crate) enum JobState {
    /// There is no job, or it is queued for a slot, or it is being polled.
    #[default]
    None,
    /// It has a slot, and has not begun.
    Permit(Permit),
    /// It has begun.
    Running(Running),
}

impl JobState {
    /// Takes the job out, to be polled. If it has not begun, it begins now; this was its call.
    #[inline]
    pub(crate) fn running(&mut self, origin: &mut Origin) -> Option<Running> {
        match std::mem::take(self) {
            JobState::None => None,
            JobState::Permit(permit) => Some(Running::begin_in(permit, &origin.take())),
            JobState::Running(running) => Some(running),
        }
    }

    /// Hands the job's slot to the [`Running`] of the job before it, in which the job then begins. Returns false, and
    /// does nothing, if the slot is not one of the pool's own, or the job is not of that epoch.
    #[inline]
    pub(crate) fn transfer(&mut self, epoch: u32) -> bool {
        let own = if let JobState::Permit(permit) = self { permit.transfer(epoch) } else { false };
        if own {
            // It is empty now, so nothing needs to be dropped.
            std::mem::forget(std::mem::take(self));
        }
        own
    }
}
