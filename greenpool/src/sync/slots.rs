//! The slots of one pool: a signed, resizable, first come first served semaphore.
//!
//! # Implementation details
//!
//! One atomic word holds all that the fast paths need: how many slots are taken (`running`), how many there are
//! (`size`), and four flags. A free slot is taken, and a slot is given back, by one atomic operation on that word.
//!
//! ```text
//!  63          34 33           4   3   2   1   0
//! +--------------+--------------+---+---+---+---+
//! |     size     |   running    | A | C | I | W |
//! +--------------+--------------+---+---+---+---+
//!   W  somebody is queued      I  somebody waits for the pool to be idle      C  closed      A  a job is absent
//! ```
//!
//! `size` and `running` stand side by side, so `free = size - running` is one consistent reading and may be negative:
//! after a shrink the pool is in debt until enough slots have come back.
//!
//! While `W` is set no fast path takes a slot; only the holder of the queue's lock does, and it gives them to the head of the
//! queue. That is why nobody can overtake a waiter. Who gives a slot back and saw `W` in the word takes the lock and hands over;
//! who queues sets `W` by compare-and-swap on a word that showed no free slot, so either it sees the slot that came
//! back, or the one who brings it back sees `W`. `I` works in the same way for those who
//! wait for the pool to be idle.
//!
//! There are two queues. Resume are jobs that have lent their slot and want to go on; they come before waiters, who want to begin.
//! The queues are lists threaded through one slab: entering, leaving and cancelling cost the same at any length, and
//! allocate only when the slab has never been so long.
//!
//! A waiter may also be served out of turn with a slot that somebody *lends* it ([`Slots::lend`]). Then `running` does not change, and
//! the grant carries the loan `L`, which says whom to give the slot back to.
//!
//! A job that is not over and has no slot, since it has lent it or has given it back for a while, is *absent*. A pool with one is not idle. The
//! queue's lock guards their number; the word says whether there are any, so that idleness, too, is one consistent reading.

use std::task::{Poll, Waker};

use slab::Slab;

use crate::sync::wake::wake;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering};

const QUEUED: u64 = 1;
const IDLE_WAITERS: u64 = 1 << 1;
const CLOSED: u64 = 1 << 2;
const ABSENT: u64 = 1 << 3;
const RUNNING_SHIFT: u32 = 4;
const SIZE_SHIFT: u32 = 34;
const FIELD: u64 = (1 << 30) - 1;
const ONE: u64 = 1 << RUNNING_SHIFT;

/// The largest size of a pool; larger ones are taken as this.
pub(crate) const MAX_SIZE: usize = FIELD as usize;

/// A slab that was once this long gives its memory back when it has become empty.
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

/// Why no slot could be taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// All slots are taken, or somebody is queued for the next one.
    Full,
    /// The pool is closed.
    Closed,
}

/// Which queue a ticket stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Jobs that gave their slot away and want to go on. They come first.
    Resume = 0,
    /// Callers who want to begin a job.
    Start = 1,
    /// Those who wait for the pool to be idle; they never get a slot.
    Idle = 2,
}

/// A place in a queue. It must be handed to [`Slots::poll`] until that is ready, or to [`Slots::cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    key: usize,
    number: u64,
}

#[cfg(loom)]
impl Ticket {
    /// Who came first has less.
    pub(crate) fn number(self) -> u64 {
        self.number
    }
}

/// What a queued ticket ended with.
#[derive(Debug)]
pub(crate) enum Grant<L> {
    /// A slot of the pool's own, or one that `L` has lent.
    Slot(Option<L>),
    /// The queue was sent home.
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
    numbers: u64,
    absent: usize,
}

pub(crate) struct Slots<L> {
    word: AtomicU64,
    queues: Mutex<Queues<L>>,
}

impl<L> Slots<L> {
    pub(crate) fn new(size: usize) -> Self {
        Slots {
            word: AtomicU64::new((size.min(MAX_SIZE) as u64) << SIZE_SHIFT),
            queues: Mutex::new(Queues { nodes: Slab::new(), lists: [List::default(); 3], numbers: 0, absent: 0 }),
        }
    }

    fn word(&self) -> Word {
        // Acquire pairs with the Release of whoever wrote the word: what a job did before it gave its slot back is
        // seen by who finds the pool idle or takes that slot.
        Word(self.word.load(Ordering::Acquire))
    }

    pub(crate) fn size(&self) -> usize {
        self.word().size() as usize
    }

    pub(crate) fn running(&self) -> usize {
        self.word().running() as usize
    }

