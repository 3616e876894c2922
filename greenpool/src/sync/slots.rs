//! The slots of one pool: a fair, resizable counting semaphore.
//!
//! # Implementation details
//!
//! One atomic word holds everything the fast paths need: the number of slots taken (`running`), the number of slots
//! (`size`), and four flags. Taking a free slot and releasing one are each a single atomic operation on that word.
//!
//! ```text
//!  63          34 33           4   3   2   1   0
//! +--------------+--------------+---+---+---+---+
//! |     size     |   running    | A | C | I | W |
//! +--------------+--------------+---+---+---+---+
//!   W  a waiter is queued      I  a waiter for idleness is queued      C  closed      A  a job is absent
//! ```
//!
//! `size` and `running` share the word, so `free = size - running` is one consistent reading. It may be negative: after
//! a shrink the pool is in debt until enough slots have come back.
//!
//! While `W` is set, no fast path takes a slot. Only the holder of the queue's lock does, and it grants slots from the
//! head of the queue, so nothing overtakes a waiter. A releaser that observed `W` takes the lock and serves the queue.
//! A waiter sets `W` with a compare-and-swap that succeeds only while no slot is free. So one of the two sees the
//! other. `I` works in the same way for waiters that wait for the pool to be idle.
//!
//! Two queues wait for slots. `Resume` holds jobs that gave up their slot and need one to go on. It comes before
//! `Start`, which holds jobs that have not begun. The queues are linked lists threaded through one slab, so that
//! entering, leaving and cancelling take constant time, and allocate only when the slab grows.
//!
//! A ticket may come with the job `J` that it is for. Then the job begins when the ticket is served, whether or not
//! anything polls the ticket. Such a `J` may stand for several jobs that are queued one behind the other. The ticket is
//! then served once for each of them, and nothing collects it.
//!
//! [`Slots::lend`] serves a waiter out of turn with a slot that a job lends it. `running` does not change then, and the
//! grant carries the loan `L`, which names the lender the slot must go back to.
//!
//! Jobs begin, and wakers are cloned, woken and dropped, with no lock held.
//!
//! A job is *absent* if it has not ended and has no slot, because it lent the slot or gave it back for a while. A pool
//! with an absent job is not idle. The queue's lock guards the number of absent jobs. The word says whether there are
//! any, so that idleness is one consistent reading too.
//!
//! # Memory orderings
//!
//! Every write to the word is a read-modify-write. So a later one always sees the flags that an earlier one set, and
//! release sequences never break. What a job did is published by the Release in `release_deferred` or, if the job was
//! absent, in `end_absence`; it is seen through the Acquire of whichever operation takes the slot or finds the pool
//! idle. A grant reaches its waiter through the queue's lock. Changes made with that lock held are `AcqRel` throughout.
//! Where such a change touches only a flag, the coherence of the word alone would do.

use std::task::{Poll, Waker};

use slab::Slab;

use crate::sync::slots::gates::{GateId, Gates, Hold};
use crate::sync::wake::{register, wake};
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering};

pub(crate) mod gates;
pub(crate) mod keyed;
mod loans;

/// The slots of one pool, and the queues of those that wait for one. `L` names a lender.
pub(crate) struct Slots<L, J = Never> {
    word: AtomicU64,
    queues: Mutex<Queues<L, J>>,
    /// Whether there is a limit by key.
    keyed: bool,
}

/// A job that is queued for a slot, or several, one behind the other.
pub(crate) trait QueuedJob<L>: Sized {
    /// The job begins in a slot, which is a loan if it has a lender, and has a key if that is not `None`.
    fn begin(self, lender: Option<L>, key: Option<Hold>);

    /// The jobs never begin.
    fn refuse(self);

    /// How many jobs that nothing waits for this is, or 0 if it is a job that something waits for.
    fn calls(&self) -> usize {
        0
    }

    /// Takes out the first job, if this is several.
    fn split_first(&mut self) -> Option<Self> {
        None
    }
}

/// No job: its tickets are all collected by what queued them.
pub(crate) enum Never {}

impl<L> QueuedJob<L> for Never {
    fn begin(self, _lender: Option<L>, _key: Option<Hold>) {
        match self {}
    }

    fn refuse(self) {
        match self {}
    }
}

