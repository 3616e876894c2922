//! The workers of one executor on one runtime, and the jobs that are queued for them.
//!
//! # Implementation details
//!
//! Spawning code puts a job into the [inject queue](Inject), under a lock that workers rarely take: they move all jobs
//! from there to the group's own queue at once. The group's lock is taken before that of the inject queues. `README.md`
//! in this folder tells how jobs pass through both queues, when workers are notified, and which races this prevents.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;

use tokio::runtime::{Handle, Id, RuntimeFlavor};

use crate::inner::Inner;
use crate::job::cell::{JobBox, complete};
use crate::job::error::JoinError;
use crate::job::reply_page::ReplyAlloc;
use crate::job::running::Outcome;
use crate::lending::deadlock;
use crate::sync::quiet::drop_quietly;
use crate::sync::wake::wake;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::worker::idle::{Wakeup, WorkerSet, WorkerState};
use crate::worker::local::{Bulk, LocalQueue};
use crate::worker::poll::Step;

/// The number of idle workers that may stay.
const MAX_IDLE: usize = 1024;

/// The memory of empty cells that may stay, in bytes, and the number of cells that may stay anyway.
const MAX_IDLE_CELLS: (usize, usize) = (256 << 10, 32);

/// The number of jobs after which surplus workers and cells are trimmed. An empty queue keeps memory for as many jobs.
const TRIM_EVERY: usize = 4096;

/// The number of the next group.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Runs the jobs of one declared function, or the futures of one pool, on all runtimes.
pub(crate) struct Executor {
    this: Weak<Self>,
    inner: Weak<Inner>,
    /// All cells have the same type, and are used again.
    reuses_cells: bool,
    /// One for each runtime that has workers.
    injects: Mutex<Vec<Inject>>,
}

impl Executor {
    pub(crate) fn new(inner: &Arc<Inner>, reuses_cells: bool) -> Arc<Self> {
        let inner = Arc::downgrade(inner);
        Arc::new_cyclic(|this| Executor { this: this.clone(), inner, reuses_cells, injects: Mutex::default() })
    }

    /// Whether cells are used again.
    #[inline]
    pub(crate) fn reuses_cells(&self) -> bool {
        self.reuses_cells
    }

    #[inline]
    pub(crate) fn injects(&self) -> MutexGuard<'_, Vec<Inject>> {
        lock(&self.injects)
    }

    /// Adds an inject queue and a group for that runtime. Returns the index of the queue.
    #[cold]
    pub(crate) fn add_group(
        &self,
        injects: &mut Vec<Inject>,
        runtime: &Handle,
        spawn_worker: fn(&Arc<Group>, u32),
    ) -> usize {
        let executor = self.this.upgrade().expect("the caller has a reference");
        injects.push(Inject::new(Group::new(executor, runtime, spawn_worker), runtime));
        injects.len() - 1
    }
}

/// The queue that spawning code puts jobs into, for one group.
pub(crate) struct Inject {
    runtime: Id,
    pub(crate) group: Arc<Group>,
    pub(crate) queue: VecDeque<JobBox>,
    /// Empty cells.
    pub(crate) idle_cells: Vec<JobBox>,
    pub(crate) replies: ReplyAlloc,
    /// Fewer workers are notified than the runtime has threads, so code that queues a job must notify one if needed.
    pub(crate) understaffed: bool,
}

impl Inject {
    /// An empty queue for that group.
    pub(crate) fn new(group: Arc<Group>, runtime: &Handle) -> Self {
        let (queue, idle_cells, replies) = (VecDeque::new(), Vec::new(), ReplyAlloc::new(group.number()));
        Inject { runtime: runtime.id(), group, queue, idle_cells, replies, understaffed: true }
    }

    #[inline]
    pub(crate) fn is_of(&self, runtime: Id) -> bool {
        self.runtime == runtime
    }

    /// Removes the empty cells that are too many to stay.
    fn surplus_cells(&mut self) -> Vec<JobBox> {
        let (bytes, at_least) = MAX_IDLE_CELLS;
        let size = self.idle_cells.first().map_or(1, |cell| size_of_val(&**cell));
        let stay = (bytes / size).max(at_least);
        let surplus = self.idle_cells.split_off(stay.min(self.idle_cells.len()));
        if !surplus.is_empty() {
            self.idle_cells.shrink_to_fit();
        }
        surplus
    }
}

