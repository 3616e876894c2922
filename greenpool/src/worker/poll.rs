//! The loop that every worker runs, of a group or of a map: one job after the other in one slot.
//!
//! # Implementation details
//!
//! What a worker does between two jobs is what a job costs. So it stays inside one `catch_unwind` and one entry into
//! the job context ([`run`]) as long as each job finishes in its first poll, has one of the pool's own slots, and
//! nothing must be notified of its end. Everything else happens outside ([`drive`]), so that user code such as a waker
//! or the destructor of a result does not count as part of a job.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, ready};
use std::thread;

use crate::inner::Inner;
use crate::job::running::{Entered, Running};
use crate::lending::context;

/// The number of jobs that a worker runs before it yields to other tasks. tokio gives a task a budget of as many
/// operations.
pub(crate) const POLL_BUDGET: u32 = 128;

/// What a worker does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Go on: it has a job, or looks for one.
    Continue,
    /// Let other tasks run first.
    Yield,
    /// Wait until it is woken.
    Idle,
    /// Exit.
    Leave,
}

/// The jobs that one worker runs in one slot, one after the other. The loop takes it by value, with references to what
/// outlives the poll, so that the compiler keeps it in registers.
pub(crate) trait Jobs {
    /// The output of a job.
    type Value;
    /// Why the worker leaves the slot.
    type Exit;

    /// Whether the job has been aborted by its handle.
    fn is_aborted(&self) -> bool;

    /// Called before each poll. Unless it breaks, there is a job to poll.
    fn prepare(&mut self, entered: &mut Entered<'_>, cx: &mut Context<'_>) -> ControlFlow<Self::Exit>;

    /// Polls the job.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Self::Value>;

    /// The job has finished and its slot may be kept: completes the job, and begins the next one in the same slot.
    fn next(&mut self, entered: &mut Entered<'_>, value: Self::Value) -> ControlFlow<Self::Exit>;

    /// The job has been aborted.
    fn aborted() -> Self::Exit;

    /// The job has finished, and its slot must not be kept.
    fn finished(value: Self::Value) -> Self::Exit;
}

/// Runs jobs until one waits, panics, or must be ended outside of the loop.
#[inline]
pub(crate) fn run<J: Jobs>(
    mut jobs: J,
    running: &mut Running,
    inner: &Inner,
    budget: &mut u32,
    cx: &mut Context<'_>,
) -> thread::Result<Poll<J::Exit>> {
    if inner.live.is_aborted(running.epoch()) || jobs.is_aborted() {
        return Ok(Poll::Ready(J::aborted()));
    }
    // A job that has lent its slot is polled when it has a slot again.
    if running.poll_slot(cx).is_pending() {
        return Ok(Poll::Pending);
    }
    let run = |mut entered: Entered<'_>| {
        loop {
            if let ControlFlow::Break(exit) = jobs.prepare(&mut entered, cx) {
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

/// Takes steps until the poll of the worker is over.
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
