//! One worker: a long-lived task that runs one job after the other.

use std::future::Future;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::inner::Inner;
use crate::job::cell::{JobBox, RawJob};
use crate::job::error::JoinError;
use crate::job::running::{Entered, JobState, Outcome, Running};
use crate::job::span;
use crate::lending::deadlock;
use crate::worker::group::Group;
use crate::worker::local::LocalQueue;
use crate::worker::poll::{self, Jobs, POLL_BUDGET, Step};

/// A worker between two polls. It is as small as it can be, since there is one for each job that waits: together with what the runtime adds to a task, 128
/// bytes. Dropped in the order of its fields.
pub(crate) struct WorkerTask<J: RawJob + ?Sized> {
    load: Load<J>,
    membership: Membership<J>,
}

/// What a worker has.
enum Load<J: ?Sized> {
    /// A job that waits for something, in a frame that knows the worker's key.
    Job(JobBox<J>),
    /// No job. This is its key.
    Nothing(u32),
}

/// A worker's place in its gang, until it has been dismissed.
struct Membership<J: RawJob + ?Sized>(Option<Arc<Group<J>>>);

impl<J: RawJob + ?Sized> Drop for Membership<J> {
    fn drop(&mut self) {
        if let Some(group) = self.0.take() {
            group.shut_down();
        }
    }
}

/// A worker while it is polled.
struct Run<'a, J: RawJob + ?Sized> {
    group: &'a Arc<Group<J>>,
    key: u32,
    job: Option<JobBox<J>>,
    local: LocalQueue<J>,
    /// So many jobs more before other tasks are to run.
    budget: u32,
}

impl<J: RawJob + ?Sized + 'static> WorkerTask<J> {
    pub(crate) fn new(group: Arc<Group<J>>, key: u32) -> Self {
        WorkerTask { load: Load::Nothing(key), membership: Membership(Some(group)) }
    }
}

/// The jobs of a function, which follow each other in one slot.
struct FunctionJobs<'a, J: RawJob + ?Sized> {
    group: &'a Arc<Group<J>>,
    key: u32,
    inner: &'a Inner,
    cell: &'a mut JobBox<J>,
    local: &'a mut LocalQueue<J>,
    /// The queue may hold more jobs of its kind.
    expect_more: bool,
}

/// Why a worker leaves the slot.
enum Exit<J: ?Sized> {
    /// The job was aborted.
    Aborted,
    /// The job has finished, and this has been found after it.
    Finished(Option<Step>),
    /// It has, and the next one, which is in its cell, cannot have its slot.
    Next(JobBox<J>),
    /// The next one is in its cell and has its slot; others must hear of its end, or are to have its slot.
    Told { done: JobBox<J>, left: bool, slot_wanted: bool },
}

impl<J: RawJob + ?Sized + 'static> Jobs for FunctionJobs<'_, J> {
    type Value = ();
    type Exit = Exit<J>;

    #[inline]
    fn prepare(&mut self, _entered: &mut Entered<'_>) -> ControlFlow<Exit<J>> {
        if self.cell.is_aborted() { ControlFlow::Break(Exit::Aborted) } else { ControlFlow::Continue(()) }
    }

    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.cell.as_mut().poll(cx)
    }

    #[inline]
    fn next(&mut self, entered: &mut Entered<'_>, (): ()) -> ControlFlow<Exit<J>> {
        let FunctionJobs { group, key, inner, cell, local, expect_more } = self;
        let next = match local.pop() {
            Some(next) => next,
            None => match group.next(*key, local, *expect_more) {
                Step::Continue => next(local),
                found => return ControlFlow::Break(Exit::Finished(Some(found))),
            },
        };
        *expect_more = true;
        let epoch = entered.epoch();
        let mut done = std::mem::replace(*cell, next);
        if local.epoch() != epoch || inner.live.is_aborted(epoch) || !cell.as_mut().state().transfer() {
            return ControlFlow::Break(Exit::Next(done));
        }
        entered.begin_next(inner);
        let left = inner.live.leave(epoch);
        // Who waits for the job that is over may not know it yet. The next one moves meanwhile, so nobody takes the pool for stuck.
        let slot_wanted = inner.slots.release_deferred();
        let told = done.as_mut().complete_quietly();
        if !left || slot_wanted || !told || inner.awaited_by.any() {
            return ControlFlow::Break(Exit::Told { done, left, slot_wanted });
        }
        local.recycle(done);
        ControlFlow::Continue(())
    }

    fn aborted() -> Exit<J> {
        Exit::Aborted
    }

    #[inline]
    fn finished((): ()) -> Exit<J> {
        Exit::Finished(None)
    }
}

