//! What a job has: from its `spawn` on a slot, and from its beginning to its end a place in the census and its lineage too.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::job::error::JoinError;
use crate::job::permit::Permit;
use crate::job::span::JobSpan;
use crate::lending::context::JobContext;

/// The seat of one job, or of several that follow each other in it. Dropping it gives all back.
pub(crate) struct Running {
    /// There but while the job is polled.
    context: Option<JobContext>,
    epoch: u32,
    phase: Phase,
    span: JobSpan,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Not yet polled, or waiting for something. A seat that is dropped now was aborted.
    Idle,
    /// Entered the user's code. A seat that is dropped now is being unwound.
    Polling,
    /// The last poll was ready.
    Done,
    /// All has been given back, and another job can begin in it.
    Vacant,
}

/// What a seat is to those who run jobs in it.
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

    /// In which epoch of the census it is.
    #[inline]
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The next job begins, which is in the census already.
    #[inline]
    pub(crate) fn begin_next(&mut self, inner: &Inner) {
        self.span.next_job(inner);
    }
}

/// The job was told to end by `abort_all`, or was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancelled {
    Aborted,
    Closed,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Finished,
    Panicked,
    Aborted,
    /// There was nothing to run after all, so no job began.
    Withdrawn,
}

impl Outcome {
    /// The outcome of a job that left this result.
    pub(crate) fn of<T>(result: &Result<T, JoinError>) -> Self {
        match result {
            Ok(_) => Outcome::Finished,
            Err(error) if error.is_panic() => Outcome::Panicked,
            Err(_) => Outcome::Aborted,
        }
    }
}

impl Running {
    /// A job begins with a slot that has just been acquired, or lent by `lender`.
    #[inline]
    pub(crate) fn new(inner: Arc<Inner>, lender: Option<Arc<Member>>) -> Self {
        let epoch = inner.live.enter(1);
        Self::entered(lender.map_or(JobContext::Plain(inner), JobContext::Borrowed), epoch)
    }

    /// A job begins in this slot. If it is in the census already, that is of `epoch`.
    #[inline]
    fn begin_in(permit: Permit, epoch: Option<u32>) -> Self {
        let context = permit.into_context();
        let epoch = epoch.unwrap_or_else(|| context.inner().live.enter(1));
        Self::entered(context, epoch)
    }

    /// A job begins that is in the census already.
    #[inline]
    fn entered(context: JobContext, epoch: u32) -> Self {
        let span = JobSpan::new(context.inner());
        Running { context: Some(context), epoch, phase: Phase::Idle, span }
    }

    #[inline]
    pub(crate) fn inner(&self) -> &Arc<Inner> {
        let context = self.context.as_ref();
        context.expect("the context is only away while the job is polled").inner()
    }

    /// Polls the job as what it is: known to greenpool's verbs, and ready to be told to end.
    #[inline]
    pub(crate) fn poll<T>(&mut self, poll: impl FnOnce() -> Poll<T>) -> Poll<Result<T, Cancelled>> {
        if self.inner().live.is_aborted(self.epoch) {
            return Poll::Ready(Err(Cancelled::Aborted));
        }
        self.enter(|entered| entered.span.in_scope(poll)).map(Ok)
    }

