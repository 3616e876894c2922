//! The workers of one function on one runtime, and the jobs that wait for them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Waker;

use slab::Slab;
use tokio::runtime::{Handle, Id, RuntimeFlavor};

use crate::batch::{Batch, Many};
use crate::frame::{Job, Order};

/// So many idle workers, and so many empty frames, may stay.
const KEEP: usize = 32;

/// After so many orders it is seen how many workers were not needed.
pub(crate) const PERIOD: u32 = 4096;

/// So many turns a gang that has nothing to do keeps all its workers.
const ROUNDS: u8 = 64;

/// The workers of one function on one runtime.
pub(crate) struct Gang<J: ?Sized> {
    pub(crate) runtime: Id,
    /// No other gang has it, also not a later one on the same runtime.
    pub(crate) serial: u32,
    threads: usize,
    /// No other thread polls its workers while one of them is being polled.
    single: bool,
    /// There will be no more orders.
    pub(crate) closed: bool,
    pub(crate) orders: VecDeque<Order<J>>,
    /// Frames with nothing in them.
    pub(crate) empty: Vec<Order<J>>,
    /// Memory for the next batch of many.
    spare: Option<Many<J>>,
    pub(crate) staff: Slab<Post>,
    /// The keys of those that have nothing to do.
    pub(crate) idle: Vec<u32>,
    /// How many have been called and have not come.
    called: usize,
    /// The smallest numbers of idle workers and of empty frames in this period, and the orders in it.
    pub(crate) low: (usize, usize),
    pub(crate) period: u32,
    /// The worker that watches an idle gang, and the turns that it has left.
    pub(crate) watch: Option<(u32, u8)>,
}

/// What a gang knows of one worker.
pub(crate) struct Post {
    /// There from its first poll on.
    pub(crate) waker: Option<Waker>,
    pub(crate) standing: Standing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
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
        serial: u32,
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

impl<J: Job + ?Sized> Gang<J> {
    /// There is an order: a worker takes it; or all there are, if it has just done one and nobody else could do them meanwhile.
    #[inline]
    pub(crate) fn open(&mut self, batch: &mut Batch<J>, more: bool) {
        if more && self.single {
            let many = self.spare.take().unwrap_or_default();
            std::mem::swap(&mut batch.many.insert(many).orders, &mut self.orders);
        } else {
            batch.next = self.orders.pop_front();
        }
        batch.join();
    }

    /// A worker gives back what it has not used, and the frames that are empty.
    #[inline]
    pub(crate) fn close(&mut self, batch: &mut Batch<J>) {
        if let Some(empty) = batch.empty.take() {
            self.empty.push(empty);
        }
        if let Some(mut many) = batch.many.take() {
            self.empty.append(&mut many.empty);
            if !many.orders.is_empty() {
                many.orders.append(&mut self.orders);
                std::mem::swap(&mut many.orders, &mut self.orders);
            }
            self.spare = Some(many);
        }
    }
}

impl<J: ?Sized> Gang<J> {
    pub(crate) fn new(runtime: &Handle) -> Self {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        Gang {
            runtime: runtime.id(),
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            threads: runtime.metrics().num_workers(),
            single: runtime.runtime_flavor() == RuntimeFlavor::CurrentThread,
            closed: false,
            orders: VecDeque::new(),
            empty: Vec::new(),
            spare: None,
            staff: Slab::new(),
            idle: Vec::new(),
            called: 0,
            low: (0, 0),
            period: 0,
            watch: None,
        }
    }

    /// Calls a worker, if fewer have been called than there are orders, and threads and `more`.
    #[inline]
    pub(crate) fn call(&mut self, more: usize) -> Call {
        if self.called >= self.orders.len().min(self.threads + more) {
            return Call::Nobody;
        }
        self.called += 1;
        match self.idle.pop() {
            Some(key) => {
                self.low.0 = self.low.0.min(self.idle.len());
                let post = &mut self.staff[key as usize];
                post.standing = Standing::Called;
                post.waker.clone().map_or(Call::Nobody, Call::Wake)
            }
            None => {
                self.low.0 = 0;
                let key = self.staff.insert(Post { waker: None, standing: Standing::Called });
                Call::Hire { serial: self.serial, key: key as u32 }
            }
        }
    }

    /// A worker is polled: it is to look for an order, or else for what it finds here.
    pub(crate) fn come(&mut self, key: u32, waker: &Waker) -> Result<(), (Found, Vec<Waker>)> {
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
    pub(crate) fn rest(&mut self, key: u32) -> Found {
        if self.closed {
            return Found::Dismissed;
        }
        self.staff[key as usize].standing = Standing::Idle;
        self.idle.push(key);
        let all_idle = self.idle.len() == self.staff.len();
        if all_idle && self.idle.len().max(self.empty.len()) > KEEP {
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
                self.empty.truncate(KEEP);
                self.empty.shrink_to_fit();
                (Found::Idle, self.dismiss(self.idle.len().saturating_sub(KEEP)))
            }
            Some((watching, turns)) if *watching == key => {
                *turns -= 1;
                (Found::Again, Vec::new())
            }
            _ => (Found::Idle, Vec::new()),
        }
    }

    /// Half of those who were not needed in this period may go, and of the frames.
    pub(crate) fn end_period(&mut self) -> Vec<Waker> {
        let surplus = |low: usize| low.saturating_sub(KEEP).div_ceil(2);
        self.period = 0;
        self.empty.truncate(self.empty.len() - surplus(self.low.1));
        let leave = self.dismiss(surplus(self.low.0));
        self.low = (self.idle.len(), self.empty.len());
        leave
    }

    /// Sends those away that have been idle longest.
    pub(crate) fn dismiss(&mut self, many: usize) -> Vec<Waker> {
        let staff = &mut self.staff;
        let leave = self.idle.drain(..many).filter_map(|key| {
            let post = &mut staff[key as usize];
            post.standing = Standing::Dismissed;
            post.waker.clone()
        });
        leave.collect()
    }

    /// Gives memory back when most workers have gone.
    pub(crate) fn shrink(&mut self) {
        if self.staff.capacity() > 4 * self.staff.len().max(KEEP) {
            self.staff.shrink_to_fit();
            self.idle.shrink_to(KEEP);
            self.orders.shrink_to(KEEP);
            self.spare = None;
        }
    }
}
