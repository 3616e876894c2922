//! Recycled green threads: the workers of one declared function, and the jobs that wait for one of them.
//!
//! # Implementation details
//!
//! The annotation fixes the type of a function's future. So a job of it need not be a fresh task of the runtime: it is an
//! [`Order`], a future that has a slot already, put into a queue from which [workers](crate::worker) take it, each one long-lived task
//! that holds one future at a time. Nothing is allocated for a job, and a worker that finds the next order runs it without going
//! through the scheduler.
//!
//! A job runs on the runtime that called `spawn`: each runtime that uses the function has a [`Crew`] of its own, from its first
//! order until its last worker is gone.
//!
//! A worker that runs a job is of no use to the orders behind it: it may wait, it may compute for a second, it may block its thread (`block_in_place`).
//! So while there are orders, there are also workers that have been *called* and have not come yet, tasks that the runtime's scheduler knows to be
//! ready: as many as it has threads, or as there are orders. Whoever puts in an order, takes one, or begins to wait, calls one
//! more if one is missing. On a runtime with several threads it must be more than one, since a task that was woken last can be
//! run by the thread that woke it only. A worker whose job waits at its first poll calls one more than that, so that a burst of such jobs begins in a
//! number of rounds that is its logarithm.
//!
//! Idle workers stand on a stack, the last to come is the first to go. A burst leaves many of them behind; two things
//! send those away that exceed [`KEEP`]: every [`PERIOD`] orders, half of those that were never needed meanwhile; and when all are idle, the last of
//! them looks on for [`ROUNDS`] turns of the scheduler, and sends all others away if nothing comes. No timer is needed for that.
//!
//! A worker is dropped unfinished only with its runtime. It then takes the whole crew down: all orders are dropped, and their slots come back.

use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;

use slab::Slab;
use tokio::runtime::{Handle, Id};

use crate::error::JoinError;
use crate::heart::{Abortable, Core};
use crate::reply::Promise;
use crate::seat::Slot;
use crate::sync::{Mutex, lock};
use crate::worker::Worker;

/// So many idle workers may stay.
const KEEP: usize = 32;

/// After so many orders it is seen how many workers were not needed.
const PERIOD: u32 = 4096;

/// So many turns a crew that has nothing to do keeps all its workers.
const ROUNDS: u8 = 64;

/// The place for the workers of one declared function.
pub struct WorkersCell(OnceLock<&'static (dyn Any + Send + Sync)>);

impl WorkersCell {
    /// An empty place.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it is made in a `static`")]
    pub const fn new() -> Self {
        WorkersCell(OnceLock::new())
    }

    /// The workers of the function that has this cell, whose future is `F`.
    #[inline]
    pub(crate) fn of<F>(&'static self, core: &'static Arc<Core>) -> &'static Workers<F>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let workers = self.0.get_or_init(|| {
            let workers: &'static Workers<F> = Box::leak(Box::new(Workers::new()));
            core.employ(workers);
            workers
        });
        workers.downcast_ref().expect("a function has one type of future")
    }
}

/// A job that has a slot, and waits for a worker. Dropped in the order of its fields.
pub(crate) struct Order<F: Future> {
    pub(crate) future: F,
    pub(crate) slot: Slot,
    pub(crate) promise: Promise<F::Output>,
}

impl<F: Future> Order<F> {
    /// Drops what was not begun: a job that was aborted.
    pub(crate) fn abort(self) {
        let Order { future, slot, promise } = self;
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(future)));
        // Before the slot comes back, as everywhere.
        promise.end();
        drop(slot.seat());
        promise.keep(Some(Err(dropped.map_or_else(JoinError::panic, |()| JoinError::cancelled()))));
    }
}

/// The workers of one declared function, on every runtime.
pub(crate) struct Workers<F: Future> {
    crews: Mutex<Vec<Crew<F>>>,
}

/// The workers of one function on one runtime.
pub(crate) struct Crew<F: Future> {
    runtime: Id,
    /// No other crew has it, also not a later one on the same runtime.
    serial: u64,
    threads: usize,
    orders: VecDeque<Order<F>>,
    staff: Slab<Post>,
    /// The keys of those that have nothing to do.
    idle: Vec<u32>,
    /// How many have been called and have not come.
    called: usize,
    /// The smallest number of idle workers in this period, and the orders in it.
    low: usize,
    period: u32,
    /// The worker that watches an idle crew, and the turns that it has left.
    watch: Option<(u32, u8)>,
}

