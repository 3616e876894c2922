//! The workers of one function on one runtime, and the jobs that wait for them.
//!
//! # Implementation details
//!
//! There are two queues. Whoever spawns puts an order into the gang's [inbox](crate::worker::Inbox), under a lock that workers rarely take; a worker that
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
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Waker;

use tokio::runtime::{Handle, Id, RuntimeFlavor};

use crate::inner::Inner;
use crate::job::cell::{JobBox, RawJob};
use crate::job::error::JoinError;
use crate::job::reply_page::{Page, ReplyAlloc};
use crate::sync::wake::wake;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::worker::idle::{Call, Staff, Standing};
use crate::worker::local::{Batch, Many};

/// So many idle workers, and so many empty frames, may stay.
const KEEP: usize = 32;

/// After so many orders it is seen how many workers were not needed. Queues that are empty keep memory for as many.
const PERIOD: usize = 4096;

/// So many turns a gang that has nothing to do keeps all its workers.
const ROUNDS: u8 = 64;

/// The number of the next gang.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// The inboxes of all gangs that run jobs of one kind: one for each runtime.
pub(crate) struct Inboxes<J: ?Sized> {
    /// All frames are of one kind, and are used again.
    keeps: bool,
    list: Mutex<Vec<Inbox<J>>>,
}

impl<J: ?Sized> Inboxes<J> {
    /// `keeps`: all frames are of one kind, and are used again.
    pub(crate) fn new(keeps: bool) -> Arc<Self> {
        Arc::new(Inboxes { keeps, list: Mutex::new(Vec::new()) })
    }

    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, Vec<Inbox<J>>> {
        lock(&self.list)
    }
}

/// What is put in for one gang.
pub(crate) struct Inbox<J: ?Sized> {
    runtime: Id,
    pub(crate) gang: Arc<Gang<J>>,
    pub(crate) orders: VecDeque<JobBox<J>>,
    /// Frames with nothing in them.
    pub(crate) empty: Vec<JobBox<J>>,
    replies: ReplyAlloc,
    /// Fewer workers have been called than the runtime has threads: who puts something in is to look whether one is needed.
    pub(crate) short: bool,
}

impl<J: ?Sized> Inbox<J> {
    /// An empty one, for that gang.
    pub(crate) fn new(gang: Arc<Gang<J>>, runtime: &Handle) -> Self {
        let (orders, empty, replies) = (VecDeque::new(), Vec::new(), ReplyAlloc::default());
        Inbox { runtime: runtime.id(), gang, orders, empty, replies, short: true }
    }

    #[inline]
    pub(crate) fn is_of(&self, runtime: Id) -> bool {
        self.runtime == runtime
    }

    /// A reply for a job of that pool.
    pub(crate) fn alloc<T: Send + 'static>(&mut self, inner: &Arc<Inner>) -> (Arc<Page<T>>, u8) {
        self.replies.alloc(inner, self.gang.number())
    }
}

/// Drops what was not begun: a job that was aborted. If it is in the census already, that is of `epoch`.
pub(crate) fn abort<J: RawJob + ?Sized>(mut order: JobBox<J>, epoch: Option<u32>) {
    let dropped = catch_unwind(AssertUnwindSafe(|| order.as_mut().drop_content()));
    // Before the slot comes back, as everywhere.
    order.note_ending();
    // It counts as one that began and was aborted.
    drop(order.as_mut().state().running(epoch));
    order.as_mut().complete(Some(dropped.map_or_else(JoinError::panic, |()| JoinError::cancelled())));
}

/// The workers of one function on one runtime.
pub(crate) struct Gang<J: ?Sized> {
    /// No other gang has it.
    number: u32,
    inboxes: Arc<Inboxes<J>>,
    /// Begins a worker that takes this place.
    hire: fn(&Arc<Gang<J>>, u32),
    threads: usize,
    /// No other thread polls its workers while one of them is being polled.
    single: bool,
    state: Mutex<State<J>>,
}

