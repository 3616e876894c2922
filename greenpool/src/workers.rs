//! Recycled green threads: the workers of one declared function, and the jobs that wait for one of them.
//!
//! # Implementation details
//!
//! The annotation fixes the type of a function's future. So a job of it need not be a fresh task of the runtime: its future is made in a
//! [`Frame`], which stands in a queue until one of the [workers](crate::worker) takes it, each one long-lived task
//! that runs one job at a time. Frames are used again, so nothing is allocated for a job, and a worker that finds the next one runs it without going
//! through the scheduler.
//!
//! A job runs on the runtime that called `spawn`: each runtime that uses the function has a [`Gang`] of its own, from its first
//! order until its last worker is gone.
//!
//! A worker that runs a job is of no use to the orders behind it: it may wait, it may compute for a second, it may block its thread (`block_in_place`).
//! So while there are orders, there are also workers that have been *called* and have not come yet, tasks that the runtime's scheduler knows to be
//! ready: as many as it has threads, or as there are orders. Whoever puts in an order, takes one, or begins to wait, calls one
//! more if one is missing. On a runtime with several threads it must be more than one, since a task that was woken last can be
//! run by the thread that woke it only. A worker whose job waits at its first poll calls one more than that, so that a burst of such jobs begins in a
//! number of rounds that is its logarithm.
//!
//! Idle workers stand on a stack, the last to come is the first to go, and so do empty frames. A burst leaves many of both behind; two things
//! send those away that exceed [`KEEP`]: every [`PERIOD`] orders, half of those that were never needed meanwhile; and when all workers are idle, the last of
//! them looks on for [`ROUNDS`] turns of the scheduler, and sends all others away if nothing comes. No timer is needed for that.
//!
//! A worker is dropped unfinished only with its runtime. It then takes the whole gang down: all orders are dropped, and their slots come back.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, Weak};
use std::task::Waker;

use tokio::runtime::{Handle, Id};

use crate::batch::Batch;
use crate::error::JoinError;
use crate::frame::{Frame, Job, Order};
use crate::gang::{Call, Found, Gang, PERIOD, Standing};
use crate::heart::{Abortable, Core};
use crate::sync::{Mutex, MutexGuard, lock};
use crate::worker::Worker;

/// The place for the workers of one declared function.
pub struct WorkersCell(OnceLock<Arc<dyn Any + Send + Sync>>);

impl WorkersCell {
    /// An empty place.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it is made in a `static`")]
    pub const fn new() -> Self {
        WorkersCell(OnceLock::new())
    }

    /// The workers of the function that has this cell, whose future is `F`.
    #[inline]
    pub(crate) fn of<F>(&'static self, core: &Core) -> &'static Workers<Frame<F>>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let workers = self.0.get_or_init(|| {
            let workers: Arc<Workers<Frame<F>>> = Workers::new(true);
            core.employ(workers.clone());
            workers
        });
        workers.downcast_ref().expect("a function has one type of future")
    }
}

/// Drops what was not begun: a job that was aborted. If it is in the census already, that is of `epoch`.
fn abort<J: Job + ?Sized>(mut order: Order<J>, epoch: Option<u32>) {
    let dropped = catch_unwind(AssertUnwindSafe(|| order.as_mut().clear()));
    // Before the slot comes back, as everywhere.
    order.end();
    // It counts as one that began and was aborted.
    drop(order.as_mut().place().seat(epoch));
    order.as_mut().keep(Some(dropped.map_or_else(JoinError::panic, |()| JoinError::cancelled())));
}

/// The workers of one declared function, on every runtime.
pub(crate) struct Workers<J: ?Sized> {
    this: Weak<Self>,
    /// All frames are of one kind, and worth keeping.
    keeps: bool,
    gangs: Mutex<Vec<Gang<J>>>,
}

impl<J: ?Sized> Workers<J> {
    /// `keeps`: all frames are of one kind, and are used again.
    pub(crate) fn new(keeps: bool) -> Arc<Self> {
        Arc::new_cyclic(|this| Workers { this: this.clone(), keeps, gangs: Mutex::new(Vec::new()) })
    }

    /// There will be no more jobs: workers go when they have nothing to do.
    pub(crate) fn close(&self) {
        let mut leave = Vec::new();
        for gang in lock(&self.gangs).iter_mut() {
            gang.closed = true;
            leave.extend(gang.dismiss(gang.idle.len()));
        }
        leave.into_iter().for_each(Waker::wake);
    }

    /// Whether frames are used again.
    #[inline]
    pub(crate) fn keeps(&self) -> bool {
        self.keeps
    }

    /// A worker goes, since it was dismissed.
    pub(crate) fn leave(&self, serial: u32, key: u32) {
        let mut gangs = lock(&self.gangs);
        let Some(at) = gangs.iter().position(|gang| gang.serial == serial) else {
            return;
        };
        let gang = &mut gangs[at];
        let post = gang.staff.try_remove(key as usize);
        gang.shrink();
        let gone = (gang.staff.is_empty() && gang.orders.is_empty()).then(|| gangs.swap_remove(at));
        drop(gangs);
        drop((post, gone));
    }
}

impl<J: Job + ?Sized> Workers<J> {
    /// A worker is dropped with its runtime, and so is all that it was there for.
    pub(crate) fn dissolve(&self, serial: u32) {
        let mut gangs = lock(&self.gangs);
        let at = gangs.iter().position(|gang| gang.serial == serial);
        let gang = at.map(|at| gangs.swap_remove(at));
        drop(gangs);
        gang.into_iter().flat_map(|gang| gang.orders).for_each(|order| abort(order, None));
    }
}

