//! The handle of one job.

use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll, ready};

use tokio::task::{JoinHandle, coop};

use crate::inner::Inner;
use crate::inner::wait::ReadySource;
use crate::job::error::JoinError;
use crate::job::id::JobId;
use crate::job::reply::{Abort, Receiver};
use crate::job::running::Cancelled;
use crate::job::span;
use crate::lending::blocking::WaitGuard;
use crate::lending::waiter::WaiterRef;
use crate::sync::Exclusive;

/// Stands for one job in a pool, and resolves to its result. Named after eventlet's `GreenThread`.
///
/// Awaiting it returns the job's output in `Ok`, or a [`JoinError`] if the job panicked or was cancelled. By then the
/// job's future has been dropped and its slot is free.
///
/// **Dropping** it detaches the job, which runs on. To end the job, call [`abort`](Self::abort).
///
/// # Cancel safety
/// Awaiting `&mut green` in a `select!` loses nothing: the result stays until it is taken.
///
/// # Panics
/// Panics if it is polled again after it returned its result.
///
/// # Compared with `tokio::task::JoinHandle`
/// Both work alike. The task of a `JoinHandle` runs beside any number of others; the job of a `GreenThread` counts
/// against the size of its pool.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let pool = greenpool::GreenPool::new(2);
/// let green = pool.spawn(async { 6 * 7 }).await;
/// assert_eq!(green.await.unwrap(), 42);
/// # }
/// ```
#[must_use = "await it for the job's result, or use `spawn_n` where none is wanted"]
pub struct GreenThread<T> {
    source: ResultSource<T>,
    guard: WaitGuard,
}

enum ResultSource<T> {
    /// A worker runs the job.
    Reply(Receiver<T>),
    /// The job has a task of its own.
    Task(Box<TaskHandle<T>>),
    /// The job ended before it got a handle, or never began.
    Ended(Box<Ended<T>>),
}

struct TaskHandle<T> {
    task: JoinHandle<Result<T, Cancelled>>,
    inner: Arc<Inner>,
    /// Set before the job releases its slot. Made if another job spawned this one.
    ending: Option<Arc<AtomicBool>>,
    /// The job's place in the queue, if it had to queue.
    waiter_ref: Option<WaiterRef>,
    out: Exclusive<Option<Result<T, JoinError>>>,
}

struct Ended<T> {
    id: JobId,
    inner: Arc<Inner>,
    out: Exclusive<Option<Result<T, JoinError>>>,
}

impl<T> TaskHandle<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.out.get_mut().is_some() {
            return Poll::Ready(());
        }
        let id = JobId::of_task(self.task.id());
        *self.out.get_mut() = Some(match ready!(Pin::new(&mut self.task).poll(cx)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Cancelled::Aborted)) => Err(JoinError::cancelled().with_id(id)),
            Ok(Err(Cancelled::Closed)) => Err(JoinError::closed().with_id(id)),
            Err(error) => {
                let panic = error.try_into_panic().map(JoinError::panic);
                Err(panic.unwrap_or_else(|_| JoinError::cancelled()).with_id(id))
            }
        });
        Poll::Ready(())
    }

    /// What tells whether the result is there, or on its way.
    fn ready_source(&self) -> ReadySource {
        match &self.ending {
            Some(ending) => ReadySource::Flag(ending.clone()),
            None => ReadySource::Task(self.task.abort_handle()),
        }
    }
}

impl<T> ResultSource<T> {
    fn register(&mut self, guard: &mut WaitGuard, cx: &mut Context<'_>) {
        match self {
            ResultSource::Reply(receiver) => {
                guard.register(receiver.inner(), None, || ReadySource::Flag(receiver.ending()), cx);
            }
            ResultSource::Task(own) => {
                let ticket = own.waiter_ref.take().map(|waiter_ref| waiter_ref.ticket());
                guard.register(&own.inner, ticket, || own.ready_source(), cx);
            }
            ResultSource::Ended(_) => {}
        }
    }
}

// The output is never pinned.
impl<T> Unpin for GreenThread<T> {}

// As tokio's handles: a panic in another task leaves no job half done.
impl<T> UnwindSafe for GreenThread<T> {}
impl<T> RefUnwindSafe for GreenThread<T> {}

impl<T> GreenThread<T> {
    /// The handle of a job that has a task of its own.
    pub(crate) fn of(
        task: JoinHandle<Result<T, Cancelled>>,
        inner: Arc<Inner>,
        waiter_ref: Option<WaiterRef>,
        ending: Option<Arc<AtomicBool>>,
    ) -> Self {
        let source =
            ResultSource::Task(Box::new(TaskHandle { task, inner, ending, waiter_ref, out: Exclusive::new(None) }));
        GreenThread { source, guard: WaitGuard::default() }
    }

