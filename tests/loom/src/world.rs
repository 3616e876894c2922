//! The slots, what the model knows about them, and what must hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Ghost, Ordering::SeqCst};
use std::task::{Poll, Wake, Waker};

use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::sync::slots::{Grant, Queue, Refusal, Slots, Ticket};

/// A waker that counts its wake-ups.
pub(crate) struct CountWakes(pub(crate) Ghost);

impl Wake for CountWakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A ticket and what the model knows about it.
pub(crate) struct Entry {
    pub(crate) ticket: Ticket,
    pub(crate) queue: Queue,
    pub(crate) wakes: Arc<CountWakes>,
    /// Queued before the operations started.
    pub(crate) early: bool,
}

impl Entry {
    /// The order in which tickets must be served, lowest first.
    pub(crate) fn rank(&self) -> (usize, u64) {
        (self.queue as usize, self.ticket.number())
    }

    /// Whether the ticket waits for a slot.
    pub(crate) fn is_queued(&self, slots: &Slots<&'static str>) -> bool {
        self.queue != Queue::Idle && slots.is_queued(self.ticket)
    }
}

/// What a thread leaves behind: slots not released, and tickets not polled to completion.
#[derive(Default)]
pub(crate) struct Left {
    pub(crate) held: usize,
    pub(crate) entries: Vec<Entry>,
    /// The pool was found idle.
    pub(crate) idle: bool,
}

pub(crate) struct World {
    pub(crate) slots: Slots<&'static str>,
    /// The ranks and tickets of all entries queued before the operations started.
    pub(crate) early: Vec<((usize, u64), Ticket)>,
    /// The target of `Lend` and `Refuse`.
    pub(crate) target: Option<Ticket>,
    pub(crate) tickets: usize,
    pub(crate) size: usize,
    /// Number of jobs that can run at once.
    pub(crate) limit: usize,
    /// Number of running jobs.
    pub(crate) inside: Ghost,
    /// Number of jobs so far, counted by the jobs. If only one runs at a time, each must see the count of the one
    /// before.
    pub(crate) count: AtomicUsize,
    /// Number of jobs so far.
    pub(crate) jobs: Ghost,
    /// Number of jobs that have, or will have, no slot before they end.
    pub(crate) absent: Ghost,
    /// Number of slots that stay taken while the operations run.
    pub(crate) kept: usize,
    /// Number of jobs that must end before the pool can be idle.
    pub(crate) before_idle: usize,
    /// The size is never 0.
    pub(crate) never_empty: bool,
    pub(crate) closes: bool,
}

impl World {
    fn enter(&self) {
        assert!(self.inside.fetch_add(1, SeqCst) < self.limit, "more jobs than slots");
    }

    pub(crate) fn leave(&self) {
        self.inside.fetch_sub(1, SeqCst);
    }

    /// Ends a job that has a slot, and releases the slot.
    pub(crate) fn end_job(&self) {
        if self.limit == 1 {
            let count = self.count.load(Relaxed);
            assert_eq!(
                count,
                self.jobs.fetch_add(1, SeqCst),
                "a job does not see what the previous job in its slot did"
            );
            self.count.store(count + 1, Relaxed);
        }
        self.leave();
        self.slots.release();
    }

    pub(crate) fn job(&self) {
        self.enter();
        self.end_job();
    }

    /// Called when a ticket got a slot in queue order. Checks that no earlier ticket is still queued.
    pub(crate) fn assert_first_in_queue(&self, rank: (usize, u64)) {
        if self.early.is_empty() {
            return;
        }
        if let Some(head) = self.slots.head() {
            let overtaken = self.early.iter().any(|(early, ticket)| *ticket == head && *early < rank);
            assert!(!overtaken, "a queued ticket was overtaken");
        }
    }

    /// Ends a job that has no slot.
    pub(crate) fn end_absence(&self) {
        self.absent.fetch_sub(1, SeqCst);
        self.slots.end_absence();
    }

    /// Called when a waiter found the pool idle.
    pub(crate) fn assert_was_idle(&self) {
        assert_eq!(self.absent.load(SeqCst), 0, "a job without a slot had not ended");
        self.assert_nothing_ran();
    }

