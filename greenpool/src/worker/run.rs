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
use crate::job::running::{JobState, Running};
use crate::job::span;
use crate::lending::context;
use crate::lending::deadlock;
use crate::worker::group::{Found, Gang};
use crate::worker::local::Batch;

/// So many jobs a worker runs before it lets other tasks run, as a task of tokio has a budget of so many operations.
pub(crate) const TURNS: u32 = 128;

/// A worker between two polls. It is as small as it can be, since there is one for each job that waits: together with what the runtime adds to a task, 128
/// bytes. Dropped in the order of its fields.
pub(crate) struct Worker<J: RawJob + ?Sized> {
    hold: Hold<J>,
    rank: Rank<J>,
}

/// What a worker has.
enum Hold<J: ?Sized> {
    /// A job that waits for something, in a frame that knows the worker's key.
    RawJob(JobBox<J>),
    /// No job. This is its key.
    Nothing(u32),
}

/// A worker's place in its gang, until it has been dismissed.
struct Rank<J: RawJob + ?Sized>(Option<Arc<Gang<J>>>);

impl<J: RawJob + ?Sized> Drop for Rank<J> {
    fn drop(&mut self) {
        if let Some(gang) = self.0.take() {
            gang.dissolve();
        }
    }
}

/// A worker while it is polled.
struct Shift<'a, J: RawJob + ?Sized> {
    gang: &'a Arc<Gang<J>>,
    key: u32,
    order: Option<JobBox<J>>,
    batch: Batch<J>,
    /// So many jobs more before other tasks are to run.
    turns: u32,
}

/// Why a worker comes out.
enum Stop<J: ?Sized> {
    /// The job has been told to end.
    Aborted,
    /// The job has come to its end, and this has been found after it.
    Ended(Option<Found>),
    /// It has, and the next one, which stands in its place, cannot have its seat.
    Next(JobBox<J>),
    /// The next one stands in its place and has its seat; others are to hear of its end, or are to have its slot.
    Told { done: JobBox<J>, left: bool, slot_wanted: bool },
}

impl<J: RawJob + ?Sized + 'static> Worker<J> {
    pub(crate) fn new(gang: Arc<Gang<J>>, key: u32) -> Self {
        Worker { hold: Hold::Nothing(key), rank: Rank(Some(gang)) }
    }
}

impl<J: RawJob + ?Sized + 'static> Shift<'_, J> {
    /// Runs the job, and those that follow it as long as there is nothing else to do.
    fn run(&mut self, cx: &mut Context<'_>) -> Poll<Found> {
        let Shift { gang, key, order, batch, turns } = self;
        let cell = match order {
            Some(cell) => cell,
            None => match gang.come(*key, cx.waker(), batch) {
                Found::JobBox => order.insert(next(batch)),
                found => return Poll::Ready(found),
            },
        };
        let Some(mut running) = cell.as_mut().state().running(Some(batch.epoch())) else {
            unreachable!("a job that is not being polled has a state");
        };
        let inner = running.inner().clone();
        // Others of its kind will wait too.
        let mut many = !cell.has_waited();
        let ran = catch_unwind(AssertUnwindSafe(|| {
            running.enter(|mut entered| {
                let epoch = entered.epoch();
                if inner.live.is_aborted(epoch) {
                    return Poll::Ready(Stop::Aborted);
                }
                loop {
                    if cell.is_aborted() {
                        return Poll::Ready(Stop::Aborted);
                    }
                    ready!(entered.in_scope(|| cell.as_mut().poll(cx)));
                    if *turns == 0 || inner.awaited_by.any() || !context::is_plain() {
                        return Poll::Ready(Stop::Ended(None));
                    }
                    *turns -= 1;
                    let next = match batch.pop() {
                        Some(next) => next,
                        None => match gang.next(*key, batch, many) {
                            Found::JobBox => next(batch),
                            found => return Poll::Ready(Stop::Ended(Some(found))),
                        },
                    };
                    many = true;
                    let mut done = std::mem::replace(cell, next);
                    if batch.epoch() != epoch || inner.live.is_aborted(epoch) || !cell.as_mut().state().transfer() {
                        return Poll::Ready(Stop::Next(done));
                    }
                    entered.begin_next(&inner);
                    let left = inner.live.leave(epoch);
                    // Who waits for the job that is over may not know it yet. The next one moves meanwhile, so nobody takes the pool for stuck.
                    let slot_wanted = inner.slots.release_deferred();
                    let told = done.as_mut().complete_quietly();
                    if !left || slot_wanted || !told || inner.awaited_by.any() {
                        return Poll::Ready(Stop::Told { done, left, slot_wanted });
                    }
                    batch.keep(done);
                }
            })
        }));
        match ran {
            Ok(Poll::Pending) => {
                *cell.as_mut().state() = JobState::Running(running);
                if self.waits() { Poll::Pending } else { Poll::Ready(Found::JobBox) }
            }
            Ok(Poll::Ready(Stop::Told { mut done, left, slot_wanted })) => {
                running.mark_idle();
                *cell.as_mut().state() = JobState::Running(running);
                if slot_wanted {
                    inner.slots.serve();
                }
                deadlock::changed(&inner);
                done.as_mut().complete(None);
                batch.keep(done);
                if !left {
                    inner.live.leave_aborted();
                }
                Poll::Ready(Found::JobBox)
            }
            Ok(Poll::Ready(Stop::Next(done))) => {
                self.end(running, done, None);
                Poll::Ready(Found::JobBox)
            }
            Ok(Poll::Ready(Stop::Ended(found))) => Poll::Ready(self.go_on(running, None, found)),
            Ok(Poll::Ready(Stop::Aborted)) => {
                let error = clear(cell);
                running.mark_idle();
                Poll::Ready(self.go_on(running, Some(error), None))
            }
            Err(payload) => {
                let _ = clear(cell);
                running.mark_panicked();
                let error = JoinError::panic(payload);
                if !cell.is_wanted() {
                    span::report_panic(&inner, &error);
                }
                Poll::Ready(self.go_on(running, Some(error), None))
            }
        }
    }