impl<J: Job + ?Sized + 'static> Workers<J> {
    /// Has a job run on the current runtime. `make` gets the empty frames, if it has a use for one; it runs under a lock.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[inline]
    #[track_caller]
    pub(crate) fn put<R>(&self, make: impl FnOnce(&mut Vec<Order<J>>) -> (Order<J>, R)) -> R {
        let runtime = Handle::current();
        let id = runtime.id();
        let mut gangs = lock(&self.gangs);
        let gang = match gangs.iter().position(|gang| gang.runtime == id) {
            Some(at) => &mut gangs[at],
            None => {
                gangs.push(Gang::new(&runtime));
                gangs.last_mut().expect("it has just been pushed")
            }
        };
        let (order, made) = make(&mut gang.empty);
        gang.low.1 = gang.low.1.min(gang.empty.len());
        gang.orders.push_back(order);
        gang.watch = None;
        gang.period += 1;
        let ends = gang.period >= PERIOD;
        let call = gang.call(0);
        drop(gangs);
        if ends {
            self.end_period(id);
        }
        self.make(call);
        made
    }

    #[cold]
    fn end_period(&self, runtime: Id) {
        let mut gangs = lock(&self.gangs);
        let gang = gangs.iter_mut().find(|gang| gang.runtime == runtime);
        let leave = gang.map(Gang::end_period).unwrap_or_default();
        drop(gangs);
        leave.into_iter().for_each(Waker::wake);
    }

    /// Gets one worker more.
    #[inline]
    fn make(&self, call: Call) {
        match call {
            Call::Nobody => {}
            Call::Wake(waker) => waker.wake(),
            Call::Hire { serial, key } => self.hire(serial, key),
        }
    }

    #[cold]
    fn hire(&self, serial: u32, key: u32) {
        if let Some(workers) = self.this.upgrade() {
            drop(tokio::spawn(Worker::new(workers, serial, key)));
        }
    }

    /// A worker is polled that has no job: it was called, or may have been. If there is a job it is in `batch` then.
    pub(crate) fn come(&self, serial: u32, key: u32, waker: &Waker, batch: &mut Batch<J>) -> Found {
        let mut gangs = lock(&self.gangs);
        let Some(gang) = find(&mut gangs, serial) else {
            return Found::Dismissed;
        };
        if let Err((found, leave)) = gang.come(key, waker) {
            drop(gangs);
            leave.into_iter().for_each(Waker::wake);
            return found;
        }
        self.take(gangs, serial, key, batch, false)
    }

    /// A worker is done with all jobs in its batch. If there is a next one it is in `batch` then.
    pub(crate) fn next(&self, serial: u32, key: u32, batch: &mut Batch<J>) -> Found {
        self.take(lock(&self.gangs), serial, key, batch, true)
    }

    #[inline]
    fn take(
        &self,
        mut gangs: MutexGuard<'_, Vec<Gang<J>>>,
        serial: u32,
        key: u32,
        batch: &mut Batch<J>,
        more: bool,
    ) -> Found {
        let Some(gang) = find(&mut gangs, serial) else {
            return Found::Dismissed;
        };
        gang.close(batch);
        if gang.orders.is_empty() {
            return gang.rest(key);
        }
        gang.open(batch, more);
        let call = gang.call(0);
        drop(gangs);
        self.make(call);
        Found::Order
    }

    /// A worker has to stop before its next job.
    pub(crate) fn stop(&self, serial: u32, batch: &mut Batch<J>) {
        self.give_back(serial, batch, |_| Call::Nobody);
    }

    /// A worker's job has begun to wait.
    pub(crate) fn pend(&self, serial: u32, batch: &mut Batch<J>) {
        self.give_back(serial, batch, |gang| gang.call(1));
    }

    fn give_back(&self, serial: u32, batch: &mut Batch<J>, call: impl FnOnce(&mut Gang<J>) -> Call) {
        let mut gangs = lock(&self.gangs);
        let outdated = batch.unjoin();
        let call = find(&mut gangs, serial).map_or(Call::Nobody, |gang| {
            gang.close(batch);
            call(gang)
        });
        drop(gangs);
        self.make(call);
        for order in outdated {
            abort(order, Some(batch.epoch()));
        }
    }
}

impl<J: Job + ?Sized> Abortable for Workers<J> {
    fn abort_queued(&self) -> u64 {
        let orders: Vec<_> = lock(&self.gangs).iter_mut().flat_map(|gang| std::mem::take(&mut gang.orders)).collect();
        let aborted = orders.len() as u64;
        for order in orders {
            abort(order, None);
        }
        aborted
    }

    fn rouse(&self) {
        let gangs = lock(&self.gangs);
        let staff = gangs.iter().flat_map(|gang| &gang.staff);
        let busy = staff.filter(|(_, post)| post.standing == Standing::Busy);
        let wakers: Vec<Waker> = busy.filter_map(|(_, post)| post.waker.clone()).collect();
        drop(gangs);
        wakers.into_iter().for_each(Waker::wake);
    }
}

#[inline]
fn find<J: ?Sized>(gangs: &mut [Gang<J>], serial: u32) -> Option<&mut Gang<J>> {
    gangs.iter_mut().find(|gang| gang.serial == serial)
}
