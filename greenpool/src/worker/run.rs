//! One worker: a long-lived task that runs one job after the other.

use std::future::Future;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::job::cell::{JobBox, complete};
use crate::job::error::JoinError;
use crate::job::running::{Entered, JobState, Outcome, Running};
use crate::job::span;
use crate::lending::deadlock;
use crate::sync::quiet::drop_quietly;
use crate::worker::group::Group;
use crate::worker::local::LocalQueue;
use crate::worker::poll::{self, Jobs, POLL_BUDGET, Step};

/// A worker between two polls. Each job that waits has one, so it is as small as possible: with what the runtime adds
/// to a task, 128 bytes. The fields are dropped in order: the job ends before the group is shut down.
pub(crate) struct WorkerTask {
    load: Load,
    membership: Membership,
}

/// What a worker holds between two polls.
enum Load {
    /// A job that waits for something. Its cell knows the worker's key.
    Job(JobBox),
    /// No job, only the worker's key.
    Nothing(u32),
}

/// A worker's membership in its group, until it exits. If the worker is dropped before that, so is its runtime, and
/// this shuts the group down.
struct Membership(Option<Arc<Group>>);

impl Drop for Membership {
    fn drop(&mut self) {
        if let Some(group) = self.0.take() {
            group.shut_down();
        }
    }
}

/// A worker while it is polled.
struct Run<'a> {
    group: &'a Arc<Group>,
    key: u32,
    job: Option<JobBox>,
    local: LocalQueue,
    /// The number of jobs to run before yielding to other tasks.
    budget: u32,
}

impl WorkerTask {
    pub(crate) fn new(group: Arc<Group>, key: u32) -> Self {
        WorkerTask { load: Load::Nothing(key), membership: Membership(Some(group)) }
    }
}

/// The jobs of a group that run one after the other in one slot.
struct GroupJobs<'a> {
    group: &'a Arc<Group>,
    key: u32,
    inner: &'a Inner,
    cell: &'a mut JobBox,
    local: &'a mut LocalQueue,
    /// The job has not waited, so the next ones probably will not either, and the worker can take several.
    expect_more: bool,
}

/// Why the loop ends.
enum Exit {
    /// The job was aborted.
    Aborted,
    /// The job has finished. If the worker has looked for the next one already, this is what to do now.
    Finished(Option<Step>),
    /// This job has finished. The next one has taken its place in the worker, but cannot run in its slot.
    Next(JobBox),
    /// The job has begun, but other tasks must run before it.
    Yields,
    /// Job `done` has finished, and the next one has begun in its slot. But a waiter must be notified of the end, or
    /// wants a slot, or `done` was aborted and has not `left` the live-job count.
    Announce { done: JobBox, left: bool, slot_wanted: bool },
}

impl Jobs for GroupJobs<'_> {
    type Value = ();
    type Exit = Exit;

    #[inline]
    fn is_aborted(&self) -> bool {
        self.cell.is_aborted()
    }

    #[inline]
    fn prepare(&mut self, _entered: &mut Entered<'_>, _cx: &mut Context<'_>) -> ControlFlow<Exit> {
        if self.local.has_woken { ControlFlow::Break(Exit::Yields) } else { ControlFlow::Continue(()) }
    }

    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.cell.as_mut().poll(cx)
    }

    #[inline]
    fn next(&mut self, entered: &mut Entered<'_>, (): ()) -> ControlFlow<Exit> {
        let GroupJobs { group, key, inner, cell, local, expect_more } = self;
        let next = match local.pop() {
            Some(next) => next,
            None => match group.next(*key, local, *expect_more) {
                Step::Continue => next(local),
                step => return ControlFlow::Break(Exit::Finished(Some(step))),
            },
        };
        *expect_more = true;
        let epoch = entered.epoch();
        let mut done = std::mem::replace(*cell, next);
        if inner.live.is_aborted(epoch) || cell.is_aborted() || !cell.as_mut().state().transfer(epoch) {
            return ControlFlow::Break(Exit::Next(done));
        }
        let origin = cell.as_mut().origin().take();
        entered.begin_next(inner, &origin);
        let left = inner.live.leave(epoch);
        // A job that waits for this one may not have been woken yet. No search for deadlocks takes the pool for stuck
        // meanwhile, since the next job moves.
        let slot_wanted = inner.slots.release_deferred();
        let is_delivered = done.as_mut().complete_quietly();
        if !left || slot_wanted || !is_delivered || inner.awaited_by.any() {
            return ControlFlow::Break(Exit::Announce { done, left, slot_wanted });
        }
        local.recycle(done);
        ControlFlow::Continue(())
    }

    fn aborted() -> Exit {
        Exit::Aborted
    }

    #[inline]
    fn finished((): ()) -> Exit {
        Exit::Finished(None)
    }
}

