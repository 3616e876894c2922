//! How a job begins.
//!
//! # Implementation details
//!
//! A job that has a slot goes to the workers of its pool. Two kinds of jobs run in a separate tokio task instead: those
//! that queue while no caller awaits them, as the entries of `pile!` do; and those that began inside their caller,
//! which lent them its slot, and were not ready at once.

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::runtime::Handle;

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::job::cell::JobCell;
use crate::job::error::JoinError;
use crate::job::handle::GreenThread;
use crate::job::permit::Permit;
use crate::job::running::{AbortRegistration, Cancelled, Running};
use crate::lending::waiter::{Waiter, WaiterRef};
use crate::lending::{context, deadlock};
use crate::worker;

pin_project! {
    /// A job in a task of its own. The fields are dropped in order: the future has been dropped when the slot is
    /// released.
    pub(crate) struct TaskJob<F> {
        #[pin]
        future: Option<F>,
        abort: Option<AbortRegistration>,
        running: Running,
    }
}

impl<F> TaskJob<F> {
    fn new(future: F, inner: Arc<Inner>, lender: Option<Arc<Member>>) -> Self {
        TaskJob { future: Some(future), abort: None, running: Running::new(inner, lender) }
    }
}

impl<F: Future> Future for TaskJob<F> {
    type Output = Result<F::Output, Cancelled>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut future = this.future;
        let polled = this.running.poll(|| {
            let polled = match future.as_mut().as_pin_mut() {
                Some(future) => future.poll(cx),
                None => Poll::Pending,
            };
            if polled.is_ready() {
                // Within the poll: if the future's destructor panics, the job has panicked.
                future.set(None);
            }
            polled
        });
        if polled.is_pending() && !AbortRegistration::register_abort(this.abort, this.running, cx) {
            return Poll::Ready(Err(Cancelled::Aborted));
        }
        polled
    }
}

pin_project! {
    /// A job that has a place in the queue, and begins when it gets a slot.
    #[project = QueuedJobProj]
    pub(crate) enum QueuedJob<F> {
        Waiting { waiter: Waiter, future: Option<F>, inner: Arc<Inner> },
        Running { #[pin] job: TaskJob<F> },
        Refused,
    }
}

impl<F: Future> Future for QueuedJob<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project() {
                QueuedJobProj::Running { job } => return job.poll(cx),
                QueuedJobProj::Refused => return Poll::Ready(Err(Cancelled::Closed)),
                QueuedJobProj::Waiting { waiter, future, inner } => {
                    match (std::task::ready!(waiter.poll(cx)), future.take()) {
                        (Ok(lender), Some(future)) => {
                            QueuedJob::Running { job: TaskJob::new(future, inner.clone(), lender) }
                        }
                        _ => QueuedJob::Refused,
                    }
                }
            };
            self.set(next);
        }
    }
}

pin_project! {
    /// The future of a task. It sets a flag before it is dropped, if another job may wait for its result.
    struct NotifyEnd<F> {
        ending: Option<Arc<AtomicBool>>,
        #[pin]
        future: F,
    }

    impl<F> PinnedDrop for NotifyEnd<F> {
        // Before the future is dropped, which releases the slot.
        fn drop(this: Pin<&mut Self>) {
            if let Some(ending) = this.project().ending {
                // SeqCst pairs with the load in `WaitEdge::readiness`: a search for deadlocks that finds the slot
                // released finds this flag set.
                ending.store(true, Ordering::SeqCst);
            }
        }
    }
}

impl<F: Future> Future for NotifyEnd<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

/// Gives a job a task of its own. Inside another job it also makes a flag, which tells that the result is on its way.
#[inline]
fn spawn_task<F, T>(future: F, inner: Arc<Inner>, waiter_ref: Option<WaiterRef>, runtime: &Handle) -> GreenThread<T>
where
    F: Future<Output = Result<T, Cancelled>> + Send + 'static,
    T: Send + 'static,
{
    let ending = context::is_job().then(|| Arc::new(AtomicBool::new(false)));
    GreenThread::of(runtime.spawn(NotifyEnd { ending: ending.clone(), future }), inner, waiter_ref, ending)
}

