//! The workers of one map: they read the next item themselves, run it, and put the result into the ring.
//!
//! # Implementation details
//!
//! A worker is one task. At most one of them at a time is the *feeder*: it stands in the pool's queue for the map, so a map takes
//! its turns like any other caller. When its slot comes it appoints the next feeder, if there is room for more, and then runs items:
//! it keeps its slot from item to item unless somebody else waits for the pool, the pool has shrunk, or the slot is a loan. A worker that
//! finds no room parks; the consumer, when it has taken a result, appoints one as feeder again.
//!
//! Locks are taken in the order source, staff, ring, never the other way round, and nobody is woken under one. The source's own code,
//! and the function that makes the future, run under the source's lock only.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};

use slab::Slab;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::error::JoinError;
use crate::heart::{Core, Resized};
use crate::lineage::{self, Acquire, Begun, Claim, Member, Outer};
use crate::ring::Ring;
use crate::sync::{Mutex, lock};
use crate::worker::Seat;

/// Where the jobs of a map come from.
pub(crate) trait Feed: Send + 'static {
    type Job: Future<Output: Send + 'static> + Send;

    fn next(&mut self) -> Option<Self::Job>;
    fn size_hint(&self) -> (usize, Option<usize>);
}

type Output<S> = <<S as Feed>::Job as Future>::Output;

/// All that the consumer and the workers of a map share, but for the source.
pub(crate) struct Flow<T> {
    pub(crate) core: Arc<Core>,
    pub(crate) ring: Mutex<Ring<T>>,
    staff: Mutex<Staff>,
    /// The job that made the map, and those above it: they lend their slots to it.
    maker: Option<Arc<Member>>,
    outer: Outer,
}

#[derive(Default)]
struct Staff {
    /// A worker is the feeder, or one has been appointed.
    feeding: bool,
    appointed: Option<usize>,
    parked: Vec<usize>,
    workers: Slab<Worker>,
    hired: u64,
    aborted: bool,
    /// The feeder's place in the queue.
    claim: Option<Claim>,
    /// The job that waits for the map's next result.
    consumer: Option<Arc<Member>>,
}

struct Worker {
    number: u64,
    task: Option<AbortHandle>,
    waker: Option<Waker>,
}

pub(crate) struct Crew<S: Feed> {
    flow: Arc<Flow<Output<S>>>,
    source: Mutex<Option<S>>,
    runtime: Handle,
    resized: Mutex<Option<usize>>,
}

/// What the consumer can ask of a crew, whatever its source.
pub(crate) trait Foreman: Send + Sync {
    /// There may be room: appoints a feeder.
    fn call(self: Arc<Self>);
    /// Reads no more.
    fn dismiss(&self);
}

