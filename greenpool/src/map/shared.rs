//! What the consumer of a map and its workers share, for both kinds of sources.
//!
//! # Implementation details
//!
//! One lock guards the buffer and the set of workers, so that a worker stores a result and reserves the next place in
//! one go. No waker is woken under that lock.
//!
//! A worker that runs a job cannot read further items: the job may wait, compute, or block its thread. So while there
//! are free places, workers are *notified* that have not arrived yet: as many as the runtime has threads, or as there
//! are places. A worker or consumer that reserves a place, frees one, or begins to wait notifies another worker if one
//! is missing ([`MapState::notify`]).
//!
//! The map's ticket can be served by a loan from the job that made the map or from the job that waits for its results.
//! The protocol is described in `lending/README.md`.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::task::AbortHandle;

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::inner::wait::{Progress, ReadySource};
use crate::job::error::JoinError;
use crate::job::running::{AbortRegistration, Running};
use crate::lending::blocking::WaitGuard;
use crate::lending::context;
use crate::lending::deadlock;
use crate::lending::waiter::{Acquired, Waiter, WaiterRef};
use crate::map::buffer::{ReorderBuffer, Signals};
use crate::sync::wake::wake;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::worker::idle::{Wakeup, WorkerSet};

/// What the consumer and the workers of a map share, except the source.
pub(crate) struct Shared<T> {
    pub(crate) inner: Arc<Inner>,
    pub(crate) signals: Arc<Signals>,
    state: Mutex<MapState<T>>,
    /// The job that made the map, if it is of the same pool. It may lend its slot to the map.
    maker: Option<Arc<Member>>,
}

/// What the lock guards.
pub(crate) struct MapState<T> {
    pub(crate) buffer: ReorderBuffer<T>,
    /// The tasks that work for the map.
    pub(crate) workers: WorkerSet<TaskEntry>,
    /// The number of threads that can run workers, or 0 if one task alone reads the source.
    threads: usize,
    /// The waker of that task, while it waits for room.
    pub(crate) reader: Option<Waker>,
    /// The number of workers that have a slot.
    pub(crate) holders: usize,
    /// Whether a worker is acquiring a slot for the map, or is queued for one.
    pub(crate) queued: bool,
    /// The number of tasks spawned so far.
    spawned: u64,
    aborted: bool,
    /// The map's ticket in the pool's queue.
    waiter_ref: Option<WaiterRef>,
    /// The job that waits for the map's next result.
    consumer: Option<Arc<Member>>,
}

/// A task that works for a map.
pub(crate) struct TaskEntry {
    /// Unlike its key in the worker set, it is never reused.
    number: u64,
    /// Aborts the task.
    handle: Option<AbortHandle>,
}

/// The driver of a map as its consumer sees it, whatever the source.
pub(crate) trait DynDriver: Send + Sync {
    /// Spawns the worker with that key in the worker set.
    fn spawn_worker(self: Arc<Self>, key: u32);
    /// Stops reading.
    fn stop(&self);
    /// Reports whether the map will deliver a result to a waiting consumer.
    fn progress(self: Arc<Self>) -> Arc<dyn Progress>;
}

impl<T> MapState<T> {
    /// Notifies a worker if fewer are notified than there are places, and fewer than there are threads and `more`.
    #[inline]
    pub(crate) fn notify(&mut self, size: usize, more: usize) -> Wakeup {
        if self.reader.is_some() && self.buffer.room(size, 1) > 0 {
            return self.reader.take().map_or(Wakeup::None, Wakeup::Wake);
        }
        let wanted = self.threads + more;
        // A worker that is notified, queued or has a slot will look for room itself.
        if self.workers.notified() >= wanted || self.queued || self.holders >= size.max(1) {
            return Wakeup::None;
        }
        if self.workers.notified() >= self.buffer.room(size, wanted) {
            return Wakeup::None;
        }
        let MapState { workers, spawned, .. } = self;
        workers.notify_one(|| TaskEntry::new(spawned))
    }

    /// Notifies a worker as a job is about to begin. If the job is `expected_to_wait`, one more is wanted for the time
    /// it waits; the flag is cleared if one is still missing after this.
    #[inline]
    pub(crate) fn notify_ahead(&mut self, size: usize, expected_to_wait: &mut bool) -> Wakeup {
        let wakeup = self.notify(size, usize::from(*expected_to_wait));
        *expected_to_wait &= matches!(wakeup, Wakeup::None) || self.workers.notified() > self.threads;
        wakeup
    }
}

impl TaskEntry {
    fn new(spawned: &mut u64) -> Self {
        *spawned += 1;
        TaskEntry { number: *spawned, handle: None }
    }
}