struct State<J: ?Sized> {
    orders: VecDeque<JobBox<J>>,
    /// How many came out of the inbox at last.
    fetched: usize,
    /// Frames with nothing in them.
    empty: Vec<JobBox<J>>,
    /// How many of them there were in the inbox at last.
    stored: usize,
    /// Memory for the next batch of many.
    spare: Option<Box<Many<J>>>,
    staff: Staff<()>,
    /// What the inbox says.
    short: bool,
    /// The smallest numbers of idle workers and of empty frames in this period, and the orders in it.
    low: (usize, usize),
    period: usize,
    /// The worker that watches an idle gang, and the turns that it has left.
    watch: Option<(u32, u8)>,
    /// There will be no more orders.
    closed: bool,
}

/// What a worker that has no job finds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    JobBox,
    /// Nothing now, but it is to be polled once more.
    Again,
    Idle,
    Dismissed,
}

impl<J: ?Sized> Gang<J> {
    pub(crate) fn new(inboxes: Arc<Inboxes<J>>, runtime: &Handle, hire: fn(&Arc<Gang<J>>, u32)) -> Arc<Self> {
        let state = State {
            orders: VecDeque::new(),
            fetched: 0,
            empty: Vec::new(),
            stored: 0,
            spare: None,
            staff: Staff::default(),
            short: true,
            low: (0, 0),
            period: 0,
            watch: None,
            closed: false,
        };
        let single = runtime.runtime_flavor() == RuntimeFlavor::CurrentThread;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let threads = runtime.metrics().num_workers();
        Arc::new(Gang { number, inboxes, hire, threads, single, state: Mutex::new(state) })
    }

    #[inline]
    fn state(&self) -> MutexGuard<'_, State<J>> {
        lock(&self.state)
    }

    #[inline]
    fn owns(&self, inbox: &Inbox<J>) -> bool {
        std::ptr::eq(&raw const *inbox.gang, self)
    }

    /// The gang's own among the inboxes; none if the gang has been [dissolved](Self::dissolve), and its workers are about to be dropped.
    #[inline]
    fn find<'a>(&self, inboxes: &'a mut [Inbox<J>]) -> Option<&'a mut Inbox<J>> {
        inboxes.iter_mut().find(|inbox| self.owns(inbox))
    }

    #[inline]
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Whether frames are used again.
    #[inline]
    pub(crate) fn keeps(&self) -> bool {
        self.inboxes.keeps
    }

    /// There will be no more orders: workers go when they have nothing to do.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let leave = state.staff.dismiss_all();
        drop(state);
        wake(leave);
    }

    /// All orders that no worker has taken.
    pub(crate) fn drain(&self) -> VecDeque<JobBox<J>> {
        let mut state = self.state();
        let mut orders = std::mem::take(&mut state.orders);
        if let Some(inbox) = self.find(&mut self.inboxes.lock()) {
            orders.append(&mut inbox.orders);
        }
        orders
    }

    /// The wakers of those who have a job.
    pub(crate) fn busy(&self) -> Vec<Waker> {
        self.state().staff.busy_wakers()
    }

    /// The waker of one.
    pub(crate) fn waker(&self, worker: u32) -> Option<Waker> {
        self.state().staff.waker(worker)
    }

    /// A worker goes, since it was dismissed.
    pub(crate) fn leave(&self, key: u32) {
        let mut state = self.state();
        state.staff.leave(key);
        state.shrink();
        // Some workers stay as long as there may be orders, so there are none.
        let inbox = if state.staff.len() == 0 { self.end() } else { None };
        drop(state);
        debug_assert!(inbox.as_ref().is_none_or(|inbox| inbox.orders.is_empty()), "nobody is there for an order");
        drop(inbox);
    }

    /// Gives up the inbox. (With the gang's lock held, or an order could be on its way from there.)
    fn end(&self) -> Option<Inbox<J>> {
        let mut inboxes = self.inboxes.lock();
        let at = inboxes.iter().position(|inbox| self.owns(inbox))?;
        Some(inboxes.swap_remove(at))
    }

    /// Takes what is in the inbox, and brings the empty frames there. Gives those who may go.
    fn fetch(&self, state: &mut State<J>) -> Vec<Waker> {
        let mut inboxes = self.inboxes.lock();
        let Some(inbox) = self.find(&mut inboxes) else { return Vec::new() };
        std::mem::swap(&mut inbox.orders, &mut state.orders);
        state.fetched = state.orders.len();
        state.low.1 = state.low.1.min(inbox.empty.len());
        if inbox.empty.is_empty() {
            std::mem::swap(&mut inbox.empty, &mut state.empty);
        } else {
            inbox.empty.append(&mut state.empty);
        }
        state.stored = inbox.empty.len();
        if state.orders.is_empty() {
            state.short = state.staff.called() < self.threads;
            inbox.short = state.short;
            inbox.orders.shrink_to(PERIOD);
            return Vec::new();
        }
        state.watch = None;
        state.period += state.orders.len();
        if state.period < PERIOD { Vec::new() } else { state.end_period(&mut inbox.empty) }
    }

    /// Calls a worker, if fewer have been called than there are orders, and threads.
    #[inline]
    fn call(&self, state: &mut State<J>) -> Call {
        if state.staff.called() >= self.threads && !state.short {
            return Call::Nobody;
        }
        self.call_if_missing(state)
    }

    fn call_if_missing(&self, state: &mut State<J>) -> Call {
        let (orders, threads) = (state.orders.len(), self.threads);
        let mut calls = state.staff.called() < orders.min(threads);
        let is_short = |state: &State<J>, calls| state.staff.called() + usize::from(calls) < threads;
        if state.staff.called() < threads && orders < threads || state.short != is_short(state, calls) {
            let mut inboxes = self.inboxes.lock();
            let Some(inbox) = self.find(&mut inboxes) else { return Call::Nobody };
            calls = state.staff.called() < (orders + inbox.orders.len()).min(threads);
            state.short = is_short(state, calls);
            inbox.short = state.short;
        }
        if calls { state.call() } else { Call::Nobody }
    }
}

