//! `lend`: a job gives its slot back while it waits for something slow.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::lending::blocking::WaitGuard;
use crate::lending::{context, deadlock};

/// Gives the job's slot back to the pool while `future` runs, then takes a slot again, ahead of new work.
///
/// Use it in a job that waits for something slow outside the pool: another job runs meanwhile. `future` itself should
/// not do the work that the pool limits. The slot is given back when this is first polled. Outside a job, this is just
/// `future`.
///
/// # Cancel safety
/// If this is dropped before it is ready, it drops `future`. The job then goes on without a slot until it next waits
/// for greenpool, or ends.
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
    Lend { future, output: None, begun: false, guard: WaitGuard::default() }
}

pin_project! {
    /// The future returned by [`lend`].
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
        output: Option<F::Output>,
        begun: bool,
        guard: WaitGuard,
    }
}

impl<F: Future> Future for Lend<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if this.output.is_none() {
            if !std::mem::replace(this.begun, true) {
                if let Some((me, _)) = context::current() {
                    deadlock::release_absent(&me);
                }
            }
            *this.output = Some(ready!(this.future.poll(cx)));
        }
        ready!(this.guard.poll_reacquire(cx));
        Poll::Ready(this.output.take().expect("`lend` was polled after it was ready"))
    }
}

impl<F: Future> fmt::Debug for Lend<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lend").finish_non_exhaustive()
    }
}
