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
pub(crate) trait Start {
    type Output: Send + 'static;
    /// What the caller gets: a handle on the job, or nothing.
    type Handle;

    fn inner(&self) -> &Arc<Inner>;

    /// In a slot that has just been acquired, or lent by `lender`. (By reference, so that the arguments are moved but once: to where the job runs.)
    #[track_caller]
    fn start(this: &mut Option<Self>, lender: Option<Arc<Member>>) -> Self::Handle
    where
        Self: Sized;

    /// In the slot of the caller, who is being polled with `cx`.
    #[track_caller]
    fn start_here(self, lender: Arc<Member>, cx: &mut Context<'_>) -> GreenThread<Self::Output>;

    /// What is left for the caller of a job that it had to wait for.
    fn handle(thread: GreenThread<Self::Output>) -> Self::Handle;
}

/// A future of any kind, run in a task of its own.
pub(crate) struct Plain<F> {
    pub(crate) inner: Arc<Inner>,
    pub(crate) future: F,
}

impl<F> Start for Plain<F>
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
    fn start(this: &mut Option<Self>, lender: Option<Arc<Member>>) -> GreenThread<F::Output> {
        let Plain { inner, future } = this.take().expect(OVER);
        begin::begin(future, &inner, lender)
    }

    #[track_caller]
    fn start_here(self, lender: Arc<Member>, cx: &mut Context<'_>) -> GreenThread<F::Output> {
        begin::begin_here(self.future, &self.inner, lender, cx)
    }

    fn handle(thread: GreenThread<F::Output>) -> GreenThread<F::Output> {
        thread
    }
}

/// What is started for its own sake: nobody gets a handle.
pub(crate) struct NoHandle<S>(pub(crate) S);

impl<F> Start for NoHandle<Plain<F>>
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
    fn start(this: &mut Option<Self>, lender: Option<Arc<Member>>) {
        let NoHandle(Plain { inner, future }) = this.take().expect(OVER);
        begin::begin_alone(future, &inner, lender);
    }

    #[track_caller]
    fn start_here(self, lender: Arc<Member>, cx: &mut Context<'_>) -> GreenThread<F::Output> {
        self.0.start_here(lender, cx)
    }

    fn handle(thread: GreenThread<F::Output>) {
        thread.report_unobserved();
    }
}

/// Gets a slot, begins the job, and comes back when the caller may go on.
///
/// (Its types are bounded where they are used, not here: a bound with `'static` on a type that is held over an `.await`
/// is a "higher-ranked lifetime error" in the async function that holds it.)
pub(crate) struct Spawning<S, T, H> {
    /// There until the job begins.
    what: Option<S>,
    stage: Stage<T, H>,
    guard: WaitGuard,
}

enum Stage<T, H> {
    Start,
    Queued(Waiter),
    /// The caller has lent its own slot, and waits until the child is over.
    Lent(GreenThread<T>),
    Acquired(H),
}

impl<S: Start> Spawning<S, S::Output, S::Handle> {
    #[inline]
    pub(crate) fn new(what: S) -> Self {
        Spawning { what: Some(what), stage: Stage::Start, guard: WaitGuard::default() }
    }

    #[inline]
    #[track_caller]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<S::Handle> {
        if let (Stage::Start, Some(what)) = (&self.stage, &self.what) {
            if what.inner().slots.try_acquire().is_ok() {
                return self.start(None, cx);
            }
        }
        self.poll_slowly(cx)
    }

    /// Begins the job in a slot that was acquired, or lent by `lender`.
    #[inline]
    #[track_caller]
    fn start(&mut self, lender: Option<Arc<Member>>, cx: &mut Context<'_>) -> Poll<S::Handle> {
        let handle = S::start(&mut self.what, lender);
        self.begun(handle, cx)
    }

    #[inline]
    fn begun(&mut self, handle: S::Handle, cx: &mut Context<'_>) -> Poll<S::Handle> {
        // Who has lent its slot elsewhere may not go on before it has one.
        if self.guard.poll_reacquire(cx).is_ready() {
            return Poll::Ready(handle);
        }
        self.stage = Stage::Acquired(handle);
        Poll::Pending
    }

    /// Nothing is to be spawned any more: waits only until the caller has its slot.
    pub(crate) fn poll_reacquire(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Stage::Lent(child) = &self.stage {
            child.abort();
        }
        // With it goes the place in the queue, or a slot that has come already.
        self.stage = Stage::Start;
        self.what = None;
        self.guard.poll_reacquire(cx)
    }

    #[cold]
    #[track_caller]
    fn poll_slowly(&mut self, cx: &mut Context<'_>) -> Poll<S::Handle> {
        loop {
            match std::mem::replace(&mut self.stage, Stage::Start) {
                Stage::Start => {
                    let inner = self.what.as_ref().expect(OVER).inner();
                    match Waiter::acquire(inner, || context::member_of(inner), Some(cx.waker())) {
                        Acquired::Now => return self.start(None, cx),
                        Acquired::Queued(waiter) => {
                            self.stage = Stage::Queued(waiter);
                            // A job may be able to borrow a slot. Anybody else waits to be woken.
                            if !context::is_job() {
                                return Poll::Pending;
                            }
                        }
                        Acquired::Closed => return self.refused(cx),
                    }
                }
                Stage::Queued(mut waiter) => match self.poll_queued(&mut waiter, cx) {
                    Poll::Ready(Ok(Some(lender))) if context::is_current(&lender) => {
                        let what = self.what.take().expect(OVER);
                        self.stage = Stage::Lent(what.start_here(lender, cx));
                    }
                    Poll::Ready(Ok(lender)) => return self.start(lender, cx),
                    Poll::Ready(Err(Refused)) => return self.refused(cx),
                    Poll::Pending => {
                        self.stage = Stage::Queued(waiter);
                        return Poll::Pending;
                    }
                },
                Stage::Lent(mut child) => {
                    if child.poll_finished(cx).is_ready() {
                        return self.begun(S::handle(child), cx);
                    }
                    child.register(&mut self.guard, cx);
                    self.stage = Stage::Lent(child);
                    return Poll::Pending;
                }
                Stage::Acquired(handle) => return self.begun(handle, cx),
            }
        }
    }

    /// The pool is closed.
    fn refused(&mut self, cx: &mut Context<'_>) -> Poll<S::Handle> {
        let what = self.what.take().expect(OVER);
        self.begun(S::handle(begin::refuse(what.inner())), cx)
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

impl<S, T, H> Drop for Spawning<S, T, H> {
    #[inline]
    fn drop(&mut self) {
        // First, so that a slot that comes home does not find the job waiting.
        self.guard.clear();
        // The caller has given up, or has been aborted itself, and nobody was given a handle: the slot comes home.
        if let Stage::Lent(child) = &self.stage {
            child.abort();
        }
    }
}
