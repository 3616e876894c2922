//! The workers of one function on one runtime, and the jobs that wait for them.
//!
//! # Implementation details
//!
//! There are two queues. Whoever spawns puts an order into the gang's [inbox](crate::worker::Inject), under a lock that workers rarely take; a worker that
//! finds the gang's own queue empty takes all that is in the inbox, and brings the empty frames there. So those who spawn and those who work
//! meet once for many jobs. Both queues are in reach of all workers. When several orders have come at once, a worker that is done with the last of them lets the
//! scheduler have its turn before it looks again: else two threads that do very little with each job would soon meet for each of them, and wait for each other's
//! lines of memory most of the time.
//!
//! Who spawns has to look at the gang itself only if the inbox says that it is *short* of workers: that fewer have been called than the runtime has
//! threads. Otherwise the ones that are about to come will see to the order. The gang changes that word, and counts the orders of
//! the inbox, under both locks (its own first): so an order is either counted, or its maker has seen the word.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;

use tokio::runtime::{Handle, Id, RuntimeFlavor};

use crate::inner::Inner;
use crate::job::cell::{JobBox, RawJob};
use crate::job::error::JoinError;
use crate::job::reply_page::{Page, ReplyAlloc};
use crate::job::running::Outcome;
use crate::sync::wake::wake;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::worker::idle::{Wakeup, WorkerSet, WorkerState};
use crate::worker::local::{Bulk, LocalQueue};
use crate::worker::poll::Step;

/// So many idle workers, and so many empty frames, may stay.
const MAX_IDLE: usize = 32;

/// After so many orders it is seen how many workers were not needed. Queues that are empty keep memory for as many.
const TRIM_EVERY: usize = 4096;

/// So many turns a gang that has nothing to do keeps all its workers.
const IDLE_TURNS: u8 = 64;

/// The number of the next gang.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Runs jobs of one kind, on every runtime: those of one declared function, or the futures of one pool.
pub(crate) struct Executor<J: ?Sized> {
    this: Weak<Self>,
    /// All cells are of one type, and are used again.
    reuses_cells: bool,
    /// One for each runtime.
    injects: Mutex<Vec<Inject<J>>>,
}

impl<J: ?Sized> Executor<J> {
    pub(crate) fn new(reuses_cells: bool) -> Arc<Self> {
        Arc::new_cyclic(|this| Executor { this: this.clone(), reuses_cells, injects: Mutex::new(Vec::new()) })
    }

    #[inline]
    pub(crate) fn injects(&self) -> MutexGuard<'_, Vec<Inject<J>>> {
        lock(&self.injects)
    }

    /// Adds an inject queue and a group for that runtime; gives its index.
    #[cold]
    pub(crate) fn open(
        &self,
        injects: &mut Vec<Inject<J>>,
        runtime: &Handle,
        spawn_worker: fn(&Arc<Group<J>>, u32),
    ) -> usize {
        let executor = self.this.upgrade().expect("a job is about to be put in");
        injects.push(Inject::new(Group::new(executor, runtime, spawn_worker), runtime));
        injects.len() - 1
    }
}

/// What is put in for one gang.
pub(crate) struct Inject<J: ?Sized> {
    runtime: Id,
    pub(crate) group: Arc<Group<J>>,
    pub(crate) queue: VecDeque<JobBox<J>>,
    /// Frames with nothing in them.
    pub(crate) idle_cells: Vec<JobBox<J>>,
    replies: ReplyAlloc,
    /// Fewer workers have been called than the runtime has threads: who puts something in is to look whether one is needed.
    pub(crate) understaffed: bool,
}

impl<J: ?Sized> Inject<J> {
    /// An empty one, for that gang.
    pub(crate) fn new(group: Arc<Group<J>>, runtime: &Handle) -> Self {
        let (queue, idle_cells, replies) = (VecDeque::new(), Vec::new(), ReplyAlloc::default());
        Inject { runtime: runtime.id(), group, queue, idle_cells, replies, understaffed: true }
    }

    #[inline]
    pub(crate) fn is_of(&self, runtime: Id) -> bool {
        self.runtime == runtime
    }

    /// A reply for a job of that pool.
    pub(crate) fn alloc<T: Send + 'static>(&mut self, inner: &Arc<Inner>) -> (Arc<Page<T>>, u8) {
        self.replies.alloc(inner, self.group.number())
    }
}

/// Drops what was not begun: a job that was aborted. If it is in the census already, that is of `epoch`.
pub(crate) fn abort<J: RawJob + ?Sized>(mut job: JobBox<J>, epoch: Option<u32>) {
    let dropped = catch_unwind(AssertUnwindSafe(|| job.as_mut().drop_content()));
    // Before the slot comes back, as everywhere.
    job.note_ending();
    // It counts as one that began and was aborted.
    if let Some(running) = job.as_mut().state().running(epoch) {
        running.finish(Outcome::Aborted);
    }
    job.as_mut().complete(Some(dropped.map_or_else(JoinError::panic, |()| JoinError::cancelled())));
}

