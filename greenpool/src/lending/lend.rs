//! `lend`: a job gives its slot back while it waits for something slow.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::inner::in_place::{self, LOOKS};
use crate::inner::member::Member;
use crate::lending::blocking::WaitGuard;
use crate::lending::{context, deadlock};

/// Gives the job's slot back to the pool whenever the job waits for `future`, and takes a slot again, ahead of new
/// jobs, before the job goes on.
///
/// Use it in a job that waits for something slow outside the pool: another job runs meanwhile. Like all of the job,
/// `future` is polled only while the job has a slot. So whatever wakes the job, it may have to wait for a slot first.
/// Outside a job, this is just `future`.
///
/// # Cancel safety
/// If this is dropped before it is ready, it drops `future`, and the job keeps its slot from its next poll on.
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
    Lend { future, output: None, lending: None, guard: WaitGuard::default() }
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
        lending: Option<Lending>,
        guard: WaitGuard,
    }
}

/// Makes a job give its slot back whenever it waits, until this is dropped.
struct Lending {
    member: Arc<Member>,
    /// The branch in which this began, and the number of its poll then.
    branch: u32,
    poll: u64,
    /// How often this has been polled in that poll.
    looks: u32,
    /// Its number among those of the job.
    id: u64,
}

impl Lending {
    fn begin() -> Option<Self> {
        let (member, branch) = context::current()?;
        let id = member.begin_lend();
        Some(Lending { poll: member.poll_number(branch), member, branch, looks: 0, id })
    }

    /// Whether this is of the job and the branch that run here.
    fn is_here(&self) -> bool {
        let current = context::current_member();
        current.is_some_and(|(member, branch)| Arc::ptr_eq(&member, &self.member) && branch == self.branch)
    }

    /// Gives the slot back now if the job seems to wait [in place](in_place), since its poll does not end then.
    fn look(&mut self, cx: &Context<'_>) {
        if in_place::is_possible(cx.waker()) && self.poll == self.member.poll_number(self.branch) {
            self.looks = self.looks.saturating_add(1);
            if self.looks >= LOOKS {
                // A verb that is awaited in place beside this may get a slot again.
                self.member.set_lend_waker(self.id, cx.waker());
                deadlock::release_absent(&self.member);
            } else {
                cx.waker().wake_by_ref();
            }
        }
    }
}

impl Drop for Lending {
    fn drop(&mut self) {
        self.member.end_lend(self.id);
    }
}

impl<F: Future> Future for Lend<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if this.output.is_none() {
            // It may have been moved to another job.
            if !this.lending.as_ref().is_some_and(Lending::is_here) {
                *this.lending = Lending::begin();
            }
            let Poll::Ready(output) = this.future.poll(cx) else {
                this.lending.iter_mut().for_each(|lending| lending.look(cx));
                return Poll::Pending;
            };
            *this.output = Some(output);
            *this.lending = None;
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
