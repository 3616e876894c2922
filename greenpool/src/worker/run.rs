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

use crate::job::cell::{Job, Order};
use crate::job::error::JoinError;
use crate::job::running::{Place, Seat};
use crate::job::span;
use crate::lending::context;
use crate::lending::deadlock;
use crate::worker::group::{Found, Gang};
use crate::worker::local::Batch;

/// So many jobs a worker runs before it lets other tasks run, as a task of tokio has a budget of so many operations.
pub(crate) const TURNS: u32 = 128;

/// A worker between two polls. It is as small as it can be, since there is one for each job that waits: together with what the runtime adds to a task, 128
/// bytes. Dropped in the order of its fields.
pub(crate) struct Worker<J: Job + ?Sized> {
    hold: Hold<J>,
    rank: Rank<J>,
}

/// What a worker has.
enum Hold<J: ?Sized> {
    /// A job that waits for something, in a frame that knows the worker's key.
    Job(Order<J>),
    /// No job. This is its key.
    Nothing(u32),
}

/// A worker's place in its gang, until it has been dismissed.
struct Rank<J: Job + ?Sized>(Option<Arc<Gang<J>>>);

impl<J: Job + ?Sized> Drop for Rank<J> {
    fn drop(&mut self) {
        if let Some(gang) = self.0.take() {
            gang.dissolve();
        }
    }
}

/// A worker while it is polled.
struct Shift<'a, J: Job + ?Sized> {
    gang: &'a Arc<Gang<J>>,
    key: u32,
    order: Option<Order<J>>,
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
    Next(Order<J>),
    /// The next one stands in its place and has its seat; others are to hear of its end, or are to have its slot.
    Told { done: Order<J>, left: bool, slot_wanted: bool },
}

impl<J: Job + ?Sized + 'static> Worker<J> {
    pub(crate) fn new(gang: Arc<Gang<J>>, key: u32) -> Self {
        Worker { hold: Hold::Nothing(key), rank: Rank(Some(gang)) }
    }
}

impl<J: Job + ?Sized + 'static> Shift<'_, J> {
    /// Runs the job, and those that follow it as long as there is nothing else to do.
    fn run(&mut self, cx: &mut Context<'_>) -> Poll<Found> {
        let Shift { gang, key, order, batch, turns } = self;
        let frame = match order {
            Some(frame) => frame,
            None => match gang.come(*key, cx.waker(), batch) {
                Found::Order => order.insert(next(batch)),
                found => return Poll::Ready(found),
            },
        };
        let Some(mut seat) = frame.as_mut().place().seat(Some(batch.epoch())) else {
            unreachable!("a job that is not being polled has a place");
        };
        let inner = seat.inner().clone();
        // Others of its kind will wait too.
        let mut many = !frame.has_waited();
        let ran = catch_unwind(AssertUnwindSafe(|| {
            seat.enter(|mut inside| {
                let epoch = inside.epoch();
                if inner.live.is_aborted(epoch) {
                    return Poll::Ready(Stop::Aborted);
                }
                loop {
                    if frame.is_aborted() {
                        return Poll::Ready(Stop::Aborted);
                    }
                    ready!(inside.within(|| frame.as_mut().poll(cx)));
                    if *turns == 0 || inner.awaited_by.any() || !context::is_plain() {
                        return Poll::Ready(Stop::Ended(None));
                    }
                    *turns -= 1;
                    let next = match batch.pop() {
                        Some(next) => next,
                        None => match gang.next(*key, batch, many) {
                            Found::Order => next(batch),
                            found => return Poll::Ready(Stop::Ended(Some(found))),
                        },
                    };
                    many = true;
                    let mut done = std::mem::replace(frame, next);
                    if batch.epoch() != epoch || inner.live.is_aborted(epoch) || !frame.as_mut().place().yield_own() {
                        return Poll::Ready(Stop::Next(done));
                    }
                    inside.begin_next(&inner);
                    let left = inner.live.leave(epoch);
                    // Who waits for the job that is over may not know it yet. The next one moves meanwhile, so nobody takes the pool for stuck.
                    let slot_wanted = inner.slots.release_deferred();
                    let told = done.as_mut().keep_quietly();
                    if !left || slot_wanted || !told || inner.awaited_by.any() {
                        return Poll::Ready(Stop::Told { done, left, slot_wanted });
                    }
                    batch.keep(done);
                }
            })
        }));
        match ran {
            Ok(Poll::Pending) => {
                *frame.as_mut().place() = Place::Seat(seat);
                if self.waits() { Poll::Pending } else { Poll::Ready(Found::Order) }
            }
            Ok(Poll::Ready(Stop::Told { mut done, left, slot_wanted })) => {
                seat.mark_idle();
                *frame.as_mut().place() = Place::Seat(seat);
                if slot_wanted {
                    inner.slots.serve();
                }
                deadlock::changed(&inner);
                done.as_mut().keep(None);
                batch.keep(done);
                if !left {
                    inner.live.leave_aborted();
                }
                Poll::Ready(Found::Order)
            }
            Ok(Poll::Ready(Stop::Next(done))) => {
                self.end(seat, done, None);
                Poll::Ready(Found::Order)
            }
            Ok(Poll::Ready(Stop::Ended(found))) => Poll::Ready(self.go_on(seat, None, found)),
            Ok(Poll::Ready(Stop::Aborted)) => {
                let error = clear(frame);
                seat.mark_idle();
                Poll::Ready(self.go_on(seat, Some(error), None))
            }
            Err(payload) => {
                let _ = clear(frame);
                seat.mark_panicked();
                let error = JoinError::panic(payload);
                if !frame.is_wanted() {
                    span::lost(&inner, &error);
                }
                Poll::Ready(self.go_on(seat, Some(error), None))
            }
        }
    }

