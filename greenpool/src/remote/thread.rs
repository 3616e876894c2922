//! `FarThread`: the handle of one job on an engine.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::job::error::JoinError;
use crate::job::handle::{AbortHandle, GreenThread};
use crate::job::id::JobId;
use crate::pile::held::{HandleKind, Held};
use crate::remote::call::Outcome;

/// Stands for one job on an engine, as a [`GreenThread`] does for a local one. Awaiting it returns the output of the
/// function, or a [`JoinError`] if the job panicked, was aborted, or its result is [lost](JoinError::lost).
///
/// **Dropping** it detaches the job, which runs on.
///
/// # Cancel safety
/// Awaiting `&mut thread` in a `select!` loses nothing: the result stays until it is taken.
///
/// # Panics
/// Panics if it is polled again after it returned its result.
///
/// ```
/// use greenpool::green_pool;
/// use greenpool::remote::Here;
///
/// #[green_pool(size = 4, remote)]
/// async fn check(n: u32) -> u32 { assert!(n < 10, "{n} is too large"); n }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let here = Here::new().serve(check::handler());
/// let error = check::on(&here).spawn(11).await.await.unwrap_err();
/// assert_eq!(error.to_string(), "the job panicked: 11 is too large");
/// # }
/// ```
#[must_use = "await it for the job's result, or use `spawn_n` where none is wanted"]
pub struct FarThread<T> {
    green: GreenThread<Outcome<T>>,
    /// The result, once a pile has seen that it is there.
    ready: Option<Outcome<T>>,
}

// The result is never pinned.
impl<T> Unpin for FarThread<T> {}

impl<T> FarThread<T> {
    pub(crate) fn of(green: GreenThread<Outcome<T>>) -> Self {
        FarThread { green, ready: None }
    }

    fn flatten(&self, result: Result<Outcome<T>, JoinError>) -> Outcome<T> {
        result.and_then(|outcome| outcome.map_err(|error| error.with_id(self.id())))
    }

    /// Aborts the job. If it is queued, it is removed; if it runs, its worker is told to stop it, and the result is
    /// dropped in any case.
    ///
    /// ```
    /// # use greenpool::green_pool;
    /// # use greenpool::remote::Here;
    /// #[green_pool(size = 4, remote)]
    /// async fn wait() { std::future::pending().await }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let here = Here::new().serve(wait::handler());
    /// let thread = wait::on(&here).spawn().await;
    /// thread.abort();
    /// assert!(thread.await.unwrap_err().is_cancelled());
    /// # }
    /// ```
    pub fn abort(&self) {
        self.green.abort();
    }

    /// Waits for the job and returns its output, as [`GreenThread::value`] does. If the job panicked, the panic resumes
    /// in the caller, with its message as a `String`.
    ///
    /// **Dropping** the returned future detaches the job, like dropping the handle.
    ///
    /// # Panics
    /// The returned future panics if the job panicked, and with the message of the [`JoinError`] if the job was aborted
    /// or its result is [lost](JoinError::lost).
    ///
    /// # Cancel safety
    /// Awaiting `&mut value` in a `select!` loses nothing.
    ///
    /// ```
    /// # use greenpool::green_pool;
    /// # use greenpool::remote::Here;
    /// #[green_pool(size = 4, remote)]
    /// async fn double(n: u32) -> u32 { n * 2 }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let here = Here::new().serve(double::handler());
    /// assert_eq!(double::on(&here).spawn(21).await.value().await, 42);
    /// # }
    /// ```
    pub fn value(self) -> FarValue<T> {
        FarValue { thread: self }
    }

    /// Returns whether the result is there, or the job was aborted.
    pub fn is_finished(&self) -> bool {
        self.green.is_finished()
    }

    /// Returns the id of the job in this process.
    pub fn id(&self) -> JobId {
        self.green.id()
    }
}

/// The handles of a pile are [`FarThread`]s.
pub struct FarKind(());

impl HandleKind for FarKind {
    type Of<T> = FarThread<T>;
}

impl<T> Held for FarThread<T> {
    type Output = T;
    type Kind = FarKind;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ready.is_none() {
            ready!(self.green.poll_ready(cx));
            self.ready = self.green.take().map(|result| self.flatten(result));
        }
        Poll::Ready(())
    }

    fn take(&mut self) -> Option<Outcome<T>> {
        self.ready.take()
    }

    fn try_take(&mut self) -> Option<Outcome<T>> {
        self.ready.take().or_else(|| self.green.try_take().map(|result| self.flatten(result)))
    }

    fn take_error(&mut self) -> Option<JoinError> {
        let error = self.ready.take_if(|result| result.is_err())?.err();
        self.ready = Some(Err(JoinError::cancelled().with_id(self.id())));
        error
    }

    fn abort(&self) {
        self.abort();
    }

    fn abort_queued(&self) {
        self.green.abort_queued();
    }

    fn stop_waiting(&mut self) {
        self.green.stop_waiting();
    }
}

impl<T: Send + 'static> FarThread<T> {
    /// Returns a handle that can abort the job, but does not have its result.
    pub fn abort_handle(&self) -> AbortHandle {
        self.green.abort_handle()
    }
}

impl<T> Future for FarThread<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(Pin::new(&mut self.green).poll(cx));
        Poll::Ready(self.flatten(result))
    }
}

impl<T> fmt::Debug for FarThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FarThread").field("id", &self.id()).field("finished", &self.is_finished()).finish()
    }
}

/// Waits for the output of one job: the future returned by [`FarThread::value`].
#[must_use = "it waits only while it is awaited; write `.await`"]
pub struct FarValue<T> {
    thread: FarThread<T>,
}

impl<T> Future for FarValue<T> {
    type Output = T;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Poll::Ready(ready!(Pin::new(&mut self.thread).poll(cx)).unwrap_or_else(|error| error.raise()))
    }
}

impl<T> fmt::Debug for FarValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FarValue").field("thread", &self.thread).finish()
    }
}