    /// Runs `f` as this job, or as several jobs one after the other. What it gives is of the last one.
    #[inline]
    pub(crate) fn enter<T>(&mut self, f: impl FnOnce(Entered<'_>) -> Poll<T>) -> Poll<T> {
        self.phase = Phase::Polling;
        let entered = Entered { epoch: self.epoch, span: &mut self.span };
        let polled = JobContext::enter(&mut self.context, || f(entered));
        self.phase = if polled.is_ready() { Phase::Done } else { Phase::Idle };
        polled
    }

    /// Whether the job has been told to end.
    #[inline]
    pub(crate) fn is_aborted(&self) -> bool {
        self.inner().live.is_aborted(self.epoch)
    }

    /// The job is not being polled any more, and did not come to its end.
    pub(crate) fn mark_idle(&mut self) {
        self.phase = Phase::Idle;
    }

    /// Whether nobody but the pool is to hear of the end of a job that has never waited for greenpool, and has a slot of the pool's own.
    #[inline]
    pub(crate) fn is_unobserved(&self) -> bool {
        debug_assert!(self.phase == Phase::Done, "the job has finished");
        self.span.is_unobserved()
    }

    /// Such a job is over, and its slot is the next that is to be given back. Runs no code but greenpool's, wakes nobody, and takes no lock. False: the
    /// job had been told to end, and is to be counted out with the outdated after that.
    #[inline]
    pub(crate) fn release_quietly(&mut self) -> bool {
        self.phase = Phase::Vacant;
        self.inner().live.leave(self.epoch)
    }

    /// Another job begins in a seat that was vacated, with a slot of the pool's own.
    #[inline]
    pub(crate) fn begin(&mut self, inner: &Inner) {
        self.epoch = inner.live.enter(1);
        self.phase = Phase::Idle;
        self.span.next_job(inner);
    }

    /// The job is over: counts it, and gives its slot back.
    #[inline]
    pub(crate) fn finish(mut self, outcome: Outcome) {
        self.end(outcome);
    }

    #[inline]
    fn end(&mut self, outcome: Outcome) {
        let Some(context) = self.context.take() else {
            return;
        };
        // Before the slot comes back: whoever sees it come back finds the job in no list.
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
        // Who sees the slot come back, as `waitall` does, finds the job gone from the census. `abort_all` waits for the census,
        // and is to find the slot free: a job that it has told to end is counted out last.
        let left = context.inner().live.leave(self.epoch);
        let inner = (!left).then(|| context.inner().clone());
        context.end();
        if let Some(inner) = inner {
            inner.live.leave_aborted();
        }
    }
}

// Unwinding, or dropped with the task that it is a part of.
impl Drop for Running {
    #[inline]
    fn drop(&mut self) {
        match self.phase {
            Phase::Idle => self.end(Outcome::Aborted),
            Phase::Polling => self.end(Outcome::Panicked),
            Phase::Done => self.end(Outcome::Finished),
            Phase::Vacant => {}
        }
    }
}

/// A job that waits for something is in its pool's roster: `abort_all` is to wake it. Dropping this takes it out.
pub(crate) struct AbortRegistration {
    inner: Arc<Inner>,
    key: u32,
}

impl AbortRegistration {
    /// The job of that seat waits. False: it has been told to end already.
    pub(crate) fn register_abort(this: &mut Option<AbortRegistration>, running: &Running, cx: &Context<'_>) -> bool {
        if this.is_some() {
            return true;
        }
        let inner = running.inner().clone();
        let key = inner.register_abort(cx.waker());
        *this = Some(AbortRegistration { inner, key });
        // `abort_all` may have read the roster just before.
        !running.is_aborted()
    }
}

impl Drop for AbortRegistration {
    fn drop(&mut self) {
        self.inner.deregister_abort(self.key);
    }
}

/// Where a job is.
#[derive(Default)]
pub(crate) enum JobState {
    /// It is being polled, or there is none.
    #[default]
    Nowhere,
    /// It has not begun.
    Permit(Permit),
    Running(Running),
}

impl JobState {
    /// The job's seat, as it is polled. If it has not begun, it does now; if it is in the census already, that is of `epoch`.
    #[inline]
    pub(crate) fn running(&mut self, epoch: Option<u32>) -> Option<Running> {
        match std::mem::take(self) {
            JobState::Nowhere => None,
            JobState::Permit(permit) => Some(Running::begin_in(permit, epoch)),
            JobState::Running(running) => Some(running),
        }
    }

    /// The pool of a job that has not begun.
    pub(crate) fn inner(&self) -> Option<&Arc<Inner>> {
        match self {
            JobState::Permit(permit) => permit.inner(),
            _ => None,
        }
    }

    /// The job begins in a seat that is there, and holds a slot of the pool's own: whether it has brought such a slot, which is that seat's now.
    #[inline]
    pub(crate) fn transfer(&mut self) -> bool {
        let own = if let JobState::Permit(permit) = self { permit.transfer() } else { false };
        if own {
            // Nothing is left in it that needs to be dropped.
            std::mem::forget(std::mem::take(self));
        }
        own
    }
}
