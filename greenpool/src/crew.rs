//! The crew of one map: who reads the source, and when one more worker is called.
//!
//! # Implementation details
//!
//! The [hands](crate::hand) are tasks that read the next item themselves, run its job and put the result into the ring. A hand
//! keeps its slot from item to item unless somebody else waits for the pool, the pool has shrunk, or the slot is a loan; at most one of
//! them at a time stands in the pool's queue for the map, so a map takes its turns like any other caller.
//!
//! A hand that runs a job is of no use to the items behind it: it may wait, compute for a second, or block its thread. So while there is
//! room in the ring, there are hands that have been *called* and have not come yet: as many as the runtime has threads, or as there are
//! places. Whoever takes a place, frees one, or begins to wait, calls one more if one is missing. (As for the
//! [workers](crate::workers) of declared functions.)

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};

use tokio::runtime::Handle;

use crate::error::JoinError;
use crate::flow::{Call, Flow, Foreman};
use crate::hand::Hand;
use crate::heart::{Core, Resized};
use crate::ring::Ring;
use crate::sync::{Mutex, lock};
use crate::wait::{Foresee, Wait};

/// Where the jobs of a map come from.
pub(crate) trait Feed: Send + 'static {
    type Job: Future<Output: Send + 'static> + Send;

    /// The next job, or what the function that makes it panicked with.
    fn next(&mut self) -> Option<std::thread::Result<Self::Job>>;
    fn size_hint(&self) -> (usize, Option<usize>);
}

pub(crate) type Output<S> = <<S as Feed>::Job as Future>::Output;

pub(crate) struct Crew<S: Feed> {
    pub(crate) flow: Arc<Flow<Output<S>>>,
    source: Mutex<Option<Source<S>>>,
    runtime: Handle,
    resized: Mutex<Option<usize>>,
}

struct Source<S> {
    feed: S,
    /// How many items have come out of it.
    read: u64,
    /// How many there are in all, as the ring knows.
    total: (u64, Option<u64>),
}

/// Starts a map.
#[track_caller]
pub(crate) fn start<S: Feed>(core: &Arc<Core>, feed: S, ordered: bool) -> (Arc<Flow<Output<S>>>, Arc<dyn Foreman>) {
    let runtime = Handle::current();
    let hint = feed.size_hint();
    let mut ring = Ring::new(ordered, hint);
    let nothing = hint.1 == Some(0);
    if nothing {
        // Also in a pool of size 0 there is nothing to wait for.
        let _ = ring.stop(None);
    }
    let flow = Flow::new(core, ring, runtime.metrics().num_workers());
    let source = Source { feed, read: 0, total: total(0, hint) };
    let source = Mutex::new((!nothing).then_some(source));
    let crew = Arc::new(Crew { flow: flow.clone(), source, runtime, resized: Mutex::new(None) });
    if !nothing {
        let weak: Weak<Crew<S>> = Arc::downgrade(&crew);
        *lock(&crew.resized) = Some(core.on_resize(weak));
        crew.call(0);
    }
    (flow, crew)
}

/// How many items there are in all, if so many have been read and the source says so.
pub(crate) fn total(read: u64, hint: (usize, Option<usize>)) -> (u64, Option<u64>) {
    (read.saturating_add(hint.0 as u64), hint.1.and_then(|upper| read.checked_add(upper as u64)))
}

impl<S: Feed> Resized for Crew<S> {
    fn resized(self: Arc<Self>) {
        self.call(0);
    }
}

impl<S: Feed> Foreman for Crew<S> {
    fn hire(self: Arc<Self>) {
        self.flow.hire(|key| self.runtime.spawn(Hand::new(self.clone(), key)).abort_handle());
    }

    fn outlook(self: Arc<Self>) -> Arc<dyn Foresee> {
        self
    }

    fn dismiss(&self) {
        self.flow.stop(None);
        // A hand that is reading just now lets go of the source itself.
        let source = self.source.try_lock().ok().and_then(|mut source| source.take());
        drop(source);
    }
}

impl<S: Feed> Foresee for Crew<S> {
    fn foresee(&self, _found: &mut Vec<Wait>) -> bool {
        self.flow.is_under_way()
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
    /// Calls a hand if one is missing, or `more` are.
    pub(crate) fn call(self: &Arc<Self>, more: usize) {
        let call = self.flow.state().call(self.flow.core.slots.size(), more);
        self.make(call);
    }

    #[inline]
    pub(crate) fn make(self: &Arc<Self>, call: Call) {
        match call {
            Call::Nobody => {}
            Call::Wake(waker) => waker.wake(),
            Call::Hire => self.clone().hire(),
        }
    }

    /// Reads the next item into a place that has been reserved; gives its number and its future, if there is one.
    #[inline]
    pub(crate) fn read(&self) -> Option<(u64, Result<S::Job, JoinError>)> {
        let mut guard = lock(&self.source);
        let Some(source) = guard.as_mut() else {
            drop(guard);
            self.flow.unreserve();
            return None;
        };
        let number = source.read;
        let read = catch_unwind(AssertUnwindSafe(|| (source.feed.next(), source.feed.size_hint())));
        match read {
            Ok((Some(job), hint)) => {
                source.read += 1;
                let total = total(source.read, hint);
                // By its own word there is nothing left: no hand need take a slot to find that out.
                let done = (hint.1 == Some(0)).then(|| guard.take()).flatten();
                if let Some(source) = done {
                    self.flow.state().ring.drain();
                    drop(guard);
                    self.flow.stop(let_go(source));
                } else if let Some(source) = guard.as_mut().filter(|source| source.total != total) {
                    source.total = total;
                    self.flow.state().ring.set_total(total);
                }
                Some((number, job.map_err(JoinError::panic)))
            }
            Ok((None, _)) => {
                let source = guard.take();
                self.flow.state().ring.drain();
                drop(guard);
                if let Some(panic) = let_go(source) {
                    self.flow.stop(None);
                    return Some((number, Err(panic)));
                }
                self.flow.unreserve();
                self.flow.stop(None);
                None
            }
            Err(payload) => {
                // The panic stands in the item's place; a source that has panicked is not read again.
                let source = guard.take();
                drop(guard);
                self.flow.stop(None);
                let _ = let_go(source);
                Some((number, Err(JoinError::panic(payload))))
            }
        }
    }
}

/// Drops a source that is not read any more; gives its panic, if it has one.
fn let_go<S>(source: S) -> Option<JoinError> {
    catch_unwind(AssertUnwindSafe(|| drop(source))).err().map(JoinError::panic)
}
