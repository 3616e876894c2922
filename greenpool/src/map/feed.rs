//! The crew of one map: who reads the source, and when one more worker is called.
//!
//! # Implementation details
//!
//! The [hands](crate::map::worker) are tasks that read the next item themselves, run its job and put the result into the ring. A hand
//! keeps its slot from item to item unless somebody else waits for the pool, the pool has shrunk, or the slot is a loan; at most one of
//! them at a time stands in the pool's queue for the map, so a map takes its turns like any other caller.
//!
//! A hand that runs a job is of no use to the items behind it: it may wait, compute for a second, or block its thread. So while there is
//! room in the ring, there are hands that have been *called* and have not come yet: as many as the runtime has threads, or as there are
//! places. Whoever takes a place, frees one, or begins to wait, calls one more if one is missing. (As for the
//! [workers](crate::worker) of declared functions.) A hand whose last job has waited thinks that the next one will, and calls for both at once.
//!
//! A hand that has nothing to do keeps its seat, empty, for its next job; what it gives back then, and takes again, is under the lock of the
//! [flow](crate::map::shared), so that a job that waits once costs that lock twice.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Weak};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::AbortHandle;

use crate::inner::wait::{Progress, WaitEdge};
use crate::inner::{AttachedMap, Inner};
use crate::job::error::JoinError;
use crate::map::buffer::ReorderBuffer;
use crate::map::shared::{DynDriver, Shared};
use crate::sync::wake::wake;
use crate::sync::{Mutex, lock};
use crate::worker::idle::Wakeup;

/// Where the jobs of a map come from.
pub(crate) trait JobSource: Send + 'static {
    type Job: Future<Output: Send + 'static> + Send;

    /// Puts the next job into its place, and says in `user_code` when it calls the function that makes it. False: there is none.
    fn next(&mut self, job: Pin<&mut Option<Self::Job>>, user_code: &mut UserCode) -> bool;
    fn size_hint(&self) -> (usize, Option<usize>);
}

/// What a hand is doing: whose panic it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserCode {
    Job,
    /// The source, or what it says of its size.
    CountedSource,
    /// The function that makes the future.
    Function,
}

pub(crate) type Output<S> = <<S as JobSource>::Job as Future>::Output;

pub(crate) struct Driver<S: JobSource> {
    pub(crate) shared: Arc<Shared<Output<S>>>,
    pub(crate) source: Mutex<Option<CountedSource<S>>>,
    runtime: Handle,
    /// No other thread polls its hands while one of them is being polled.
    pub(crate) single: bool,
    resized: Mutex<Option<usize>>,
    /// Begins a hand that takes this place.
    spawn_worker: fn(&Arc<Self>, u32) -> AbortHandle,
}

pub(crate) struct CountedSource<S> {
    feed: S,
    /// How many items have come out of it.
    pub(crate) read: u64,
    /// How many it says that it has left.
    left: (usize, Option<usize>),
}

/// How many items there are in all, if so many have been read and the source says so.
pub(crate) fn total(read: u64, hint: (usize, Option<usize>)) -> (u64, Option<u64>) {
    (read.saturating_add(hint.0 as u64), hint.1.and_then(|upper| read.checked_add(upper as u64)))
}

impl<S: JobSource> AttachedMap for Driver<S> {
    fn resized(self: Arc<Self>) {
        self.notify(0);
    }

    fn wake_busy(&self) {
        let busy = self.shared.state().workers.busy_wakers();
        wake(busy);
    }
}

impl<S: JobSource> DynDriver for Driver<S> {
    fn spawn_worker(self: Arc<Self>, key: u32) {
        self.shared.spawn_worker(key, |key| (self.spawn_worker)(&self, key));
    }

    fn progress(self: Arc<Self>) -> Arc<dyn Progress> {
        self
    }

    fn stop(&self) {
        self.shared.stop(None);
        // A hand that is reading just now lets go of the source itself.
        let source = self.source.try_lock().ok().and_then(|mut source| source.take());
        drop(source);
    }
}