/// Why no slot could be taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// All slots are taken, or a waiter is queued for the next one.
    Full,
    /// The pool is closed.
    Closed,
}

/// The queue that a ticket is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Jobs that gave up their slot and need one to go on. They come first.
    Resume = 0,
    /// Callers that want to begin a job.
    Start = 1,
    /// Waiters for the pool to be idle. They never get a slot.
    Idle = 2,
}

/// A place in a queue. Its owner must call [`Slots::poll`] until that is ready, or [`Slots::cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ticket {
    key: usize,
    number: u64,
    /// The gate of its key, if it has one.
    gate: Option<GateId>,
}

#[cfg(loom)]
impl Ticket {
    /// Tickets are numbered in the order in which they were queued.
    pub(crate) fn number(self) -> u64 {
        self.number
    }
}

/// How a queued ticket was served.
#[derive(Debug)]
pub(crate) enum Grant<L> {
    /// One of the pool's own slots, or one that `L` has lent.
    Slot(Option<L>),
    /// The job that came with the ticket has begun. The slot may be that of the job that owns the ticket.
    Begun { in_own_slot: bool },
    /// No slot: the waiter was refused or, if its ticket was in [`Queue::Idle`], the pool is idle.
    Refused,
}

enum TicketState<L, J> {
    Queued { waker: Option<Waker>, job: Option<J> },
    Served(Grant<L>),
}

/// What collects the grant of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Collector {
    /// Nothing: the ticket is gone when it is served.
    Nothing,
    /// A task of greenpool, which comes as soon as it is woken.
    Task,
    /// A future of the user, which comes if it is polled.
    Caller,
}

impl Collector {
    /// Of a ticket with a job: what is woken collects how that was served.
    fn of(waker: Option<&Waker>) -> Self {
        if waker.is_some() { Collector::Caller } else { Collector::Nothing }
    }
}

struct Node<L, J> {
    number: u64,
    queue: Queue,
    /// The gate of its key, if it has one.
    gate: Option<GateId>,
    /// Whether it is one of `lists`. Otherwise the gates have it.
    listed: bool,
    collector: Collector,
    state: TicketState<L, J>,
    prev: Option<usize>,
    next: Option<usize>,
}

/// The outcome of [`Slots::enqueue_job`] and its like.
pub(crate) enum Enqueued<J> {
    /// A slot was free, and the key, if there is one. The caller has both, and must begin the job.
    Slot(J, Option<Hold>),
    Queued(Ticket),
    /// The pool is closed.
    Closed(J),
}

/// What [`Slots::cancel`] found.
pub(crate) enum Cancelled<L, J> {
    /// The ticket was queued, perhaps with this job.
    Queued(Option<J>),
    /// It had been served. The caller must pass on a slot.
    Served(Grant<L>),
    /// It was consumed before.
    Gone,
}

/// What has to be done for served tickets, with no lock held.
#[must_use]
pub(crate) struct Served<L, J> {
    job: Option<(J, Option<L>, Option<Hold>)>,
    waker: Option<Waker>,
    /// A waker to be dropped.
    unwoken: Option<Waker>,
    more: Vec<Served<L, J>>,
}

impl<L, J> Default for Served<L, J> {
    fn default() -> Self {
        Served { job: None, waker: None, unwoken: None, more: Vec::new() }
    }
}

impl<L, J> Served<L, J> {
    fn push(&mut self, served: Self) {
        if self.job.is_none() && self.waker.is_none() {
            *self = served;
        } else {
            self.more.push(served);
        }
    }
}

impl<L, J: QueuedJob<L>> Served<L, J> {
    /// Begins the jobs and wakes the waiters.
    pub(crate) fn run(self) {
        let Served { job, waker, unwoken, more } = self;
        drop(unwoken);
        if let Some((job, lender, key)) = job {
            job.begin(lender, key);
        }
        wake(waker);
        if !more.is_empty() {
            more.into_iter().for_each(Served::run);
        }
    }
}

#[derive(Clone, Copy, Default)]
struct List {
    head: Option<usize>,
    tail: Option<usize>,
    /// A node of several calls counts as so many. Those that the gates have are counted, too.
    len: usize,
}