/// The current runtime, for a job that is about to begin in a slot that was just acquired.
///
/// # Panics
/// Panics outside of a runtime, after releasing the slot.
#[inline]
#[track_caller]
pub(crate) fn current_runtime(inner: &Arc<Inner>) -> Handle {
    match Handle::try_current() {
        Ok(runtime) => runtime,
        Err(error) => {
            deadlock::release(inner, None);
            panic!("{error}")
        }
    }
}

/// Begins a job on `runtime`, the current one.
#[inline]
pub(crate) fn spawn<F>(
    future: F,
    inner: &Arc<Inner>,
    lender: Option<Arc<Member>>,
    runtime: &Handle,
) -> GreenThread<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let mut cell = JobCell::with(future, Permit::new(inner, lender));
    let receiver = worker::executor_of(inner).put(runtime, |inject| {
        let receiver = cell.as_mut().completer().receiver(|| inject.alloc(inner));
        (cell, receiver)
    });
    GreenThread::from(receiver)
}

/// Begins a job without a handle.
#[inline]
pub(crate) fn spawn_detached<F>(future: F, inner: &Arc<Inner>, lender: Option<Arc<Member>>, runtime: &Handle)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let cell = JobCell::with(future, Permit::new(inner, lender));
    worker::executor_of(inner).put(runtime, |_| (cell, ()));
}

/// Gives a job that is queued a task, so that it keeps its place without being awaited.
#[track_caller]
pub(crate) fn queue<F>(inner: &Arc<Inner>, waiter: Waiter, future: F) -> GreenThread<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let waiter_ref = waiter.waiter_ref();
    let queued = QueuedJob::Waiting { waiter, future: Some(future), inner: inner.clone() };
    spawn_task(queued, inner.clone(), Some(waiter_ref), &Handle::current())
}

/// How deep the first polls of children with a lent slot may nest on one stack.
const MAX_INLINE_DEPTH: usize = 8;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Begins a job in the slot that the caller lends it: polls it once on the caller's stack, and gives it a task only if
/// it is not ready.
///
/// So the child begins before all jobs that were spawned earlier and have not begun, as in eventlet, which runs it
/// inside the caller.
pub(crate) fn spawn_inline<F>(
    future: F,
    inner: &Arc<Inner>,
    lender: Arc<Member>,
    runtime: &Handle,
    cx: &mut Context<'_>,
) -> GreenThread<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let depth = DEPTH.get();
    if depth >= MAX_INLINE_DEPTH {
        return spawn(future, inner, Some(lender), runtime);
    }
    let inner = inner.clone();
    let mut job = Box::pin(TaskJob::new(future, inner.clone(), Some(lender)));
    DEPTH.set(depth + 1);
    let polled = catch_unwind(AssertUnwindSafe(|| job.as_mut().poll(cx)));
    DEPTH.set(depth);
    let result = match polled {
        Ok(Poll::Pending) => {
            // The registration has the caller's waker. The task registers its own.
            *job.as_mut().project().abort = None;
            return spawn_task(job, inner, None, runtime);
        }
        Ok(Poll::Ready(Ok(value))) => Ok(value),
        Ok(Poll::Ready(Err(_))) => Err(JoinError::cancelled()),
        Err(payload) => Err(JoinError::panic(payload)),
    };
    match catch_unwind(AssertUnwindSafe(|| drop(job))) {
        Ok(()) => GreenThread::ended(inner, result),
        Err(payload) => GreenThread::ended(inner, Err(JoinError::panic(payload))),
    }
}

/// The handle that a closed pool returns.
pub(crate) fn refuse<T>(inner: &Arc<Inner>) -> GreenThread<T> {
    inner.counters.refused.fetch_add(1, Ordering::Relaxed);
    GreenThread::ended(inner.clone(), Err(JoinError::closed()))
}