    /// The job is over. Looks for the next one, if that has not been done, unless something else is to run first.
    fn go_on(&mut self, running: Running, error: Option<JoinError>, found: Option<Found>) -> Found {
        let Some(done) = self.order.take() else { return Found::Idle };
        let found = match found {
            Some(found) => found,
            None if self.turns == 0 => Found::Again,
            None => {
                self.turns -= 1;
                self.order = self.batch.pop();
                match self.order {
                    Some(_) => Found::JobBox,
                    None => self.gang.next(self.key, &mut self.batch, !done.has_waited()),
                }
            }
        };
        if found == Found::JobBox && self.order.is_none() {
            self.order = Some(next(&mut self.batch));
        }
        self.end(running, done, error);
        found
    }

    /// The job is over, and the next one, if one has been found, has its place already.
    fn end(&mut self, running: Running, mut done: JobBox<J>, error: Option<JoinError>) {
        // A job may come to wait for this one at any time before it is known that it is over.
        done.note_ending();
        drop(running);
        done.as_mut().complete(error);
        self.batch.keep(done);
    }

    /// The job waits. False: it has been aborted meanwhile.
    #[inline]
    fn waits(&mut self) -> bool {
        let Some(cell) = &mut self.order else { return true };
        if !cell.as_mut().mark_waiting(self.key) {
            return !cell.is_aborted();
        }
        self.gang.pend(&mut self.batch);
        cell.register_abort()
    }
}

/// The job that is in the batch of a worker that has been given one.
#[inline]
fn next<J: ?Sized>(batch: &mut Batch<J>) -> JobBox<J> {
    match batch.pop() {
        Some(next) => next,
        None => unreachable!("an order that was found is in the batch"),
    }
}

/// Drops a future before its end.
fn clear<J: RawJob + ?Sized>(cell: &mut JobBox<J>) -> JoinError {
    match catch_unwind(AssertUnwindSafe(|| cell.as_mut().drop_content())) {
        Ok(()) => JoinError::cancelled(),
        Err(payload) => JoinError::panic(payload),
    }
}

impl<J: RawJob + ?Sized + 'static> Future for Worker<J> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Worker { hold, rank } = &mut *self;
        let Some(gang) = &rank.0 else { return Poll::Ready(()) };
        let (order, key) = match std::mem::replace(hold, Hold::Nothing(0)) {
            Hold::Nothing(key) => (None, key),
            Hold::RawJob(order) => {
                let key = order.worker();
                (Some(order), key)
            }
        };
        let mut shift = Shift { gang, key, order, batch: Batch::new(gang.keeps()), turns: TURNS };
        let polled = loop {
            match shift.run(cx) {
                Poll::Ready(Found::JobBox) => {}
                Poll::Ready(Found::Again) => {
                    cx.waker().wake_by_ref();
                    break Poll::Pending;
                }
                Poll::Ready(Found::Dismissed) => break Poll::Ready(()),
                Poll::Ready(Found::Idle) | Poll::Pending => break Poll::Pending,
            }
        };
        let Shift { order, mut batch, .. } = shift;
        if batch.is_open() {
            gang.stop(&mut batch);
        }
        *hold = order.map_or(Hold::Nothing(key), Hold::RawJob);
        if polled.is_ready() {
            gang.leave(key);
            rank.0 = None;
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
        assert!(size_of::<Worker<JobCell<std::future::Ready<u64>>>>() <= 24);
        assert!(size_of::<Worker<dyn RawJob>>() <= 24);
    }
}
