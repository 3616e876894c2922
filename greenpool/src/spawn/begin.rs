//! Jobs of any kind: given to a pool's workers; or in a tokio task of their own, if they have to wait for their turn by themselves or have been begun elsewhere.

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
    /// One job in a task of its own. The future is dropped before the seat: a slot never comes back early.
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
                // A job whose future panics in its destructor is one that has panicked.
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
    /// A job that has taken its place in the queue, and begins when its turn comes.
    #[project = QueuedJobProj]
    pub(crate) enum QueuedJob<F> {
        Waiting { waiter: Waiter, future: Option<F>, inner: Arc<Inner> },
        Running { #[pin] job: TaskJob<F> },
        Over,
    }
}

impl<F: Future> Future for QueuedJob<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project() {
                QueuedJobProj::Running { job } => return job.poll(cx),
                QueuedJobProj::Over => return Poll::Ready(Err(Cancelled::Closed)),
                QueuedJobProj::Waiting { waiter, future, inner } => {
                    match (std::task::ready!(waiter.poll(cx)), future.take()) {
                        (Ok(lender), Some(future)) => {
                            QueuedJob::Running { job: TaskJob::new(future, inner.clone(), lender) }
                        }
                        _ => QueuedJob::Over,
                    }
                }
            };
            self.set(next);
        }
    }
}

pin_project! {
    /// A task whose result a job may wait for.
    struct NotifyEnd<F> {
        over: Option<Arc<AtomicBool>>,
        #[pin]
        future: F,
    }

    impl<F> PinnedDrop for NotifyEnd<F> {
        // Before the future is dropped, and with it the seat.
        fn drop(this: Pin<&mut Self>) {
            if let Some(over) = this.project().over {
                over.store(true, Ordering::SeqCst);
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

/// Gives a job a task. A job that spawns it can tell from the flag when its result is on its way.
#[inline]
fn spawn_task<F, T>(future: F, inner: Arc<Inner>, waiter_ref: Option<WaiterRef>, runtime: &Handle) -> GreenThread<T>
where
    F: Future<Output = Result<T, Cancelled>> + Send + 'static,
    T: Send + 'static,
{
    let over = context::is_job().then(|| Arc::new(AtomicBool::new(false)));
    GreenThread::of(runtime.spawn(NotifyEnd { over: over.clone(), future }), inner, waiter_ref, over)
}

/// The current runtime, for a job that is about to begin in a slot that was just acquired.
///
/// # Panics
/// Outside of a runtime, after giving the slot back.
#[inline]
#[track_caller]
pub(crate) fn current_runtime(inner: &Arc<Inner>) -> Handle {
    match Handle::try_current() {
        Ok(runtime) => runtime,
        Err(nowhere) => {
            deadlock::release(inner, None);
            panic!("{nowhere}")
        }
    }
}

/// Begins a job of any kind on the current runtime.
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

/// Likewise, where nobody wants a handle.
#[inline]
pub(crate) fn spawn_detached<F>(future: F, inner: &Arc<Inner>, lender: Option<Arc<Member>>, runtime: &Handle)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let cell = JobCell::with(future, Permit::new(inner, lender));
    worker::executor_of(inner).put(runtime, |_| (cell, ()));
}

/// A job that stands in the queue, and keeps its turn without being awaited.
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

/// How many jobs deep the first poll of a lent-to child may nest on one stack.
const MAX_INLINE_DEPTH: usize = 8;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Begins a job that the caller lends its slot to: polls it once, here and now, and only then gives it a task.
///
/// So the child comes before anything that was spawned earlier and has not begun, as in eventlet, which runs it inside of
/// the caller. A child that is ready at once needs no task at all.
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
            // The task enrols with a waker of its own.
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

/// What a closed pool answers.
pub(crate) fn refuse<T>(inner: &Arc<Inner>) -> GreenThread<T> {
    inner.counters.refused.fetch_add(1, Ordering::Relaxed);
    GreenThread::ended(inner.clone(), Err(JoinError::closed()))
}