/// What a crew knows of one worker.
pub(crate) struct Post {
    /// There from its first poll on.
    waker: Option<Waker>,
    standing: Standing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Called,
    Busy,
    Idle,
    Dismissed,
}

/// What is to be done, with no lock held, to get one worker more.
#[must_use]
pub(crate) enum Call {
    Nobody,
    Wake(Waker),
    /// There is no idle one: a new one takes this place.
    Hire {
        serial: u64,
        key: u32,
    },
}

/// What a worker that has no job finds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Order,
    /// Nothing now, but it is to be polled once more.
    Again,
    Idle,
    Dismissed,
}

impl<F> Workers<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn new() -> Self {
        Workers { crews: Mutex::new(Vec::new()) }
    }

    /// Has a job run on the current runtime.
    ///
    /// # Panics
    /// Outside of one.
    #[inline]
    #[track_caller]
    pub(crate) fn put(&'static self, order: Order<F>) {
        let runtime = Handle::current();
        let id = runtime.id();
        let mut crews = lock(&self.crews);
        let crew = match crews.iter().position(|crew| crew.runtime == id) {
            Some(at) => &mut crews[at],
            None => {
                crews.push(Crew::new(&runtime));
                crews.last_mut().expect("it has just been pushed")
            }
        };
        crew.orders.push_back(order);
        crew.watch = None;
        crew.period += 1;
        let leave = if crew.period == PERIOD { crew.end_period() } else { Vec::new() };
        let call = crew.call(0);
        drop(crews);
        leave.into_iter().for_each(Waker::wake);
        self.make(call);
    }

    /// Gets one worker more.
    #[inline]
    pub(crate) fn make(&'static self, call: Call) {
        match call {
            Call::Nobody => {}
            Call::Wake(waker) => waker.wake(),
            Call::Hire { serial, key } => drop(tokio::spawn(Worker::new(self, serial, key))),
        }
    }

    /// A worker is polled that was called, or may have been. An order is handed to `take`.
    pub(crate) fn come(&'static self, serial: u64, key: u32, waker: &Waker, take: impl FnOnce(Order<F>)) -> Found {
        let mut crews = lock(&self.crews);
        let Some(crew) = find(&mut crews, serial) else {
            return Found::Dismissed;
        };
        if let Err((found, leave)) = crew.come(key, waker) {
            drop(crews);
            leave.into_iter().for_each(Waker::wake);
            return found;
        }
        drop(crews);
        self.next(serial, key, take)
    }

    /// A worker is done with its job. The next order is handed to `take`.
    #[inline]
    pub(crate) fn next(&'static self, serial: u64, key: u32, take: impl FnOnce(Order<F>)) -> Found {
        let mut crews = lock(&self.crews);
        let Some(crew) = find(&mut crews, serial) else {
            return Found::Dismissed;
        };
        let Some(order) = crew.orders.pop_front() else {
            return crew.rest(key);
        };
        take(order);
        let call = crew.call(0);
        drop(crews);
        self.make(call);
        Found::Order
    }

    /// A worker's job has begun to wait.
    pub(crate) fn pend(&'static self, serial: u64) {
        let call = find(&mut lock(&self.crews), serial).map_or(Call::Nobody, |crew| crew.call(1));
        self.make(call);
    }

    /// A worker goes, since it was dismissed.
    pub(crate) fn leave(&self, serial: u64, key: u32) {
        let mut crews = lock(&self.crews);
        let Some(at) = crews.iter().position(|crew| crew.serial == serial) else {
            return;
        };
        let crew = &mut crews[at];
        let post = crew.staff.try_remove(key as usize);
        crew.shrink();
        let gone = (crew.staff.is_empty() && crew.orders.is_empty()).then(|| crews.swap_remove(at));
        drop(crews);
        drop((post, gone));
    }

    /// A worker is dropped with its runtime, and so is all that it was there for.
    pub(crate) fn dissolve(&self, serial: u64) {
        let mut crews = lock(&self.crews);
        let at = crews.iter().position(|crew| crew.serial == serial);
        let crew = at.map(|at| crews.swap_remove(at));
        drop(crews);
        crew.into_iter().flat_map(|crew| crew.orders).for_each(Order::abort);
    }
}

