//! The driver of a map: it starts the map, and owns the source that the [workers](crate::map::worker) read.
//!
//! # Implementation details
//!
//! The source has a lock of its own. The code of the source, and the function that makes the future of a job, run under
//! that lock only. A worker that finds it locked does not wait, since that code may take its time or block its thread:
//! it parks, and the worker that reads notifies one when it is done ([`Driver::try_source`]).

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, TryLockError, Weak};
use std::task::{Context, Poll};
use std::thread;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::AbortHandle;

use crate::inner::member::Member;
use crate::inner::wait::{Progress, Readiness, WaitEdge};
use crate::inner::{AttachedMap, Inner};
use crate::job::error::JoinError;
use crate::map::buffer::ReorderBuffer;
use crate::map::shared::{DynDriver, LastItem, Shared};
use crate::sync::quiet::{drop_quietly, first};
use crate::sync::wake::wake;
use crate::sync::{Mutex, SourceGuard, lock, lock_source};
use crate::worker::idle::Wakeup;
use crate::worker::poll::Step;

/// How often a worker tries to lock the source before it parks. Most sources are read in less time than that takes.
const TRIES: u32 = if cfg!(shuttle) { 1 } else { 100 };

/// Where the jobs of a map come from.
pub(crate) trait JobSource: Send + 'static {
    type Job: Future<Output: Send + 'static> + Send;

    /// What the map yields for a job that ends well.
    type Output: Send + 'static;

    /// Whether the source is async: a worker waits for the next item without a slot.
    const IS_ASYNC: bool = false;

    /// Whether the jobs have keys.
    const KEYED: bool = false;

    /// Ready when [`next`](Self::next) has an item, or with false at the end. Only of an async source, which then keeps
    /// the item.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<bool> {
        Poll::Ready(true)
    }

    /// What an async source is while it is polled: it may wait for greenpool.
    fn outsider(&self) -> Option<&Arc<Member>> {
        None
    }

    /// Stores the next job in `job`, and sets `user_code` when it calls the function that makes it. Returns false at
    /// the end.
    fn next(&mut self, job: Pin<&mut Option<Self::Job>>, user_code: &mut UserCode) -> bool;

    /// Makes the next job in the same way, in a box.
    fn next_boxed(&mut self, user_code: &mut UserCode) -> Option<Box<Self::Job>>;

    fn size_hint(&self) -> (usize, Option<usize>);

    /// The result of a job that has returned this.
    fn result(returned: Returned<Self>) -> Result<Self::Output, JoinError>;
}

/// What the future of a job returns.
pub(crate) type Returned<S> = <<S as JobSource>::Job as Future>::Output;

/// Which user code a worker is running, so that a panic is reported in the right place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserCode {
    Job,
    /// The source or its size hint.
    Source,
    /// The function that makes the future of a job.
    Function,
}

pub(crate) type Output<S> = <S as JobSource>::Output;

/// What the workers of a map share, in addition to what they share with its consumer.
pub(crate) struct Driver<S: JobSource> {
    pub(crate) shared: Arc<Shared<Output<S>>>,
    source: Mutex<Option<CountedSource<S>>>,
    /// What an async source is while it is polled.
    outsider: Option<Arc<Member>>,
    runtime: Handle,
    /// The runtime is a current-thread runtime, so no other worker is polled while one is.
    pub(crate) single: bool,
    /// The key of this map in its pool, which reports each resize to it.
    attached: Mutex<Option<usize>>,
    /// Spawns the task of the worker with that key.
    spawn_worker: SpawnWorker<S>,
}

/// Spawns a worker. Returns a handle with which its job can be aborted, if that is all that it has.
pub(crate) type SpawnWorker<S> = fn(&Arc<Driver<S>>, u32) -> Option<AbortHandle>;

/// A source, and what is known of the number of its items.
pub(crate) struct CountedSource<S: JobSource> {
    source: S,
    /// The number of items that have been read.
    pub(crate) read: u64,
    /// The last size hint.
    left: (usize, Option<usize>),
    /// The job of an item that was read when the size hint said, wrongly, that there was none; or the panic of the
    /// function for that item.
    early: Option<Box<thread::Result<S::Job>>>,
    /// The key of the worker that waits for the next item, or has read it and waits for a slot.
    pub(crate) reader: Option<u32>,
}

/// Bounds on the total number of items, if `read` items have been read and `hint` is the size hint for the rest.
pub(crate) fn total(read: u64, hint: (usize, Option<usize>)) -> (u64, Option<u64>) {
    (read.saturating_add(hint.0 as u64), hint.1.and_then(|upper| read.checked_add(upper as u64)))
}

impl<S: JobSource> AttachedMap for Driver<S> {
    fn look_again(self: Arc<Self>) {
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
        self.shared.cancel_queued_jobs();
        drop(self.discard_source());
    }
}

impl<S: JobSource> Progress for Driver<S> {
    fn tells_all(&self) -> bool {
        S::KEYED
    }