impl<T> Shared<T> {
    pub(crate) fn new(
        inner: &Arc<Inner>,
        signals: Arc<Signals>,
        buffer: ReorderBuffer<T>,
        threads: usize,
    ) -> Arc<Self> {
        let state = MapState {
            buffer,
            workers: WorkerSet::default(),
            threads,
            reader: None,
            holders: 0,
            queued: false,
            spawned: 0,
            aborted: false,
            waiter_ref: None,
            consumer: None,
        };
        Arc::new(Shared { inner: inner.clone(), signals, state: Mutex::new(state), maker: context::member_of(inner) })
    }

    #[inline]
    pub(crate) fn state(&self) -> MutexGuard<'_, MapState<T>> {
        lock(&self.state)
    }

    /// The consumer waits. If it is a job, it may lend its slot to the map.
    pub(crate) fn register(&self, driver: &Arc<dyn DynDriver>, guard: &mut WaitGuard, cx: &mut Context<'_>) {
        let consumer = context::member_of(&self.inner);
        let waiter_ref = self.note_consumer(consumer.as_ref());
        if let Some(waiter_ref) = &waiter_ref {
            waiter_ref.offer_current();
        }
        guard.register(
            &self.inner,
            waiter_ref.as_ref().map(WaiterRef::ticket),
            || ReadySource::Other(driver.clone().progress()),
            cx,
        );
        if let (Some(consumer), None) = (&consumer, waiter_ref) {
            // A worker that queued just before this found no consumer to offer its ticket to.
            if let Some(waiter_ref) = self.note_consumer(Some(consumer)) {
                waiter_ref.offer(consumer);
            }
        }
    }

    /// Stores the job that waits for the next result. Returns the map's ticket.
    fn note_consumer(&self, consumer: Option<&Arc<Member>>) -> Option<WaiterRef> {
        let mut state = self.state();
        if consumer.is_some() {
            state.consumer = consumer.cloned();
        }
        state.waiter_ref.clone()
    }

    /// The consumer no longer waits.
    pub(crate) fn deregister(&self) {
        let consumer = self.state().consumer.take();
        drop(consumer);
    }

    /// Aborts the running jobs, and those of tasks that are being spawned.
    pub(crate) fn abort(&self) {
        let mut state = self.state();
        state.aborted = true;
        let tasks: Vec<AbortHandle> = state.workers.iter().filter_map(|task| task.handle.clone()).collect();
        drop(state);
        for task in tasks {
            task.abort();
        }
    }

    /// Stores the result of item number `number`, and wakes the consumer if it waits for it.
    #[inline]
    pub(crate) fn put(&self, number: u64, result: Result<T, JoinError>) {
        let waker = self.state().buffer.put(number, result);
        wake(waker);
    }

    /// Gives back a place for which there was no item.
    pub(crate) fn unreserve(&self) {
        let waker = self.state().buffer.unreserve(1);
        wake(waker);
    }

    /// Stops reading. `last` follows all results.
    pub(crate) fn stop(&self, last: Option<JoinError>) {
        let mut state = self.state();
        let consumer = state.buffer.stop(last);
        let waiter_ref = state.waiter_ref.take();
        let reader = state.reader.take();
        let retired = state.workers.retire_all();
        drop(state);
        wake(consumer);
        wake(reader);
        if let Some(waiter_ref) = waiter_ref {
            waiter_ref.refuse();
        }
        wake(retired);
        deadlock::changed(&self.inner);
    }

    /// Adds a worker that was not notified. Returns its key.
    pub(crate) fn add(&self) -> u32 {
        let MapState { workers, spawned, .. } = &mut *self.state();
        workers.insert(TaskEntry::new(spawned))
    }

    /// Spawns the task of a worker, and stores its handle for [`abort`](Self::abort).
    pub(crate) fn spawn_worker(&self, key: u32, spawn: impl FnOnce(u32) -> AbortHandle) {
        let Some(number) = self.state().workers.get_mut(key).map(|task| task.number) else { return };
        // No lock is held: a runtime that is shutting down drops the task at once, and that takes the lock.
        let handle = spawn(key);
        let mut state = self.state();
        if state.aborted {
            drop(state);
            return handle.abort();
        }
        let task = state.workers.get_mut(key);
        if let Some(task) = task.filter(|task| task.number == number) {
            task.handle = Some(handle);
        }
    }

    /// The task of a worker ends.
    pub(crate) fn leave(&self, key: u32) {
        let task = self.state().workers.remove(key);
        drop(task);
        deadlock::changed(&self.inner);
    }

    /// Acquires a slot or queues for one, and offers the ticket to the jobs that may lend theirs. Only one task of a
    /// map does this at a time.
    pub(crate) fn begin(&self) -> Acquired {
        let acquired = Waiter::acquire(&self.inner, || self.maker.clone());
        if let Acquired::Queued(waiter) = &acquired {
            let waiter_ref = waiter.waiter_ref();
            let mut state = self.state();
            state.waiter_ref = Some(waiter_ref.clone());
            let consumer = state.consumer.clone();
            drop(state);
            if let Some(consumer) = consumer {
                waiter_ref.offer(&consumer);
            }
            deadlock::changed(&self.inner);
        }
        acquired
    }

    /// Whether the consumer has something to take, or a task of the map is about to read, to queue, or to store a
    /// result.
    pub(crate) fn is_in_progress(&self) -> bool {
        let state = self.state();
        state.buffer.is_ready()
            || state.workers.count_busy() > state.holders + usize::from(state.waiter_ref.is_some())
            || state.buffer.is_reading() && state.workers.notified() > 0
            // The queue of a pool of size 0 waits for a `resize`, which must come from outside.
            || state.waiter_ref.is_some() && self.inner.slots.size() == 0
    }

    /// Whether the reader of an async source reads, or is about to.
    pub(crate) fn is_being_read(&self) -> bool {
        let state = self.state();
        state.buffer.is_reading() && state.reader.is_none() && state.waiter_ref.is_none()
    }

    /// The job of a worker has finished. Its slot will be released, and after that its result will be stored.
    pub(crate) fn mark_busy(&self, key: u32) {
        self.state().workers.mark_busy(key);
    }

    /// The map's ticket has been served, or its waiter dropped.
    pub(crate) fn leave_queue(&self) {
        let waiter_ref = self.state().waiter_ref.take();
        drop(waiter_ref);
    }

    /// Waits for a slot. Returns its lender, if it is a loan, or `None` if the pool is closed.
    pub(crate) async fn acquire(&self) -> Option<Option<Arc<Member>>> {
        let mut waiter = match self.begin() {
            Acquired::Now => return Some(None),
            Acquired::Closed => return None,
            Acquired::Queued(waiter) => waiter,
        };
        let granted = poll_fn(|cx| waiter.poll(cx)).await;
        self.leave_queue();
        granted.ok()
    }

    /// Begins a job of this map in a slot that was acquired, or lent by `lender`.
    pub(crate) fn begin_job(&self, lender: Option<Arc<Member>>) -> Running {
        Running::new(self.inner.clone(), lender)
    }

    /// Whether a worker should release its slot, for a waiter other than this map or because the pool has shrunk.
    #[inline]
    pub(crate) fn is_wanted_by_others(&self) -> bool {
        self.inner.slots.is_contended() && self.is_really_wanted()
    }

    #[cold]
    fn is_really_wanted(&self) -> bool {
        let waiter_ref = self.state().waiter_ref.clone();
        self.inner.slots.free() < 0 || !waiter_ref.is_some_and(|waiter_ref| waiter_ref.is_alone())
    }
}

