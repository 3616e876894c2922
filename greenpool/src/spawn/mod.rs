//! The waiting half of each spawning verb.

pub(crate) mod begin;

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::runtime::{Handle, TryCurrentError};

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::inner::wait::ReadySource;
use crate::job::handle::GreenThread;
use crate::lending::blocking::WaitGuard;
use crate::lending::waiter::{Acquired, Refused, Waiter};
use crate::lending::{context, deadlock};

/// Something that becomes a job when it gets a slot: a future, or a function and its arguments.
pub(crate) trait Spawnable {
    type Output: Send + 'static;
    /// What the caller gets: a handle on the job, or nothing.
    type Handle;

    fn inner(&self) -> &Arc<Inner>;

    /// In a slot that has just been acquired, or lent by `lender`. (By reference, so that the arguments are moved but once: to where the job runs.)
    fn spawn_in(this: &mut Option<Self>, lender: Option<Arc<Member>>, runtime: &Handle) -> Self::Handle
    where
        Self: Sized;

    /// In the slot of the caller, who is being polled with `cx`.
    fn spawn_inline(self, lender: Arc<Member>, runtime: &Handle, cx: &mut Context<'_>) -> GreenThread<Self::Output>;

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
    fn spawn_in(this: &mut Option<Self>, lender: Option<Arc<Member>>, runtime: &Handle) -> GreenThread<F::Output> {
        let FutureJob { inner, future } = this.take().expect(OVER);
        begin::spawn(future, &inner, lender, runtime)
    }

    fn spawn_inline(self, lender: Arc<Member>, runtime: &Handle, cx: &mut Context<'_>) -> GreenThread<F::Output> {
        begin::spawn_inline(self.future, &self.inner, lender, runtime, cx)
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
    fn spawn_in(this: &mut Option<Self>, lender: Option<Arc<Member>>, runtime: &Handle) {
        let Detached(FutureJob { inner, future }) = this.take().expect(OVER);
        begin::spawn_detached(future, &inner, lender, runtime);
    }

    fn spawn_inline(self, lender: Arc<Member>, runtime: &Handle, cx: &mut Context<'_>) -> GreenThread<F::Output> {
        self.0.spawn_inline(lender, runtime, cx)
    }

    fn handle(thread: GreenThread<F::Output>) {
        thread.report_unobserved();
    }
}

/// Gets a slot, begins the job, and comes back when the caller may go on.
///
/// No bound stands on its types. `async fn` callers that hold a spawn over an `.await` have to show that it is `Send`, and there rustc proves
/// bounds for *every* lifetime in place of each concrete one: a job that captures a `&'static str`, or returns a `Box<dyn Error + Send + Sync>`, would
/// not be "general enough" for `F: Send + 'static`. So the verb that makes the future has the bounds, and what polling needs of them is kept in `step`.
pub(crate) struct SpawnFuture<S, T, H> {
    /// Dropped before `stage`, so that a slot that comes back does not find the job waiting.
    guard: WaitGuard,
    /// There until the job begins.
    job: Option<S>,
    stage: SpawnStage<T, H>,
    step: fn(&mut Self, &mut Context<'_>) -> Poll<H>,
}

enum SpawnStage<T, H> {
    Start,
    Queued(Waiter),
    /// The caller has lent its own slot, and waits until the child is over.
    Lent(GreenThread<T>),
    Spawned(H),
    /// There is no runtime. `poll` panics with this, at the line of the caller, which a function pointer does not know.
    Nowhere(TryCurrentError),
}

/// What a spawn has waited for.
enum Turn<H> {
    /// A slot, which this member has lent.
    Slot(Option<Arc<Member>>),
    /// There is nothing left to begin.
    Handle(H),
}

impl<S, T, H> SpawnFuture<S, T, H> {
    #[inline]
    #[track_caller]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<H> {
        let polled = (self.step)(self, cx);
        if let SpawnStage::Nowhere(error) = &self.stage {
            panic!("{error}");
        }
        polled
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
}

impl<S: Spawnable> SpawnFuture<S, S::Output, S::Handle> {
    #[inline]
    pub(crate) fn new(job: S) -> Self {
        SpawnFuture { job: Some(job), stage: SpawnStage::Start, guard: WaitGuard::default(), step: Self::step }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Poll<S::Handle> {
        let lender = match (&self.stage, &self.job) {
            (SpawnStage::Start, Some(job)) if job.inner().slots.try_acquire().is_ok() => None,
            _ => match ready!(self.acquire(cx)) {
                Turn::Slot(lender) => lender,
                Turn::Handle(handle) => return self.finish(handle, cx),
            },
        };
        match Handle::try_current() {
            Ok(runtime) => {
                let handle = S::spawn_in(&mut self.job, lender, &runtime);
                self.finish(handle, cx)
            }
            Err(error) => self.nowhere(lender, error),
        }
    }

    #[cold]
    fn nowhere(&mut self, lender: Option<Arc<Member>>, error: TryCurrentError) -> Poll<S::Handle> {
        deadlock::release(self.job.as_ref().expect(OVER).inner(), lender);
        self.stage = SpawnStage::Nowhere(error);
        Poll::Pending
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

    /// Waits for a slot of the pool, or lends the caller's own and waits for the child.
    #[cold]
    fn acquire(&mut self, cx: &mut Context<'_>) -> Poll<Turn<S::Handle>> {
        loop {
            match std::mem::replace(&mut self.stage, SpawnStage::Start) {
                SpawnStage::Start => {
                    let inner = self.job.as_ref().expect(OVER).inner();
                    match Waiter::acquire(inner, || context::member_of(inner), Some(cx.waker())) {
                        Acquired::Now => return Poll::Ready(Turn::Slot(None)),
                        Acquired::Queued(waiter) => {
                            self.stage = SpawnStage::Queued(waiter);
                            // A job may be able to borrow a slot. Anybody else waits to be woken.
                            if !context::is_job() {
                                return Poll::Pending;
                            }
                        }
                        Acquired::Closed => return Poll::Ready(self.refused()),
                    }
                }
                SpawnStage::Queued(mut waiter) => match self.poll_queued(&mut waiter, cx) {
                    Poll::Ready(Ok(Some(lender))) if context::is_current(&lender) => {
                        let Ok(runtime) = Handle::try_current() else {
                            return Poll::Ready(Turn::Slot(Some(lender)));
                        };
                        let job = self.job.take().expect(OVER);
                        self.stage = SpawnStage::Lent(job.spawn_inline(lender, &runtime, cx));
                    }
                    Poll::Ready(Ok(lender)) => return Poll::Ready(Turn::Slot(lender)),
                    Poll::Ready(Err(Refused)) => return Poll::Ready(self.refused()),
                    Poll::Pending => {
                        self.stage = SpawnStage::Queued(waiter);
                        return Poll::Pending;
                    }
                },
                SpawnStage::Lent(mut child) => {
                    if child.poll_finished(cx).is_ready() {
                        return Poll::Ready(Turn::Handle(S::handle(child)));
                    }
                    child.register(&mut self.guard, cx);
                    self.stage = SpawnStage::Lent(child);
                    return Poll::Pending;
                }
                SpawnStage::Spawned(handle) => return Poll::Ready(Turn::Handle(handle)),
                SpawnStage::Nowhere(error) => {
                    self.stage = SpawnStage::Nowhere(error);
                    return Poll::Pending;
                }
            }
        }
    }

    /// The pool is closed.
    fn refused(&mut self) -> Turn<S::Handle> {
        let job = self.job.take().expect(OVER);
        Turn::Handle(S::handle(begin::refuse(job.inner())))
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
        // The caller has given up, or has been aborted itself, and nobody was given a handle: the slot comes home.
        if let SpawnStage::Lent(child) = &self.stage {
            self.guard.clear();
            child.abort();
        }
    }
}
