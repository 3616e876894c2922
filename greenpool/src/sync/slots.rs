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
//! `Start`, which holds callers that want to begin a job. The queues are linked lists threaded through one slab, so
//! that entering, leaving and cancelling take constant time, and allocate only when the slab grows.
//!
//! [`Slots::lend`] serves a waiter out of turn with a slot that a job lends it. `running` does not change then, and the
//! grant carries the loan `L`, which names the lender the slot must go back to.
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

use crate::sync::wake::wake;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering};

/// The slots of one pool, and the queues of those that wait for one. `L` names a lender.
pub(crate) struct Slots<L> {
    word: AtomicU64,
    queues: Mutex<Queues<L>>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    key: usize,
    number: u64,
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
    /// No slot: the waiter was refused or, if its ticket was in [`Queue::Idle`], the pool is idle.
    Refused,
}

enum TicketState<L> {
    Queued(Option<Waker>),
    Granted(Grant<L>),
}

struct Node<L> {
    number: u64,
    queue: Queue,
    state: TicketState<L>,
    prev: Option<usize>,
    next: Option<usize>,
}

#[derive(Clone, Copy, Default)]
struct List {
    head: Option<usize>,
    tail: Option<usize>,
    len: usize,
}

struct Queues<L> {
    nodes: Slab<Node<L>>,
    lists: [List; 3],
    last_number: u64,
    absent: usize,
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

impl<L> Slots<L> {
    pub(crate) fn new(size: usize) -> Self {
        Slots {
            word: AtomicU64::new((size.min(MAX_SIZE) as u64) << SIZE_SHIFT),
            queues: Mutex::new(Queues { nodes: Slab::new(), lists: [List::default(); 3], last_number: 0, absent: 0 }),
        }
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
        self.word().is_idle()
    }

    pub(crate) fn free(&self) -> isize {
        let word = self.word();
        word.size() as isize - word.running() as isize
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.word().has(CLOSED)
    }

    /// The number of waiters queued for a slot, to begin or to go on.
    pub(crate) fn waiting(&self) -> usize {
        if !self.word().has(QUEUED) {
            return 0;
        }
        let queues = self.lock();
        queues.lists[Queue::Start as usize].len + queues.lists[Queue::Resume as usize].len
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
    pub(crate) fn enqueue(&self, queue: Queue, waker: Option<&Waker>) -> Result<Option<Ticket>, Refusal> {
        let mut queues = self.lock();
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
                Ok(_) if queue == Queue::Idle => {
                    let ticket = queues.push(queue, waker);
                    // If the pool is idle already, this serves the ticket at once.
                    self.serve_and_unlock(queues);
                    return Ok(Some(ticket));
                }
                Ok(_) if to == word + ONE => return Ok(None),
                Ok(_) => return Ok(Some(queues.push(queue, waker))),
                Err(now) => word = now,
            }
        }
    }

    /// Ready when the ticket has been served, which consumes it. `None` if it was consumed before.
    pub(crate) fn poll(&self, ticket: Ticket, waker: &Waker) -> Poll<Option<Grant<L>>> {
        let mut queues = self.lock();
        let Some(node) = queues.get(ticket) else {
            return Poll::Ready(None);
        };
        match &mut node.state {
            TicketState::Queued(Some(old)) if old.will_wake(waker) => return Poll::Pending,
            TicketState::Queued(old) => {
                let old = old.replace(waker.clone());
                drop(queues);
                drop(old);
                return Poll::Pending;
            }
            TicketState::Granted(_) => {}
        }
        Poll::Ready(queues.take(ticket))
    }

    /// Leaves the queue. If the ticket has been served already, returns the grant, which the caller must pass on.
    pub(crate) fn cancel(&self, ticket: Ticket) -> Option<Grant<L>> {
        let mut queues = self.lock();
        let state = queues.remove(ticket)?;
        // If that was the last waiter, this clears `W` and reopens the fast path.
        self.serve_and_unlock(queues);
        match state {
            TicketState::Queued(_) => None,
            TicketState::Granted(grant) => Some(grant),
        }
    }