impl<T> Flow<T> {
    /// The consumer waits: if it is a job, it may lend its slot.
    pub(crate) fn pend(&self) {
        if let Some(consumer) = lineage::nearest(&self.core) {
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
        let tasks: Vec<AbortHandle> = staff
            .workers
            .iter()
            .filter_map(|(_, worker)| worker.task.clone())
            .collect();
        drop(staff);
        for task in tasks {
            task.abort();
        }
    }

    fn room(&self) -> usize {
        let size = self.core.slots.size();
        lock(&self.ring).room(size)
    }

    fn put(&self, number: u64, result: Result<T, JoinError>) {
        let waker = lock(&self.ring).put(number, result);
        wake(waker);
    }

    fn stop(&self, last: Option<JoinError>) {
        let waker = lock(&self.ring).stop(last);
        wake(waker);
        // The parked workers have nothing more to do.
        let mut staff = lock(&self.staff);
        let parked = std::mem::take(&mut staff.parked);
        let wakers: Vec<Waker> = parked
            .into_iter()
            .filter_map(|key| staff.workers[key].waker.take())
            .collect();
        drop(staff);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Whether a worker should give its slot back, for others or for the pool's debt.
    fn is_wanted_by_others(&self) -> bool {
        let slots = &self.core.slots;
        slots.is_wanted()
            && (slots.free() < 0
                || !lock(&self.staff)
                    .claim
                    .as_ref()
                    .is_some_and(Claim::is_alone))
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Starts a map.
#[track_caller]
pub(crate) fn start<S: Feed>(
    core: &Arc<Core>,
    source: S,
    ordered: bool,
) -> (Arc<Flow<Output<S>>>, Arc<dyn Foreman>) {
    let runtime = Handle::current();
    let rest = source.size_hint();
    let mut ring = Ring::new(ordered, rest);
    let nothing = rest.1 == Some(0);
    if nothing {
        // Also in a pool of size 0 there is nothing to wait for.
        let _ = ring.stop(None);
    }
    let flow = Arc::new(Flow {
        core: core.clone(),
        ring: Mutex::new(ring),
        staff: Mutex::default(),
        maker: lineage::nearest(core),
        outer: lineage::heritage(core),
    });
    let source = Mutex::new((!nothing).then_some(source));
    let crew = Arc::new(Crew {
        flow: flow.clone(),
        source,
        runtime,
        resized: Mutex::new(None),
    });
    if !nothing {
        let weak: Weak<Crew<S>> = Arc::downgrade(&crew);
        *lock(&crew.resized) = Some(core.on_resize(weak));
        crew.clone().call();
    }
    (flow, crew)
}

impl<S: Feed> Resized for Crew<S> {
    fn resized(self: Arc<Self>) {
        self.call();
    }
}

impl<S: Feed> Foreman for Crew<S> {
    fn call(self: Arc<Self>) {
        let flow = &*self.flow;
        let mut staff = lock(&flow.staff);
        if staff.feeding || flow.room() == 0 {
            return;
        }
        if let Some(key) = staff.parked.pop() {
            staff.feeding = true;
            staff.appointed = Some(key);
            let waker = staff.workers[key].waker.take();
            drop(staff);
            return wake(waker);
        }
        if staff.workers.len() >= flow.core.slots.size().max(1) {
            // All are at work; the first to be done looks for itself.
            return;
        }
        staff.feeding = true;
        staff.hired += 1;
        let number = staff.hired;
        let key = staff.workers.insert(Worker {
            number,
            task: None,
            waker: None,
        });
        drop(staff);
        let shift = Shift {
            crew: self.clone(),
            key,
            feeder: true,
            over: false,
        };
        let task = self.runtime.spawn(work(shift)).abort_handle();
        let mut staff = lock(&flow.staff);
        if staff.aborted {
            drop(staff);
            return task.abort();
        }
        if let Some(worker) = staff
            .workers
            .get_mut(key)
            .filter(|worker| worker.number == number)
        {
            worker.task = Some(task);
        }
    }

    fn dismiss(&self) {
        self.flow.stop(None);
        // A worker that is reading just now lets go of the source itself.
        let source = self
            .source
            .try_lock()
            .ok()
            .and_then(|mut source| source.take());
        drop(source);
    }
}

impl<S: Feed> Drop for Crew<S> {
    fn drop(&mut self) {
        let key = lock(&self.resized).take();
        if let Some(key) = key {
            self.flow.core.off_resize(key);
        }
    }
}

impl<S: Feed> Crew<S> {
    /// Reads the next item and makes its future; `None` if there is no room or nothing more to read.
    fn read(&self) -> Option<(InFlight<'_, Output<S>>, Result<S::Job, JoinError>)> {
        let flow = &*self.flow;
        let mut source = lock(&self.source);
        let feed = source.as_mut()?;
        let number = {
            let mut ring = lock(&flow.ring);
            if ring.room(flow.core.slots.size()) == 0 {
                return None;
            }
            ring.reserve()
        };
        let place = InFlight {
            flow,
            number,
            over: false,
        };
        let read = catch_unwind(AssertUnwindSafe(|| (feed.next(), feed.size_hint())));
        match read {
            Ok((Some(job), rest)) => {
                lock(&flow.ring).set_rest(rest);
                Some((place, Ok(job)))
            }
            Ok((None, _)) => {
                let feed = source.take();
                drop(source);
                let waker = place.withdraw();
                wake(waker);
                flow.stop(None);
                drop(feed);
                None
            }
            Err(payload) => {
                // The panic stands in the item's place; a source that has panicked is not read again.
                let feed = source.take();
                drop(source);
                flow.stop(None);
                let _ = catch_unwind(AssertUnwindSafe(|| drop(feed)));
                Some((place, Err(JoinError::panic(payload))))
            }
        }
    }
}

/// The place of an item that has been read. Dropped without a result, it puts a cancellation there.
struct InFlight<'a, T> {
    flow: &'a Flow<T>,
    number: u64,
    over: bool,
}

impl<T> InFlight<'_, T> {
    fn put(mut self, result: Result<T, JoinError>) {
        self.over = true;
        self.flow.put(self.number, result);
    }

    /// There was no item.
    fn withdraw(mut self) -> Option<Waker> {
        self.over = true;
        lock(&self.flow.ring).unreserve()
    }
}

impl<T> Drop for InFlight<'_, T> {
    fn drop(&mut self) {
        if !self.over {
            self.flow.put(self.number, Err(JoinError::cancelled()));
        }
    }
}

/// One worker's time with the crew. Dropped before its time, as when the runtime is shut down, it ends the map.
struct Shift<S: Feed> {
    crew: Arc<Crew<S>>,
    key: usize,
    feeder: bool,
    over: bool,
}

impl<S: Feed> Drop for Shift<S> {
    fn drop(&mut self) {
        let mut staff = lock(&self.crew.flow.staff);
        let worker = staff.workers.try_remove(self.key);
        staff.parked.retain(|key| *key != self.key);
        drop(staff);
        drop(worker);
        if !self.over {
            self.crew.flow.stop(Some(JoinError::cancelled()));
        }
    }
}

async fn work<S: Feed>(mut shift: Shift<S>) {
    loop {
        match shift.acquire().await {
            Some(lender) => shift.run_items(lender).await,
            None => shift.crew.flow.stop(Some(JoinError::closed())),
        }
        if !shift.feed_again().await {
            break;
        }
    }
    shift.over = true;
}

impl<S: Feed> Shift<S> {
    /// As the feeder: waits for the map's turn. `None`: the pool is closed.
    async fn acquire(&self) -> Option<Option<Arc<Member>>> {
        let flow = &*self.crew.flow;
        let mut acquire = match Acquire::begin(&flow.core, || flow.maker.clone()) {
            Begun::Acquired => return Some(None),
            Begun::Closed => return None,
            Begun::Queued(acquire) => acquire,
        };
        let claim = acquire.claim();
        let consumer = {
            let mut staff = lock(&flow.staff);
            staff.claim = Some(claim.clone());
            staff.consumer.clone()
        };
        if let Some(consumer) = consumer {
            claim.offer(&consumer);
        }
        let granted = poll_fn(|cx| acquire.poll(cx)).await;
        lock(&flow.staff).claim = None;
        granted.ok()
    }