struct Queues<L, J> {
    nodes: Slab<Node<L, J>>,
    lists: [List; 3],
    last_number: u64,
    absent: usize,
    /// How many of those queued to begin are [calls](QueuedJob::calls).
    calls: usize,
    /// What a pool with a limit by key has.
    gates: Option<Box<Gates<L>>>,
}

const QUEUED: u64 = 1;
const IDLE_WAITERS: u64 = 1 << 1;
const CLOSED: u64 = 1 << 2;
const ABSENT: u64 = 1 << 3;
const RUNNING_SHIFT: u32 = 4;
const SIZE_SHIFT: u32 = 34;
const FIELD: u64 = (1 << 30) - 1;
const ONE: u64 = 1 << RUNNING_SHIFT;

/// The largest size of a pool. A larger one is reduced to this.
pub(crate) const MAX_SIZE: usize = FIELD as usize;

/// An empty slab with more capacity than this is dropped.
const MAX_EMPTY_NODES: usize = 1024;

#[derive(Clone, Copy)]
struct Word(u64);

impl Word {
    fn running(self) -> u64 {
        (self.0 >> RUNNING_SHIFT) & FIELD
    }
    fn size(self) -> u64 {
        self.0 >> SIZE_SHIFT
    }
    fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }
    fn has_room(self) -> bool {
        self.running() < self.size()
    }
    fn is_idle(self) -> bool {
        self.running() == 0 && !self.has(ABSENT)
    }
}

impl<L, J: QueuedJob<L>> Slots<L, J> {
    #[cfg(any(loom, all(test, not(shuttle))))]
    pub(crate) fn new(size: usize) -> Self {
        Self::with_keys(size, None)
    }

    /// At most `per_key` jobs of each key run at once.
    pub(crate) fn with_keys(size: usize, per_key: Option<usize>) -> Self {
        let word = AtomicU64::new((size.min(MAX_SIZE) as u64) << SIZE_SHIFT);
        let gates = per_key.map(|limit| Box::new(Gates::new(limit)));
        Slots { word, keyed: gates.is_some(), queues: Mutex::new(Queues::new(gates)) }
    }

    fn word(&self) -> Word {
        // Acquire pairs with the Release in `release_deferred`, `end_absence`, `resize` and `close`: a thread that
        // finds the pool idle, resized or closed sees what the jobs did, or what came before the resize or the closing.
        Word(self.word.load(Ordering::Acquire))
    }

    pub(crate) fn size(&self) -> usize {
        self.word().size() as usize
    }

    pub(crate) fn running(&self) -> usize {
        self.word().running() as usize
    }

    /// Whether no job is left, neither with a slot nor absent.
    pub(crate) fn is_idle(&self) -> bool {
        self.word().is_idle() && self.parked() == 0
    }

    pub(crate) fn free(&self) -> isize {
        let word = self.word();
        word.size() as isize - word.running() as isize
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.word().has(CLOSED)
    }

    /// The number of waiters queued for a slot to begin a job in.
    pub(crate) fn waiting(&self) -> usize {
        if self.may_wait() { self.lock().lists[Queue::Start as usize].len } else { 0 }
    }

    /// How many of these are [calls](QueuedJob::calls).
    pub(crate) fn calls(&self) -> usize {
        if self.may_wait() { self.lock().calls } else { 0 }
    }

    fn may_wait(&self) -> bool {
        self.keyed || self.word().has(QUEUED)
    }

    /// The number of slots that were granted to a caller who has not collected them yet, and perhaps never will.
    pub(crate) fn uncollected(&self) -> usize {
        let is_slot = |node: &Node<L, J>| {
            node.collector == Collector::Caller && matches!(node.state, TicketState::Served(Grant::Slot(_)))
        };
        self.lock().nodes.iter().filter(|(_, node)| is_slot(node)).count()
    }

    /// Whether a ticket is queued for a slot, to begin or to go on.
    pub(crate) fn has_queued(&self) -> bool {
        self.word().has(QUEUED)
    }

    /// Whether a waiter is queued or the pool is in debt. Then a holder should not keep its slot for another job.
    pub(crate) fn is_contended(&self) -> bool {
        let word = self.word();
        word.has(QUEUED) || word.running() > word.size()
    }

