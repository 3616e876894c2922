//! What the consumer of a map and its workers share.
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
//! An async source may have no item for a long time, so a worker waits for the next item without a slot, one worker at
//! a time, and only then acquires a slot. While it has one, it reads on as long as the next item is there at once.
//!
//! Nothing depends on size hints. If they say that an item is the last one, no worker looks for another before the job
//! of that item has ended; then one reads on ([`LastItem`]), for which it needs no slot.
//!
//! The map's ticket can be served by a loan from the job that made the map or from the job that waits for its results.
//! The protocol is described in `lending/README.md`.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Weak};
use std::task::Context;

use tokio::task::AbortHandle;

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::inner::wait::{Ending, Progress, Readiness, ReadySource, WaitEdge};
use crate::job::error::JoinError;
use crate::job::handle::AbortHandle as JobHandle;
use crate::job::running::Running;
use crate::job::span::Origin;
use crate::lending::blocking::WaitGuard;
use crate::lending::context;
use crate::lending::deadlock;
use crate::lending::waiter::{Acquired, Waiter, WaiterRef};
use crate::map::buffer::{ReorderBuffer, Signals};
use crate::sync::quiet::drop_quietly;
use crate::sync::slots::Collector;
use crate::sync::wake::wake;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::worker::idle::{Wakeup, WorkerSet};

/// What the consumer and the workers of a map share, except the source.
pub(crate) struct Shared<T> {
    pub(crate) inner: Arc<Inner>,
    pub(crate) signals: Arc<Signals>,
    /// Where the map was made.
    pub(crate) origin: Origin,
    state: Mutex<MapState<T>>,
    /// The job that made the map, if it is of the same pool. It may lend its slot to the map.
    maker: Option<Arc<Member>>,
}

/// What the lock guards.
pub(crate) struct MapState<T> {
    inner: Arc<Inner>,
    pub(crate) buffer: ReorderBuffer<T>,
    /// The tasks that work for the map.
    pub(crate) workers: WorkerSet<TaskEntry>,
    /// The number of workers that can find something to do at once: one for each thread, or one if the source is async.
    threads: usize,
    /// The number of workers that have a slot.
    pub(crate) holders: usize,
    /// How many of these wait while their job has lent the slot, or given it back.
    pub(crate) away: usize,
    /// Whether a worker without a slot works for the map: it reads the next item of an async source, acquires a slot,
    /// or is queued for one.
    pub(crate) queued: bool,
    /// Whether that worker is queued for a slot, and has a place for no item yet, which has not been given back.
    pub(crate) queued_place: bool,
    /// The key of that worker, while it waits for the next item.
    pub(crate) awaiting: Option<u32>,
    pub(crate) last: LastItem,
    /// The number of tasks spawned so far.
    spawned: u64,
    aborted: bool,
    queued_as: Option<MapTicket>,
    /// The job that waits for the map's next result.
    consumer: Option<Arc<Member>>,
    /// The jobs of a map with keys, by the number of their item.
    jobs: BTreeMap<u64, KeyedJob>,
    /// The job that these have been offered to, and the number of the first that has not been.
    offered: (Weak<Member>, u64),
}

/// The map's ticket in the pool's queue.
struct MapTicket {
    waiter_ref: WaiterRef,
    /// Whether those that may lend it their slots know of it.
    is_offered: bool,
}

/// A job of a map with keys. It belongs to the pool, as that of a spawn does.
pub(crate) struct KeyedJob {
    pub(crate) waiter_ref: WaiterRef,
    pub(crate) ending: Arc<Ending>,
    pub(crate) handle: JobHandle,
}