/// The workers of one function on one runtime.
pub(crate) struct Group<J: ?Sized> {
    /// No other gang has it.
    number: u32,
    executor: Arc<Executor<J>>,
    /// Begins a worker that takes this place.
    spawn_worker: fn(&Arc<Group<J>>, u32),
    threads: usize,
    /// No other thread polls its workers while one of them is being polled.
    single: bool,
    state: Mutex<GroupState<J>>,
}

struct GroupState<J: ?Sized> {
    queue: VecDeque<JobBox<J>>,
    /// How many came out of the inbox at last.
    last_batch: usize,
    /// Frames with nothing in them.
    idle_cells: Vec<JobBox<J>>,
    /// How many of them there were in the inbox at last.
    injected_cells: usize,
    /// Memory for the next batch of many.
    spare: Option<Box<Bulk<J>>>,
    workers: WorkerSet<()>,
    /// What the inbox says.
    understaffed: bool,
    /// The smallest numbers of idle workers and of empty frames in this period, and the orders in it.
    low: (usize, usize),
    period: usize,
    /// The worker that watches an idle gang, and the turns that it has left.
    watch: Option<(u32, u8)>,
    /// There will be no more orders.
    closed: bool,
}

impl<J: ?Sized> Group<J> {
    pub(crate) fn new(
        executor: Arc<Executor<J>>,
        runtime: &Handle,
        spawn_worker: fn(&Arc<Group<J>>, u32),
    ) -> Arc<Self> {
        let state = GroupState {
            queue: VecDeque::new(),
            last_batch: 0,
            idle_cells: Vec::new(),
            injected_cells: 0,
            spare: None,
            workers: WorkerSet::default(),
            understaffed: true,
            low: (0, 0),
            period: 0,
            watch: None,
            closed: false,
        };
        let single = runtime.runtime_flavor() == RuntimeFlavor::CurrentThread;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let threads = runtime.metrics().num_workers();
        Arc::new(Group { number, executor, spawn_worker, threads, single, state: Mutex::new(state) })
    }

    #[inline]
    fn state(&self) -> MutexGuard<'_, GroupState<J>> {
        lock(&self.state)
    }

    #[inline]
    fn owns(&self, inject: &Inject<J>) -> bool {
        std::ptr::eq(&raw const *inject.group, self)
    }

    /// The gang's own among the inboxes; none if the gang has been [dissolved](Self::shut_down), and its workers are about to be dropped.
    #[inline]
    fn find<'a>(&self, injects: &'a mut [Inject<J>]) -> Option<&'a mut Inject<J>> {
        injects.iter_mut().find(|inject| self.owns(inject))
    }

    #[inline]
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Whether frames are used again.
    #[inline]
    pub(crate) fn reuses_cells(&self) -> bool {
        self.executor.reuses_cells
    }

    /// There will be no more orders: workers go when they have nothing to do.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let leave = state.workers.retire_all();
        drop(state);
        wake(leave);
    }

    /// All orders that no worker has taken.
    pub(crate) fn drain(&self) -> VecDeque<JobBox<J>> {
        let mut state = self.state();
        let mut queue = std::mem::take(&mut state.queue);
        if let Some(inject) = self.find(&mut self.executor.injects()) {
            queue.append(&mut inject.queue);
        }
        queue
    }

    /// The wakers of those who have a job.
    pub(crate) fn busy(&self) -> Vec<Waker> {
        self.state().workers.busy_wakers()
    }

    /// The waker of one.
    pub(crate) fn waker(&self, worker: u32) -> Option<Waker> {
        self.state().workers.waker(worker)
    }

    /// A worker goes, since it was dismissed.
    pub(crate) fn leave(&self, key: u32) {
        let mut state = self.state();
        state.workers.remove(key);
        state.shrink();
        // Some workers stay as long as there may be orders, so there are none.
        let inject = if state.workers.len() == 0 { self.close_inject() } else { None };
        drop(state);
        debug_assert!(inject.as_ref().is_none_or(|inject| inject.queue.is_empty()), "no worker is left for a job");
        drop(inject);
    }

    /// Gives up the inbox. (With the gang's lock held, or an order could be on its way from there.)
    fn close_inject(&self) -> Option<Inject<J>> {
        let mut injects = self.executor.injects();
        let at = injects.iter().position(|inject| self.owns(inject))?;
        Some(injects.swap_remove(at))
    }

    /// Takes what is in the inbox, and brings the empty frames there. Gives those who may go.
    fn drain_inject(&self, state: &mut GroupState<J>) -> Vec<Waker> {
        let mut injects = self.executor.injects();
        let Some(inject) = self.find(&mut injects) else { return Vec::new() };
        std::mem::swap(&mut inject.queue, &mut state.queue);
        state.last_batch = state.queue.len();
        state.low.1 = state.low.1.min(inject.idle_cells.len());
        if inject.idle_cells.is_empty() {
            std::mem::swap(&mut inject.idle_cells, &mut state.idle_cells);
        } else {
            inject.idle_cells.append(&mut state.idle_cells);
        }
        state.injected_cells = inject.idle_cells.len();
        if state.queue.is_empty() {
            state.understaffed = state.workers.notified() < self.threads;
            inject.understaffed = state.understaffed;
            inject.queue.shrink_to(TRIM_EVERY);
            return Vec::new();
        }
        state.watch = None;
        state.period += state.queue.len();
        if state.period < TRIM_EVERY { Vec::new() } else { state.end_period(&mut inject.idle_cells) }
    }

    /// Calls a worker, if fewer have been called than there are orders, and threads.
    #[inline]
    fn notify(&self, state: &mut GroupState<J>) -> Wakeup {
        if state.workers.notified() >= self.threads && !state.understaffed {
            return Wakeup::None;
        }
        self.notify_if_missing(state)
    }

    fn notify_if_missing(&self, state: &mut GroupState<J>) -> Wakeup {
        let (queue, threads) = (state.queue.len(), self.threads);
        let mut notifies = state.workers.notified() < queue.min(threads);
        let is_understaffed =
            |state: &GroupState<J>, notifies| state.workers.notified() + usize::from(notifies) < threads;
        if state.workers.notified() < threads && queue < threads
            || state.understaffed != is_understaffed(state, notifies)
        {
            let mut injects = self.executor.injects();
            let Some(inject) = self.find(&mut injects) else { return Wakeup::None };
            notifies = state.workers.notified() < (queue + inject.queue.len()).min(threads);
            state.understaffed = is_understaffed(state, notifies);
            inject.understaffed = state.understaffed;
        }
        if notifies { state.notify_worker() } else { Wakeup::None }
    }
}