    /// Whether a holder can certainly keep its slot for another job: nothing is queued, the pool is open and not in
    /// debt, and its size is still `size`.
    #[inline]
    pub(crate) fn can_keep(&self, size: usize) -> bool {
        let word = self.word();
        !word.has(QUEUED | CLOSED) && word.size() == size as u64 && word.running() <= word.size()
    }

    /// Takes a slot if one is free and nothing is queued.
    #[inline]
    pub(crate) fn try_acquire(&self) -> Result<(), Refusal> {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if Word(word).has(CLOSED) {
                return Err(Refusal::Closed);
            }
            if Word(word).has(QUEUED) || !Word(word).has_room() {
                return Err(Refusal::Full);
            }
            // Acquire pairs with the Release in `release_deferred`: the new holder sees what the last one did.
            match self.word.compare_exchange_weak(word, word + ONE, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => word = now,
            }
        }
    }

    /// Releases a slot, and serves the queue if needed.
    #[inline]
    pub(crate) fn release(&self) {
        if self.release_deferred() {
            self.serve();
        }
    }

    /// Releases a slot. Returns whether the caller must now call [`serve`](Self::serve), because a waiter may want it.
    #[inline]
    #[must_use]
    pub(crate) fn release_deferred(&self) -> bool {
        // The Release half pairs with the Acquire of the operation that takes the slot or finds the pool idle. SeqCst
        // pairs with `AwaitedBy::add` and the fence in `deadlock::resolve`: a releaser changes this word, then asks
        // whether a job waits for the pool; a job registers its wait, then reads this word. One of them sees the other.
        let before = Word(self.word.fetch_sub(ONE, Ordering::SeqCst));
        debug_assert!(before.running() > 0, "a slot was released twice");
        before.has(QUEUED) || (before.has(IDLE_WAITERS) && before.running() == 1)
    }

    /// Grants free slots to the queue and, if the pool is idle, wakes the waiters for that.
    pub(crate) fn serve(&self) {
        self.serve_and_unlock(self.lock());
    }

    /// Takes a place in `queue`, or a slot if one is free and nothing is queued; then it returns no ticket. `waker` is
    /// woken when the ticket is served.
    pub(crate) fn enqueue(&self, queue: Queue, waker: Option<Waker>) -> Result<Option<Ticket>, Refusal> {
        self.enqueue_for(Collector::Task, queue, waker)
    }

    /// Does the same for that collector.
    pub(crate) fn enqueue_for(
        &self,
        collector: Collector,
        queue: Queue,
        waker: Option<Waker>,
    ) -> Result<Option<Ticket>, Refusal> {
        let mut queues = self.lock();
        if !self.mark_queued(queue)? {
            return Ok(None);
        }
        let ticket = queues.push(queue, None, TicketState::Queued { waker, job: None }, collector);
        if queue == Queue::Idle {
            // If the pool is idle already, this serves the ticket at once.
            self.serve_and_unlock(queues);
        }
        Ok(Some(ticket))
    }

    /// Queues a job, unless a slot is free and nothing is queued. If there is no `waker`, nothing collects the ticket:
    /// it is gone when it is served.
    pub(crate) fn enqueue_job(&self, job: J, waker: Option<Waker>) -> Enqueued<J> {
        let mut queues = self.lock();
        match self.mark_queued(Queue::Start) {
            Err(_) => Enqueued::Closed(job),
            Ok(false) => Enqueued::Slot(job, None),
            Ok(true) => {
                let collector = Collector::of(waker.as_ref());
                let state = TicketState::Queued { waker, job: Some(job) };
                Enqueued::Queued(queues.push(Queue::Start, None, state, collector))
            }
        }
    }

    /// Queues a call, unless a slot is free and nothing is queued. `join` adds it to what is last in the queue, if that
    /// takes it; otherwise `make` makes a ticket's job of it. Both run under the lock. Nothing collects the ticket.
    pub(crate) fn enqueue_call<C>(
        &self,
        call: C,
        join: impl FnOnce(&mut J, C) -> Result<(), C>,
        make: impl FnOnce(C) -> J,
    ) -> Enqueued<C> {
        let mut queues = self.lock();
        match self.mark_queued(Queue::Start) {
            Err(_) => Enqueued::Closed(call),
            Ok(false) => Enqueued::Slot(call, None),
            Ok(true) => Enqueued::Queued(queues.push_call(call, join, make)),
        }
    }

    /// Notes in the word that a ticket is about to be pushed. The caller must hold the lock. Returns false if it took a
    /// slot instead.
    fn mark_queued(&self, queue: Queue) -> Result<bool, Refusal> {
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            let to = match queue {
                Queue::Start if Word(word).has(CLOSED) => return Err(Refusal::Closed),
                Queue::Idle => word | IDLE_WAITERS,
                _ if !Word(word).has(QUEUED) && Word(word).has_room() => word + ONE,
                _ => word | QUEUED,
            };
            // Acquire pairs with the Release in `release_deferred`, as in `try_acquire`. If this sets a flag instead,
            // the next `release_deferred` sees it, since both are read-modify-writes of one word.
            match self.word.compare_exchange_weak(word, to, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(to != word + ONE),
                Err(now) => word = now,
            }
        }
    }

    /// Ready when the ticket has been served, which consumes it. `None` if it was consumed before.
    pub(crate) fn poll(&self, ticket: Ticket, waker: &Waker) -> Poll<Option<Grant<L>>> {
        self.poll_node(ticket, waker, |queues| queues.take(ticket)).map(Option::flatten)
    }

    /// Ready when the ticket has been served. That does not consume it, so another ticket may be
    /// [served instead](Self::regrant).
    pub(crate) fn poll_served(&self, ticket: Ticket, waker: &Waker) -> Poll<()> {
        self.poll_node(ticket, waker, |_| ()).map(|_| ())
    }

    #[inline]
    fn poll_node<R>(
        &self,
        ticket: Ticket,
        waker: &Waker,
        served: impl FnOnce(&mut Queues<L, J>) -> R,
    ) -> Poll<Option<R>> {
        let mut clone = None;
        loop {
            let mut queues = self.lock();
            let Some(node) = queues.get(ticket) else {
                return Poll::Ready(None);
            };
            let TicketState::Queued { waker: place, .. } = &mut node.state else {
                return Poll::Ready(Some(served(&mut queues)));
            };
            if register(place, waker, &mut clone) {
                return Poll::Pending;
            }
            drop(queues);
            clone = Some(waker.clone());
        }
    }

    /// Leaves the queue.
    pub(crate) fn cancel(&self, ticket: Ticket) -> Cancelled<L, J> {
        let mut queues = self.lock();
        let Some(state) = queues.remove(ticket) else {
            return Cancelled::Gone;
        };
        // If that was the last waiter, this clears `W` and reopens the fast path.
        self.serve_and_unlock(queues);
        match state {
            TicketState::Queued { waker, job } => {
                drop(waker);
                Cancelled::Queued(job)
            }
            TicketState::Served(grant) => Cancelled::Served(grant),
        }
    }

    /// Takes a job out of the queue, if it has not begun. If the ticket has an owner, the owner finds it refused.
    pub(crate) fn cancel_queued(&self, ticket: Ticket) -> Option<J> {
        let mut queues = self.lock();
        if !queues.is_queued(ticket) {
            return None;
        }
        let (job, served) = queues.refuse(ticket.key);
        self.serve_and_unlock(queues);
        served.run();
        job
    }

    /// The ticket that gets the next free slot. If all tickets are parked, the first of these.
    pub(crate) fn head(&self) -> Option<Ticket> {
        let queues = self.lock();
        let key = queues.first().or_else(|| queues.first_parked())?;
        Some(queues.ticket(key))
    }

    /// Whether the ticket belongs to a job that wants to go on.
    pub(crate) fn is_resuming(&self, ticket: Ticket) -> bool {
        self.lock().get(ticket).is_some_and(|node| node.queue == Queue::Resume)
    }

    /// Whether the ticket has not been served yet.
    pub(crate) fn is_queued(&self, ticket: Ticket) -> bool {
        self.lock().is_queued(ticket)
    }

    /// Whether the ticket has been served with a slot, which has not been collected yet.
    pub(crate) fn has_slot(&self, ticket: Ticket) -> bool {
        matches!(self.lock().get(ticket), Some(Node { state: TicketState::Served(Grant::Slot(_)), .. }))
    }

    /// Whether no other ticket is queued for a slot.
    pub(crate) fn is_alone(&self, ticket: Ticket) -> bool {
        let mut queues = self.lock();
        let queued = queues.lists[Queue::Start as usize].len + queues.lists[Queue::Resume as usize].len;
        let queued = queued - queues.count_parked();
        queued == 0 || queued == 1 && queues.is_queued(ticket)
    }

    /// Sets the size, at most [`MAX_SIZE`]. New slots go to the queue at once; missing ones become debt.
    pub(crate) fn resize(&self, size: usize) {
        let queues = self.lock();
        let size = (size.min(MAX_SIZE) as u64) << SIZE_SHIFT;
        let rest = (1 << SIZE_SHIFT) - 1;
        // Release pairs with the Acquire in `word`: a thread that reads the new size sees what came before.
        let _ = self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| Some(word & rest | size));
        self.serve_and_unlock(queues);
    }

    /// Refuses new callers. Those in the queue keep their turn.
    pub(crate) fn close(&self) {
        // Release pairs with the Acquire in `word`: a thread that finds the pool closed sees what came before.
        self.word.fetch_or(CLOSED, Ordering::AcqRel);
    }

    /// Accepts new callers again.
    pub(crate) fn reopen(&self) {
        // Release as in `close`.
        self.word.fetch_and(!CLOSED, Ordering::AcqRel);
    }

    /// Refuses a ticket, which must have no job, if it is queued. Returns whether it was.
    pub(crate) fn refuse(&self, ticket: Ticket) -> bool {
        let mut queues = self.lock();
        if !queues.is_queued(ticket) {
            return false;
        }
        let (_, served) = queues.refuse(ticket.key);
        self.serve_and_unlock(queues);
        served.run();
        true
    }

    /// Refuses all calls.
    pub(crate) fn refuse_calls(&self) {
        self.refuse_all(|job| job.is_some_and(|job| job.calls() > 0)).into_iter().for_each(QueuedJob::refuse);
    }

    /// Refuses all waiters in [`Queue::Start`].
    pub(crate) fn refuse_waiters(&self) {
        self.refuse_all(|_| true).into_iter().for_each(QueuedJob::refuse);
    }

    /// Refuses the tickets in [`Queue::Start`] that `refuses` is true for, and returns their jobs.
    pub(crate) fn refuse_all(&self, refuses: impl Fn(Option<&J>) -> bool) -> Vec<J> {
        let mut queues = self.lock();
        let (mut jobs, mut all) = (Vec::new(), Served::default());
        for key in queues.start_keys() {
            if let TicketState::Queued { job, .. } = &queues.nodes[key].state {
                if refuses(job.as_ref()) {
                    let (job, served) = queues.refuse(key);
                    jobs.extend(job);
                    all.push(served);
                }
            }
        }
        self.serve_and_unlock(queues);
        all.run();
        jobs
    }

    fn lock(&self) -> MutexGuard<'_, Queues<L, J>> {
        crate::sync::lock(&self.queues)
    }

    /// Grants free slots to the queue and, if the pool is idle, serves the waiters for that. Then unlocks and wakes.
    fn serve_and_unlock(&self, mut queues: MutexGuard<'_, Queues<L, J>>) {
        let mut served = Served::default();
        if queues.has_returned() {
            // AcqRel as for every change under the lock. A releaser that does not see it has released its slot before,
            // so this sees the slot.
            self.word.fetch_or(QUEUED, Ordering::AcqRel);
        }
        let word = loop {
            let word = self.word();
            match queues.first() {
                Some(head) if word.has_room() => {
                    // While `W` is set only the holder of the lock takes slots, so the room cannot be gone by now.
                    // Acquire pairs with the Release in `release_deferred`; the lock passes that on to the waiter.
                    self.word.fetch_add(ONE, Ordering::AcqRel);
                    served.push(queues.grant(head, Grant::Slot(None), false));
                }
                _ => break word,
            }
        };
        // This is the reading that showed no room for the queue. A slot that has come back since is the queue's, and
        // must not make the pool look idle. So if this reading is idle, nothing is queued or the pool has size 0.
        // Nor if a call is parked: a job of its key has released its slot, and is about to release the key.
        if word.is_idle() && queues.count_parked() == 0 {
            while let Some(head) = queues.lists[Queue::Idle as usize].head {
                served.push(queues.grant(head, Grant::Refused, false));
            }
        }
        let queued = if queues.first().is_none() { word.0 & QUEUED } else { 0 };
        let idle_waiters = if queues.lists[Queue::Idle as usize].head.is_none() { word.0 & IDLE_WAITERS } else { 0 };
        if queued | idle_waiters != 0 {
            // AcqRel as for every change under the lock; coherence would do.
            self.word.fetch_and(!(queued | idle_waiters), Ordering::AcqRel);
        }
        queues.trim();
        let garbage = queues.take_garbage();
        drop(queues);
        drop(garbage);
        served.run();
    }
}

