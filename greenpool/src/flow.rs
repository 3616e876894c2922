//! What the consumer of a map and its workers share, whatever the source.
//!
//! # Implementation details
//!
//! Locks are taken in the order source, staff, ring, never the other way round, and nobody is woken under one. The source's own code,
//! and the function that makes the future, run under the source's lock only.

use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use slab::Slab;
use tokio::task::AbortHandle;

use crate::claim::{Acquire, Begun, Claim};
use crate::error::JoinError;
use crate::heart::Core;
use crate::lineage;
use crate::member::{Blocked, Member};
use crate::ring::Ring;
use crate::sync::{Mutex, lock};
use crate::worker::Seat;

/// All that the consumer and the workers of a map share, but for the source.
pub(crate) struct Flow<T> {
    pub(crate) core: Arc<Core>,
    pub(crate) ring: Mutex<Ring<T>>,
    pub(crate) staff: Mutex<Staff>,
    /// The job that made the map, if it is of the same pool: it lends its slot to the map.
    maker: Option<Arc<Member>>,
}

#[derive(Default)]
pub(crate) struct Staff {
    /// A worker is the feeder, or one has been appointed.
    pub(crate) feeding: bool,
    pub(crate) appointed: Option<usize>,
    pub(crate) parked: Vec<usize>,
    pub(crate) workers: Slab<Worker>,
    hired: u64,
    aborted: bool,
    /// The feeder's place in the queue.
    claim: Option<Claim>,
    /// The job that waits for the map's next result.
    consumer: Option<Arc<Member>>,
}

pub(crate) struct Worker {
    number: u64,
    task: Option<AbortHandle>,
    pub(crate) waker: Option<Waker>,
}

/// What the consumer can ask of a crew, whatever its source.
pub(crate) trait Foreman: Send + Sync {
    /// There may be room: appoints a feeder.
    fn call(self: Arc<Self>);
    /// Reads no more.
    fn dismiss(&self);
}

impl<T> Flow<T> {
    pub(crate) fn new(core: &Arc<Core>, ring: Ring<T>) -> Arc<Self> {
        Arc::new(Flow {
            core: core.clone(),
            ring: Mutex::new(ring),
            staff: Mutex::default(),
            maker: lineage::member_of(core),
        })
    }

    /// The consumer waits: if it is a job, it may lend its slot.
    pub(crate) fn pend(&self, blocked: &mut Blocked, cx: &mut Context<'_>) {
        let ticket = lock(&self.staff).claim.as_ref().map(Claim::ticket);
        blocked.pend(&self.core, ticket, cx);
        if let Some(consumer) = lineage::member_of(&self.core) {
            let mut staff = lock(&self.staff);
            let claim = staff.claim.clone();
            staff.consumer = Some(consumer.clone());
            drop(staff);
            if let Some(claim) = claim {
                claim.offer(&consumer);
            }
        }
    }

    /// The consumer waits no more.
    pub(crate) fn resume(&self) {
        let consumer = lock(&self.staff).consumer.take();
        drop(consumer);
    }

    /// Ends the jobs that run.
    pub(crate) fn abort(&self) {
        let mut staff = lock(&self.staff);
        staff.aborted = true;
        let tasks: Vec<AbortHandle> = staff.workers.iter().filter_map(|(_, worker)| worker.task.clone()).collect();
        drop(staff);
        for task in tasks {
            task.abort();
        }
    }

    pub(crate) fn room(&self) -> usize {
        let size = self.core.slots.size();
        lock(&self.ring).room(size)
    }

    /// Whether a worker may find an item to go on with.
    pub(crate) fn has_more(&self) -> bool {
        let size = self.core.slots.size();
        lock(&self.ring).has_more(size)
    }

    pub(crate) fn put(&self, number: u64, result: Result<T, JoinError>) {
        let waker = lock(&self.ring).put(number, result);
        wake(waker);
    }