    /// Called when no slot was taken.
    pub(crate) fn assert_nothing_ran(&self) {
        assert!(self.kept == 0, "the pool was never idle");
        if self.limit == 1 {
            assert!(self.count.load(Relaxed) >= self.before_idle, "an idle pool hides what its jobs did");
        }
    }

    pub(crate) fn enqueue(&self, queue: Queue) -> Result<Option<Entry>, Refusal> {
        let wakes = Arc::new(CountWakes(Ghost::new(0)));
        // A ticket for a new job registers its waker at once. The others register theirs when they are polled.
        let waker = (queue == Queue::Start).then(|| Waker::from(wakes.clone()));
        Ok(self.slots.enqueue(queue, waker.as_ref())?.map(|ticket| Entry { ticket, queue, wakes, early: false }))
    }

    /// Checks what must hold while no operation runs. Removes the served tickets from `left`.
    fn check(&self, left: &mut Left) {
        let slots = &self.slots;
        let entries = std::mem::take(&mut left.entries).into_iter();
        let (queued, served): (Vec<_>, Vec<_>) = entries.partition(|entry| slots.is_queued(entry.ticket));
        for entry in &queued {
            assert_eq!(entry.wakes.0.load(SeqCst), 0, "woken without being served");
        }
        for entry in served {
            self.check_served(&entry, &queued, left);
        }
        let waiting = queued.iter().filter(|entry| entry.queue != Queue::Idle).count();
        left.entries = queued;
        assert_eq!(slots.running(), left.held, "the number of taken slots is wrong");
        assert_eq!(slots.waiting(), waiting);
        assert_eq!(slots.head().is_some(), waiting > 0);
        assert_eq!(slots.is_contended(), waiting > 0 || slots.free() < 0);
        assert!(waiting == 0 || slots.free() <= 0, "a slot is free although a ticket waits for it");
        if slots.running() == 0 {
            assert_eq!(left.entries.len(), waiting, "nothing runs, but a waiter for that was not woken");
        }
    }

    fn check_served(&self, entry: &Entry, queued: &[Entry], left: &mut Left) {
        assert_eq!(entry.wakes.0.load(SeqCst), 1, "served but not woken exactly once");
        match self.slots.poll(entry.ticket, Waker::noop()) {
            Poll::Ready(Some(Grant::Slot(loan))) => {
                left.held += 1;
                let before = |other: &Entry| match (other.queue, entry.queue) {
                    (Queue::Idle, _) => false,
                    // A ticket that wants to resume may have been queued after this one was served.
                    (Queue::Resume, Queue::Start) => other.early,
                    _ => other.rank() < entry.rank(),
                };
                assert!(loan.is_some() || !queued.iter().any(before), "a queued ticket was overtaken");
                // The ticket waited from the start and still has its slot.
                assert!(!(entry.early && self.never_empty && left.idle), "the pool was never idle");
            }
            Poll::Ready(Some(Grant::Refused)) => left.idle |= entry.queue == Queue::Idle,
            Poll::Ready(None) | Poll::Pending => panic!("a ticket was lost"),
        }
    }

    /// Releases everything, and checks that the slots are back in their initial state.
    pub(crate) fn finish(&self, mut left: Left) {
        let slots = &self.slots;
        // Check the waiters for an idle pool first, so that `idle` is known when the others are checked.
        left.entries.sort_by_key(|entry| entry.queue != Queue::Idle);
        self.check(&mut left);
        loop {
            while left.held > 0 {
                left.held -= 1;
                slots.release();
                left.idle = false;
                self.check(&mut left);
            }
            if left.entries.is_empty() {
                break;
            }
            assert_eq!(slots.size(), 0, "a ticket is never served");
            slots.resize(1);
            self.check(&mut left);
        }
        slots.resize(1);
        assert_eq!((slots.free(), slots.running(), slots.is_closed()), (1, 0, self.closes));
        match slots.try_acquire() {
            Ok(()) => slots.release(),
            Err(refusal) => assert!(refusal == Refusal::Closed && self.closes),
        }
        // If only one job runs at a time, this thread must see the count of the last one.
        if self.limit == 1 {
            assert_eq!(self.count.load(Relaxed), self.jobs.load(SeqCst));
        }
    }
}
