//! `close`, `abort_all` and `shutdown`: how a pool comes to its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::inner::Inner;
use crate::lending::context;
use crate::pool::GreenPool;
use crate::pool::stats::PoolStats;

impl GreenPool {
    /// Takes no new jobs from now on.
    ///
    /// Callers who are queued already keep their turn. A map that is under way reads no further item: it gives the results of what has begun,
    /// then one [`JoinError`](crate::JoinError) that says that the pool is closed, then its end.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(async { "in time" }).await;
    /// pool.close();
    /// let late = pool.spawn(async { "late" }).await;
    /// assert_eq!(green.await.unwrap(), "in time");
    /// assert!(late.await.unwrap_err().is_closed());
    /// # }
    /// ```
    pub fn close(&self) {
        self.inner().slots.close();
    }

    /// Whether [`close`](Self::close) or [`shutdown`](Self::shutdown) was called.
    ///
    /// ```
    /// let pool = greenpool::GreenPool::new(2);
    /// assert!(!pool.is_closed());
    /// pool.close();
    /// assert!(pool.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.inner().slots.is_closed()
    }

    /// Closes the pool, gives what runs and is queued `grace` to come to its end, and then aborts the rest.
    ///
    /// When it returns, every job's future has been dropped and every slot is free. The pool is closed at once, the clock starts when
    /// this is first polled. It needs the runtime's timer.
    ///
    /// # Panics
    /// When awaited inside of a job of this pool.
    ///
    /// # Cancel safety
    /// Dropping it leaves the pool closed, and aborts nothing more.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use std::time::Duration;
    /// let pool = greenpool::GreenPool::new(2);
    /// pool.spawn_n(async {}).await;
    /// pool.spawn_n(std::future::pending::<()>()).await;
    /// let report = pool.shutdown(Duration::from_secs(1)).await;
    /// assert_eq!((report.finished, report.aborted), (1, 1));
    /// # }
    /// ```
    pub fn shutdown(&self, grace: Duration) -> Shutdown {
        self.close();
        Shutdown(Box::pin(shutdown(self.clone(), grace, self.stats())))
    }

    /// Aborts every job that is in the pool now. The queue stays, and moves up.
    ///
    /// The jobs are told at once, also if the returned future is not awaited. Awaited, it gives how many they were, when the
    /// futures of all of them have been dropped and their slots are free or taken by others.
    ///
    /// # Panics
    /// The returned future, when awaited inside of a job of this pool.
    ///
    /// # Cancel safety
    /// Dropping it has no effect.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::future::pending;
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(pending::<()>()).await;
    /// pool.spawn_n(pending::<()>()).await;
    /// assert_eq!(pool.abort_all().await, 2);
    /// assert!(green.await.unwrap_err().is_cancelled());
    /// pool.spawn_n(async {}).await; // the pool is as good as before
    /// # }
    /// ```
    pub fn abort_all(&self) -> AbortAll {
        AbortAll { aborted: self.inner().abort_all() as usize, inner: self.inner().clone() }
    }
}

/// How long `shutdown` waits for a job that has a slot and has not begun, before it looks again.
const STRAGGLERS: Duration = Duration::from_millis(5);

async fn shutdown(pool: GreenPool, grace: Duration, before: PoolStats) -> ShutdownReport {
    let inner = pool.inner().clone();
    if tokio::time::timeout(grace, pool.waitall()).await.is_err() {
        inner.slots.refuse_waiters();
        // Again, since a spawn that had been given its slot just before may begin its job only now.
        loop {
            pool.abort_all().await;
            if tokio::time::timeout(STRAGGLERS, pool.waitall()).await.is_ok() {
                break;
            }
        }
    }
    let now = pool.stats();
    let ended = |stats: PoolStats| stats.finished + stats.panicked;
    ShutdownReport {
        finished: ended(now).saturating_sub(ended(before)) as usize,
        aborted: (now.aborted - before.aborted) as usize,
    }
}

/// The future of [`GreenPool::abort_all`]; the jobs have been told already.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{AbortAll, GreenPool};
///
/// let aborted: AbortAll = GreenPool::new(1).abort_all();
/// assert_eq!(aborted.await, 0);
/// # }
/// ```
pub struct AbortAll {
    inner: Arc<Inner>,
    aborted: usize,
}

impl Future for AbortAll {
    type Output = usize;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        assert!(
            !context::is_inside(&self.inner),
            "`abort_all` awaited inside of a job of the same pool: the job could only wait for itself"
        );
        if self.inner.live.poll_aborted(cx.waker()) { Poll::Ready(self.aborted) } else { Poll::Pending }
    }
}

/// The future of [`GreenPool::shutdown`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// use greenpool::{GreenPool, Shutdown};
/// use std::time::Duration;
///
/// let shutdown: Shutdown = GreenPool::new(1).shutdown(Duration::from_secs(1));
/// assert_eq!(shutdown.await.aborted, 0);
/// # }
/// ```
#[must_use = "the pool is closed, but is waited for only while this is awaited; write `.await`"]
pub struct Shutdown(Pin<Box<dyn Future<Output = ShutdownReport> + Send>>);

impl Future for Shutdown {
    type Output = ShutdownReport;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ShutdownReport> {
        self.0.as_mut().poll(cx)
    }
}

/// What [`GreenPool::shutdown`] has done.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// use std::time::Duration;
/// # let pool = greenpool::GreenPool::new(2);
/// pool.spawn_n(std::future::pending::<()>()).await;
/// let report = pool.shutdown(Duration::from_secs(1)).await;
/// println!("{} finished, {} had to be stopped", report.finished, report.aborted);
/// assert_eq!(report.aborted, 1);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Jobs that came to their end since, by themselves or in a panic.
    pub finished: usize,
    /// Jobs that were aborted.
    pub aborted: usize,
}