impl<L, J: QueuedJob<L>> Queues<L, J> {
    fn new(gates: Option<Box<Gates<L>>>) -> Self {
        Queues { nodes: Slab::new(), lists: [List::default(); 3], last_number: 0, absent: 0, calls: 0, gates }
    }

    fn get(&mut self, ticket: Ticket) -> Option<&mut Node<L, J>> {
        self.nodes.get_mut(ticket.key).filter(|node| node.number == ticket.number)
    }

    fn is_queued(&mut self, ticket: Ticket) -> bool {
        matches!(self.get(ticket), Some(Node { state: TicketState::Queued { .. }, .. }))
    }

    fn ticket(&self, key: usize) -> Ticket {
        let Node { number, gate, .. } = self.nodes[key];
        Ticket { key, number, gate }
    }

    /// The node that gets the next free slot.
    #[inline]
    fn first(&self) -> Option<usize> {
        let head = self.lists[Queue::Resume as usize].head;
        if self.gates.is_none() || head.is_some() {
            return head.or(self.lists[Queue::Start as usize].head);
        }
        self.first_of_line()
    }

    fn push(&mut self, queue: Queue, gate: Option<GateId>, state: TicketState<L, J>, collector: Collector) -> Ticket {
        self.last_number += 1;
        let number = self.last_number;
        let tail = self.lists[queue as usize].tail;
        let node = Node { number, queue, gate, listed: true, collector, state, prev: tail, next: None };
        let key = self.nodes.insert(node);
        match tail {
            Some(tail) => self.nodes[tail].next = Some(key),
            None => self.lists[queue as usize].head = Some(key),
        }
        self.lists[queue as usize].tail = Some(key);
        self.lists[queue as usize].len += 1;
        Ticket { key, number, gate }
    }