/// A reserved place. Dropping it gives the place back, or stores a cancellation if an item has been read into it.
pub(crate) struct Reservation<T> {
    shared: Arc<Shared<T>>,
    item: Item,
}

enum Item {
    Unread,
    Read(u64),
    Over,
}

impl<T> Reservation<T> {
    pub(crate) fn reserved(shared: &Arc<Shared<T>>) -> Self {
        Reservation { shared: shared.clone(), item: Item::Unread }
    }

    /// Item number `number` has been read into this place.
    pub(crate) fn read(&mut self, number: u64) {
        self.item = Item::Read(number);
    }

    pub(crate) fn put(mut self, result: Result<T, JoinError>) {
        if let Item::Read(number) = std::mem::replace(&mut self.item, Item::Over) {
            self.shared.put(number, result);
        }
    }
}

impl<T> Drop for Reservation<T> {
    fn drop(&mut self) {
        match self.item {
            Item::Unread => self.shared.unreserve(),
            Item::Read(number) => self.shared.put(number, Err(JoinError::cancelled())),
            Item::Over => {}
        }
    }
}

/// Runs one job to completion, or until it is aborted, and drops its future. Catches all panics.
pub(crate) async fn run<J: Future>(running: &mut Running, job: J) -> Result<J::Output, JoinError> {
    let mut job = pin!(Some(job));
    let mut abort = None;
    let result = poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            running.poll(cx, |cx| match job.as_mut().as_pin_mut() {
                Some(job) => job.poll(cx),
                None => Poll::Pending,
            })
        }));
        match polled {
            Ok(Poll::Pending) if AbortRegistration::register_abort(&mut abort, running, cx) => Poll::Pending,
            Ok(Poll::Ready(Ok(value))) => Poll::Ready(Ok(value)),
            Ok(_) => Poll::Ready(Err(JoinError::cancelled())),
            Err(payload) => Poll::Ready(Err(JoinError::panic(payload))),
        }
    })
    .await;
    match catch_unwind(AssertUnwindSafe(|| job.set(None))) {
        Ok(()) => result,
        Err(payload) => Err(JoinError::panic(payload)),
    }
}