impl<J: RawJob + ?Sized> Gang<J> {
    /// A worker is dropped with its runtime, and so is all that it was there for.
    pub(crate) fn dissolve(&self) {
        let mut state = self.state();
        let orders = std::mem::take(&mut state.orders);
        let inbox = self.end();
        drop(state);
        for order in orders.into_iter().chain(inbox.into_iter().flat_map(|inbox| inbox.orders)) {
            abort(order, None);
        }
    }
}

impl<J: RawJob + ?Sized + 'static> Gang<J> {
    /// There is an order in the inbox, which has said that the gang is short of workers.
    #[inline]
    pub(crate) fn look(self: &Arc<Self>) {
        let call = self.call(&mut self.state());
        self.make(call);
    }

    /// Gets one worker more.
    #[inline]
    fn make(self: &Arc<Self>, call: Call) {
        call.make(|key| (self.hire)(self, key));
    }

    /// A worker is polled that has no job: it was called, or may have been. If there is a job it is in `batch` then.
    pub(crate) fn come(self: &Arc<Self>, key: u32, waker: &Waker, batch: &mut Batch<J>) -> Found {
        let mut state = self.state();
        match state.staff.come(key, waker) {
            Standing::Called | Standing::Busy => self.take(state, key, batch, false),
            Standing::Dismissed => Found::Dismissed,
            Standing::Idle => self.watch(state, key),
        }
    }

    /// A worker is done with all jobs in its batch. If there is a next one it is in `batch` then; `many`: and perhaps others too.
    pub(crate) fn next(self: &Arc<Self>, key: u32, batch: &mut Batch<J>, many: bool) -> Found {
        let mut state = self.state();
        if many && !self.single && state.orders.is_empty() && state.fetched > 1 {
            state.close(batch);
            return Found::Again;
        }
        self.take(state, key, batch, many)
    }

    #[inline]
    fn take(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State<J>>,
        key: u32,
        batch: &mut Batch<J>,
        many: bool,
    ) -> Found {
        state.close(batch);
        let mut leave = Vec::new();
        if state.orders.is_empty() {
            leave = self.fetch(&mut state);
            if state.orders.is_empty() {
                return state.rest(key);
            }
        }
        state.open(batch, many && self.single);
        let call = self.call(&mut state);
        drop(state);
        wake(leave);
        self.make(call);
        Found::JobBox
    }

    /// An idle worker is polled: perhaps it is the one that watches.
    #[cold]
    fn watch(&self, mut state: MutexGuard<'_, State<J>>, key: u32) -> Found {
        match &mut state.watch {
            Some((watching, turns @ 1..)) if *watching == key => {
                *turns -= 1;
                return Found::Again;
            }
            Some((watching, _)) if *watching == key => state.watch = None,
            _ => return Found::Idle,
        }
        if let Some(inbox) = self.find(&mut self.inboxes.lock()) {
            inbox.empty.truncate(KEEP);
            inbox.empty.shrink_to_fit();
        }
        let surplus = state.staff.idle().saturating_sub(KEEP);
        let leave = state.staff.dismiss(surplus);
        drop(state);
        wake(leave);
        Found::Idle
    }

    /// A worker has to stop before its next job.
    pub(crate) fn stop(self: &Arc<Self>, batch: &mut Batch<J>) {
        self.give_back(batch, |_| Call::Nobody);
    }

    /// A worker's job has begun to wait.
    pub(crate) fn pend(self: &Arc<Self>, batch: &mut Batch<J>) {
        self.give_back(batch, |state| {
            // More of its kind will wait too. (Those in the inbox have been seen to.)
            let wanted = state.orders.len().min(self.threads + 1);
            if state.staff.called() < wanted { state.call() } else { Call::Nobody }
        });
    }

    fn give_back(self: &Arc<Self>, batch: &mut Batch<J>, call: impl FnOnce(&mut State<J>) -> Call) {
        let mut state = self.state();
        let outdated = batch.unjoin();
        state.close(batch);
        let call = call(&mut state);
        drop(state);
        self.make(call);
        for order in outdated {
            abort(order, Some(batch.epoch()));
        }
    }
}