impl Run<'_> {
    /// Runs the job, and then others in the same slot until something else must be done.
    fn run(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        if self.job.is_none() {
            match self.group.arrive(self.key, cx.waker(), &mut self.local) {
                Step::Continue => self.job = Some(next(&mut self.local)),
                step => return Poll::Ready(step),
            }
        }
        if self.local.has_woken {
            return Poll::Ready(self.yield_before_job());
        }
        let Run { group, key, job, local, budget } = self;
        let Some(cell) = job else {
            unreachable!("the worker has a job");
        };
        let Some(mut running) = cell.as_mut().running() else {
            unreachable!("a job that is not being polled has a state");
        };
        let inner = running.inner().clone();
        // If this job has waited, the next ones probably will too.
        let expect_more = !cell.has_waited();
        let jobs = GroupJobs { group, key: *key, inner: &inner, cell, local, expect_more };
        let ran = poll::run(jobs, &mut running, &inner, budget, cx);
        match ran {
            Ok(Poll::Pending) => return self.wait(running),
            Ok(Poll::Ready(Exit::Announce { done, left, slot_wanted })) => {
                self.announce_end(&inner, running, done, left, slot_wanted);
            }
            Ok(Poll::Ready(Exit::Yields)) => {
                running.mark_idle();
                *cell.as_mut().state() = JobState::Running(running);
            }
            Ok(Poll::Ready(Exit::Next(done))) => self.end(running, Outcome::Finished, done, None),
            Ok(Poll::Ready(Exit::Finished(step))) => {
                return Poll::Ready(self.end_and_look(running, Outcome::Finished, None, step));
            }
            Ok(Poll::Ready(Exit::Aborted)) => {
                let error = running.in_scope(|| drop_content(cell));
                return Poll::Ready(self.end_and_look(running, Outcome::Aborted, Some(error), None));
            }
            Err(payload) => {
                drop_quietly(running.in_scope(|| drop_content(cell)));
                let mut error = JoinError::panic(payload);
                if cell.reports_panic() {
                    span::report_panic(&inner, &mut error);
                }
                return Poll::Ready(self.end_and_look(running, Outcome::Panicked, Some(error), None));
            }
        }
        Poll::Ready(Step::Continue)
    }

    /// On several threads: lets the tasks that it has woken, and others, run before the job. The job may compute or
    /// block its thread, so it goes back to the head of the queue, where another worker can take it.
    #[cold]
    fn yield_before_job(&mut self) -> Step {
        self.local.next = self.job.take();
        Step::Yield
    }

    /// The job waits, unless it was aborted meanwhile.
    #[inline]
    fn wait(&mut self, running: Running) -> Poll<Step> {
        let Some(cell) = &mut self.job else { return Poll::Pending };
        if let Some(member) = running.member() {
            note_job(cell, member);
        }
        *cell.as_mut().state() = JobState::Running(running);
        let waits = if cell.as_mut().mark_waiting(self.key) {
            self.group.job_waits(&mut self.local);
            cell.register_abort()
        } else {
            !cell.is_aborted()
        };
        if waits { Poll::Pending } else { Poll::Ready(Step::Continue) }
    }

    /// Job `done` has ended, and the next one has begun in its slot: notifies all that wait for the end, or for a slot.
    fn announce_end(&mut self, inner: &Arc<Inner>, mut running: Running, done: JobBox, left: bool, slot_wanted: bool) {
        running.mark_idle();
        if let Some(cell) = &mut self.job {
            *cell.as_mut().state() = JobState::Running(running);
        }
        if slot_wanted {
            inner.slots.serve();
        }
        deadlock::changed(inner);
        let (_, done) = complete(done, None);
        self.recycle(done);
        if !left {
            inner.live.leave_aborted();
        }
        self.local.has_woken |= self.group.has_threads();
    }

    /// The job has ended. Looks for the next one, unless the worker has done so already (`step`) or must yield first.
    fn end_and_look(
        &mut self,
        running: Running,
        outcome: Outcome,
        error: Option<JoinError>,
        step: Option<Step>,
    ) -> Step {
        let Some(done) = self.job.take() else { return Step::Idle };
        let step = match step {
            Some(step) => step,
            None if self.budget == 0 => Step::Yield,
            None => {
                self.budget -= 1;
                self.job = self.local.pop();
                match self.job {
                    Some(_) => Step::Continue,
                    None => self.group.next(self.key, &mut self.local, !done.has_waited()),
                }
            }
        };
        if step == Step::Continue && self.job.is_none() {
            self.job = Some(next(&mut self.local));
        }
        self.end(running, outcome, done, error);
        step
    }

    /// The job has ended. The next one, if there is one, has taken its place in the worker.
    fn end(&mut self, running: Running, outcome: Outcome, done: JobBox, error: Option<JoinError>) {
        // Until the result is delivered, another job may begin to wait for this one.
        done.note_ending();
        let inner = running.inner().clone();
        running.finish(outcome);
        let (panic, done) = complete(done, error);
        if let Some(mut error) = panic {
            span::report_panic(&inner, &mut error);
        }
        self.recycle(done);
        self.local.has_woken |= self.group.has_threads();
    }

    fn recycle(&mut self, cell: Option<JobBox>) {
        if let Some(cell) = cell {
            self.local.recycle(cell);
        }
    }
}