/// Frees the memory of a queue that is empty. Most often it has little; then this does not call what frees it.
#[inline]
fn trim(queue: &mut VecDeque<JobBox>) {
    if queue.capacity() > TRIM_EVERY {
        queue.shrink_to(TRIM_EVERY);
    }
}

/// Aborts a job that has not begun.
pub(crate) fn abort(mut job: JobBox) {
    let dropped = catch_unwind(AssertUnwindSafe(|| job.as_mut().drop_content()));
    // Before the slot is released, as everywhere.
    job.note_ending();
    // The statistics count it as a job that began and was aborted.
    if let Some(running) = job.as_mut().running() {
        running.finish(Outcome::Aborted);
    }
    drop_quietly(complete(job, Some(dropped.map_or_else(JoinError::panic, |()| JoinError::cancelled()))));
}

/// The workers of one executor on one runtime.
pub(crate) struct Group {
    /// No other group has the same.
    number: u32,
    executor: Arc<Executor>,
    runtime: Handle,
    /// Spawns a worker with this key.
    spawn_worker: fn(&Arc<Group>, u32),
    /// The number of threads of the runtime that poll tasks.
    threads: usize,
    /// The runtime is a current-thread runtime: while one worker is being polled, no other is.
    single: bool,
    shut_down: AtomicBool,
    state: Mutex<GroupState>,
}

struct GroupState {
    /// Jobs that run in the slot of the job that spawned them. As in eventlet, they begin before all others.
    lent: VecDeque<JobBox>,
    queue: VecDeque<JobBox>,
    /// Size of the last batch taken from the inject queue.
    last_batch: usize,
    /// Empty cells that have not been moved to the inject queue yet.
    idle_cells: Vec<JobBox>,
    /// The number of empty cells in the inject queue when a worker last looked.
    injected_cells: usize,
    /// Memory for the next local queue with many jobs.
    spare: Option<Box<Bulk>>,
    workers: WorkerSet<()>,
    /// The same as in the inject queue.
    understaffed: bool,
    /// The smallest numbers of idle workers and of empty cells in this period.
    low: (usize, usize),
    /// The number of jobs in this period.
    period: usize,
    /// There will be no more jobs.
    closed: bool,
}

impl Group {
    pub(crate) fn new(executor: Arc<Executor>, runtime: &Handle, spawn_worker: fn(&Arc<Group>, u32)) -> Arc<Self> {
        let state = GroupState {
            lent: VecDeque::new(),
            queue: VecDeque::new(),
            last_batch: 0,
            idle_cells: Vec::new(),
            injected_cells: 0,
            spare: None,
            workers: WorkerSet::default(),
            understaffed: true,
            low: (0, 0),
            period: 0,
            closed: false,
        };
        let single = runtime.runtime_flavor() == RuntimeFlavor::CurrentThread;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let threads = runtime.metrics().num_workers();
        Arc::new(Group {
            number,
            executor,
            runtime: runtime.clone(),
            spawn_worker,
            threads,
            single,
            shut_down: AtomicBool::new(false),
            state: Mutex::new(state),
        })
    }

