//! The future behind every verb that spawns.

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

/// What becomes a job when it gets a slot: a future, or a function and its arguments.
pub(crate) trait Spawnable {
    type Output: Send + 'static;
    /// What the caller gets: a handle of the job, or nothing.
    type Handle;

    fn inner(&self) -> &Arc<Inner>;

    /// Begins the job in a slot that was just acquired, or that `lender` lent. Takes a reference, so that the arguments
    /// are moved only once: to where the job runs.
    fn spawn_in(this: &mut Option<Self>, lender: Option<Arc<Member>>, runtime: &Handle) -> Self::Handle
    where
        Self: Sized;

    /// Begins the job in the slot of the caller, which is being polled with `cx`.
    fn spawn_inline(self, lender: Arc<Member>, runtime: &Handle, cx: &mut Context<'_>) -> GreenThread<Self::Output>;

    /// What the caller gets for a job that it had to wait for.
    fn handle(thread: GreenThread<Self::Output>) -> Self::Handle;
}

/// A future of any type.
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
        let FutureJob { inner, future } = this.take().expect(POLLED_AFTER_READY);
        begin::spawn(future, &inner, lender, runtime)
    }

    fn spawn_inline(self, lender: Arc<Member>, runtime: &Handle, cx: &mut Context<'_>) -> GreenThread<F::Output> {
        begin::spawn_inline(self.future, &self.inner, lender, runtime, cx)
    }

    fn handle(thread: GreenThread<F::Output>) -> GreenThread<F::Output> {
        thread
    }
}

/// A job that gets no handle.
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
        let Detached(FutureJob { inner, future }) = this.take().expect(POLLED_AFTER_READY);
        begin::spawn_detached(future, &inner, lender, runtime);
    }

    fn spawn_inline(self, lender: Arc<Member>, runtime: &Handle, cx: &mut Context<'_>) -> GreenThread<F::Output> {
        self.0.spawn_inline(lender, runtime, cx)
    }

    fn handle(thread: GreenThread<F::Output>) {
        thread.report_unobserved();
    }
}

/// Acquires a slot, begins the job, and resolves when the caller has a slot to go on with.
///
/// Dropping it before it has a slot leaves the queue, and the job never begins. Inside a job of the same full pool, the
/// caller's slot was lent to the child, which has begun. Dropping it then aborts the child.
///
/// Its types have no bounds. An `async fn` that holds a spawn across an `.await` must show that it is `Send`, and there
/// rustc proves bounds for *every* lifetime in place of each concrete one: a job that captures a `&'static str`, or
/// returns a `Box<dyn Error + Send + Sync>`, would not be "general enough" for `F: Send + 'static`. So the verb that
/// makes the future has the bounds, and `step` keeps what polling needs of them.
pub(crate) struct SpawnFuture<S, T, H> {
    /// Dropped before `stage`: when dropping that returns a slot, the caller must not count as waiting any longer.
    guard: WaitGuard,
    /// `None` once the job has begun.
    job: Option<S>,
    stage: SpawnStage<T, H>,
    step: fn(&mut Self, &mut Context<'_>) -> Poll<H>,
}

enum SpawnStage<T, H> {
    Start,
    Queued(Waiter),
    /// The caller has lent its own slot, and waits until the child has ended.
    Lent(GreenThread<T>),
    Spawned(H),
    /// There is no runtime. `poll` panics with this, because a function pointer does not know the caller's line.
    NoRuntime(TryCurrentError),
}

/// What a spawn has waited for.
enum SlotOrHandle<H> {
    /// A slot. It is a loan if it has a lender.
    Slot(Option<Arc<Member>>),
    /// The handle. There is nothing left to begin.
    Handle(H),
}

impl<S, T, H> SpawnFuture<S, T, H> {
    #[inline]
    #[track_caller]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<H> {
        let polled = (self.step)(self, cx);
        if let SpawnStage::NoRuntime(error) = &self.stage {
            panic!("{error}");
        }
        polled
    }

