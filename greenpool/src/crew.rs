//! The workers of one map: they read the next item themselves, run it, and put the result into the ring.
//!
//! # Implementation details
//!
//! A worker is one task. At most one of them at a time is the *feeder*: it stands in the pool's queue for the map, so a map takes
//! its turns like any other caller. When its slot comes it appoints the next feeder, if there is room for more, and then runs items:
//! it keeps its slot from item to item unless somebody else waits for the pool, the pool has shrunk, or the slot is a loan. A worker that
//! finds no room parks; the consumer, when it has taken a result, appoints one as feeder again.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::task::Poll;

use tokio::runtime::Handle;

use crate::error::JoinError;
use crate::flow::{Flow, Foreman, InFlight, run, wake};
use crate::heart::{Core, Resized};
use crate::member::Member;
use crate::ring::Ring;
use crate::sync::{Mutex, lock};

/// Where the jobs of a map come from.
pub(crate) trait Feed: Send + 'static {
    type Job: Future<Output: Send + 'static> + Send;

    /// The next job, or what the function that makes it panicked with.
    fn next(&mut self) -> Option<std::thread::Result<Self::Job>>;
    fn size_hint(&self) -> (usize, Option<usize>);
}

type Output<S> = <<S as Feed>::Job as Future>::Output;

type Place<'a, S> = InFlight<Output<S>, &'a Flow<Output<S>>>;

pub(crate) struct Crew<S: Feed> {
    flow: Arc<Flow<Output<S>>>,
    source: Mutex<Option<S>>,
    runtime: Handle,
    resized: Mutex<Option<usize>>,
}

/// Starts a map.
#[track_caller]
pub(crate) fn start<S: Feed>(core: &Arc<Core>, source: S, ordered: bool) -> (Arc<Flow<Output<S>>>, Arc<dyn Foreman>) {
    let runtime = Handle::current();
    let rest = source.size_hint();
    let mut ring = Ring::new(ordered, rest);
    let nothing = rest.1 == Some(0);
    if nothing {
        // Also in a pool of size 0 there is nothing to wait for.
        let _ = ring.stop(None);
    }
    let flow = Flow::new(core, ring);
    let source = Mutex::new((!nothing).then_some(source));
    let crew = Arc::new(Crew { flow: flow.clone(), source, runtime, resized: Mutex::new(None) });
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
        drop(staff);
        flow.hire(|key| {
            let shift = Shift { crew: self.clone(), key, feeder: true, over: false };
            self.runtime.spawn(work(shift)).abort_handle()
        });
    }

    fn dismiss(&self) {
        self.flow.stop(None);
        // A worker that is reading just now lets go of the source itself.
        let source = self.source.try_lock().ok().and_then(|mut source| source.take());
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
    fn read(&self) -> Option<(Place<'_, S>, Result<S::Job, JoinError>)> {
        let flow = &*self.flow;
        let mut source = lock(&self.source);
        let feed = source.as_mut()?;
        let place = InFlight::reserve(flow)?;
        let read = catch_unwind(AssertUnwindSafe(|| (feed.next(), feed.size_hint())));
        match read {
            Ok((Some(job), rest)) => {
                lock(&flow.ring).set_rest(rest);
                if rest.1 == Some(0) {
                    // By its own word there is nothing left: no worker need take a slot to find that out.
                    let feed = source.take();
                    drop(source);
                    flow.stop(None);
                    drop(feed);
                }
                Some((place, job.map_err(JoinError::panic)))
            }
            Ok((None, _)) => {
                let feed = source.take();
                drop(source);
                place.withdraw();
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

/// One worker's time with the crew. Dropped before its time, as when the runtime is shut down, it ends the map.
struct Shift<S: Feed> {
    crew: Arc<Crew<S>>,
    key: usize,
    feeder: bool,
    over: bool,
}

impl<S: Feed> Drop for Shift<S> {
    fn drop(&mut self) {
        self.crew.flow.leave(self.key);
        if !self.over {
            self.crew.flow.stop(Some(JoinError::cancelled()));
        }
    }
}

async fn work<S: Feed>(mut shift: Shift<S>) {
    loop {
        match shift.crew.flow.acquire().await {
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
    /// With a slot: appoints the next feeder, then runs items as long as it may.
    async fn run_items(&mut self, lender: Option<Arc<Member>>) {
        let crew = self.crew.clone();
        let flow = &*crew.flow;
        let on_loan = lender.is_some();
        let mut seat = flow.seat(lender);
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
            let keep = !on_loan && flow.has_more() && !flow.is_wanted_by_others() && !flow.core.slots.is_closed();
            let next = if keep {
                seat.again()
            } else {
                drop(seat);
                None
            };
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
                (ring.is_reading(), ring.room(self.crew.flow.core.slots.size()))
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
