//! The waiting half of each spawning verb.

pub(crate) mod begin;

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::inner::wait::ReadySource;
use crate::job::handle::GreenThread;
use crate::lending::blocking::WaitGuard;
use crate::lending::context;
use crate::lending::waiter::{Acquired, Refused, Waiter};

/// Something that becomes a job when it gets a slot: a future, or a function and its arguments.
pub(crate) trait Spawnable {
    type Output: Send + 'static;
    /// What the caller gets: a handle on the job, or nothing.
    type Handle;

    fn inner(&self) -> &Arc<Inner>;

    /// In a slot that has just been acquired, or lent by `lender`. (By reference, so that the arguments are moved but once: to where the job runs.)
    #[track_caller]
    fn spawn_in(this: &mut Option<Self>, lender: Option<Arc<Member>>) -> Self::Handle
    where
        Self: Sized;

    /// In the slot of the caller, who is being polled with `cx`.
    #[track_caller]
    fn spawn_inline(self, lender: Arc<Member>, cx: &mut Context<'_>) -> GreenThread<Self::Output>;

    /// What is left for the caller of a job that it had to wait for.
    fn handle(thread: GreenThread<Self::Output>) -> Self::Handle;
}

/// A future of any kind, run in a task of its own.
pub(crate) struct FutureJob<F> {
    pub(crate) inner: Arc<Inner>,
    pub(crate) future: F,
}

impl<F> Spawnable for FutureJob<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Output = F::Output;
    type Handle = GreenThread<F::Output>;

    #[inline]
    fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    #[inline]
    #[track_caller]
    fn spawn_in(this: &mut Option<Self>, lender: Option<Arc<Member>>) -> GreenThread<F::Output> {
        let FutureJob { inner, future } = this.take().expect(OVER);
        begin::spawn(future, &inner, lender)
    }

    #[track_caller]
    fn spawn_inline(self, lender: Arc<Member>, cx: &mut Context<'_>) -> GreenThread<F::Output> {
        begin::spawn_inline(self.future, &self.inner, lender, cx)
    }

    fn handle(thread: GreenThread<F::Output>) -> GreenThread<F::Output> {
        thread
    }
}

/// What is started for its own sake: nobody gets a handle.
pub(crate) struct Detached<S>(pub(crate) S);

impl<F> Spawnable for Detached<FutureJob<F>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Output = F::Output;
    type Handle = ();

    #[inline]
    fn inner(&self) -> &Arc<Inner> {
        &self.0.inner
    }

    #[inline]
    #[track_caller]
    fn spawn_in(this: &mut Option<Self>, lender: Option<Arc<Member>>) {
        let Detached(FutureJob { inner, future }) = this.take().expect(OVER);
        begin::spawn_detached(future, &inner, lender);
    }

    #[track_caller]
    fn spawn_inline(self, lender: Arc<Member>, cx: &mut Context<'_>) -> GreenThread<F::Output> {
        self.0.spawn_inline(lender, cx)
    }

    fn handle(thread: GreenThread<F::Output>) {
        thread.report_unobserved();
    }
}

/// Gets a slot, begins the job, and comes back when the caller may go on.
///
/// (Its types are bounded where they are used, not here: a bound with `'static` on a type that is held over an `.await`
/// is a "higher-ranked lifetime error" in the async function that holds it.)
pub(crate) struct SpawnFuture<S, T, H> {
    /// There until the job begins.
    job: Option<S>,
    stage: SpawnStage<T, H>,
    guard: WaitGuard,
}

enum SpawnStage<T, H> {
    Start,
    Queued(Waiter),
    /// The caller has lent its own slot, and waits until the child is over.
    Lent(GreenThread<T>),
    Spawned(H),
}

impl<S: Spawnable> SpawnFuture<S, S::Output, S::Handle> {
    #[inline]
    pub(crate) fn new(job: S) -> Self {
        SpawnFuture { job: Some(job), stage: SpawnStage::Start, guard: WaitGuard::default() }
    }

