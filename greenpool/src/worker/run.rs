//! One worker: a long-lived task that runs one job after the other.
//!
//! # Implementation details
//!
//! What a worker does between two jobs is what a job costs, so there are two ways through it. As long as each job comes to its end at its first poll, has a slot
//! of the pool's own, and nobody is to be told of its end at once, the worker stays *inside*: one `catch_unwind` and one entry into the
//! lineage for as many jobs as there are. Whatever else happens is done outside of these, where code of a user's (a waker, the destructor
//! of a result) is not taken for a part of any job.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::job::cell::{JobBox, RawJob};
use crate::job::error::JoinError;
use crate::job::running::{JobState, Outcome, Running};
use crate::job::span;
use crate::lending::context;
use crate::lending::deadlock;
use crate::worker::group::{Found, Group};
use crate::worker::local::LocalQueue;

/// So many jobs a worker runs before it lets other tasks run, as a task of tokio has a budget of so many operations.
pub(crate) const POLL_BUDGET: u32 = 128;

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

/// Why a worker comes out.
enum Exit<J: ?Sized> {
    /// The job has been told to end.
    Aborted,
    /// The job has come to its end, and this has been found after it.
    Ended(Option<Found>),
    /// It has, and the next one, which stands in its place, cannot have its seat.
    Next(JobBox<J>),
    /// The next one stands in its place and has its seat; others are to hear of its end, or are to have its slot.
    Told { done: JobBox<J>, left: bool, slot_wanted: bool },
}

impl<J: RawJob + ?Sized + 'static> WorkerTask<J> {
    pub(crate) fn new(group: Arc<Group<J>>, key: u32) -> Self {
        WorkerTask { load: Load::Nothing(key), membership: Membership(Some(group)) }
    }
}

impl<J: RawJob + ?Sized + 'static> Run<'_, J> {
    /// Runs the job, and those that follow it as long as there is nothing else to do.
    fn run(&mut self, cx: &mut Context<'_>) -> Poll<Found> {
        let Run { group, key, job, local, budget } = self;
        let cell = match job {
            Some(cell) => cell,
            None => match group.arrive(*key, cx.waker(), local) {
                Found::Job => job.insert(next(local)),
                found => return Poll::Ready(found),
            },
        };
        let Some(mut running) = cell.as_mut().state().running(Some(local.epoch())) else {
            unreachable!("a job that is not being polled has a state");
        };
        let inner = running.inner().clone();
        // Others of its kind will wait too.
        let mut expect_more = !cell.has_waited();
        let ran = catch_unwind(AssertUnwindSafe(|| {
            running.enter(|mut entered| {
                let epoch = entered.epoch();
                if inner.live.is_aborted(epoch) {
                    return Poll::Ready(Exit::Aborted);
                }
                loop {
                    if cell.is_aborted() {
                        return Poll::Ready(Exit::Aborted);
                    }
                    ready!(entered.in_scope(|| cell.as_mut().poll(cx)));
                    if *budget == 0 || inner.awaited_by.any() || !context::is_plain() {
                        return Poll::Ready(Exit::Ended(None));
                    }
                    *budget -= 1;
                    let next = match local.pop() {
                        Some(next) => next,
                        None => match group.next(*key, local, expect_more) {
                            Found::Job => next(local),
                            found => return Poll::Ready(Exit::Ended(Some(found))),
                        },
                    };
                    expect_more = true;
                    let mut done = std::mem::replace(cell, next);
                    if local.epoch() != epoch || inner.live.is_aborted(epoch) || !cell.as_mut().state().transfer() {
                        return Poll::Ready(Exit::Next(done));
                    }
                    entered.begin_next(&inner);
                    let left = inner.live.leave(epoch);
                    // Who waits for the job that is over may not know it yet. The next one moves meanwhile, so nobody takes the pool for stuck.
                    let slot_wanted = inner.slots.release_deferred();
                    let told = done.as_mut().complete_quietly();
                    if !left || slot_wanted || !told || inner.awaited_by.any() {
                        return Poll::Ready(Exit::Told { done, left, slot_wanted });
                    }
                    local.recycle(done);
                }
            })
        }));
        match ran {
            Ok(Poll::Pending) => {
                *cell.as_mut().state() = JobState::Running(running);
                if self.job_waits() { Poll::Pending } else { Poll::Ready(Found::Job) }
            }
            Ok(Poll::Ready(Exit::Told { mut done, left, slot_wanted })) => {
                running.mark_idle();
                *cell.as_mut().state() = JobState::Running(running);
                if slot_wanted {
                    inner.slots.serve();
                }
                deadlock::changed(&inner);
                done.as_mut().complete(None);
                local.recycle(done);
                if !left {
                    inner.live.leave_aborted();
                }
                Poll::Ready(Found::Job)
            }
            Ok(Poll::Ready(Exit::Next(done))) => {
                self.end(running, Outcome::Finished, done, None);
                Poll::Ready(Found::Job)
            }
            Ok(Poll::Ready(Exit::Ended(found))) => {
                Poll::Ready(self.next_or_end(running, Outcome::Finished, None, found))
            }
            Ok(Poll::Ready(Exit::Aborted)) => {
                let error = drop_content(cell);
                Poll::Ready(self.next_or_end(running, Outcome::Aborted, Some(error), None))
            }
            Err(payload) => {
                let _ = drop_content(cell);
                let error = JoinError::panic(payload);
                if !cell.is_wanted() {
                    span::report_panic(&inner, &error);
                }
                Poll::Ready(self.next_or_end(running, Outcome::Panicked, Some(error), None))
            }
        }
    }

    /// The job is over. Looks for the next one, if that has not been done, unless something else is to run first.
    fn next_or_end(
        &mut self,
        running: Running,
        outcome: Outcome,
        error: Option<JoinError>,
        found: Option<Found>,
    ) -> Found {
        let Some(done) = self.job.take() else { return Found::Idle };
        let found = match found {
            Some(found) => found,
            None if self.budget == 0 => Found::Yield,
            None => {
                self.budget -= 1;
                self.job = self.local.pop();
                match self.job {
                    Some(_) => Found::Job,
                    None => self.group.next(self.key, &mut self.local, !done.has_waited()),
                }
            }
        };
        if found == Found::Job && self.job.is_none() {
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

    /// The job waits. False: it has been aborted meanwhile.
    #[inline]
    fn job_waits(&mut self) -> bool {
        let Some(cell) = &mut self.job else { return true };
        if !cell.as_mut().mark_waiting(self.key) {
            return !cell.is_aborted();
        }
        self.group.job_waits(&mut self.local);
        cell.register_abort()
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
        let polled = loop {
            match run.run(cx) {
                Poll::Ready(Found::Job) => {}
                Poll::Ready(Found::Yield) => {
                    cx.waker().wake_by_ref();
                    break Poll::Pending;
                }
                Poll::Ready(Found::Retired) => break Poll::Ready(()),
                Poll::Ready(Found::Idle) | Poll::Pending => break Poll::Pending,
            }
        };
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