    fn readiness(&self, found: &mut Vec<WaitEdge>) -> Readiness {
        // A source that waits for nothing in greenpool waits for something outside, which may come at any time.
        let mut moves = || self.outsider.as_ref().is_none_or(|outsider| outsider.outsider_moves(found));
        match self.shared.readiness() {
            Readiness::No if self.shared.awaits_item() && moves() => Readiness::Later,
            Readiness::No if S::KEYED && self.shared.reader_moves() => Readiness::Later,
            Readiness::No => self.readiness_of_parts(found),
            readiness => readiness,
        }
    }

    /// The parts of a map with keys are its jobs, unless it may also wait for an item.
    fn has_parts(&self) -> bool {
        let shared = &self.shared;
        S::KEYED && shared.readiness() == Readiness::No && !shared.awaits_item() && !shared.reader_moves()
    }

    fn part(&self, last: Option<u64>) -> Option<(u64, WaitEdge)> {
        self.shared.wait_for_job(last)
    }

    fn with_part(&self, part: Readiness) -> Readiness {
        // The reader of the map has been woken, or will be.
        if part == Readiness::No { part } else { Readiness::Later }
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
        spawn_worker: SpawnWorker<S>,
    ) -> (Arc<Shared<Output<S>>>, Arc<dyn DynDriver>) {
        let runtime = Handle::current();
        let hint = source.size_hint();
        let signals = Arc::default();
        let buffer = ReorderBuffer::new(&signals, ordered, hint);
        let outsider = source.outsider().cloned();
        let source = CountedSource { source, read: 0, left: hint, early: None, reader: None };
        let threads = if S::IS_ASYNC || S::KEYED { 1 } else { runtime.metrics().num_workers() };
        let shared = Shared::new(inner, signals, buffer, threads);
        // Otherwise the consumer would wait for a slot to learn that there is nothing.
        if source.seems_over() {
            shared.state().last = LastItem::Over;
        }
        let driver = Arc::new(Driver {
            shared: shared.clone(),
            source: Mutex::new(Some(source)),
            outsider,
            single: runtime.runtime_flavor() == RuntimeFlavor::CurrentThread,
            runtime,
            attached: Mutex::new(None),
            spawn_worker,
        });
        let weak: Weak<Driver<S>> = Arc::downgrade(&driver);
        *lock(&driver.attached) = Some(inner.attach(weak));
        driver.notify(0);
        if !driver.single {
            // This puts the first one within reach of the other threads, while this one may be busy.
            driver.notify(0);
        }
        (shared, driver)
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Locks the source. `None` if another worker has it for so long that it may be blocking its thread.
    #[inline]
    pub(crate) fn try_source(&self) -> Option<SourceGuard<'_, Option<CountedSource<S>>>> {
        self.try_lock_source().or_else(|| {
            (1..TRIES).find_map(|_| {
                core::hint::spin_loop();
                self.try_lock_source()
            })
        })
    }

    #[inline]
    fn try_lock_source(&self) -> Option<SourceGuard<'_, Option<CountedSource<S>>>> {
        match self.source.try_lock() {
            Ok(source) => Some(source),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Locks the source for the only worker that may read it. Nothing else has it for long.
    pub(crate) fn source(&self) -> SourceGuard<'_, Option<CountedSource<S>>> {
        lock_source(&self.source)
    }

    /// Reads on behind the item that is the last one according to the size hint. Returns the next step of the worker,
    /// which has no slot.
    pub(crate) fn read_on(self: &Arc<Self>) -> Step {
        let Some(mut guard) = self.try_source() else {
            // Another worker reads, so the item was not the last one. This worker parks if that still reads then.
            self.shared.state().last = LastItem::Ahead;
            return Step::Continue;
        };
        let Some(source) = guard.as_mut() else {
            return Step::Continue;
        };
        let error = match source.has_next() {
            Ok(true) => {
                drop(guard);
                self.shared.state().last = LastItem::Ahead;
                self.notify_missed();
                return Step::Continue;
            }
            Ok(false) => None,
            Err(payload) => Some(JoinError::panic(payload)),
        };
        let source = self.take_source(guard);
        self.end(source, error);
        Step::Continue
    }

    /// The reader of the source does not use the item that it has read: another worker may.
    pub(crate) fn return_item(self: &Arc<Self>) {
        if let Some(source) = &mut *self.source() {
            source.reader = None;
        }
        self.notify_missed();
    }

    /// A worker that could not read the source is about to park. Returns false if it can read now.
    pub(crate) fn misses_source(&self, key: u32) -> bool {
        self.shared.signals.set_missed();
        // Pairs with the fence in `notify_missed`: either this finds the source free, or the worker that has read from
        // it finds the mark.
        fence(Ordering::SeqCst);
        self.try_lock_source().is_none_or(|source| source.as_ref().is_some_and(|source| !source.is_free_for(key)))
    }

    /// A worker has read from the source: notifies another one, if one has missed it meanwhile. Returns whether it did.
    /// If the map has been stopped meanwhile, drops the source.
    #[inline]
    pub(crate) fn notify_missed(self: &Arc<Self>) -> bool {
        // Pairs with the fences in `misses_source` and `discard_source`.
        fence(Ordering::SeqCst);
        self.shared.signals.take_missed() && self.serve_missed()
    }