    /// The job is over. Looks for the next one, if that has not been done, unless something else is to run first.
    fn go_on(&mut self, seat: Seat, error: Option<JoinError>, found: Option<Found>) -> Found {
        let Some(done) = self.order.take() else { return Found::Idle };
        let found = match found {
            Some(found) => found,
            None if self.turns == 0 => Found::Again,
            None => {
                self.turns -= 1;
                self.order = self.batch.pop();
                match self.order {
                    Some(_) => Found::Order,
                    None => self.gang.next(self.key, &mut self.batch, !done.has_waited()),
                }
            }
        };
        if found == Found::Order && self.order.is_none() {
            self.order = Some(next(&mut self.batch));
        }
        self.end(seat, done, error);
        found
    }

    /// The job is over, and the next one, if one has been found, has its place already.
    fn end(&mut self, seat: Seat, mut done: Order<J>, error: Option<JoinError>) {
        // A job may come to wait for this one at any time before it is known that it is over.
        done.end();
        drop(seat);
        done.as_mut().keep(error);
        self.batch.keep(done);
    }

    /// The job waits. False: it has been aborted meanwhile.
    #[inline]
    fn waits(&mut self) -> bool {
        let Some(frame) = &mut self.order else { return true };
        if !frame.as_mut().wait(self.key) {
            return !frame.is_aborted();
        }
        self.gang.pend(&mut self.batch);
        frame.register_abort()
    }
}

/// The job that is in the batch of a worker that has been given one.
#[inline]
fn next<J: ?Sized>(batch: &mut Batch<J>) -> Order<J> {
    match batch.pop() {
        Some(next) => next,
        None => unreachable!("an order that was found is in the batch"),
    }
}

/// Drops a future before its end.
fn clear<J: Job + ?Sized>(frame: &mut Order<J>) -> JoinError {
    match catch_unwind(AssertUnwindSafe(|| frame.as_mut().clear())) {
        Ok(()) => JoinError::cancelled(),
        Err(payload) => JoinError::panic(payload),
    }
}

impl<J: Job + ?Sized + 'static> Future for Worker<J> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Worker { hold, rank } = &mut *self;
        let Some(gang) = &rank.0 else { return Poll::Ready(()) };
        let (order, key) = match std::mem::replace(hold, Hold::Nothing(0)) {
            Hold::Nothing(key) => (None, key),
            Hold::Job(order) => {
                let key = order.worker();
                (Some(order), key)
            }
        };
        let mut shift = Shift { gang, key, order, batch: Batch::new(gang.keeps()), turns: TURNS };
        let polled = loop {
            match shift.run(cx) {
                Poll::Ready(Found::Order) => {}
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
        *hold = order.map_or(Hold::Nothing(key), Hold::Job);
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
    use crate::job::cell::Frame;

    #[test]
    fn a_worker_leaves_a_task_its_128_bytes() {
        // What tokio 1.5x has in a task besides the future: 96 bytes, and a word that tells future from output.
        assert!(size_of::<Worker<Frame<std::future::Ready<u64>>>>() <= 24);
        assert!(size_of::<Worker<dyn Job>>() <= 24);
    }
}
