//! The driver of a map over an iterator: it starts the map, and owns the source that the
//! [workers](crate::map::worker) read.
//!
//! The source has a lock of its own. The code of the source, and the function that makes the future of a job, run under
//! that lock only.

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

    /// Stores the next job in `job`, and sets `user_code` when it calls the function that makes it. Returns false at
    /// the end.
    fn next(&mut self, job: Pin<&mut Option<Self::Job>>, user_code: &mut UserCode) -> bool;
    fn size_hint(&self) -> (usize, Option<usize>);
}

/// Which user code a worker is running, so that a panic is reported in the right place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserCode {
    Job,
    /// The source or its size hint.
    Source,
    /// The function that makes the future of a job.
    Function,
}

pub(crate) type Output<S> = <<S as JobSource>::Job as Future>::Output;

/// What the workers of a map share, in addition to what they share with its consumer.
pub(crate) struct Driver<S: JobSource> {
    pub(crate) shared: Arc<Shared<Output<S>>>,
    pub(crate) source: Mutex<Option<CountedSource<S>>>,
    runtime: Handle,
    /// The runtime is a current-thread runtime, so no other worker is polled while one is.
    pub(crate) single: bool,
    /// The key of this map in its pool, which reports each resize to it.
    attached: Mutex<Option<usize>>,
    /// Spawns the task of the worker with that key.
    spawn_worker: fn(&Arc<Self>, u32) -> AbortHandle,
}

/// A source, and what is known of the number of its items.
pub(crate) struct CountedSource<S> {
    source: S,
    /// The number of items that have been read.
    pub(crate) read: u64,
    /// The last size hint.
    left: (usize, Option<usize>),
}

/// Bounds on the total number of items, if `read` items have been read and `hint` is the size hint for the rest.
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
        // If a worker is reading from the source now, that worker drops it.
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
        let key = lock(&self.attached).take();
        if let Some(key) = key {
            self.shared.inner.detach(key);
        }
    }
}

impl<S: JobSource> Driver<S> {
    /// Starts a map. `spawn_worker` spawns the task of a worker.
    #[track_caller]
    pub(crate) fn start(
        inner: &Arc<Inner>,
        source: S,
        ordered: bool,
        spawn_worker: fn(&Arc<Self>, u32) -> AbortHandle,
    ) -> (Arc<Shared<Output<S>>>, Arc<dyn DynDriver>) {
        let runtime = Handle::current();
        let hint = source.size_hint();
        let signals = Arc::default();
        let mut buffer = ReorderBuffer::new(&signals, ordered, hint);
        let is_empty = hint.1 == Some(0);
        if is_empty {
            // Without this, the consumer would wait for a `resize` if the pool has size 0.
            let _ = buffer.stop(None);
        }
        let shared = Shared::new(inner, signals, buffer, runtime.metrics().num_workers());
        let source = CountedSource { source, read: 0, left: hint };
        let source = Mutex::new((!is_empty).then_some(source));
        let single = runtime.runtime_flavor() == RuntimeFlavor::CurrentThread;
        let driver = Arc::new(Driver {
            shared: shared.clone(),
            source,
            runtime,
            single,
            attached: Mutex::new(None),
            spawn_worker,
        });
        if !is_empty {
            let weak: Weak<Driver<S>> = Arc::downgrade(&driver);
            *lock(&driver.attached) = Some(inner.attach(weak));
            driver.notify(0);
        }
        (shared, driver)
    }

    #[inline]
    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Notifies a worker if too few are notified; `more` raises the number that is wanted.
    pub(crate) fn notify(self: &Arc<Self>, more: usize) {
        let wakeup = self.shared.state().notify(self.shared.inner.slots.size(), more);
        self.wake(wakeup);
    }

    #[inline]
    pub(crate) fn wake(self: &Arc<Self>, wakeup: Wakeup) {
        wakeup.run(|key| self.clone().spawn_worker(key));
    }
}

/// What the size hint after an item has changed.
pub(crate) enum SourceNews {
    /// The bounds on the total number of items.
    Total((u64, Option<u64>)),
    /// There are no more items. No worker needs a slot to find that out.
    Last,
}

impl<S: JobSource> CountedSource<S> {
    /// Reads the next item. Returns its number, and whether its size hint contains [news](Self::news).
    #[inline]
    pub(crate) fn next(&mut self, job: Pin<&mut Option<S::Job>>, user_code: &mut UserCode) -> Option<(u64, bool)> {
        *user_code = UserCode::Source;
        if !self.source.next(job, user_code) {
            return None;
        }
        *user_code = UserCode::Source;
        let left = self.source.size_hint();
        let number = self.read;
        self.read += 1;
        // Most sources know their exact size, and each hint is one less than the last.
        let as_expected =
            left.0.wrapping_add(1) == self.left.0 && left.1.map(|upper| upper.wrapping_add(1)) == self.left.1;
        self.left = left;
        Some((number, !as_expected || left.1 == Some(0)))
    }

    /// The news that came with the last item.
    pub(crate) fn news(&self) -> SourceNews {
        if self.left.1 == Some(0) { SourceNews::Last } else { SourceNews::Total(total(self.read, self.left)) }
    }
}

/// Drops a source that is no longer read. Returns its panic, if its destructor panics.
pub(crate) fn drop_source<S>(source: S) -> Option<JoinError> {
    catch_unwind(AssertUnwindSafe(|| drop(source))).err().map(JoinError::panic)
}