    #[inline]
    fn state(&self) -> MutexGuard<'_, GroupState> {
        lock(&self.state)
    }

    #[inline]
    fn owns(&self, inject: &Inject) -> bool {
        std::ptr::eq(&raw const *inject.group, self)
    }

    /// The inject queue of this group. `None` if the group was [shut down](Self::shut_down); then its workers are about
    /// to be dropped.
    #[inline]
    fn find<'a>(&self, injects: &'a mut [Inject]) -> Option<&'a mut Inject> {
        injects.iter_mut().find(|inject| self.owns(inject))
    }

    #[inline]
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Whether cells are used again.
    #[inline]
    pub(crate) fn reuses_cells(&self) -> bool {
        self.executor.reuses_cells
    }

    /// There will be no more jobs: workers that have nothing to do exit.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let retired = state.workers.retire_all();
        drop(state);
        wake(retired);
    }

    /// The runtime that the workers run on.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// The wakers of all workers that may have a job.
    pub(crate) fn busy_wakers(&self) -> Vec<Waker> {
        self.state().workers.busy_wakers()
    }

    /// The waker of one worker.
    pub(crate) fn waker(&self, worker: u32) -> Option<Waker> {
        self.state().workers.waker(worker)
    }

    /// A worker exits, because it was retired.
    pub(crate) fn leave(&self, key: u32) {
        let mut state = self.state();
        state.workers.remove(key);
        state.shrink();
        // Trimming keeps some workers, so if none is left, the group is closed and no more jobs come.
        let inject = if state.workers.len() == 0 { self.remove_inject() } else { None };
        drop(state);
        debug_assert!(
            inject.as_ref().is_none_or(|inject| inject.queue.is_empty()),
            "the last worker leaves no job behind"
        );
        drop(inject);
    }

    /// Removes the inject queue. The caller must hold the group's lock, so that no job is on its way from one queue to
    /// the other.
    fn remove_inject(&self) -> Option<Inject> {
        let mut injects = self.executor.injects();
        let at = injects.iter().position(|inject| self.owns(inject))?;
        Some(injects.swap_remove(at))
    }

    /// Takes all jobs from the inject queue, and moves the empty cells there. Returns the wakers of workers that were
    /// retired.
    fn drain_inject(&self, state: &mut GroupState) -> Vec<Waker> {
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
            state.understaffed = state.workers.notified() < self.limit();
            inject.understaffed = state.understaffed;
            trim(&mut inject.queue);
            return Vec::new();
        }
        state.period += state.queue.len();
        if state.period < TRIM_EVERY { Vec::new() } else { state.end_period(&mut inject.idle_cells) }
    }

    /// The greatest number of workers that are notified at once, save for one that makes up for a job that waits.
    #[inline]
    fn limit(&self) -> usize {
        2 * self.threads - 1
    }

    /// How many workers should be notified for that many jobs.
    ///
    /// As many as there are jobs, or threads. And one more for each other thread: tokio puts a task that was just woken
    /// where only this thread finds it, so each thread that computes may keep one worker from running.
    fn wanted(&self, jobs: usize) -> usize {
        if jobs == 0 { 0 } else { (jobs + self.threads - 1).min(self.limit()) }
    }

    /// Notifies a worker if fewer are notified than [wanted](Self::wanted).
    #[inline]
    fn notify(&self, state: &mut GroupState) -> Wakeup {
        if state.workers.notified() >= self.limit() && !state.understaffed {
            return Wakeup::None;
        }
        self.notify_if_missing(state)
    }

    fn notify_if_missing(&self, state: &mut GroupState) -> Wakeup {
        let (queue, limit) = (state.queued(), self.limit());
        let mut notifies = state.workers.notified() < self.wanted(queue);
        let is_understaffed = |state: &GroupState, notifies| state.workers.notified() + usize::from(notifies) < limit;
        if state.workers.notified() < limit && self.wanted(queue) < limit
            || state.understaffed != is_understaffed(state, notifies)
        {
            let mut injects = self.executor.injects();
            let Some(inject) = self.find(&mut injects) else { return Wakeup::None };
            notifies = state.workers.notified() < self.wanted(queue + inject.queue.len());
            state.understaffed = is_understaffed(state, notifies);
            inject.understaffed = state.understaffed;
        }
        if notifies { state.notify_worker() } else { Wakeup::None }
    }
}

impl Group {
    /// A worker was dropped with its runtime: removes the group, and aborts all jobs that are queued in it, or for a
    /// slot.
    pub(crate) fn shut_down(&self) {
        self.shut_down.store(true, Ordering::Relaxed);
        self.refuse_queued();
        let mut state = self.state();
        let (lent, queue) = (std::mem::take(&mut state.lent), std::mem::take(&mut state.queue));
        let inject = self.remove_inject();
        drop(state);
        for job in lent.into_iter().chain(queue).chain(inject.into_iter().flat_map(|inject| inject.queue)) {
            abort(job);
        }
    }

    /// Calls were queued for a slot that this group will run. If it was shut down meanwhile, they are refused.
    pub(crate) fn check_queued(&self) {
        // The lock of the pool's queue orders this: either `shut_down` finds the calls there, or this sees the flag.
        if self.shut_down.load(Ordering::Relaxed) {
            self.refuse_queued();
        }
    }

    /// Refuses all that is queued for a slot and that this group would run.
    fn refuse_queued(&self) {
        let Some(inner) = self.executor.inner.upgrade() else { return };
        let refused = inner.slots.refuse_all(|job| job.is_some_and(|job| job.is_of(self.number)));
        // Their handles learn that they were cancelled.
        drop(refused);
        deadlock::reconsider(&inner);
    }
}