impl<J: RawJob + ?Sized> State<J> {
    /// There is an order: a worker takes it; or all there are, if it has just done one without waiting and nobody else could do them meanwhile.
    #[inline]
    fn open(&mut self, batch: &mut Batch<J>, all: bool) {
        if all {
            let many = self.spare.take().unwrap_or_default();
            std::mem::swap(&mut batch.many.insert(many).orders, &mut self.orders);
        } else {
            batch.next = self.orders.pop_front();
        }
        batch.join();
    }

    /// A worker gives back what it has not used, and the frames that are empty.
    #[inline]
    fn close(&mut self, batch: &mut Batch<J>) {
        if let Some(empty) = batch.empty.take() {
            self.empty.push(empty);
        }
        if let Some(many) = batch.many.take() {
            self.close_many(many);
        }
        if self.orders.is_empty() {
            self.orders.shrink_to(PERIOD);
        }
    }

    fn close_many(&mut self, mut many: Box<Many<J>>) {
        self.empty.append(&mut many.empty);
        if !many.orders.is_empty() {
            many.orders.append(&mut self.orders);
            std::mem::swap(&mut many.orders, &mut self.orders);
        }
        many.orders.shrink_to(PERIOD);
        many.empty.shrink_to(PERIOD);
        self.spare = Some(many);
    }
}

impl<J: ?Sized> State<J> {
    fn call(&mut self) -> Call {
        self.watch = None;
        let call = self.staff.call(|| ());
        self.low.0 = self.low.0.min(self.staff.idle());
        call
    }

    /// There is no order.
    #[cold]
    fn rest(&mut self, key: u32) -> Found {
        if self.closed {
            return Found::Dismissed;
        }
        self.staff.rest(key);
        if self.staff.is_idle() && self.staff.idle().max(self.stored) > KEEP {
            self.watch = Some((key, ROUNDS));
            return Found::Again;
        }
        Found::Idle
    }

    /// Half of those who were not needed in this period may go, and of the frames.
    #[cold]
    fn end_period(&mut self, empty: &mut Vec<JobBox<J>>) -> Vec<Waker> {
        let surplus = |low: usize| low.saturating_sub(KEEP).div_ceil(2);
        self.period = 0;
        empty.truncate(empty.len() - surplus(self.low.1));
        let leave = self.staff.dismiss(surplus(self.low.0));
        self.low = (self.staff.idle(), empty.len());
        leave
    }

    /// Gives memory back when most workers have gone.
    fn shrink(&mut self) {
        if self.staff.shrink(KEEP) {
            self.orders.shrink_to(KEEP);
            self.spare = None;
        }
    }
}