    /// The handle of a job that a worker runs.
    #[inline]
    pub(crate) fn from(receiver: Receiver<T>) -> Self {
        GreenThread { source: ResultSource::Reply(receiver), guard: WaitGuard::default() }
    }

    /// The handle of a job that has ended already, or never began.
    pub(crate) fn ended(inner: Arc<Inner>, result: Result<T, JoinError>) -> Self {
        let id = JobId::next();
        let out = Exclusive::new(Some(result.map_err(|error| error.with_id(id))));
        GreenThread { source: ResultSource::Ended(Box::new(Ended { id, inner, out })), guard: WaitGuard::default() }
    }

    /// The job has ended, and this handle is dropped without being used: reports a panic.
    pub(crate) fn report_unobserved(mut self) {
        let Some(Err(mut error)) = self.take() else { return };
        match &self.source {
            ResultSource::Reply(receiver) => span::report_panic(receiver.inner(), &mut error),
            ResultSource::Task(own) => span::report_panic(&own.inner, &mut error),
            ResultSource::Ended(ended) => span::report_panic(&ended.inner, &mut error),
        }
    }

    /// Aborts the job: it ends at its next `.await`, or before it begins. Does nothing if the job has ended.
    ///
    /// Once the job's future has been dropped, the handle resolves to a [`JoinError`] for which
    /// [`is_cancelled`](JoinError::is_cancelled) is true. If the job finishes first, the handle resolves to its result.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(std::future::pending::<()>()).await;
    /// green.abort();
    /// assert!(green.await.unwrap_err().is_cancelled());
    /// # }
    /// ```
    pub fn abort(&self) {
        match &self.source {
            ResultSource::Reply(receiver) => receiver.abort(),
            ResultSource::Task(own) => own.task.abort(),
            ResultSource::Ended(_) => {}
        }
    }

    /// Returns whether the job has ended: it finished or panicked, or it was aborted and its future has been dropped.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(std::future::pending::<()>()).await;
    /// assert!(!green.is_finished());
    /// green.abort();
    /// pool.waitall().await;
    /// assert!(green.is_finished());
    /// # }
    /// ```
    pub fn is_finished(&self) -> bool {
        match &self.source {
            ResultSource::Reply(receiver) => receiver.is_finished(),
            ResultSource::Task(own) => own.task.is_finished(),
            ResultSource::Ended(_) => true,
        }
    }

    /// Returns the job's id.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let (one, two) = (pool.spawn(async {}).await, pool.spawn(async {}).await);
    /// assert_ne!(one.id(), two.id());
    /// # }
    /// ```
    pub fn id(&self) -> JobId {
        match &self.source {
            ResultSource::Reply(receiver) => receiver.id(),
            ResultSource::Task(own) => JobId::of_task(own.task.id()),
            ResultSource::Ended(ended) => ended.id,
        }
    }

    /// Waits until the job has ended. The result stays. Does not register with the job that polls it.
    pub(crate) fn poll_finished(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.source {
            ResultSource::Reply(receiver) => {
                let coop = ready!(coop::poll_proceed(cx));
                ready!(receiver.poll(cx));
                coop.made_progress();
                Poll::Ready(())
            }
            ResultSource::Task(own) => own.poll(cx),
            ResultSource::Ended(_) => Poll::Ready(()),
        }
    }

    /// Registers, with `guard`, that the job that polls this waits for this one.
    pub(crate) fn register(&mut self, guard: &mut WaitGuard, cx: &mut Context<'_>) {
        self.source.register(guard, cx);
    }

