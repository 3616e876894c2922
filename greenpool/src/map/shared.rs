//! What the consumer of a map and its workers share, whatever the source.
//!
//! # Implementation details
//!
//! One lock guards the ring and the list of workers, so that a worker hands in a result and takes the next place at once. The source has a lock
//! of its own; the source's code, and the function that makes the future, run under that one only. Nobody is woken under a lock.

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

/// All that the consumer and the workers of a map share, but for the source.
pub(crate) struct Shared<T> {
    pub(crate) inner: Arc<Inner>,
    pub(crate) signals: Arc<Signals>,
    state: Mutex<MapState<T>>,
    /// The job that made the map, if it is of the same pool: it lends its slot to the map.
    maker: Option<Arc<Member>>,
}

pub(crate) struct MapState<T> {
    pub(crate) buffer: ReorderBuffer<T>,
    /// The tasks that work for the map.
    pub(crate) workers: WorkerSet<TaskEntry>,
    /// How many can run at once; none if the source is read by one task alone.
    threads: usize,
    /// That task, while it waits for room.
    pub(crate) reader: Option<Waker>,
    /// How many have a slot.
    pub(crate) holders: usize,
    /// One stands in the pool's queue.
    pub(crate) queued: bool,
    spawned: u64,
    aborted: bool,
    /// The place in the pool's queue.
    waiter_ref: Option<WaiterRef>,
    /// The job that waits for the map's next result.
    consumer: Option<Arc<Member>>,
}

/// A task that works for a map, so that it can be aborted.
pub(crate) struct TaskEntry {
    /// No other one of the map has it.
    number: u64,
    handle: Option<AbortHandle>,
}

/// What the consumer can ask of those who work for a map, whatever its source.
pub(crate) trait DynDriver: Send + Sync {
    /// One more is needed, for that place in the staff.
    fn spawn_worker(self: Arc<Self>, key: u32);
    /// Reads no more.
    fn stop(&self);
    /// What can tell a consumer that waits whether something is there.
    fn progress(self: Arc<Self>) -> Arc<dyn Progress>;
}

impl<T> MapState<T> {
    /// Calls a worker if fewer have been called than there are places, and threads and `more`.
    #[inline]
    pub(crate) fn notify(&mut self, size: usize, more: usize) -> Wakeup {
        if self.reader.is_some() && self.buffer.room(size, 1) > 0 {
            return self.reader.take().map_or(Wakeup::None, Wakeup::Wake);
        }
        let wanted = self.threads + more;
        // Whoever is called, stands in the queue or has a slot looks for room himself, later.
        if self.workers.notified() >= wanted || self.queued || self.holders >= size.max(1) {
            return Wakeup::None;
        }
        if self.workers.notified() >= self.buffer.room(size, wanted) {
            return Wakeup::None;
        }
        let MapState { workers, spawned, .. } = self;
        workers.notify_one(|| TaskEntry::new(spawned))
    }