impl<J: RawJob + ?Sized + 'static> Run<'_, J> {
    /// Runs the job, and those that follow it as long as there is nothing else to do.
    fn run(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        let Run { group, key, job, local, budget } = self;
        let cell = match job {
            Some(cell) => cell,
            None => match group.arrive(*key, cx.waker(), local) {
                Step::Continue => job.insert(next(local)),
                found => return Poll::Ready(found),
            },
        };
        let Some(mut running) = cell.as_mut().state().running(Some(local.epoch())) else {
            unreachable!("a job that is not being polled has a state");
        };
        let inner = running.inner().clone();
        // Others of its kind will wait too.
        let expect_more = !cell.has_waited();
        let jobs = FunctionJobs { group, key: *key, inner: &inner, cell, local, expect_more };
        let ran = poll::run(jobs, &mut running, &inner, budget, cx);
        match ran {
            Ok(Poll::Pending) => return self.wait(running),
            Ok(Poll::Ready(Exit::Told { done, left, slot_wanted })) => {
                self.tell(&inner, running, done, left, slot_wanted);
                return Poll::Ready(Step::Continue);
            }
            Ok(Poll::Ready(Exit::Next(done))) => self.end(running, Outcome::Finished, done, None),
            Ok(Poll::Ready(Exit::Finished(found))) => {
                return Poll::Ready(self.end_and_look(running, Outcome::Finished, None, found));
            }
            Ok(Poll::Ready(Exit::Aborted)) => {
                let error = drop_content(cell);
                return Poll::Ready(self.end_and_look(running, Outcome::Aborted, Some(error), None));
            }
            Err(payload) => {
                let _ = drop_content(cell);
                let error = JoinError::panic(payload);
                if !cell.is_wanted() {
                    span::report_panic(&inner, &error);
                }
                return Poll::Ready(self.end_and_look(running, Outcome::Panicked, Some(error), None));
            }
        }
        Poll::Ready(Step::Continue)
    }

    /// The job waits, unless it has been aborted meanwhile.
    #[inline]
    fn wait(&mut self, running: Running) -> Poll<Step> {
        let Some(cell) = &mut self.job else { return Poll::Pending };
        *cell.as_mut().state() = JobState::Running(running);
        let waits = if cell.as_mut().mark_waiting(self.key) {
            self.group.job_waits(&mut self.local);
            cell.register_abort()
        } else {
            !cell.is_aborted()
        };
        if waits { Poll::Pending } else { Poll::Ready(Step::Continue) }
    }

    /// The next job has begun in the slot of the one that is done, of whose end others must hear.
    fn tell(&mut self, inner: &Arc<Inner>, mut running: Running, mut done: JobBox<J>, left: bool, slot_wanted: bool) {
        running.mark_idle();
        if let Some(cell) = &mut self.job {
            *cell.as_mut().state() = JobState::Running(running);
        }
        if slot_wanted {
            inner.slots.serve();
        }
        deadlock::changed(inner);
        done.as_mut().complete(None);
        self.local.recycle(done);
        if !left {
            inner.live.leave_aborted();
        }
    }

    /// The job is over. Looks for the next one, if that has not been done, unless something else is to run first.
    fn end_and_look(
        &mut self,
        running: Running,
        outcome: Outcome,
        error: Option<JoinError>,
        found: Option<Step>,
    ) -> Step {
        let Some(done) = self.job.take() else { return Step::Idle };
        let found = match found {
            Some(found) => found,
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
        if found == Step::Continue && self.job.is_none() {
            self.job = Some(next(&mut self.local));
        }
        self.end(running, outcome, done, error);
        found
    }

    /// The job is over, and the next one, if one has been found, has its place already.
    fn end(&mut self, running: Running, outcome: Outcome, mut done: JobBox<J>, error: Option<JoinError>) {
        // A job may come to wait for this one at any time before it is known that it is over.
        done.note_ending();
        running.finish(outcome);
        done.as_mut().complete(error);
        self.local.recycle(done);
    }
}

/// The job that is in the batch of a worker that has been given one.
#[inline]
fn next<J: ?Sized>(local: &mut LocalQueue<J>) -> JobBox<J> {
    match local.pop() {
        Some(next) => next,
        None => unreachable!("a job that was found is in the local queue"),
    }
}

/// Drops a future before its end.
fn drop_content<J: RawJob + ?Sized>(cell: &mut JobBox<J>) -> JoinError {
    match catch_unwind(AssertUnwindSafe(|| cell.as_mut().drop_content())) {
        Ok(()) => JoinError::cancelled(),
        Err(payload) => JoinError::panic(payload),
    }
}

impl<J: RawJob + ?Sized + 'static> Future for WorkerTask<J> {
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
            group.stop(&mut local);
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
    use crate::job::cell::JobCell;

    #[test]
    fn a_worker_leaves_a_task_its_128_bytes() {
        // What tokio 1.5x has in a task besides the future: 96 bytes, and a word that tells future from output.
        assert!(size_of::<WorkerTask<JobCell<std::future::Ready<u64>>>>() <= 24);
        assert!(size_of::<WorkerTask<dyn RawJob>>() <= 24);
    }
}
