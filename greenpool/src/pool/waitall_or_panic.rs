//! `waitall_or_panic`: waits until the pool is idle, and resumes a panic that nothing else has seen.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::pool::GreenPool;
use crate::pool::waitall::WaitAll;

impl GreenPool {
    /// Waits until the pool is idle, like [`waitall`](Self::waitall). If a job of [`spawn_n`](Self::spawn_n) has
    /// panicked, the first such panic then resumes in the caller.
    ///
    /// The pool keeps the payload of the first panic of a job that was spawned without a handle, from the beginning or
    /// since a panic last resumed here. So the panic may be older than this call. Later panics are counted and no more,
    /// as are the panics of jobs whose handle was dropped.
    ///
    /// # Panics
    /// If awaited inside a job of this pool, which would wait for itself. And with the payload of the job that panicked
    /// first, when the pool is idle.
    ///
    /// # Cancel safety
    /// Dropping the returned future has no effect on the pool, and the panic stays for the next call.
    ///
    /// ```should_panic
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// for n in [3, 2, 1, 0] {
    ///     pool.spawn_n(async move { println!("{}", 6 / n) }).await;
    /// }
    /// pool.waitall_or_panic().await; // panics: attempt to divide by zero
    /// # }
    /// ```
    pub fn waitall_or_panic(&self) -> WaitAllOrPanic {
        WaitAllOrPanic { wait: self.waitall(), pool: self.clone() }
    }
}

/// Waits until the pool is idle, and resumes a panic: the future returned by [`GreenPool::waitall_or_panic`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPool, WaitAllOrPanic};
///
/// let idle: WaitAllOrPanic = GreenPool::new(1).waitall_or_panic();
/// idle.await;
/// # }
/// ```
#[must_use = "it waits only while it is awaited; write `.await`"]
pub struct WaitAllOrPanic {
    wait: WaitAll,
    pool: GreenPool,
}

impl Future for WaitAllOrPanic {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(Pin::new(&mut self.wait).poll(cx));
        match self.pool.inner().first_panic.take() {
            Some(payload) => resume_unwind(payload),
            None => Poll::Ready(()),
        }
    }
}