impl<J: RawJob + ?Sized> Group<J> {
    /// A worker is dropped with its runtime, and so is all that it was there for.
    pub(crate) fn shut_down(&self) {
        let mut state = self.state();
        let queue = std::mem::take(&mut state.queue);
        let inject = self.close_inject();
        drop(state);
        for job in queue.into_iter().chain(inject.into_iter().flat_map(|inject| inject.queue)) {
            abort(job, None);
        }
    }
}

impl<J: RawJob + ?Sized + 'static> Group<J> {
    /// There is an order in the inbox, which has said that the gang is short of workers.
    #[inline]
    pub(crate) fn notify_if_understaffed(self: &Arc<Self>) {
        let wakeup = self.notify(&mut self.state());
        self.wake(wakeup);
    }

    /// Gets one worker more.
    #[inline]
    fn wake(self: &Arc<Self>, wakeup: Wakeup) {
        wakeup.run(|key| (self.spawn_worker)(self, key));
    }

    /// A worker is polled that has no job: it was called, or may have been. If there is a job it is in `local` then.
    pub(crate) fn arrive(self: &Arc<Self>, key: u32, waker: &Waker, local: &mut LocalQueue<J>) -> Step {
        let mut state = self.state();
        match state.workers.arrive(key, waker) {
            WorkerState::Notified | WorkerState::Busy => self.take(state, key, local, false),
            WorkerState::Retired => Step::Leave,
            WorkerState::Idle => self.watch(state, key),
        }
    }

    /// A worker is done with all jobs in its batch. If there is a next one it is in `local` then; `bulk`: and perhaps others too.
    pub(crate) fn next(self: &Arc<Self>, key: u32, local: &mut LocalQueue<J>, expect_more: bool) -> Step {
        let mut state = self.state();
        if expect_more && !self.single && state.queue.is_empty() && state.last_batch > 1 {
            state.close(local);
            return Step::Yield;
        }
        self.take(state, key, local, expect_more)
    }

    #[inline]
    fn take(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, GroupState<J>>,
        key: u32,
        local: &mut LocalQueue<J>,
        expect_more: bool,
    ) -> Step {
        state.close(local);
        let mut leave = Vec::new();
        if state.queue.is_empty() {
            leave = self.drain_inject(&mut state);
            if state.queue.is_empty() {
                return state.park(key);
            }
        }
        state.open(local, expect_more && self.single);
        let wakeup = self.notify(&mut state);
        drop(state);
        wake(leave);
        self.wake(wakeup);
        Step::Continue
    }

    /// An idle worker is polled: perhaps it is the one that watches.
    #[cold]
    fn watch(&self, mut state: MutexGuard<'_, GroupState<J>>, key: u32) -> Step {
        match &mut state.watch {
            Some((watching, budget @ 1..)) if *watching == key => {
                *budget -= 1;
                return Step::Yield;
            }
            Some((watching, _)) if *watching == key => state.watch = None,
            _ => return Step::Idle,
        }
        if let Some(inject) = self.find(&mut self.executor.injects()) {
            inject.idle_cells.truncate(MAX_IDLE);
            inject.idle_cells.shrink_to_fit();
        }
        let surplus = state.workers.idle().saturating_sub(MAX_IDLE);
        let leave = state.workers.retire(surplus);
        drop(state);
        wake(leave);
        Step::Idle
    }

    /// A worker has to stop before its next job.
    pub(crate) fn stop(self: &Arc<Self>, local: &mut LocalQueue<J>) {
        self.return_jobs(local, |_| Wakeup::None);
    }

    /// A worker's job has begun to wait.
    pub(crate) fn job_waits(self: &Arc<Self>, local: &mut LocalQueue<J>) {
        self.return_jobs(local, |state| {
            // More of its kind will wait too. (Those in the inbox have been seen to.)
            let wanted = state.queue.len().min(self.threads + 1);
            if state.workers.notified() < wanted { state.notify_worker() } else { Wakeup::None }
        });
    }

    fn return_jobs(self: &Arc<Self>, local: &mut LocalQueue<J>, call: impl FnOnce(&mut GroupState<J>) -> Wakeup) {
        let mut state = self.state();
        let aborted = local.cancel_enter();
        state.close(local);
        let wakeup = call(&mut state);
        drop(state);
        self.wake(wakeup);
        for job in aborted {
            abort(job, Some(local.epoch()));
        }
    }
}