    pub(crate) fn stop(&self, last: Option<JoinError>) {
        let waker = lock(&self.ring).stop(last);
        wake(waker);
        // The parked workers and the feeder have nothing more to do.
        let mut staff = lock(&self.staff);
        let claim = staff.claim.take();
        let parked = std::mem::take(&mut staff.parked);
        let wakers: Vec<Waker> = parked.into_iter().filter_map(|key| staff.workers[key].waker.take()).collect();
        drop(staff);
        if let Some(claim) = claim {
            claim.refuse();
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Begins a worker's task, so that [`abort`](Self::abort) finds it.
    pub(crate) fn hire(&self, spawn: impl FnOnce(usize) -> AbortHandle) {
        let (key, number) = {
            let mut staff = lock(&self.staff);
            staff.hired += 1;
            let number = staff.hired;
            let key = staff.workers.insert(Worker { number, task: None, waker: None });
            (key, number)
        };
        // With no lock held: a runtime that is shut down drops the task at once.
        let task = spawn(key);
        let mut staff = lock(&self.staff);
        if staff.aborted {
            drop(staff);
            return task.abort();
        }
        let worker = staff.workers.get_mut(key);
        if let Some(worker) = worker.filter(|worker| worker.number == number) {
            worker.task = Some(task);
        }
    }

    /// The task of a worker is over.
    pub(crate) fn leave(&self, key: usize) {
        let mut staff = lock(&self.staff);
        let worker = staff.workers.try_remove(key);
        staff.parked.retain(|parked| *parked != key);
        drop(staff);
        drop(worker);
    }

    /// Waits for the map's turn. `None`: the pool is closed. Only one task of a map does this at a time.
    pub(crate) async fn acquire(&self) -> Option<Option<Arc<Member>>> {
        let mut acquire = match Acquire::begin(&self.core, || self.maker.clone()) {
            Begun::Acquired => return Some(None),
            Begun::Closed => return None,
            Begun::Queued(acquire) => acquire,
        };
        let claim = acquire.claim();
        let consumer = {
            let mut staff = lock(&self.staff);
            staff.claim = Some(claim.clone());
            staff.consumer.clone()
        };
        if let Some(consumer) = consumer {
            claim.offer(&consumer);
        }
        let granted = poll_fn(|cx| acquire.poll(cx)).await;
        lock(&self.staff).claim = None;
        granted.ok()
    }

    /// A job of this map begins.
    pub(crate) fn seat(&self, lender: Option<Arc<Member>>) -> Seat {
        Seat::new(self.core.clone(), lender)
    }

    /// Whether a worker should give its slot back, for others or for the pool's debt.
    pub(crate) fn is_wanted_by_others(&self) -> bool {
        let slots = &self.core.slots;
        slots.is_wanted() && (slots.free() < 0 || !lock(&self.staff).claim.as_ref().is_some_and(Claim::is_alone))
    }
}

pub(crate) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The place of an item that has been read. Dropped without a result, it puts a cancellation there.
pub(crate) struct InFlight<T, R: Deref<Target = Flow<T>>> {
    flow: R,
    number: u64,
    over: bool,
}

impl<T, R: Deref<Target = Flow<T>>> InFlight<T, R> {
    /// Takes a place, if there is room.
    pub(crate) fn reserve(flow: R) -> Option<Self> {
        let number = {
            let mut ring = lock(&flow.ring);
            if ring.room(flow.core.slots.size()) == 0 {
                return None;
            }
            ring.reserve()
        };
        Some(InFlight { flow, number, over: false })
    }

    pub(crate) fn put(mut self, result: Result<T, JoinError>) {
        self.over = true;
        self.flow.put(self.number, result);
    }

    /// There was no item.
    pub(crate) fn withdraw(mut self) {
        self.over = true;
        let waker = lock(&self.flow.ring).unreserve();
        wake(waker);
    }
}

impl<T, R: Deref<Target = Flow<T>>> Drop for InFlight<T, R> {
    fn drop(&mut self) {
        if !self.over {
            self.flow.put(self.number, Err(JoinError::cancelled()));
        }
    }
}

/// Runs one job to its end, and drops its future, whatever it does.
pub(crate) async fn run<J: Future>(seat: &mut Seat, job: J) -> Result<J::Output, JoinError> {
    let mut job = pin!(Some(job));
    let result = poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            seat.poll(cx, |cx| match job.as_mut().as_pin_mut() {
                Some(job) => job.poll(cx),
                None => Poll::Pending,
            })
        }));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Ok(value))) => Poll::Ready(Ok(value)),
            Ok(Poll::Ready(Err(_))) => Poll::Ready(Err(JoinError::cancelled())),
            Err(payload) => Poll::Ready(Err(JoinError::panic(payload))),
        }
    })
    .await;
    match catch_unwind(AssertUnwindSafe(|| job.set(None))) {
        Ok(()) => result,
        Err(payload) => {
            seat.mark_panicked();
            Err(JoinError::panic(payload))
        }
    }
}
