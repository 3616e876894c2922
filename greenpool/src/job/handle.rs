//! The handle of one job.

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::task::coop::{self, RestoreOnPending};

use crate::inner::Inner;
use crate::inner::wait::{Ending, ReadySource};
use crate::job::error::JoinError;
use crate::job::id::JobId;
use crate::job::reply::{AbortTarget, Receiver};
use crate::job::reply_ref::ReplyRef;
use crate::job::span;
use crate::lending::blocking::WaitGuard;
use crate::lending::waiter::WaiterRef;

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
    receiver: Receiver<T>,
    guard: WaitGuard,
}

// The output is never pinned.
impl<T> Unpin for GreenThread<T> {}

// As tokio's handles: a panic in another task leaves no job half done.
impl<T> UnwindSafe for GreenThread<T> {}
impl<T> RefUnwindSafe for GreenThread<T> {}

impl<T> GreenThread<T> {
    #[inline]
    pub(crate) fn new(receiver: Receiver<T>) -> Self {
        GreenThread { receiver, guard: WaitGuard::default() }
    }

    /// The job is queued at this place, which only this handle knows.
    pub(crate) fn set_waiter(&mut self, waiter: WaiterRef) {
        self.mark_queued();
        self.reply().set_waiter(waiter);
    }

    /// The reply knows the job's place from now on.
    #[inline]
    pub(crate) fn mark_queued(&mut self) {
        self.receiver.mark_queued();
    }

    /// What can abort the job without this handle, or `None` if the result was taken.
    pub(crate) fn abort_target(&self) -> Option<AbortTarget>
    where
        T: Send + 'static,
    {
        self.receiver.abort_target()
    }

    /// The job's reply.
    #[inline]
    pub(crate) fn reply(&self) -> ReplyRef<'_> {
        self.receiver.reply()
    }

    #[inline]
    pub(crate) fn inner(&self) -> &Arc<Inner> {
        self.receiver.inner()
    }

    /// The job's place in the queue or among the jobs of its key, if only this handle knows it.
    pub(crate) fn waiter(&self) -> Option<WaiterRef> {
        self.receiver.waiter()
    }

    /// This handle is dropped without being used. If the job has panicked already, reports that.
    pub(crate) fn report_unobserved(mut self) {
        if let Some(Err(mut error)) = self.receiver.take() {
            span::report_panic(self.receiver.inner(), &mut error);
        } else {
            self.receiver.forget();
        }
    }

    /// Aborts the job if it is still queued.
    pub(crate) fn abort_queued(&self) {
        if let Some(waiter) = self.receiver.waiter() {
            waiter.cancel();
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
        self.receiver.abort();
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
        self.receiver.is_finished()
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
        self.receiver.id()
    }

    /// Waits until the job has ended. The result stays. Does not register with the job that polls it.
    pub(crate) fn poll_finished(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        poll_finished(self.receiver.reply(), self.receiver.is_taken(), cx)
    }

    /// Tells when the job is about to release its slot.
    pub(crate) fn ending(&self) -> Arc<Ending> {
        self.receiver.ending()
    }

    /// Registers that the job that polls this waits for this one, and may lend it its slot.
    fn register(&mut self, cx: &mut Context<'_>) {
        let GreenThread { receiver, guard } = self;
        register(receiver.reply(), receiver.is_queued(), guard, cx);
    }

    /// Waits until the job has ended. The result stays. The job that polls this may [lack a slot](Self::poll_slot).
    pub(crate) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_finished(cx).is_ready() {
            return Poll::Ready(());
        }
        self.register(cx);
        Poll::Pending
    }

    /// The job has ended. Waits until the job that polls this has a slot to go on with.
    pub(crate) fn poll_slot(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.guard.poll_reacquire(cx)
    }

    /// Waits until the job has ended, and the job that polls this has a slot to go on with. The result stays.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.poll_ended(cx));
        self.poll_slot(cx)
    }

    /// Takes the result, once [`poll_ended`](Self::poll_ended) has returned `Ready`.
    pub(crate) fn take(&mut self) -> Option<Result<T, JoinError>> {
        self.receiver.take()
    }

    /// Takes the error, if that is the result, and leaves a cancellation in its place.
    pub(crate) fn take_error(&mut self) -> Option<JoinError> {
        self.receiver.take_error()
    }

    /// The verb that waited for this has been dropped, or waits only for others.
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
        AbortHandle { id: self.id(), target: self.abort_target() }
    }
}

impl<T> Future for GreenThread<T> {
    type Output = Result<T, JoinError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let GreenThread { receiver, guard } = &mut *self;
        assert!(!receiver.is_taken(), "a `GreenThread` was polled after it returned its result");
        let coop = ready!(coop::poll_proceed(cx));
        // The result stays where it is until the job that polls this has a slot to go on with.
        let mut may_take = !guard.may_lack_slot();
        loop {
            if may_take {
                if let Some(result) = receiver.take() {
                    spend(coop);
                    return Poll::Ready(result);
                }
            }
            ready!(poll_slot(receiver.reply(), receiver.is_queued(), guard, cx));
            may_take = true;
        }
    }
}

/// The unit of tokio's budget is spent. Says so without the destructor, which would find nothing to restore: it is not
/// inlined.
#[inline]
pub(crate) fn spend(coop: RestoreOnPending) {
    mem::forget(coop);
}

// What follows is not generic, so that it is compiled once.

/// Waits until the job has ended. The result stays.
fn poll_finished(reply: ReplyRef<'_>, is_taken: bool, cx: &mut Context<'_>) -> Poll<()> {
    let coop = ready!(coop::poll_proceed(cx));
    if !is_taken {
        ready!(reply.poll(cx));
    }
    coop.made_progress();
    Poll::Ready(())
}

/// Registers that the job that polls this waits for the job of `reply`, and may lend it its slot.
fn register(reply: ReplyRef<'_>, queued: bool, guard: &mut WaitGuard, cx: &mut Context<'_>) {
    let waiter = if queued { reply.waiter() } else { None };
    waiter.iter().for_each(WaiterRef::offer_current);
    let ticket = waiter.map(|waiter| waiter.ticket());
    guard.register(reply.inner(), ticket, || ReadySource::Job(reply.ending()), cx);
}

/// Waits until the job has ended, and the job that polls this has a slot to go on with. The result stays.
fn poll_slot(reply: ReplyRef<'_>, queued: bool, guard: &mut WaitGuard, cx: &mut Context<'_>) -> Poll<()> {
    if reply.poll(cx).is_pending() {
        register(reply, queued, guard, cx);
        return Poll::Pending;
    }
    guard.poll_reacquire(cx)
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
    /// `None` if the job had ended, and its result was taken.
    target: Option<AbortTarget>,
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
        if let Some(target) = &self.target {
            target.abort();
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
        self.target.as_ref().is_none_or(AbortTarget::is_finished)
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
