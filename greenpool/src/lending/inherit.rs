//! `inherit`: a future in another task that counts as part of the job.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::lending::context::{self, JobContext};

/// Makes `future` part of the job that calls this, even if it runs in a task of its own.
///
/// greenpool knows what a job does in its own task. A task that the job hands to `tokio::spawn` is a stranger to the
/// pool: in a full pool, it would queue behind the very job that waits for it. With `inherit`, what it spawns may use
/// the job's slot while the job waits, as the job's own children may. Like the job itself, it is polled only while the
/// job has its slot. Outside a job, and once the job has ended, this is just `future`.
///
/// The job must not block its thread until such a task is over. It is being polled meanwhile, so it lends its slot to
/// nothing, and a task that waits for that slot never ends. It may block on the future that this returns.
///
/// Dropping it drops `future`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPool, inherit};
///
/// let pool = GreenPool::new(1);
/// let inner = pool.clone();
/// let green = pool.spawn(async move {
///     let task = inherit(async move { inner.spawn(async { 7 }).await.await });
///     tokio::spawn(task).await.unwrap().unwrap()
/// });
/// assert_eq!(green.await.await.unwrap(), 7);
/// # }
/// ```
pub fn inherit<F: Future>(future: F) -> Inherit<F> {
    let context = context::current().map(|(me, _)| JobContext::new_branch(me));
    Inherit { future, context }
}

pin_project! {
    /// The future returned by [`inherit`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::future::{Ready, ready};
    /// use greenpool::{Inherit, inherit};
    ///
    /// let task: Inherit<Ready<u32>> = inherit(ready(7));
    /// assert_eq!(tokio::spawn(task).await.unwrap(), 7);
    /// # }
    /// ```
    #[must_use = "it does nothing until it is awaited or spawned"]
    pub struct Inherit<F> {
        #[pin]
        future: F,
        context: Option<JobContext>,
    }

    impl<F> PinnedDrop for Inherit<F> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(context) = this.project().context {
                context.remove_branch();
            }
        }
    }
}

impl<F: Future> Future for Inherit<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let future = this.future;
        if let Some(context) = this.context.take_if(|context| context.has_ended()) {
            context.remove_branch();
        }
        let Some(context) = this.context else {
            return future.poll(cx);
        };
        // In a poll of the job itself it is a part of that poll, which may block its thread until this is ready.
        if context.is_current() {
            return future.poll(cx);
        }
        ready!(context.poll_slot(cx));
        JobContext::enter(this.context, || future.poll(cx))
    }
}

impl<F> fmt::Debug for Inherit<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inherit").finish_non_exhaustive()
    }
}
