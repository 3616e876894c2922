//! `waitall`: waits until the pool is idle.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::task::coop;

use crate::inner::Inner;
use crate::inner::wait::ReadySource;
use crate::lending::blocking::WaitGuard;
use crate::lending::context;
use crate::pool::GreenPool;
use crate::sync::slots::{Queue, Ticket};

impl GreenPool {
    /// Waits until the pool is idle: no job is left, and no queued waiter can get a slot.
    ///
    /// It waits also for [slots](Self::slot) that are held without a job, and for jobs that have given their slot back
    /// with [`lend`](crate::lend), although these do not count as [running](Self::running). The pool may be idle only
    /// for a moment; by the time this returns, new jobs may have started.
    ///
    /// # Panics
    /// If awaited inside a job of this pool, which would wait for itself.
    ///
    /// # Cancel safety
    /// Dropping the returned future has no effect on the pool.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// for _ in 0..5 {
    ///     pool.spawn_n(async { tokio::task::yield_now().await }).await;
    /// }
    /// pool.waitall().await;
    /// assert_eq!((pool.running(), pool.waiting()), (0, 0));
    /// # }
    /// ```
    pub fn waitall(&self) -> WaitAll {
        WaitAll { inner: self.inner().clone(), ticket: None, guard: WaitGuard::default() }
    }
}

/// Waits until the pool is idle: the future returned by [`GreenPool::waitall`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPool, WaitAll};
///
/// let idle: WaitAll = GreenPool::new(1).waitall();
/// idle.await;
/// # }
/// ```
#[must_use = "it waits only while it is awaited; write `.await`"]
pub struct WaitAll {
    inner: Arc<Inner>,
    ticket: Option<Ticket>,
    guard: WaitGuard,
}

impl Future for WaitAll {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        assert!(
            !context::is_inside(&this.inner),
            "`waitall` was awaited inside a job of the same pool, so the job would wait for itself"
        );
        let coop = ready!(coop::poll_proceed(cx));
        let ticket = match this.ticket {
            Some(ticket) => ticket,
            None => match this.inner.slots.enqueue(Queue::Idle, None) {
                Ok(Some(ticket)) => *this.ticket.insert(ticket),
                Ok(None) | Err(_) => return Poll::Ready(()),
            },
        };
        if this.inner.slots.poll(ticket, cx.waker()).is_pending() {
            this.guard.register(&this.inner, None, || ReadySource::Idle, cx);
            return Poll::Pending;
        }
        coop.made_progress();
        this.guard.poll_reacquire(cx)
    }
}

impl Drop for WaitAll {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.inner.slots.cancel(ticket);
        }
    }
}