impl<S: JobSource> Progress for Driver<S> {
    fn will_progress(&self, _found: &mut Vec<WaitEdge>) -> bool {
        self.shared.is_in_progress()
    }
}

impl<S: JobSource> Drop for Driver<S> {
    fn drop(&mut self) {
        let key = lock(&self.resized).take();
        if let Some(key) = key {
            self.shared.inner.detach(key);
        }
    }
}

impl<S: JobSource> Driver<S> {
    /// Starts a map. `spawn_worker` begins a hand.
    #[track_caller]
    pub(crate) fn start(
        inner: &Arc<Inner>,
        feed: S,
        ordered: bool,
        spawn_worker: fn(&Arc<Self>, u32) -> AbortHandle,
    ) -> (Arc<Shared<Output<S>>>, Arc<dyn DynDriver>) {
        let runtime = Handle::current();
        let hint = feed.size_hint();
        let signals = Arc::default();
        let mut buffer = ReorderBuffer::new(&signals, ordered, hint);
        let nothing = hint.1 == Some(0);
        if nothing {
            // Also in a pool of size 0 there is nothing to wait for.
            let _ = buffer.stop(None);
        }
        let shared = Shared::new(inner, signals, buffer, runtime.metrics().num_workers());
        let source = CountedSource { feed, read: 0, left: hint };
        let source = Mutex::new((!nothing).then_some(source));
        let single = runtime.runtime_flavor() == RuntimeFlavor::CurrentThread;
        let driver = Arc::new(Driver {
            shared: shared.clone(),
            source,
            runtime,
            single,
            resized: Mutex::new(None),
            spawn_worker,
        });
        if !nothing {
            let weak: Weak<Driver<S>> = Arc::downgrade(&driver);
            *lock(&driver.resized) = Some(inner.attach(weak));
            driver.notify(0);
        }
        (shared, driver)
    }

    #[inline]
    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Calls a hand if one is missing, or `more` are.
    pub(crate) fn notify(self: &Arc<Self>, more: usize) {
        let wakeup = self.shared.state().notify(self.shared.inner.slots.size(), more);
        self.wake(wakeup);
    }

    #[inline]
    pub(crate) fn wake(self: &Arc<Self>, wakeup: Wakeup) {
        wakeup.run(|key| self.clone().spawn_worker(key));
    }
}

/// What a source has said with an item.
pub(crate) enum SourceNews {
    /// How many items there are in all is something else than before.
    Total((u64, Option<u64>)),
    /// There is nothing left. So no hand need take a slot to find that out.
    Last,
}

impl<S: JobSource> CountedSource<S> {
    /// Reads the next item. Gives its number, and whether the source has [said](Self::news) something with it that is new.
    #[inline]
    pub(crate) fn next(&mut self, job: Pin<&mut Option<S::Job>>, user_code: &mut UserCode) -> Option<(u64, bool)> {
        *user_code = UserCode::CountedSource;
        if !self.feed.next(job, user_code) {
            return None;
        }
        *user_code = UserCode::CountedSource;
        let left = self.feed.size_hint();
        let number = self.read;
        self.read += 1;
        // Most sources know how many they have, and then have one less.
        let as_before =
            left.0.wrapping_add(1) == self.left.0 && left.1.map(|upper| upper.wrapping_add(1)) == self.left.1;
        self.left = left;
        Some((number, !as_before || left.1 == Some(0)))
    }

    /// What it has said with the last item.
    pub(crate) fn news(&self) -> SourceNews {
        if self.left.1 == Some(0) { SourceNews::Last } else { SourceNews::Total(total(self.read, self.left)) }
    }
}

/// Drops a source that is not read any more; gives its panic, if it has one.
pub(crate) fn drop_source<S>(source: S) -> Option<JoinError> {
    catch_unwind(AssertUnwindSafe(|| drop(source))).err().map(JoinError::panic)
}
