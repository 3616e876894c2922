//! A job that gives its slot back while it waits for something slow.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::lending::blocking::WaitGuard;
use crate::lending::{context, deadlock};

/// Gives the job's slot back while `future` runs, and takes one again, ahead of new work, to go on.
///
/// For a job that waits for something slow outside: meanwhile another job runs. `future` itself should do no work that the pool is there to
/// limit. Outside of a job this is just `future`.
///
/// # Cancel safety
/// Dropped before its end, it drops `future`; the job then goes on without a slot, until it next waits for greenpool or ends.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPool, lend};
///
/// let pool = GreenPool::new(1);
/// let (tell, told) = tokio::sync::oneshot::channel();
/// pool.spawn_n(async move { lend(told).await.unwrap() }).await;
/// pool.spawn_n(async move { tell.send(()).unwrap() }).await; // gets the slot meanwhile
/// pool.waitall().await;
/// # }
/// ```
pub fn lend<F: Future>(future: F) -> Lend<F> {
    Lend { future, out: None, begun: false, guard: WaitGuard::default() }
}

pin_project! {
    /// The future of [`lend`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::future::{Ready, ready};
    /// use greenpool::{Lend, lend};
    ///
    /// let wait: Lend<Ready<u32>> = lend(ready(7));
    /// assert_eq!(wait.await, 7);
    /// # }
    /// ```
    #[must_use = "it does nothing until it is awaited; write `.await`"]
    pub struct Lend<F: Future> {
        #[pin]
        future: F,
        out: Option<F::Output>,
        begun: bool,
        guard: WaitGuard,
    }
}

impl<F: Future> Future for Lend<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if this.out.is_none() {
            if !std::mem::replace(this.begun, true) {
                if let Some((me, _)) = context::current() {
                    deadlock::branch(&me);
                }
            }
            *this.out = Some(ready!(this.future.poll(cx)));
        }
        ready!(this.guard.poll_reacquire(cx));
        Poll::Ready(this.out.take().expect("`lend` was polled after it was ready"))
    }
}

impl<F: Future> fmt::Debug for Lend<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lend").finish_non_exhaustive()
    }
}
