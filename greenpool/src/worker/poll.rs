//! The loop that each worker runs, of a function or of a map: one job after the other in one slot.
//!
//! # Implementation details
//!
//! What a worker does between two jobs is what a job costs. As long as each job finishes in its first poll, has a slot of the pool's own, and
//! nothing must hear of its end at once, the worker stays inside one `catch_unwind` and one entry into the job context for as many jobs as there
//! are ([`run`]). Everything else happens outside of these, where user code (a waker, the destructor of a result) is not taken for a part of any
//! job ([`drive`]).

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, ready};
use std::thread;

use crate::inner::Inner;
use crate::job::running::{Entered, Running};
use crate::lending::context;

/// How many jobs a worker runs before it yields to other tasks. A task of tokio has a budget of as many operations.
pub(crate) const POLL_BUDGET: u32 = 128;

/// What a worker does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It goes on: it has a job, or looks for one.
    Continue,
    /// It lets other tasks run first.
    Yield,
    /// It has nothing to do until it is woken.
    Idle,
    /// It has nothing to do any more.
    Leave,
}

/// The jobs that one worker runs in one slot, one after the other. (By value, and what outlives the poll by reference: so the loop keeps them in
/// registers.)
pub(crate) trait Jobs {
    /// What a job leaves when it finishes.
    type Value;
    /// Why the worker leaves the slot.
    type Exit;

    /// Before a poll: there is a job after this, unless it breaks.
    fn prepare(&mut self, entered: &mut Entered<'_>) -> ControlFlow<Self::Exit>;

    /// Polls the job.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Self::Value>;

    /// The job has finished and its slot may be kept: completes it, and begins the next one in its slot.
    fn next(&mut self, entered: &mut Entered<'_>, value: Self::Value) -> ControlFlow<Self::Exit>;

    /// The pool has aborted the job.
    fn aborted() -> Self::Exit;

    /// The job has finished, and its slot is not kept.
    fn finished(value: Self::Value) -> Self::Exit;
}

/// Runs jobs until one waits, panics, or has to be ended outside.
#[inline]
pub(crate) fn run<J: Jobs>(
    mut jobs: J,
    running: &mut Running,
    inner: &Inner,
    budget: &mut u32,
    cx: &mut Context<'_>,
) -> thread::Result<Poll<J::Exit>> {
    let run = |mut entered: Entered<'_>| {
        if inner.live.is_aborted(entered.epoch()) {
            return Poll::Ready(J::aborted());
        }
        loop {
            if let ControlFlow::Break(exit) = jobs.prepare(&mut entered) {
                return Poll::Ready(exit);
            }
            let value = ready!(entered.in_scope(|| jobs.poll(cx)));
            if *budget == 0 || inner.awaited_by.any() || !context::is_plain() {
                return Poll::Ready(J::finished(value));
            }
            *budget -= 1;
            if let ControlFlow::Break(exit) = jobs.next(&mut entered, value) {
                return Poll::Ready(exit);
            }
        }
    };
    catch_unwind(AssertUnwindSafe(|| running.enter(run)))
}

/// Takes steps until the worker is done with its poll.
#[inline]
pub(crate) fn drive(cx: &mut Context<'_>, mut step: impl FnMut(&mut Context<'_>) -> Poll<Step>) -> Poll<()> {
    loop {
        match step(cx) {
            Poll::Ready(Step::Continue) => {}
            Poll::Ready(Step::Yield) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(Step::Leave) => return Poll::Ready(()),
            Poll::Ready(Step::Idle) | Poll::Pending => return Poll::Pending,
        }
    }
}