    /// Puts a node that is in no list into that of its queue again, before those that came later.
    fn link_again(&mut self, key: usize) {
        let Node { number, queue, .. } = self.nodes[key];
        let list = queue as usize;
        let (mut prev, mut next) = (None, self.lists[list].head);
        while let Some(later) = next.filter(|&other| self.nodes[other].number < number) {
            (prev, next) = (Some(later), self.nodes[later].next);
        }
        match prev {
            Some(prev) => self.nodes[prev].next = Some(key),
            None => self.lists[list].head = Some(key),
        }
        match next {
            Some(next) => self.nodes[next].prev = Some(key),
            None => self.lists[list].tail = Some(key),
        }
        self.lists[list].len += 1;
        let node = &mut self.nodes[key];
        (node.listed, node.prev, node.next) = (true, prev, next);
    }

    /// Adds a call to the last ticket in [`Queue::Start`], if that takes it; otherwise pushes a ticket for it.
    fn push_call<C>(
        &mut self,
        call: C,
        join: impl FnOnce(&mut J, C) -> Result<(), C>,
        make: impl FnOnce(C) -> J,
    ) -> Ticket {
        self.calls += 1;
        let list = &mut self.lists[Queue::Start as usize];
        // A call that steps aside for its key keeps its turn among those that come later.
        let is_last = |node: &Node<L, J>| !self.gates.as_ref().is_some_and(|gates| gates.has_later(node.number));
        let last = list.tail.map(|key| (key, &mut self.nodes[key])).filter(|(_, node)| is_last(node));
        let call = match last {
            Some((key, Node { number, gate: None, state: TicketState::Queued { job: Some(job), .. }, .. })) => {
                match join(job, call) {
                    Ok(()) => {
                        list.len += 1;
                        return Ticket { key, number: *number, gate: None };
                    }
                    Err(call) => call,
                }
            }
            _ => call,
        };
        self.push(Queue::Start, None, TicketState::Queued { waker: None, job: Some(make(call)) }, Collector::Nothing)
    }