    /// Likewise for a job that is about to begin. If it is `expected` to wait, one more is called for that; false after it if still more are missing.
    #[inline]
    pub(crate) fn notify_ahead(&mut self, size: usize, expected: &mut bool) -> Wakeup {
        let wakeup = self.notify(size, usize::from(*expected));
        *expected &= matches!(wakeup, Wakeup::None) || self.workers.notified() > self.threads;
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

    /// The consumer waits: if it is a job, it may lend its slot.
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
            // A hand that has queued just before that found nobody who waits.
            if let Some(waiter_ref) = self.note_consumer(Some(consumer)) {
                waiter_ref.offer(consumer);
            }
        }
    }

    /// Notes who waits for the next result; gives the map's place in the queue.
    fn note_consumer(&self, consumer: Option<&Arc<Member>>) -> Option<WaiterRef> {
        let mut state = self.state();
        if consumer.is_some() {
            state.consumer = consumer.cloned();
        }
        state.waiter_ref.clone()
    }

    /// The consumer waits no more.
    pub(crate) fn resume(&self) {
        let consumer = self.state().consumer.take();
        drop(consumer);
    }

    /// Ends the jobs that run.
    pub(crate) fn abort(&self) {
        let mut state = self.state();
        state.aborted = true;
        let tasks: Vec<AbortHandle> = state.workers.iter().filter_map(|task| task.handle.clone()).collect();
        drop(state);
        for task in tasks {
            task.abort();
        }
    }

    #[inline]
    pub(crate) fn put(&self, number: u64, result: Result<T, JoinError>) {
        let waker = self.state().buffer.put(number, result);
        wake(waker);
    }

    /// There was no item for a place.
    pub(crate) fn unreserve(&self) {
        let waker = self.state().buffer.unreserve(1);
        wake(waker);
    }

    pub(crate) fn stop(&self, last: Option<JoinError>) {
        let mut state = self.state();
        let consumer = state.buffer.stop(last);
        let waiter_ref = state.waiter_ref.take();
        let reader = state.reader.take();
        // Those who are idle have nothing more to wait for.
        let leave = state.workers.retire_all();
        drop(state);
        wake(consumer);
        wake(reader);
        if let Some(waiter_ref) = waiter_ref {
            waiter_ref.refuse();
        }
        wake(leave);
        deadlock::changed(&self.inner);
    }

    /// A place in the staff for one who was not called.
    pub(crate) fn add(&self) -> u32 {
        let MapState { workers, spawned, .. } = &mut *self.state();
        workers.insert(TaskEntry::new(spawned))
    }

    /// Begins a task that works for the map, so that [`abort`](Self::abort) finds it.
    pub(crate) fn spawn_worker(&self, key: u32, spawn: impl FnOnce(u32) -> AbortHandle) {
        let Some(number) = self.state().workers.get_mut(key).map(|task| task.number) else { return };
        // With no lock held: a runtime that is shut down drops the task at once.
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

    /// The task of a worker is over.
    pub(crate) fn leave(&self, key: u32) {
        let task = self.state().workers.remove(key);
        drop(task);
        deadlock::changed(&self.inner);
    }

    /// Takes a slot, or the map's place in the pool's queue. Only one task of a map does this at a time.
    pub(crate) fn begin(&self) -> Acquired {
        let begun = Waiter::acquire(&self.inner, || self.maker.clone(), None);
        if let Acquired::Queued(waiter) = &begun {
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
        begun
    }

    /// Whether there is something for the consumer, or a task of the map is about to read, to queue, or to hand a result in.
    pub(crate) fn is_in_progress(&self) -> bool {
        let state = self.state();
        state.buffer.is_ready()
            || state.workers.count_busy() > state.holders + usize::from(state.waiter_ref.is_some())
            || state.buffer.is_reading() && state.workers.notified() > 0
            // A pool without slots waits for a `resize`, which is up to somebody outside.
            || state.waiter_ref.is_some() && self.inner.slots.size() == 0
    }

    /// Whether the one who reads an async source does so, or is about to.
    pub(crate) fn is_being_read(&self) -> bool {
        let state = self.state();
        state.buffer.is_reading() && state.reader.is_none() && state.waiter_ref.is_none()
    }

    /// The job of a worker is over, and its slot is about to come back; its result comes after that.
    pub(crate) fn mark_busy(&self, key: u32) {
        self.state().workers.mark_busy(key);
    }

    /// The place in the pool's queue has been served, or is given up.
    pub(crate) fn leave_queue(&self) {
        let waiter_ref = self.state().waiter_ref.take();
        drop(waiter_ref);
    }

    /// Waits for the map's turn. `None`: the pool is closed.
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

    /// A job of this map begins.
    pub(crate) fn begin_job(&self, lender: Option<Arc<Member>>) -> Running {
        Running::new(self.inner.clone(), lender)
    }

    /// Whether a worker should give its slot back, for others or for the pool's debt.
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

/// A place that has been reserved. Dropped, it is given up; with the number of an item, it gets a cancellation.
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

    /// Item number `number` has been read into it.
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

/// Runs one job to its end, and drops its future, whatever it does.
pub(crate) async fn run<J: Future>(running: &mut Running, job: J) -> Result<J::Output, JoinError> {
    let mut job = pin!(Some(job));
    let mut abort = None;
    let result = poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            running.poll(|| match job.as_mut().as_pin_mut() {
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
