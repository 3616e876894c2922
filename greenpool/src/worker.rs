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

use crate::batch::Batch;
use crate::error::JoinError;
use crate::frame::{Job, Order};
use crate::gang::Found;
use crate::knot;
use crate::lineage;
use crate::seat::{Place, Seat};
use crate::trace;
use crate::workers::Workers;

/// So many jobs a worker runs before it lets other tasks run, as a task of tokio has a budget of so many operations.
pub(crate) const TURNS: u32 = 128;

/// A worker, and the job that it runs. Dropped in the order of its fields.
pub(crate) struct Worker<J: Job + ?Sized> {
    order: Option<Order<J>>,
    /// The frame of the last job, with nothing in it.
    empty: Option<Order<J>>,
    /// The job has waited, and `abort` knows whom to wake.
    waits: bool,
    rank: Rank<J>,
}

/// A worker's place in its gang.
struct Rank<J: Job + ?Sized> {
    workers: Arc<Workers<J>>,
    serial: u32,
    key: u32,
    dismissed: bool,
}

impl<J: Job + ?Sized> Drop for Rank<J> {
    fn drop(&mut self) {
        if self.dismissed {
            self.workers.leave(self.serial, self.key);
        } else {
            self.workers.dissolve(self.serial);
        }
    }
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
    Told { done: Order<J>, left: bool, wanted: bool },
}

impl<J: Job + ?Sized + 'static> Worker<J> {
    pub(crate) fn new(workers: Arc<Workers<J>>, serial: u32, key: u32) -> Self {
        let rank = Rank { workers, serial, key, dismissed: false };
        Worker { order: None, empty: None, waits: false, rank }
    }

    /// Runs the job, and those that follow it as long as there is nothing else to do.
    fn run(&mut self, cx: &mut Context<'_>, turns: &mut u32, batch: &mut Batch<J>) -> Poll<Found> {
        let Worker { order, waits, rank, .. } = self;
        let frame = match order {
            Some(frame) => frame,
            None => match rank.workers.come(rank.serial, rank.key, cx.waker(), batch) {
                Found::Order => order.insert(next(batch)),
                found => return Poll::Ready(found),
            },
        };
        let Some(mut seat) = frame.as_mut().place().seat(Some(batch.epoch())) else {
            unreachable!("a job that is not being polled has a place");
        };
        let core = seat.core().clone();
        let ran = catch_unwind(AssertUnwindSafe(|| {
            seat.enter(|mut inside| {
                let epoch = inside.epoch();
                if core.is_outdated(epoch) {
                    return Poll::Ready(Stop::Aborted);
                }
                loop {
                    if frame.is_aborted() {
                        return Poll::Ready(Stop::Aborted);
                    }
                    ready!(inside.within(|| frame.as_mut().poll(cx)));
                    *waits = false;
                    if *turns == 0 || core.awaited.any() || !lineage::am_plain() {
                        return Poll::Ready(Stop::Ended(None));
                    }
                    *turns -= 1;
                    let next = match batch.pop() {
                        Some(next) => next,
                        None => match rank.workers.next(rank.serial, rank.key, batch) {
                            Found::Order => next(batch),
                            found => return Poll::Ready(Stop::Ended(Some(found))),
                        },
                    };
                    let mut done = std::mem::replace(frame, next);
                    if batch.epoch() != epoch || core.is_outdated(epoch) || !frame.as_mut().place().yield_own() {
                        return Poll::Ready(Stop::Next(done));
                    }
                    inside.begin_next(&core);
                    let left = core.leave(epoch);
                    let wanted = core.slots.give();
                    let quiet = done.as_mut().keep_quietly();
                    if !left || wanted || !quiet || core.awaited.any() {
                        return Poll::Ready(Stop::Told { done, left, wanted });
                    }
                    batch.keep(done);
                }
            })
        }));
        match ran {
            Ok(Poll::Pending) => {
                *frame.as_mut().place() = Place::Seat(seat);
                if self.waits(cx, batch) { Poll::Pending } else { Poll::Ready(Found::Order) }
            }
            Ok(Poll::Ready(Stop::Told { mut done, left, wanted })) => {
                seat.mark_idle();
                *frame.as_mut().place() = Place::Seat(seat);
                if wanted {
                    core.slots.hand_over();
                }
                knot::changed(&core);
                done.as_mut().keep(None);
                batch.keep(done);
                if !left {
                    core.leave_outdated();
                }
                Poll::Ready(Found::Order)
            }
            Ok(Poll::Ready(Stop::Next(done))) => {
                self.end(seat, done, None, batch);
                Poll::Ready(Found::Order)
            }
            Ok(Poll::Ready(Stop::Ended(found))) => Poll::Ready(self.go_on(seat, None, found, turns, batch)),
            Ok(Poll::Ready(Stop::Aborted)) => {
                let error = clear(frame);
                seat.mark_idle();
                Poll::Ready(self.go_on(seat, Some(error), None, turns, batch))
            }
            Err(payload) => {
                let _ = clear(frame);
                seat.mark_panicked();
                let error = JoinError::panic(payload);
                if !frame.is_wanted() {
                    trace::lost(&core, &error);
                }
                Poll::Ready(self.go_on(seat, Some(error), None, turns, batch))
            }
        }
    }

    /// The job is over. Looks for the next one, if that has not been done, unless something else is to run first.
    fn go_on(
        &mut self,
        seat: Seat,
        error: Option<JoinError>,
        found: Option<Found>,
        turns: &mut u32,
        batch: &mut Batch<J>,
    ) -> Found {
        let Some(done) = self.order.take() else { return Found::Idle };
        let found = match found {
            Some(found) => found,
            None if *turns == 0 => Found::Again,
            None => {
                *turns -= 1;
                self.order = batch.pop();
                match self.order {
                    Some(_) => Found::Order,
                    None => self.rank.workers.next(self.rank.serial, self.rank.key, batch),
                }
            }
        };
        if found == Found::Order && self.order.is_none() {
            self.order = Some(next(batch));
        }
        self.end(seat, done, error, batch);
        found
    }

    /// The job is over, and the next one, if one has been found, has its place already.
    fn end(&mut self, seat: Seat, mut done: Order<J>, error: Option<JoinError>, batch: &mut Batch<J>) {
        self.waits = false;
        if seat.core().awaited.any() {
            done.end();
        }
        drop(seat);
        done.as_mut().keep(error);
        batch.keep(done);
    }

    /// The job waits. False: it has been aborted meanwhile.
    #[inline]
    fn waits(&mut self, cx: &mut Context<'_>, batch: &mut Batch<J>) -> bool {
        let Some(frame) = &self.order else { return true };
        if std::mem::replace(&mut self.waits, true) {
            return !frame.is_aborted();
        }
        self.rank.workers.pend(self.rank.serial, batch);
        frame.enrol(cx)
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
        let mut turns = TURNS;
        let mut batch = Batch::new(self.rank.workers.keeps(), self.empty.take());
        let polled = loop {
            match self.run(cx, &mut turns, &mut batch) {
                Poll::Ready(Found::Order) => {}
                Poll::Ready(Found::Again) => {
                    cx.waker().wake_by_ref();
                    break Poll::Pending;
                }
                Poll::Ready(Found::Dismissed) => {
                    self.rank.dismissed = true;
                    break Poll::Ready(());
                }
                Poll::Ready(Found::Idle) | Poll::Pending => break Poll::Pending,
            }
        };
        if batch.is_open() {
            self.rank.workers.stop(self.rank.serial, &mut batch);
        }
        self.empty = batch.empty;
        polled
    }
}
