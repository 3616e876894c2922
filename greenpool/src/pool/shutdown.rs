//! `close`, `abort_all` and `shutdown`: the verbs that stop a pool.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::task::coop;

use crate::inner::Inner;
use crate::lending::{context, deadlock};
use crate::pool::GreenPool;
use crate::pool::stats::PoolStats;

impl GreenPool {
    /// Closes the pool: from now on it refuses new jobs. [`reopen`](Self::reopen) opens it again.
    ///
    /// Spawns that are queued already keep their turn. Calls of [`queue`](Self::queue) that have not begun are dropped,
    /// and counted as refused in the [statistics](Self::stats). A map that has started reads no further items: it
    /// yields the results of the jobs that have started, then one [`JoinError`](crate::JoinError) for which
    /// [`is_closed`](crate::JoinError::is_closed) is true, and then ends.
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
        let slots = &self.inner().slots;
        slots.close();
        slots.refuse_calls();
        deadlock::reconsider(self.inner());
    }

    /// Returns whether [`close`](Self::close) or [`shutdown`](Self::shutdown) was called, and [`reopen`](Self::reopen)
    /// was not called since.
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

    /// Closes the pool, waits up to `grace` for running and queued jobs to finish, and then refuses and aborts the
    /// rest.
    ///
    /// Jobs that are queued with [`queue`](Self::queue) begin as long as the grace period lasts. To drop these at once,
    /// as a crawler may want to, call [`close`](Self::close) first.
    ///
    /// When the returned future completes, the futures of all jobs have been dropped, and all slots are free except
    /// those that are still held by a [`Slot`](crate::Slot), or for one that is about to be polled, which nothing can
    /// take away: the report says how many. The call itself closes the pool; `grace` is counted from the first poll of
    /// the returned future.
    ///
    /// # Panics
    /// If awaited inside a job of this pool, outside a tokio runtime, or on a runtime whose timer is not enabled.
    ///
    /// # Cancel safety
    /// If the returned future is dropped, the pool stays closed, and no further job is aborted.
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
        self.inner().slots.close();
        Shutdown(Box::pin(shutdown(self.clone(), grace, self.stats())))
    }

    /// Aborts every job that is in the pool now. [Slots](Self::slot) that are held without a job stay held. Spawns that
    /// are queued stay, and get the slots.
    ///
    /// Calls of [`queue`](Self::queue) that have not begun are dropped, and counted as refused in the
    /// [statistics](Self::stats). They are not in the number that this returns.
    ///
    /// The call itself aborts the jobs, even if the returned future is not awaited. That future completes when the
    /// futures of these jobs have been dropped and their slots have been released, and returns the number of jobs.
    ///
    /// # Panics
    /// If the returned future is awaited inside a job of this pool, which would wait for itself.
    ///
    /// # Cancel safety
    /// Dropping the returned future has no effect; the jobs are aborted anyway.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::future::pending;
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(pending::<()>()).await;
    /// pool.spawn_n(pending::<()>()).await;
    /// assert_eq!(pool.abort_all().await, 2);
    /// assert!(green.await.unwrap_err().is_cancelled());
    /// pool.spawn_n(async {}).await; // the pool can still be used
    /// # }
    /// ```
    pub fn abort_all(&self) -> AbortAll {
        let aborted = self.inner().abort_all() as usize;
        deadlock::reconsider(self.inner());
        AbortAll { aborted, inner: self.inner().clone() }
    }
}

/// Makes a pool abort new jobs as they begin, until this is dropped.
struct AbortNew<'a>(&'a Inner);

impl<'a> AbortNew<'a> {
    fn begin(inner: &'a Inner) -> Self {
        inner.live.abort_new(true);
        AbortNew(inner)
    }
}

impl Drop for AbortNew<'_> {
    fn drop(&mut self) {
        self.0.live.abort_new(false);
    }
}

async fn shutdown(pool: GreenPool, grace: Duration, before: PoolStats) -> ShutdownReport {
    if tokio::time::timeout(grace, nothing_left(&pool)).await.is_err() {
        let inner = pool.inner();
        inner.slots.refuse_waiters();
        deadlock::reconsider(inner);
        // A job that got its slot just before may begin only now.
        let _abort_new = AbortNew::begin(inner);
        pool.abort_all().await;
        while !is_over(inner) {
            // Such a job has not begun yet, which is a matter of a few instructions on another thread. The pool tells
            // when it is idle, which it never is while slots are held, so this looks again after a while.
            let _ = tokio::time::timeout(LOOK_AGAIN, pool.waitall()).await;
            pool.abort_all().await;
        }
    }
    let now = pool.stats();
    let ended = |stats: PoolStats| stats.finished + stats.panicked;
    ShutdownReport {
        finished: ended(now).saturating_sub(ended(before)) as usize,
        aborted: (now.aborted - before.aborted) as usize,
        held: now.running,
        refused: (now.refused - before.refused) as usize,
    }
}

/// Waits until the pool is idle and nothing is queued. A pool of size 0 is idle with a queue, which nothing but a
/// `resize` serves.
async fn nothing_left(pool: &GreenPool) {
    pool.waitall().await;
    while pool.waiting() > 0 {
        let _ = tokio::time::timeout(LOOK_AGAIN, pending::<()>()).await;
        pool.waitall().await;
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Whether no slot is in use, except those that are held without a job, and those that were granted to a `slot()` that
/// has not been polled since, and perhaps never will be.
fn is_over(inner: &Inner) -> bool {
    // In this order: a slot that is held, or taken from its ticket, between two of these is missed and not counted
    // twice.
    let running = inner.slots.running();
    let held = inner.counters.held.load(Ordering::SeqCst) as usize;
    running <= held + inner.slots.uncollected()
}

/// Waits until all aborted jobs are gone: the future returned by [`GreenPool::abort_all`].
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
            "`abort_all` was awaited inside a job of the same pool, so the job would wait for itself"
        );
        let coop = ready!(coop::poll_proceed(cx));
        if !self.inner.live.poll_aborted(cx.waker()) {
            return Poll::Pending;
        }
        coop.made_progress();
        Poll::Ready(self.aborted)
    }
}

/// Waits for the jobs and then aborts the rest: the future returned by [`GreenPool::shutdown`].
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

/// Reports what happened to the jobs of a pool that was shut down, as counted by [`GreenPool::shutdown`].
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
    /// Jobs that finished or panicked after the call to `shutdown`. In [`PoolStats`], unlike here, `finished` does not
    /// include the jobs that panicked.
    pub finished: usize,
    /// Jobs that were aborted after the call to `shutdown`, or dropped with their runtime.
    pub aborted: usize,
    /// Slots that were still held without a job at the end.
    pub held: usize,
    /// Jobs that were refused after the call to `shutdown`: new ones, and those that were still queued at the end of
    /// the grace period. They never started.
    pub refused: usize,
}