impl Group {
    /// Queues a job that has a slot. If the group was [shut down](Self::shut_down), the job is aborted.
    pub(crate) fn put(self: &Arc<Self>, job: JobBox) {
        self.put_with(|_| job);
    }

    /// Makes such a job, in an empty cell if there is one, and queues it in the same way.
    pub(crate) fn put_with(self: &Arc<Self>, make: impl FnOnce(Option<JobBox>) -> JobBox) {
        let mut injects = self.executor.injects();
        let Some(inject) = self.find(&mut injects) else {
            drop(injects);
            return abort(make(None));
        };
        let job = make(inject.idle_cells.pop());
        inject.queue.push_back(job);
        let understaffed = inject.understaffed;
        drop(injects);
        if understaffed {
            self.notify_if_understaffed();
        }
    }

    /// Queues a job that has a lent slot, ahead of all others. If the group was [shut down](Self::shut_down), the job
    /// is aborted.
    pub(crate) fn put_lent(self: &Arc<Self>, job: JobBox) {
        let mut state = self.state();
        if self.find(&mut self.executor.injects()).is_none() {
            drop(state);
            return abort(job);
        }
        state.lent.push_back(job);
        let wakeup = self.notify_if_missing(&mut state);
        drop(state);
        self.wake(wakeup);
    }

    /// Makes sure that the group has a worker, which learns when its runtime ends.
    pub(crate) fn staff(self: &Arc<Self>) {
        let mut state = self.state();
        let wakeup = if state.workers.len() == 0 { state.notify_worker() } else { Wakeup::None };
        drop(state);
        self.wake(wakeup);
    }

    /// A job was put into the inject queue while that said `understaffed`.
    #[inline]
    pub(crate) fn notify_if_understaffed(self: &Arc<Self>) {
        let wakeup = self.notify(&mut self.state());
        self.wake(wakeup);
    }

    /// Wakes or spawns a worker, if there is one. Returns whether there is. The caller must hold no lock.
    #[inline]
    fn wake(self: &Arc<Self>, wakeup: Wakeup) -> bool {
        wakeup.run(|key| (self.spawn_worker)(self, key))
    }

    /// Whether the runtime has several threads.
    #[inline]
    pub(crate) fn has_threads(&self) -> bool {
        !self.single
    }

    /// A worker without a job is being polled, perhaps because it was notified. If this returns `Continue`, `local` has
    /// a job.
    pub(crate) fn arrive(self: &Arc<Self>, key: u32, waker: &Waker, local: &mut LocalQueue) -> Step {
        let mut state = self.state();
        match state.workers.arrive(key, waker) {
            WorkerState::Notified | WorkerState::Busy => self.take(state, key, local, false),
            WorkerState::Retired => Step::Leave,
            WorkerState::Idle => Step::Idle,
        }
    }

    /// A worker has finished all jobs in `local`. If this returns `Continue`, `local` has a job; with `expect_more`,
    /// perhaps several.
    pub(crate) fn next(self: &Arc<Self>, key: u32, local: &mut LocalQueue, expect_more: bool) -> Step {
        let mut state = self.state();
        if expect_more && !self.single && state.queued() == 0 && state.last_batch > 1 {
            state.reclaim(local);
            return Step::Yield;
        }
        self.take(state, key, local, expect_more)
    }

    #[inline]
    fn take(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, GroupState>,
        key: u32,
        local: &mut LocalQueue,
        expect_more: bool,
    ) -> Step {
        state.reclaim(local);
        let mut retired = Vec::new();
        if state.queued() == 0 {
            retired = self.drain_inject(&mut state);
            if state.queue.is_empty() {
                return self.park(state, key);
            }
        }
        state.hand_out(local, expect_more && self.single);
        let wakeup = self.notify(&mut state);
        drop(state);
        if !retired.is_empty() {
            wake(retired);
        }
        local.has_woken |= self.wake(wakeup) && !self.single;
        Step::Continue
    }