/// Whether the item is in sight that is the last one, according to the size hint. Nothing depends on whether that is
/// true.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastItem {
    /// There are more items.
    Ahead,
    /// Its job runs, or a worker reads on behind it. No other worker looks for an item.
    Read,
    /// Its job has ended. When there is room, a worker reads on behind it, for which it needs no slot.
    Over,
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
        // A worker that is notified, queued or has a slot will look for room itself.
        let others_look = match self.last {
            LastItem::Ahead => self.queued || self.has_all_slots(size),
            LastItem::Read => true,
            LastItem::Over => false,
        };
        let wanted = self.threads + more;
        if others_look || self.workers.notified() >= wanted {
            return Wakeup::None;
        }
        if self.workers.notified() >= self.buffer.room(size, wanted) {
            return Wakeup::None;
        }
        let MapState { workers, spawned, .. } = self;
        workers.notify_one(|| TaskEntry::new(spawned))
    }

    /// Whether the workers seem to have all slots. If there is a free one nevertheless, a job has given it back.
    #[inline]
    fn has_all_slots(&self, size: usize) -> bool {
        self.holders >= self.away + size.max(1) && self.inner.slots.free() <= 0
    }

    fn waiter_ref(&self) -> Option<WaiterRef> {
        self.queued_as.as_ref().map(|ticket| ticket.waiter_ref.clone())
    }

    /// The worker that is queued, or reads an item, no longer does. Returns whether it has a place for no item yet.
    pub(crate) fn take_queued_place(&mut self) -> bool {
        self.queued = false;
        std::mem::take(&mut self.queued_place)
    }

    /// The jobs of a map with keys that this consumer has not been offered yet. It remembers those that it has been.
    fn take_unoffered(&mut self, consumer: &Arc<Member>) -> Vec<WaiterRef> {
        let MapState { jobs, offered: (known_to, from), .. } = self;
        if !std::ptr::eq(known_to.as_ptr(), Arc::as_ptr(consumer)) {
            (*known_to, *from) = (Arc::downgrade(consumer), 0);
        }
        let unoffered = jobs.range(*from..).map(|(_, job)| job.waiter_ref.clone()).collect();
        *from = jobs.last_key_value().map_or(*from, |(last, _)| last + 1);
        unoffered
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
            inner: inner.clone(),
            buffer,
            workers: WorkerSet::default(),
            threads,
            holders: 0,
            away: 0,
            queued: false,
            queued_place: false,
            awaiting: None,
            last: LastItem::Ahead,
            spawned: 0,
            aborted: false,
            queued_as: None,
            consumer: None,
            jobs: BTreeMap::new(),
            offered: (Weak::new(), 0),
        };
        Arc::new(Shared {
            inner: inner.clone(),
            signals,
            origin: Origin::of_map(),
            state: Mutex::new(state),
            maker: context::member_of(inner),
        })
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
        if let Some(consumer) = &consumer {
            self.offer_jobs(consumer);
        }
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
        state.waiter_ref()
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
        let jobs: Vec<JobHandle> = state.jobs.values().map(|job| job.handle.clone()).collect();
        drop(state);
        for task in tasks {
            task.abort();
        }
        for job in jobs {
            job.abort();
        }
    }

    /// A job of a map with keys has been submitted.
    pub(crate) fn add_job(&self, number: u64, job: KeyedJob) {
        let (waiter_ref, handle) = (job.waiter_ref.clone(), job.handle.clone());
        let mut state = self.state();
        state.jobs.insert(number, job);
        let (consumer, aborted, stopped) = (state.consumer.clone(), state.aborted, !state.buffer.is_reading());
        drop(state);
        if aborted {
            handle.abort();
        }
        if stopped {
            waiter_ref.cancel();
        }
        if let Some(maker) = &self.maker {
            waiter_ref.offer(maker);
        }
        if let Some(consumer) = consumer {
            self.offer_jobs(&consumer);
        }
    }

    /// The reader of a map with keys waits. Searches for deadlocks that the map's jobs are part of. All of them are, or
    /// none is.
    pub(crate) fn check_jobs(&self) {
        if self.inner.awaited_by.any() {
            let ticket = self.state().jobs.values().next().map(|job| job.waiter_ref.ticket());
            match ticket {
                Some(ticket) => deadlock::queued(&self.inner, ticket),
                // The source waits, and the pool may well move: a deadlock leads through the map alone.
                None => deadlock::resolve_behind(&self.inner),
            }
        }
    }

    /// The map has been stopped by its consumer: what has not begun does not begin.
    pub(crate) fn cancel_queued_jobs(&self) {
        let waiter_refs: Vec<_> = self.state().jobs.values().map(|job| job.waiter_ref.clone()).collect();
        waiter_refs.iter().for_each(WaiterRef::cancel);
    }

    /// That job has ended.
    pub(crate) fn remove_job(&self, number: u64) {
        let job = self.state().jobs.remove(&number);
        drop(job);
    }

    /// `consumer` waits for a map with keys, and may lend its slot to one of the map's jobs.
    fn offer_jobs(&self, consumer: &Arc<Member>) {
        let unoffered = self.state().take_unoffered(consumer);
        for waiter_ref in unoffered {
            waiter_ref.offer(consumer);
        }
    }

    /// Whether the reader of a map with keys is about to submit a job, or to deliver a result.
    pub(crate) fn reader_moves(&self) -> bool {
        let state = self.state();
        state.queued && state.awaiting.is_none()
    }

    /// The wait for the job after item number `last`, or for the first one.
    pub(crate) fn wait_for_job(&self, last: Option<u64>) -> Option<(u64, WaitEdge)> {
        let state = self.state();
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        let (number, KeyedJob { waiter_ref, ending, .. }) = state.jobs.range((from, Bound::Unbounded)).next()?;
        Some((*number, WaitEdge::of_job(&self.inner, Some(waiter_ref.ticket()), ending)))
    }

    /// Stores the result of item number `number`, and wakes the consumer if it waits for it. If nobody takes results
    /// any longer, drops it.
    #[inline]
    pub(crate) fn put(&self, number: u64, result: Result<T, JoinError>) {
        let mut result = Some(result);
        let waker = self.state().buffer.put(number, &mut result);
        wake(waker);
        result.into_iter().for_each(drop_quietly);
    }

    /// Gives back a place for which there was no item.
    pub(crate) fn unreserve(&self) {
        let waker = self.state().buffer.unreserve(1);
        wake(waker);
    }

    /// The ticket of the worker that is queued has been refused: gives back its place, if it is for no item and the
    /// worker has not done so.
    fn unreserve_queued(&self) {
        let mut state = self.state();
        let waker = if std::mem::take(&mut state.queued_place) { state.buffer.unreserve(1) } else { None };
        drop(state);
        wake(waker);
    }

    /// Stops reading. `last` follows all results.
    pub(crate) fn stop(&self, mut last: Option<JoinError>) {
        let mut state = self.state();
        let consumer = state.buffer.stop(&mut last);
        let queued_as = state.queued_as.take();
        let reader = state.awaiting.take().and_then(|key| state.workers.waker(key));
        let retired = state.workers.retire_all();
        drop(state);
        wake(consumer);
        wake(reader);
        if let Some(ticket) = queued_as {
            // A worker that has been granted a slot gives it back before the map ends. Any other one does not matter.
            if ticket.waiter_ref.refuse() {
                self.unreserve_queued();
            }
        }
        wake(retired);
        last.into_iter().for_each(drop_quietly);
        deadlock::changed(&self.inner);
    }

    /// Spawns the task of a worker, and stores its handle for [`abort`](Self::abort).
    pub(crate) fn spawn_worker(&self, key: u32, spawn: impl FnOnce(u32) -> Option<AbortHandle>) {
        let Some(number) = self.state().workers.get_mut(key).map(|task| task.number) else { return };
        // No lock is held: a runtime that is shutting down drops the task at once, and that takes the lock.
        let Some(handle) = spawn(key) else { return };
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
    /// map does this at a time. If the map has been stopped, it is as if the pool were closed.
    pub(crate) fn begin(&self) -> Acquired {
        let mut state = self.state();
        if !state.buffer.is_reading() {
            return Acquired::Closed;
        }
        // Under the lock: once `stop` has returned, no worker takes a slot or queues.
        let acquired = Waiter::acquire(&self.inner, Collector::Task);
        let Acquired::Queued(waiter) = &acquired else { return acquired };
        let waiter_ref = waiter.waiter_ref();
        state.queued_as = Some(MapTicket { waiter_ref: waiter_ref.clone(), is_offered: false });
        let consumer = state.consumer.clone();
        drop(state);
        self.maker.iter().chain(&consumer).for_each(|member| waiter_ref.offer(member));
        // It may have been served meanwhile, but nothing has collected it.
        if let Some(ticket) = &mut self.state().queued_as {
            ticket.is_offered = true;
        }
        deadlock::changed(&self.inner);
        acquired
    }

    /// Whether the consumer has something to take, or will have because a task of the map is about to read, to queue,
    /// or to store a result.
    pub(crate) fn readiness(&self) -> Readiness {
        let state = self.state();
        let is_queued = state.queued_as.as_ref().is_some_and(|ticket| ticket.is_offered);
        let waiting = usize::from(is_queued) + usize::from(state.awaiting.is_some());
        let in_progress = state.workers.count_busy() > state.holders + waiting
            || state.buffer.is_reading() && state.workers.notified() > 0
            // The queue of a pool of size 0 waits for a `resize`, which must come from outside.
            || state.queued_as.is_some() && self.inner.slots.size() == 0;
        match in_progress {
            _ if state.buffer.is_ready() => Readiness::Yes,
            true => Readiness::Later,
            false => Readiness::No,
        }
    }

    /// Whether a worker waits for the next item of an async source.
    pub(crate) fn awaits_item(&self) -> bool {
        self.state().awaiting.is_some()
    }

    /// The map's ticket has been served, or its waiter dropped.
    pub(crate) fn leave_queue(&self) {
        let ticket = self.state().queued_as.take();
        drop(ticket);
    }

    /// Begins a job of this map in a slot that was acquired, or lent by `lender`.
    pub(crate) fn begin_job(&self, lender: Option<Arc<Member>>) -> Running {
        Running::new(self.inner.clone(), lender, &self.origin)
    }

    /// Whether a worker should release its slot, for a waiter other than this map or because the pool has shrunk.
    #[inline]
    pub(crate) fn is_wanted_by_others(&self) -> bool {
        self.inner.slots.is_contended() && self.is_really_wanted()
    }

    #[cold]
    fn is_really_wanted(&self) -> bool {
        let waiter_ref = self.state().waiter_ref();
        self.inner.slots.free() < 0 || !waiter_ref.is_some_and(|waiter_ref| waiter_ref.is_alone())
    }
}