    /// With a slot: appoints the next feeder, then runs items as long as it may.
    async fn run_items(&mut self, lender: Option<Arc<Member>>) {
        let crew = self.crew.clone();
        let flow = &*crew.flow;
        let on_loan = lender.is_some();
        let mut seat = Seat::new(flow.core.clone(), lender, flow.outer.clone());
        if flow.core.slots.is_closed() {
            seat.withdraw();
            return flow.stop(Some(JoinError::closed()));
        }
        loop {
            let Some((place, job)) = crew.read() else {
                return seat.withdraw();
            };
            self.hand_on();
            let result = match job {
                Ok(job) => run(&mut seat, job).await,
                Err(error) => {
                    seat.mark_panicked();
                    Err(error)
                }
            };
            // A loan goes home before the one who waits for the result is woken.
            let keep = !on_loan
                && flow.room() > 0
                && !flow.is_wanted_by_others()
                && !flow.core.slots.is_closed();
            let next = if keep { seat.again() } else { None };
            place.put(result);
            match next {
                Some(next) => seat = next,
                None => return,
            }
            tokio::task::consume_budget().await;
        }
    }

    /// This worker has a slot and an item: another may be the feeder now.
    fn hand_on(&mut self) {
        if std::mem::take(&mut self.feeder) {
            lock(&self.crew.flow.staff).feeding = false;
            self.crew.clone().call();
        }
    }

    /// Without a slot: becomes the feeder if there is room, else parks until it is appointed. False: there is nothing more to do.
    async fn feed_again(&mut self) -> bool {
        poll_fn(|cx| {
            let mut staff = lock(&self.crew.flow.staff);
            if std::mem::take(&mut self.feeder) {
                staff.feeding = false;
            }
            let (reading, room) = {
                let ring = lock(&self.crew.flow.ring);
                (
                    ring.is_reading(),
                    ring.room(self.crew.flow.core.slots.size()),
                )
            };
            let appointed = staff.appointed == Some(self.key);
            if appointed {
                staff.appointed = None;
            }
            if !reading {
                return Poll::Ready(false);
            }
            if appointed || !staff.feeding && room > 0 {
                staff.parked.retain(|key| *key != self.key);
                staff.feeding = true;
                self.feeder = true;
                return Poll::Ready(true);
            }
            if !staff.parked.contains(&self.key) {
                staff.parked.push(self.key);
            }
            staff.workers[self.key].waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// Runs one job to its end, and drops its future, whatever it does.
async fn run<J: Future>(seat: &mut Seat, job: J) -> Result<J::Output, JoinError> {
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