    /// A worker finds no job. If all workers are idle now, the surplus of workers and cells goes.
    #[cold]
    fn park(&self, mut state: MutexGuard<'_, GroupState>, key: u32) -> Step {
        if state.closed {
            return Step::Leave;
        }
        state.workers.park(key);
        if !state.workers.is_idle() {
            return Step::Idle;
        }
        let mut surplus_cells = Vec::new();
        if state.injected_cells > MAX_IDLE_CELLS.1 {
            if let Some(inject) = self.find(&mut self.executor.injects()) {
                surplus_cells = inject.surplus_cells();
                state.injected_cells = inject.idle_cells.len();
            }
        }
        let surplus = state.workers.idle().saturating_sub(MAX_IDLE);
        if surplus > 0 || !surplus_cells.is_empty() {
            let retired = state.workers.retire(surplus);
            drop(state);
            drop(surplus_cells);
            wake(retired);
        }
        Step::Idle
    }

    /// A worker's poll ends, and `local` still has jobs or empty cells.
    pub(crate) fn return_leftovers(self: &Arc<Self>, local: &mut LocalQueue) {
        self.return_jobs(local, |_| Wakeup::None);
    }

    /// A worker's job waits for the first time.
    pub(crate) fn job_waits(self: &Arc<Self>, local: &mut LocalQueue) {
        self.return_jobs(local, |state| {
            // The next jobs will probably wait too, so one worker more than usual is notified. Jobs in the inject queue
            // have notified workers already.
            let wanted = state.queued().min(self.limit() + 1);
            if state.workers.notified() < wanted { state.notify_worker() } else { Wakeup::None }
        });
    }

    fn return_jobs(self: &Arc<Self>, local: &mut LocalQueue, notify: impl FnOnce(&mut GroupState) -> Wakeup) {
        let mut state = self.state();
        state.reclaim(local);
        let wakeup = notify(&mut state);
        drop(state);
        self.wake(wakeup);
    }
}

impl GroupState {
    /// Gives a worker the next job, or all jobs. The queue must not be empty.
    #[inline]
    fn hand_out(&mut self, local: &mut LocalQueue, all: bool) {
        if let Some(lent) = self.lent.pop_front() {
            local.next = Some(lent);
        } else if all {
            let bulk = self.spare.take().unwrap_or_default();
            std::mem::swap(&mut local.bulk.insert(bulk).queue, &mut self.queue);
        } else {
            local.next = self.queue.pop_front();
        }
    }

    /// Takes back the jobs that a worker has not begun, ahead of all others, and its empty cells.
    #[inline]
    fn reclaim(&mut self, local: &mut LocalQueue) {
        if let Some(cell) = local.idle_cell.take() {
            self.idle_cells.push(cell);
        }
        if let Some(bulk) = local.bulk.take() {
            self.reclaim_bulk(bulk);
        } else if let Some(next) = local.next.take() {
            self.queue.push_front(next);
        }
        if self.queue.is_empty() {
            trim(&mut self.queue);
        }
    }

    fn reclaim_bulk(&mut self, mut bulk: Box<Bulk>) {
        self.idle_cells.append(&mut bulk.idle_cells);
        if !bulk.queue.is_empty() {
            bulk.queue.append(&mut self.queue);
            std::mem::swap(&mut bulk.queue, &mut self.queue);
        }
        trim(&mut bulk.queue);
        bulk.idle_cells.shrink_to(TRIM_EVERY);
        self.spare = Some(bulk);
    }
}

impl GroupState {
    /// The number of jobs that no worker has taken from the group.
    #[inline]
    fn queued(&self) -> usize {
        self.lent.len() + self.queue.len()
    }

    fn notify_worker(&mut self) -> Wakeup {
        let wakeup = self.workers.notify_one(|| ());
        self.low.0 = self.low.0.min(self.workers.idle());
        wakeup
    }

    /// Retires half of the surplus workers that were not needed in this period, and drops half of the surplus cells.
    /// Returns the wakers of these workers.
    #[cold]
    fn end_period(&mut self, idle_cells: &mut Vec<JobBox>) -> Vec<Waker> {
        let surplus = |low: usize| low.saturating_sub(MAX_IDLE).div_ceil(2);
        self.period = 0;
        idle_cells.truncate(idle_cells.len() - surplus(self.low.1));
        let retired = self.workers.retire(surplus(self.low.0));
        self.low = (self.workers.idle(), idle_cells.len());
        retired
    }

    /// Frees memory when most workers have exited.
    fn shrink(&mut self) {
        if self.workers.shrink(MAX_IDLE) {
            self.queue.shrink_to(MAX_IDLE);
            self.spare = None;
        }
    }
}