impl<F> Abortable for Workers<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn abort_queued(&self) -> u64 {
        let orders: Vec<_> = lock(&self.crews).iter_mut().flat_map(|crew| std::mem::take(&mut crew.orders)).collect();
        let aborted = orders.len() as u64;
        orders.into_iter().for_each(Order::abort);
        aborted
    }

    fn rouse(&self) {
        let crews = lock(&self.crews);
        let staff = crews.iter().flat_map(|crew| &crew.staff);
        let busy = staff.filter(|(_, post)| post.standing == Standing::Busy);
        let wakers: Vec<Waker> = busy.filter_map(|(_, post)| post.waker.clone()).collect();
        drop(crews);
        wakers.into_iter().for_each(Waker::wake);
    }
}

#[inline]
fn find<F: Future>(crews: &mut [Crew<F>], serial: u64) -> Option<&mut Crew<F>> {
    crews.iter_mut().find(|crew| crew.serial == serial)
}

impl<F: Future> Crew<F> {
    fn new(runtime: &Handle) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        Crew {
            runtime: runtime.id(),
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            threads: runtime.metrics().num_workers(),
            orders: VecDeque::new(),
            staff: Slab::new(),
            idle: Vec::new(),
            called: 0,
            low: 0,
            period: 0,
            watch: None,
        }
    }

    /// Calls a worker, if fewer have been called than there are orders, and threads and `more`.
    #[inline]
    fn call(&mut self, more: usize) -> Call {
        if self.called >= self.orders.len().min(self.threads + more) {
            return Call::Nobody;
        }
        self.called += 1;
        match self.idle.pop() {
            Some(key) => {
                self.low = self.low.min(self.idle.len());
                let post = &mut self.staff[key as usize];
                post.standing = Standing::Called;
                post.waker.clone().map_or(Call::Nobody, Call::Wake)
            }
            None => {
                self.low = 0;
                let key = self.staff.insert(Post { waker: None, standing: Standing::Called });
                Call::Hire { serial: self.serial, key: key as u32 }
            }
        }
    }

    /// A worker is polled: it is to look for an order, or else for what it finds here.
    fn come(&mut self, key: u32, waker: &Waker) -> Result<(), (Found, Vec<Waker>)> {
        let post = &mut self.staff[key as usize];
        match post.standing {
            Standing::Busy => {}
            Standing::Called => {
                post.waker.get_or_insert_with(|| waker.clone());
                post.standing = Standing::Busy;
                self.called -= 1;
            }
            Standing::Dismissed => return Err((Found::Dismissed, Vec::new())),
            Standing::Idle => return Err(self.watch(key)),
        }
        Ok(())
    }

    /// There is no order.
    #[cold]
    fn rest(&mut self, key: u32) -> Found {
        self.staff[key as usize].standing = Standing::Idle;
        self.idle.push(key);
        let all_idle = self.idle.len() == self.staff.len();
        if all_idle && self.idle.len() > KEEP {
            self.watch = Some((key, ROUNDS));
            return Found::Again;
        }
        Found::Idle
    }

    /// An idle worker is polled: perhaps it is the one that watches.
    fn watch(&mut self, key: u32) -> (Found, Vec<Waker>) {
        match &mut self.watch {
            Some((watching, 0)) if *watching == key => {
                self.watch = None;
                (Found::Idle, self.dismiss(self.idle.len().saturating_sub(KEEP)))
            }
            Some((watching, turns)) if *watching == key => {
                *turns -= 1;
                (Found::Again, Vec::new())
            }
            _ => (Found::Idle, Vec::new()),
        }
    }

    /// Half of those who were not needed in this period may go.
    #[cold]
    fn end_period(&mut self) -> Vec<Waker> {
        self.period = 0;
        let leave = self.dismiss(self.low.saturating_sub(KEEP).div_ceil(2));
        self.low = self.idle.len();
        leave
    }

    /// Sends those away that have been idle longest.
    fn dismiss(&mut self, many: usize) -> Vec<Waker> {
        let staff = &mut self.staff;
        let leave = self.idle.drain(..many).filter_map(|key| {
            let post = &mut staff[key as usize];
            post.standing = Standing::Dismissed;
            post.waker.clone()
        });
        leave.collect()
    }

    /// Gives memory back when most workers have gone.
    fn shrink(&mut self) {
        if self.staff.capacity() > 4 * self.staff.len().max(KEEP) {
            self.staff.shrink_to_fit();
            self.idle.shrink_to(KEEP);
            self.orders.shrink_to(KEEP);
        }
    }
}