/// The next job in a local queue that is known to have one.
#[inline]
fn next(local: &mut LocalQueue) -> JobBox {
    match local.pop() {
        Some(next) => next,
        None => unreachable!("a job that was handed out is in the local queue"),
    }
}

/// The job waits for greenpool. What waits for the job can follow it from now on.
#[cold]
fn note_job(cell: &mut JobBox, member: &Arc<Member>) {
    if cell.as_mut().note_job(member) {
        deadlock::resolve_from_job(member);
    }
}

/// Drops the future of a job that has not finished. Returns the error for its handle.
fn drop_content(cell: &mut JobBox) -> JoinError {
    match catch_unwind(AssertUnwindSafe(|| cell.as_mut().drop_content())) {
        Ok(()) => JoinError::cancelled(),
        Err(payload) => JoinError::panic(payload),
    }
}

impl Future for WorkerTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let WorkerTask { load, membership } = &mut *self;
        let Some(group) = &membership.0 else { return Poll::Ready(()) };
        let (job, key) = match std::mem::replace(load, Load::Nothing(0)) {
            Load::Nothing(key) => (None, key),
            Load::Job(job) => {
                let key = job.worker();
                (Some(job), key)
            }
        };
        let mut run = Run { group, key, job, local: LocalQueue::new(group.reuses_cells()), budget: POLL_BUDGET };
        let polled = poll::drive(cx, |cx| run.run(cx));
        let Run { job, mut local, .. } = run;
        if local.has_leftovers() {
            group.return_leftovers(&mut local);
        }
        *load = job.map_or(Load::Nothing(key), Load::Job);
        if polled.is_ready() {
            group.leave(key);
            membership.0 = None;
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_leaves_a_task_its_128_bytes() {
        // Besides the future, a task of tokio 1.5x has 96 bytes, and a word that tells the future from its output.
        assert!(size_of::<WorkerTask>() <= 24);
    }
}