    /// Takes a queued node out of its list. It stays in the slab.
    fn unlink(&mut self, key: usize) {
        let Node { queue, ref state, .. } = self.nodes[key];
        let calls = if let TicketState::Queued { job: Some(job), .. } = state { job.calls() } else { 0 };
        self.lists[queue as usize].len -= calls.max(1);
        self.calls -= calls;
        self.unlist(key);
        self.dequeue_key(key);
    }

    /// Takes a node out of its list, if it is in one.
    fn unlist(&mut self, key: usize) {
        let Node { queue, prev, next, ref mut listed, .. } = self.nodes[key];
        if !std::mem::replace(listed, false) {
            return;
        }
        match prev {
            Some(prev) => self.nodes[prev].next = next,
            None => self.lists[queue as usize].head = next,
        }
        match next {
            Some(next) => self.nodes[next].prev = prev,
            None => self.lists[queue as usize].tail = prev,
        }
    }

    /// Serves a queued node with a slot or, if it is in [`Queue::Idle`], with the news. Its owner, if it has one, will
    /// collect the grant. With `lends_key`, its key is that of a job that has lent it.
    fn grant(&mut self, key: usize, grant: Grant<L>, lends_key: bool) -> Served<L, J> {
        let grant = match (grant, self.split_first(key)) {
            (Grant::Slot(lender), Some(first)) => {
                return Served { job: Some((first, lender, None)), ..Served::default() };
            }
            (grant, _) => grant,
        };
        let hold = self.begin_key(key, lends_key);
        let (waker, job) = self.end_wait(key);
        let (grant, job) = match (grant, job) {
            (Grant::Slot(lender), Some(job)) => (Grant::Begun { in_own_slot: false }, Some((job, lender, hold))),
            (grant, _) => (grant, None),
        };
        self.settle(key, grant);
        Served { job, waker, unwoken: None, more: Vec::new() }
    }