    /// Whether no job is left, with a slot or without.
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

    /// How many callers are queued for a slot, to begin or to go on.
    pub(crate) fn waiting(&self) -> usize {
        if !self.word().has(QUEUED) {
            return 0;
        }
        let queues = self.lock();
        queues.lists[Queue::Start as usize].len + queues.lists[Queue::Resume as usize].len
    }

    /// Whether somebody is queued, or the pool is in debt: then a holder should not keep its slot for a further job.
    pub(crate) fn is_contended(&self) -> bool {
        let word = self.word();
        word.has(QUEUED) || word.running() > word.size()
    }

    /// Whether there are `size` slots, and a holder may keep one without any doubt: nobody is queued, there is no debt, and the pool is open.
    #[inline]
    pub(crate) fn can_keep(&self, size: usize) -> bool {
        let word = self.word();
        !word.has(QUEUED | CLOSED) && word.size() == size as u64 && word.running() <= word.size()
    }

    /// Takes a slot if one is free and nobody is queued.
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
            // Acquire pairs with the Release in `release`: the new holder sees what the last one did.
            match self.word.compare_exchange_weak(word, word + ONE, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => word = now,
            }
        }
    }

    /// Gives a slot back: to the head of the queue, if there is one.
    #[inline]
    pub(crate) fn release(&self) {
        if self.release_deferred() {
            self.serve();
        }
    }

    /// Gives a slot back, and says whether somebody waits for that: then [`serve`](Self::serve) is to be called.
    #[inline]
    #[must_use]
    pub(crate) fn release_deferred(&self) -> bool {
        // Release pairs with the Acquire of whoever reads the word next; who hands over below reads it anew. SeqCst, since who gives a slot
        // back then asks whether some job waits for the pool, and who waits says so before it reads this.
        let before = Word(self.word.fetch_sub(ONE, Ordering::SeqCst));
        debug_assert!(before.running() > 0, "a slot was given back twice");
        before.has(QUEUED) || (before.has(IDLE_WAITERS) && before.running() == 1)
    }

    /// Hands free slots to the queue, and tells those who wait for the pool to be idle if it is.
    pub(crate) fn serve(&self) {
        self.serve_and_unlock(self.lock());
    }

    /// Takes a place in `queue`, or a slot if one is free and nobody is queued (then there is no ticket). When the ticket is served that wakes `waker`.
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
            // AcqRel: a slot taken here is as good as one from `try_acquire`, and a flag set here must be seen by
            // the next `release`.
            match self.word.compare_exchange_weak(word, to, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) if queue == Queue::Idle => {
                    let ticket = queues.push(queue, waker);
                    // Perhaps nothing runs already; then the ticket is served at once.
                    self.serve_and_unlock(queues);
                    return Ok(Some(ticket));
                }
                Ok(_) if to == word + ONE => return Ok(None),
                Ok(_) => return Ok(Some(queues.push(queue, waker))),
                Err(now) => word = now,
            }
        }
    }

    /// Asks whether the ticket has been served; if so it is used up. `None`: it already was.
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

    /// Leaves the queue. If the ticket had been served, the grant comes back and is the caller's to give on.
    pub(crate) fn cancel(&self, ticket: Ticket) -> Option<Grant<L>> {
        let mut queues = self.lock();
        let state = queues.remove(ticket)?;
        // The head may have been the last in the queue; then the flag goes, and so the fast path is open again.
        self.serve_and_unlock(queues);
        match state {
            TicketState::Queued(_) => None,
            TicketState::Granted(grant) => Some(grant),
        }
    }

    /// Serves a queued ticket out of turn with a slot that is lent; the caller wakes the waker when it holds no lock, and the lender is absent
    /// from now on. Gives the loan back if the ticket wants none any more.
    pub(crate) fn lend(&self, ticket: Ticket, loan: Option<L>) -> Result<Option<Waker>, Option<L>> {
        let mut queues = self.lock();
        match queues.get(ticket) {
            Some(Node { state: TicketState::Queued(_), .. }) => {}
            _ => return Err(loan),
        }
        let waker = queues.grant(ticket.key, Grant::Slot(loan));
        self.add_absent(&mut queues);
        if queues.first().is_none() {
            self.word.fetch_and(!QUEUED, Ordering::AcqRel);
        }
        Ok(waker)
    }

    /// Gives the slot of a job back that goes on without it, and is absent from now on.
    pub(crate) fn release_absent(&self) {
        self.add_absent(&mut self.lock());
        self.release();
    }

    fn add_absent(&self, queues: &mut Queues<L>) {
        queues.absent += 1;
        if queues.absent == 1 {
            // With the lock held, and before the slot is given on: who finds nothing running sees this.
            self.word.fetch_or(ABSENT, Ordering::AcqRel);
        }
    }

    /// A job that was absent has a slot again, or is over. Wakes others.
    pub(crate) fn end_absence(&self) {
        let mut queues = self.lock();
        queues.absent -= 1;
        if queues.absent == 0 {
            self.word.fetch_and(!ABSENT, Ordering::AcqRel);
            self.serve_and_unlock(queues);
        }
    }

    /// Who is to have the next free slot.
    pub(crate) fn head(&self) -> Option<Ticket> {
        let queues = self.lock();
        let key = queues.first()?;
        Some(Ticket { key, number: queues.nodes[key].number })
    }

    /// Whether the ticket is of somebody who wants to go on.
    pub(crate) fn is_resuming(&self, ticket: Ticket) -> bool {
        self.lock().get(ticket).is_some_and(|node| node.queue == Queue::Resume)
    }

    /// Whether the ticket still waits.
    pub(crate) fn is_queued(&self, ticket: Ticket) -> bool {
        matches!(self.lock().get(ticket), Some(Node { state: TicketState::Queued(_), .. }))
    }

    /// Whether all that are queued is this ticket.
    pub(crate) fn is_alone(&self, ticket: Ticket) -> bool {
        let mut queues = self.lock();
        let queued = queues.lists[Queue::Start as usize].len + queues.lists[Queue::Resume as usize].len;
        queued == 0 || queued == 1 && matches!(queues.get(ticket), Some(Node { state: TicketState::Queued(_), .. }))
    }

    /// Sets the size; new slots go to the head of the queue at once, missing ones become debt.
    pub(crate) fn resize(&self, size: usize) {
        let queues = self.lock();
        let size = (size.min(MAX_SIZE) as u64) << SIZE_SHIFT;
        let rest = (1 << SIZE_SHIFT) - 1;
        // Release: who reads the new size sees what was done before the resize.
        let _ = self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| Some(word & rest | size));
        self.serve_and_unlock(queues);
    }

    /// Takes no new acquirers; those in the queue keep their turn.
    pub(crate) fn close(&self) {
        self.word.fetch_or(CLOSED, Ordering::AcqRel);
    }

    /// Sends one queued ticket home.
    pub(crate) fn refuse(&self, ticket: Ticket) {
        let mut queues = self.lock();
        if !matches!(queues.get(ticket), Some(Node { state: TicketState::Queued(_), .. })) {
            return;
        }
        let waker = queues.grant(ticket.key, Grant::Refused);
        self.serve_and_unlock(queues);
        wake(waker);
    }

    /// Sends all waiters home.
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

    /// With the lock held: gives free slots to the queue, and tells the idlers if no job is left. Then unlocks and wakes.
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
                    // While QUEUED is set only the lock's holder adds, so the room that was seen cannot be gone.
                    self.word.fetch_add(ONE, Ordering::AcqRel);
                    served(queues.grant(head, Grant::Slot(None)));
                }
                _ => break word,
            }
        };
        // The same reading that showed no room for the queue: a slot that comes back just now is the queue's, and the
        // pool is not idle. So here either nobody is queued, or the pool has size 0.
        if word.is_idle() {
            while let Some(head) = queues.lists[Queue::Idle as usize].head {
                served(queues.grant(head, Grant::Refused));
            }
        }
        let queued = if queues.first().is_none() { word.0 & QUEUED } else { 0 };
        let idle_waiters = if queues.lists[Queue::Idle as usize].head.is_none() { word.0 & IDLE_WAITERS } else { 0 };
        if queued | idle_waiters != 0 {
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

    /// Who is to have the next free slot.
    fn first(&self) -> Option<usize> {
        self.lists[Queue::Resume as usize].head.or(self.lists[Queue::Start as usize].head)
    }

    fn push(&mut self, queue: Queue, waker: Option<&Waker>) -> Ticket {
        self.numbers += 1;
        let number = self.numbers;
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

    /// Takes a node out of its list; it stays in the slab.
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

    /// Serves a queued node; its owner will come for the grant.
    fn grant(&mut self, key: usize, grant: Grant<L>) -> Option<Waker> {
        self.unlink(key);
        match std::mem::replace(&mut self.nodes[key].state, TicketState::Granted(grant)) {
            TicketState::Queued(waker) => waker,
            TicketState::Granted(_) => None,
        }
    }

    /// The grant of a served ticket, which is used up.
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