    #[cold]
    fn serve_missed(self: &Arc<Self>) -> bool {
        if self.shared.state().buffer.is_reading() {
            return self.notify(0);
        }
        drop_quietly(self.discard_source());
        false
    }

    /// Takes the source, which is not read any longer, unless a worker is reading from it: then that worker does this.
    pub(crate) fn discard_source(&self) -> Option<CountedSource<S>> {
        if let Some(mut source) = self.try_lock_source() {
            return source.take();
        }
        self.shared.signals.set_missed();
        // Pairs with the fence in `notify_missed`: either this finds the source free, or that worker finds the mark.
        fence(Ordering::SeqCst);
        self.try_lock_source().and_then(|mut source| source.take())
    }

    /// Takes the source, which is at its end. Until it has been dropped, no worker needs to look for an item.
    pub(crate) fn take_source(&self, mut guard: SourceGuard<'_, Option<CountedSource<S>>>) -> Option<CountedSource<S>> {
        let source = guard.take();
        self.shared.state().buffer.mark_exhausted();
        source
    }

    /// Drops the source, and ends the map. The error, or that of the source's destructor, follows all results.
    pub(crate) fn end(&self, source: Option<CountedSource<S>>, error: Option<JoinError>) {
        let last = drop_source(source);
        self.shared.stop(first(error, last));
    }

    /// Notifies a worker if too few are notified; `more` raises the number that is wanted. Returns whether it did.
    pub(crate) fn notify(self: &Arc<Self>, more: usize) -> bool {
        let wakeup = self.shared.state().notify(self.shared.inner.slots.size(), more);
        self.wake(wakeup)
    }

    /// The next step of a worker that may run a job or read an item: on several threads, it first lets what it has
    /// woken get within reach of the other threads.
    #[inline]
    pub(crate) fn before_job(&self, has_woken: bool) -> Step {
        if has_woken && !self.single { Step::Yield } else { Step::Continue }
    }

    /// Wakes or spawns the worker, if there is one. Returns whether there is.
    #[inline]
    pub(crate) fn wake(self: &Arc<Self>, wakeup: Wakeup) -> bool {
        wakeup.run(|key| self.clone().spawn_worker(key))
    }
}

impl<S: JobSource> CountedSource<S> {
    /// Whether that worker may read the next item.
    pub(crate) fn is_free_for(&self, key: u32) -> bool {
        self.reader.is_none_or(|reader| reader == key)
    }

    /// Ready when there is an item, or with false at the end.
    #[inline]
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.source.poll_ready(cx)
    }

    /// Reads the next item. Returns its number, and whether the size hint was not the one expected after it, or says
    /// that it was the last.
    #[inline]
    pub(crate) fn next(&mut self, job: Pin<&mut Option<S::Job>>, user_code: &mut UserCode) -> Option<(u64, bool)> {
        *user_code = UserCode::Source;
        if self.early.is_some() {
            self.use_early(job, user_code);
        } else if !self.source.next(job, user_code) {
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

    /// The next item has been read early. If the function has panicked for it, it does so now.
    #[cold]
    fn use_early(&mut self, mut job: Pin<&mut Option<S::Job>>, user_code: &mut UserCode) {
        match self.early.take().map(|early| *early) {
            None => {}
            Some(Ok(early)) => job.set(Some(early)),
            Some(Err(payload)) => {
                *user_code = UserCode::Function;
                resume_unwind(payload)
            }
        }
    }

    /// Bounds on the total number of items, from the last size hint.
    pub(crate) fn total(&self) -> (u64, Option<u64>) {
        total(self.read, self.left)
    }

    /// Whether the size hint says that there are no more items. If no slot is needed to find out, it does not matter.
    pub(crate) fn seems_over(&self) -> bool {
        self.left.1 == Some(0) && !S::IS_ASYNC && !S::KEYED
    }

    /// Reads ahead, to find out whether there is another item although the size hint says that there is none. If two
    /// jobs were the last ones according to it, the item may have been read already. Returns the panic of the source as
    /// an error.
    fn has_next(&mut self) -> thread::Result<bool> {
        if self.early.is_none() {
            let mut user_code = UserCode::Source;
            let read = catch_unwind(AssertUnwindSafe(|| self.source.next_boxed(&mut user_code)));
            self.early = match read {
                Ok(job) => job.map(|job| Box::new(Ok(*job))),
                // It is the result of that item.
                Err(payload) if user_code == UserCode::Function => Some(Box::new(Err(payload))),
                Err(payload) => return Err(payload),
            };
        }
        Ok(self.early.is_some())
    }
}

/// Drops a source that is no longer read. Returns the panic of its destructor, if that panics.
pub(crate) fn drop_source<S>(source: S) -> Option<JoinError> {
    catch_unwind(AssertUnwindSafe(|| drop(source))).err().map(JoinError::panic)
}