    /// Takes out the first job of a queued node that has several.
    fn split_first(&mut self, key: usize) -> Option<J> {
        let TicketState::Queued { job: Some(jobs), .. } = &mut self.nodes[key].state else { return None };
        let first = jobs.split_first()?;
        self.lists[Queue::Start as usize].len -= 1;
        self.calls -= 1;
        Some(first)
    }

    /// Refuses a queued node. Returns its job.
    fn refuse(&mut self, key: usize) -> (Option<J>, Served<L, J>) {
        let (waker, job) = self.end_wait(key);
        self.settle(key, Grant::Refused);
        (job, Served { job: None, waker, unwoken: None, more: Vec::new() })
    }

    fn end_wait(&mut self, key: usize) -> (Option<Waker>, Option<J>) {
        self.unlink(key);
        match &mut self.nodes[key].state {
            TicketState::Queued { waker, job } => (waker.take(), job.take()),
            TicketState::Served(_) => (None, None),
        }
    }

    fn settle(&mut self, key: usize, grant: Grant<L>) {
        if self.nodes[key].collector == Collector::Nothing {
            self.nodes.remove(key);
        } else {
            self.nodes[key].state = TicketState::Served(grant);
        }
    }

    /// Consumes a served ticket, and returns its grant.
    fn take(&mut self, ticket: Ticket) -> Option<Grant<L>> {
        let state = self.nodes.remove(ticket.key).state;
        self.trim();
        match state {
            TicketState::Served(grant) => Some(grant),
            TicketState::Queued { .. } => None,
        }
    }

    fn remove(&mut self, ticket: Ticket) -> Option<TicketState<L, J>> {
        if let TicketState::Queued { .. } = self.get(ticket)?.state {
            self.unlink(ticket.key);
        }
        Some(self.nodes.remove(ticket.key).state)
    }

    fn trim(&mut self) {
        if self.nodes.is_empty() && self.nodes.capacity() > MAX_EMPTY_NODES {
            self.nodes = Slab::new();
        }
    }
}

#[cfg(all(test, not(loom), not(shuttle)))]
mod tests;