    /// Serves a queued ticket out of turn with a lent slot; the lender is absent from now on. The caller must wake the
    /// returned waker once it holds no lock. Returns the loan as an error if the ticket is not queued any longer.
    pub(crate) fn lend(&self, ticket: Ticket, loan: Option<L>) -> Result<Option<Waker>, Option<L>> {
        let mut queues = self.lock();
        match queues.get(ticket) {
            Some(Node { state: TicketState::Queued(_), .. }) => {}
            _ => return Err(loan),
        }
        let waker = queues.grant(ticket.key, Grant::Slot(loan));
        self.add_absent(&mut queues);
        if queues.first().is_none() {
            // AcqRel as for every change under the lock; coherence would do.
            self.word.fetch_and(!QUEUED, Ordering::AcqRel);
        }
        Ok(waker)
    }

    /// Releases the slot of a job that goes on without it and is absent from now on.
    pub(crate) fn release_absent(&self) {
        self.add_absent(&mut self.lock());
        self.release();
    }

    fn add_absent(&self, queues: &mut Queues<L>) {
        queues.absent += 1;
        if queues.absent == 1 {
            // Set before the slot is passed on, so a reading of the word with nothing running has the flag too. AcqRel
            // as for every change under the lock; coherence would do.
            self.word.fetch_or(ABSENT, Ordering::AcqRel);
        }
    }

    /// A job that was absent has a slot again, or has ended. May wake waiters, so call it with no lock held.
    pub(crate) fn end_absence(&self) {
        let mut queues = self.lock();
        queues.absent -= 1;
        if queues.absent == 0 {
            // Release pairs with the Acquire in `word`: a thread that finds the pool idle sees what they did.
            self.word.fetch_and(!ABSENT, Ordering::AcqRel);
            self.serve_and_unlock(queues);
        }
    }

    /// The ticket that gets the next free slot.
    pub(crate) fn head(&self) -> Option<Ticket> {
        let queues = self.lock();
        let key = queues.first()?;
        Some(Ticket { key, number: queues.nodes[key].number })
    }

    /// Whether the ticket belongs to a job that wants to go on.
    pub(crate) fn is_resuming(&self, ticket: Ticket) -> bool {
        self.lock().get(ticket).is_some_and(|node| node.queue == Queue::Resume)
    }

    /// Whether the ticket has not been served yet.
    pub(crate) fn is_queued(&self, ticket: Ticket) -> bool {
        matches!(self.lock().get(ticket), Some(Node { state: TicketState::Queued(_), .. }))
    }

    /// Whether no other ticket is queued for a slot.
    pub(crate) fn is_alone(&self, ticket: Ticket) -> bool {
        let mut queues = self.lock();
        let queued = queues.lists[Queue::Start as usize].len + queues.lists[Queue::Resume as usize].len;
        queued == 0 || queued == 1 && matches!(queues.get(ticket), Some(Node { state: TicketState::Queued(_), .. }))
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

    /// Refuses one queued ticket.
    pub(crate) fn refuse(&self, ticket: Ticket) {
        let mut queues = self.lock();
        if !matches!(queues.get(ticket), Some(Node { state: TicketState::Queued(_), .. })) {
            return;
        }
        let waker = queues.grant(ticket.key, Grant::Refused);
        self.serve_and_unlock(queues);
        wake(waker);
    }

    /// Refuses all waiters in [`Queue::Start`]. Returns their number.
    pub(crate) fn refuse_waiters(&self) -> usize {
        let mut queues = self.lock();
        let mut wakers = Vec::new();
        while let Some(head) = queues.lists[Queue::Start as usize].head {
            wakers.push(queues.grant(head, Grant::Refused));
        }
        self.serve_and_unlock(queues);
        let refused = wakers.len();
        wake(wakers.into_iter().flatten());
        refused
    }

    fn lock(&self) -> MutexGuard<'_, Queues<L>> {
        crate::sync::lock(&self.queues)
    }