impl<J: RawJob + ?Sized> GroupState<J> {
    /// There is an order: a worker takes it; or all there are, if it has just done one without waiting and nobody else could do them meanwhile.
    #[inline]
    fn open(&mut self, local: &mut LocalQueue<J>, all: bool) {
        if all {
            let bulk = self.spare.take().unwrap_or_default();
            std::mem::swap(&mut local.bulk.insert(bulk).queue, &mut self.queue);
        } else {
            local.next = self.queue.pop_front();
        }
        local.enter_live();
    }

    /// A worker gives back what it has not used, and the frames that are empty.
    #[inline]
    fn close(&mut self, local: &mut LocalQueue<J>) {
        if let Some(idle_cells) = local.idle_cell.take() {
            self.idle_cells.push(idle_cells);
        }
        if let Some(bulk) = local.bulk.take() {
            self.close_many(bulk);
        }
        if self.queue.is_empty() {
            self.queue.shrink_to(TRIM_EVERY);
        }
    }

    fn close_many(&mut self, mut bulk: Box<Bulk<J>>) {
        self.idle_cells.append(&mut bulk.idle_cells);
        if !bulk.queue.is_empty() {
            bulk.queue.append(&mut self.queue);
            std::mem::swap(&mut bulk.queue, &mut self.queue);
        }
        bulk.queue.shrink_to(TRIM_EVERY);
        bulk.idle_cells.shrink_to(TRIM_EVERY);
        self.spare = Some(bulk);
    }
}

impl<J: ?Sized> GroupState<J> {
    fn notify_worker(&mut self) -> Wakeup {
        self.watch = None;
        let wakeup = self.workers.notify_one(|| ());
        self.low.0 = self.low.0.min(self.workers.idle());
        wakeup
    }

    /// There is no order.
    #[cold]
    fn park(&mut self, key: u32) -> Step {
        if self.closed {
            return Step::Leave;
        }
        self.workers.park(key);
        if self.workers.is_idle() && self.workers.idle().max(self.injected_cells) > MAX_IDLE {
            self.watch = Some((key, IDLE_TURNS));
            return Step::Yield;
        }
        Step::Idle
    }

    /// Half of those who were not needed in this period may go, and of the frames.
    #[cold]
    fn end_period(&mut self, idle_cells: &mut Vec<JobBox<J>>) -> Vec<Waker> {
        let surplus = |low: usize| low.saturating_sub(MAX_IDLE).div_ceil(2);
        self.period = 0;
        idle_cells.truncate(idle_cells.len() - surplus(self.low.1));
        let leave = self.workers.retire(surplus(self.low.0));
        self.low = (self.workers.idle(), idle_cells.len());
        leave
    }

    /// Gives memory back when most workers have gone.
    fn shrink(&mut self) {
        if self.workers.shrink(MAX_IDLE) {
            self.queue.shrink_to(MAX_IDLE);
            self.spare = None;
        }
    }
}