    #[inline]
    #[track_caller]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<S::Handle> {
        if let (SpawnStage::Start, Some(job)) = (&self.stage, &self.job) {
            if job.inner().slots.try_acquire().is_ok() {
                return self.start(None, cx);
            }
        }
        self.poll_slowly(cx)
    }

    /// Begins the job in a slot that was acquired, or lent by `lender`.
    #[inline]
    #[track_caller]
    fn start(&mut self, lender: Option<Arc<Member>>, cx: &mut Context<'_>) -> Poll<S::Handle> {
        let handle = S::spawn_in(&mut self.job, lender);
        self.finish(handle, cx)
    }

    #[inline]
    fn finish(&mut self, handle: S::Handle, cx: &mut Context<'_>) -> Poll<S::Handle> {
        // Who has lent its slot elsewhere may not go on before it has one.
        if self.guard.poll_reacquire(cx).is_ready() {
            return Poll::Ready(handle);
        }
        self.stage = SpawnStage::Spawned(handle);
        Poll::Pending
    }

    /// Nothing is to be spawned any more: waits only until the caller has its slot.
    pub(crate) fn poll_reacquire(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let SpawnStage::Lent(child) = &self.stage {
            child.abort();
        }
        // With it goes the place in the queue, or a slot that has come already.
        self.stage = SpawnStage::Start;
        self.job = None;
        self.guard.poll_reacquire(cx)
    }

    #[cold]
    #[track_caller]
    fn poll_slowly(&mut self, cx: &mut Context<'_>) -> Poll<S::Handle> {
        loop {
            match std::mem::replace(&mut self.stage, SpawnStage::Start) {
                SpawnStage::Start => {
                    let inner = self.job.as_ref().expect(OVER).inner();
                    match Waiter::acquire(inner, || context::member_of(inner), Some(cx.waker())) {
                        Acquired::Now => return self.start(None, cx),
                        Acquired::Queued(waiter) => {
                            self.stage = SpawnStage::Queued(waiter);
                            // A job may be able to borrow a slot. Anybody else waits to be woken.
                            if !context::is_job() {
                                return Poll::Pending;
                            }
                        }
                        Acquired::Closed => return self.refused(cx),
                    }
                }
                SpawnStage::Queued(mut waiter) => match self.poll_queued(&mut waiter, cx) {
                    Poll::Ready(Ok(Some(lender))) if context::is_current(&lender) => {
                        let job = self.job.take().expect(OVER);
                        self.stage = SpawnStage::Lent(job.spawn_inline(lender, cx));
                    }
                    Poll::Ready(Ok(lender)) => return self.start(lender, cx),
                    Poll::Ready(Err(Refused)) => return self.refused(cx),
                    Poll::Pending => {
                        self.stage = SpawnStage::Queued(waiter);
                        return Poll::Pending;
                    }
                },
                SpawnStage::Lent(mut child) => {
                    if child.poll_finished(cx).is_ready() {
                        return self.finish(S::handle(child), cx);
                    }
                    child.register(&mut self.guard, cx);
                    self.stage = SpawnStage::Lent(child);
                    return Poll::Pending;
                }
                SpawnStage::Spawned(handle) => return self.finish(handle, cx),
            }
        }
    }

    /// The pool is closed.
    fn refused(&mut self, cx: &mut Context<'_>) -> Poll<S::Handle> {
        let job = self.job.take().expect(OVER);
        self.finish(S::handle(begin::refuse(job.inner())), cx)
    }

    fn poll_queued(&mut self, waiter: &mut Waiter, cx: &mut Context<'_>) -> Poll<Result<Option<Arc<Member>>, Refused>> {
        if let Poll::Ready(grant) = waiter.poll(cx) {
            return Poll::Ready(grant);
        }
        // In a job of this pool, this lends the job's own slot to the ticket at once.
        self.guard.register(waiter.inner(), Some(waiter.ticket()), || ReadySource::Ticket, cx);
        if context::is_job() { waiter.poll(cx) } else { Poll::Pending }
    }
}

pub(crate) const OVER: &str = "a spawn was polled after it was ready";

impl<S, T, H> Drop for SpawnFuture<S, T, H> {
    #[inline]
    fn drop(&mut self) {
        // First, so that a slot that comes home does not find the job waiting.
        self.guard.clear();
        // The caller has given up, or has been aborted itself, and nobody was given a handle: the slot comes home.
        if let SpawnStage::Lent(child) = &self.stage {
            child.abort();
        }
    }
}