    /// Waits until the job has ended, and the job that polls this has a slot to go on with. The result stays.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_finished(cx).is_ready() {
            return self.guard.poll_reacquire(cx);
        }
        if let ResultSource::Task(own) = &self.source {
            own.waiter_ref.iter().for_each(WaiterRef::offer_current);
        }
        self.source.register(&mut self.guard, cx);
        Poll::Pending
    }

    /// Takes the result, once [`poll_ready`](Self::poll_ready) has returned `Ready`.
    pub(crate) fn take(&mut self) -> Option<Result<T, JoinError>> {
        match &mut self.source {
            ResultSource::Reply(receiver) => receiver.take(),
            ResultSource::Task(own) => own.out.get_mut().take(),
            ResultSource::Ended(ended) => ended.out.get_mut().take(),
        }
    }

    /// Takes the error, if that is the result, and leaves a cancellation in its place.
    pub(crate) fn take_error(&mut self) -> Option<JoinError> {
        let out = match &mut self.source {
            ResultSource::Reply(receiver) => return receiver.take_error(),
            ResultSource::Task(own) => own.out.get_mut(),
            ResultSource::Ended(ended) => ended.out.get_mut(),
        };
        match out {
            Some(Err(error)) => Some(std::mem::replace(error, JoinError::cancelled())),
            _ => None,
        }
    }

    /// The verb that waited for this has been dropped.
    pub(crate) fn stop_waiting(&mut self) {
        self.guard.clear();
    }
}

impl<T: Send + 'static> GreenThread<T> {
    /// Returns a handle that can abort the job, but does not have its result.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(std::future::pending::<()>()).await;
    /// let handle = green.abort_handle();
    /// tokio::spawn(async move { handle.abort() });
    /// assert!(green.await.unwrap_err().is_cancelled());
    /// # }
    /// ```
    pub fn abort_handle(&self) -> AbortHandle {
        let target = match &self.source {
            ResultSource::Reply(receiver) => receiver.abort_target().map_or(AbortTarget::Ended, AbortTarget::Reply),
            ResultSource::Task(own) => AbortTarget::Task(own.task.abort_handle()),
            ResultSource::Ended(_) => AbortTarget::Ended,
        };
        AbortHandle { id: self.id(), target }
    }
}

impl<T> Future for GreenThread<T> {
    type Output = Result<T, JoinError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let GreenThread { source, guard } = &mut *self;
        match source {
            // The fast path, in one step.
            ResultSource::Reply(receiver) if !receiver.is_taken() && !guard.may_lack_slot() => {
                let coop = ready!(coop::poll_proceed(cx));
                let polled = receiver.poll_take(cx);
                if polled.is_ready() {
                    coop.made_progress();
                } else {
                    source.register(guard, cx);
                }
                polled
            }
            _ => {
                ready!(self.poll_ready(cx));
                Poll::Ready(self.take().expect("a `GreenThread` was polled after it returned its result"))
            }
        }
    }
}

impl<T> fmt::Debug for GreenThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GreenThread").field("id", &self.id()).field("finished", &self.is_finished()).finish()
    }
}

/// Aborts a job without owning its result; made by [`GreenThread::abort_handle`]. Dropping it does nothing.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{AbortHandle, GreenPool};
///
/// let pool = GreenPool::new(2);
/// let mut handles: Vec<AbortHandle> = Vec::new();
/// for _ in 0..2 {
///     let green = pool.spawn(std::future::pending::<()>()).await;
///     handles.push(green.abort_handle());
/// }
/// handles.iter().for_each(AbortHandle::abort);
/// pool.waitall().await;
/// # }
/// ```
#[derive(Clone)]
pub struct AbortHandle {
    id: JobId,
    target: AbortTarget,
}

#[derive(Clone)]
enum AbortTarget {
    Task(tokio::task::AbortHandle),
    Reply(Arc<dyn Abort>),
    Ended,
}

impl UnwindSafe for AbortHandle {}
impl RefUnwindSafe for AbortHandle {}

impl AbortHandle {
    /// Aborts the job: it ends at its next `.await`, or before it begins. Does nothing if the job has ended.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(std::future::pending::<()>()).await;
    /// green.abort_handle().abort();
    /// assert!(green.await.unwrap_err().is_cancelled());
    /// # }
    /// ```
    pub fn abort(&self) {
        match &self.target {
            AbortTarget::Task(task) => task.abort(),
            AbortTarget::Reply(reply) => reply.abort(),
            AbortTarget::Ended => {}
        }
    }

    /// Returns whether the job has ended.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(async {}).await;
    /// let handle = green.abort_handle();
    /// green.await.unwrap();
    /// assert!(handle.is_finished());
    /// # }
    /// ```
    pub fn is_finished(&self) -> bool {
        match &self.target {
            AbortTarget::Task(task) => task.is_finished(),
            AbortTarget::Reply(reply) => reply.is_finished(),
            AbortTarget::Ended => true,
        }
    }

    /// Returns the job's id.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(async {}).await;
    /// assert_eq!(green.abort_handle().id(), green.id());
    /// # }
    /// ```
    pub fn id(&self) -> JobId {
        self.id
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").field("id", &self.id).field("finished", &self.is_finished()).finish()
    }
}