    /// Spawns nothing any longer, and waits only until the caller has a slot.
    pub(crate) fn poll_reacquire(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let SpawnStage::Lent(child) = &self.stage {
            child.abort();
        }
        // This drops the place in the queue, and passes on a slot that was granted already.
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
                SlotOrHandle::Slot(lender) => lender,
                SlotOrHandle::Handle(handle) => return self.finish(handle, cx),
            },
        };
        match Handle::try_current() {
            Ok(runtime) => {
                let handle = S::spawn_in(&mut self.job, lender, &runtime);
                self.finish(handle, cx)
            }
            Err(error) => self.no_runtime(lender, error),
        }
    }

    #[cold]
    fn no_runtime(&mut self, lender: Option<Arc<Member>>, error: TryCurrentError) -> Poll<S::Handle> {
        deadlock::release(self.job.as_ref().expect(POLLED_AFTER_READY).inner(), lender);
        self.stage = SpawnStage::NoRuntime(error);
        Poll::Pending
    }

    #[inline]
    fn finish(&mut self, handle: S::Handle, cx: &mut Context<'_>) -> Poll<S::Handle> {
        // A caller that has lent its slot may not go on before it has one.
        if self.guard.poll_reacquire(cx).is_ready() {
            return Poll::Ready(handle);
        }
        self.stage = SpawnStage::Spawned(handle);
        Poll::Pending
    }

    /// Waits for a slot of the pool, or lends the caller's own slot and waits until the child has ended.
    #[cold]
    fn acquire(&mut self, cx: &mut Context<'_>) -> Poll<SlotOrHandle<S::Handle>> {
        loop {
            match std::mem::replace(&mut self.stage, SpawnStage::Start) {
                SpawnStage::Start => {
                    let inner = self.job.as_ref().expect(POLLED_AFTER_READY).inner();
                    match Waiter::acquire(inner, || context::member_of(inner), Some(cx.waker())) {
                        Acquired::Now => return Poll::Ready(SlotOrHandle::Slot(None)),
                        Acquired::Queued(waiter) => {
                            self.stage = SpawnStage::Queued(waiter);
                            // A job may be able to lend its slot. Any other caller waits to be woken.
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
                            return Poll::Ready(SlotOrHandle::Slot(Some(lender)));
                        };
                        let job = self.job.take().expect(POLLED_AFTER_READY);
                        self.stage = SpawnStage::Lent(job.spawn_inline(lender, &runtime, cx));
                    }
                    Poll::Ready(Ok(lender)) => return Poll::Ready(SlotOrHandle::Slot(lender)),
                    Poll::Ready(Err(Refused)) => return Poll::Ready(self.refused()),
                    Poll::Pending => {
                        self.stage = SpawnStage::Queued(waiter);
                        return Poll::Pending;
                    }
                },
                SpawnStage::Lent(mut child) => {
                    if child.poll_finished(cx).is_ready() {
                        return Poll::Ready(SlotOrHandle::Handle(S::handle(child)));
                    }
                    child.register(&mut self.guard, cx);
                    self.stage = SpawnStage::Lent(child);
                    return Poll::Pending;
                }
                SpawnStage::Spawned(handle) => return Poll::Ready(SlotOrHandle::Handle(handle)),
                SpawnStage::NoRuntime(error) => {
                    self.stage = SpawnStage::NoRuntime(error);
                    return Poll::Pending;
                }
            }
        }
    }

    /// The pool is closed.
    fn refused(&mut self) -> SlotOrHandle<S::Handle> {
        let job = self.job.take().expect(POLLED_AFTER_READY);
        SlotOrHandle::Handle(S::handle(begin::refuse(job.inner())))
    }

    fn poll_queued(&mut self, waiter: &mut Waiter, cx: &mut Context<'_>) -> Poll<Result<Option<Arc<Member>>, Refused>> {
        if let Poll::Ready(grant) = waiter.poll(cx) {
            return Poll::Ready(grant);
        }
        // In a job of the same pool, this lends the job's slot to the ticket at once.
        self.guard.register(waiter.inner(), Some(waiter.ticket()), || ReadySource::Ticket, cx);
        if context::is_job() { waiter.poll(cx) } else { Poll::Pending }
    }
}

pub(crate) const POLLED_AFTER_READY: &str = "a spawn was polled after it was ready";

impl<S, T, H> Drop for SpawnFuture<S, T, H> {
    #[inline]
    fn drop(&mut self) {
        // The caller gave up or was aborted, and no handle was returned. The wait is deregistered first, so that the
        // slot that comes home does not find the caller blocked, and the child is aborted second.
        if let SpawnStage::Lent(child) = &self.stage {
            self.guard.clear();
            child.abort();
        }
    }
}