    /// Grants free slots to the queue and, if the pool is idle, serves the waiters for that. Then unlocks and wakes.
    fn serve_and_unlock(&self, mut queues: MutexGuard<'_, Queues<L>>) {
        let mut first = None;
        let mut more = Vec::new();
        let mut served = |waker: Option<Waker>| match waker {
            Some(waker) if first.is_none() => first = Some(waker),
            Some(waker) => more.push(waker),
            None => {}
        };
        let word = loop {
            let word = self.word();
            match queues.first() {
                Some(head) if word.has_room() => {
                    // While `W` is set only the holder of the lock takes slots, so the room cannot be gone by now.
                    // Acquire pairs with the Release in `release_deferred`; the lock passes that on to the waiter.
                    self.word.fetch_add(ONE, Ordering::AcqRel);
                    served(queues.grant(head, Grant::Slot(None)));
                }
                _ => break word,
            }
        };
        // This is the reading that showed no room for the queue. A slot that has come back since is the queue's, and
        // must not make the pool look idle. So if this reading is idle, nothing is queued or the pool has size 0.
        if word.is_idle() {
            while let Some(head) = queues.lists[Queue::Idle as usize].head {
                served(queues.grant(head, Grant::Refused));
            }
        }
        let queued = if queues.first().is_none() { word.0 & QUEUED } else { 0 };
        let idle_waiters = if queues.lists[Queue::Idle as usize].head.is_none() { word.0 & IDLE_WAITERS } else { 0 };
        if queued | idle_waiters != 0 {
            // AcqRel as for every change under the lock; coherence would do.
            self.word.fetch_and(!(queued | idle_waiters), Ordering::AcqRel);
        }
        queues.trim();
        drop(queues);
        wake(first.into_iter().chain(more));
    }
}

impl<L> Queues<L> {
    fn get(&mut self, ticket: Ticket) -> Option<&mut Node<L>> {
        self.nodes.get_mut(ticket.key).filter(|node| node.number == ticket.number)
    }

    /// The node that gets the next free slot.
    fn first(&self) -> Option<usize> {
        self.lists[Queue::Resume as usize].head.or(self.lists[Queue::Start as usize].head)
    }

    fn push(&mut self, queue: Queue, waker: Option<&Waker>) -> Ticket {
        self.last_number += 1;
        let number = self.last_number;
        let lists = self.lists[queue as usize];
        let state = TicketState::Queued(waker.cloned());
        let key = self.nodes.insert(Node { number, queue, state, prev: lists.tail, next: None });
        match lists.tail {
            Some(tail) => self.nodes[tail].next = Some(key),
            None => self.lists[queue as usize].head = Some(key),
        }
        self.lists[queue as usize].tail = Some(key);
        self.lists[queue as usize].len += 1;
        Ticket { key, number }
    }

    /// Takes a node out of its list. It stays in the slab.
    fn unlink(&mut self, key: usize) {
        let Node { queue, prev, next, .. } = self.nodes[key];
        match prev {
            Some(prev) => self.nodes[prev].next = next,
            None => self.lists[queue as usize].head = next,
        }
        match next {
            Some(next) => self.nodes[next].prev = prev,
            None => self.lists[queue as usize].tail = prev,
        }
        self.lists[queue as usize].len -= 1;
    }

    /// Serves a queued node, whose owner will collect the grant.
    fn grant(&mut self, key: usize, grant: Grant<L>) -> Option<Waker> {
        self.unlink(key);
        match std::mem::replace(&mut self.nodes[key].state, TicketState::Granted(grant)) {
            TicketState::Queued(waker) => waker,
            TicketState::Granted(_) => None,
        }
    }

    /// Consumes a served ticket, and returns its grant.
    fn take(&mut self, ticket: Ticket) -> Option<Grant<L>> {
        match self.nodes.remove(ticket.key).state {
            TicketState::Granted(grant) => Some(grant),
            TicketState::Queued(_) => None,
        }
    }

    fn remove(&mut self, ticket: Ticket) -> Option<TicketState<L>> {
        if let TicketState::Queued(_) = self.get(ticket)?.state {
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
