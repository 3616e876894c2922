//! [`GreenThread::value`], and how the panic of a job resumes in another task.

use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use tokio::task::coop;

use crate::job::error::JoinError;
use crate::job::handle::GreenThread;

impl<T> GreenThread<T> {
    /// Waits for the job and returns its output. If the job panicked, the panic resumes in the caller.
    ///
    /// It reads like a call of the function itself, and is for callers that treat the panic of a job as their own. To
    /// look at a panic, or to expect a cancellation, await the handle, which returns a [`JoinError`].
    ///
    /// **Dropping** the returned future detaches the job, like dropping the handle.
    ///
    /// # Panics
    /// The returned future panics
    /// - with the payload of the job, if the job panicked;
    /// - with the message of the [`JoinError`], if the job was aborted, its runtime was shut down, or its pool was
    ///   closed before it began.
    ///
    /// # Cancel safety
    /// Awaiting `&mut value` in a `select!` loses nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(async { 6 * 7 }).await;
    /// assert_eq!(green.value().await, 42);
    /// # }
    /// ```
    pub fn value(self) -> Value<T> {
        Value { thread: self }
    }

    /// Takes the result if the job has ended. It must not have been taken before.
    pub(crate) fn try_take(&mut self) -> Option<Result<T, JoinError>> {
        if !self.is_finished() {
            return None;
        }
        // What has ended does not keep the waker, and needs nothing of tokio's budget.
        let poll = pin!(coop::unconstrained(poll_fn(|cx| self.poll_finished(cx))));
        match poll.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(()) => self.take(),
            Poll::Pending => None,
        }
    }
}

/// Waits for the output of one job: the future returned by [`GreenThread::value`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPool, Value};
///
/// let value: Value<u32> = GreenPool::new(1).spawn(async { 7 }).await.value();
/// assert_eq!(value.await, 7);
/// # }
/// ```
#[must_use = "it waits only while it is awaited; write `.await`"]
pub struct Value<T> {
    thread: GreenThread<T>,
}

impl<T> Future for Value<T> {
    type Output = T;

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(Pin::new(&mut self.thread).poll(cx)) {
            Ok(value) => Poll::Ready(value),
            Err(error) => error.raise(),
        }
    }
}

impl JoinError {
    /// Resumes the panic of the job, or panics with the message of this error if the job did not panic.
    #[cold]
    #[track_caller]
    pub(crate) fn raise(self) -> ! {
        match self.try_into_panic() {
            Ok(payload) => resume_unwind(payload),
            Err(error) => panic!("{error}"),
        }
    }
}
