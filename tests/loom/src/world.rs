//! The slots, what is known about them, and what has to hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Ghost, Ordering::SeqCst};
use std::task::{Poll, Wake, Waker};

use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::sync::slots::{Grant, Queue, Refusal, Slots, Ticket};

/// Counts how often it was woken.
pub(crate) struct Bell(pub(crate) Ghost);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A ticket and what is known about it.
pub(crate) struct Place {
    pub(crate) ticket: Ticket,
    pub(crate) line: Queue,
    pub(crate) bell: Arc<Bell>,
    /// In the queue before the operations began.
    pub(crate) early: bool,
}

impl Place {
    /// Who is to be served sooner has less.
    pub(crate) fn rank(&self) -> (usize, u64) {
        (self.line as usize, self.ticket.number())
    }

    /// Whether it waits for a slot.
    pub(crate) fn is_queued(&self, slots: &Slots<&'static str>) -> bool {
        self.line != Queue::Idle && slots.is_queued(self.ticket)
    }
}

/// What a thread has not given back: slots, and tickets that nobody has come for.
#[derive(Default)]
pub(crate) struct Left {
    pub(crate) held: usize,
    pub(crate) places: Vec<Place>,
    /// The pool has been found idle.
    pub(crate) idle: bool,
}

pub(crate) struct World {
    pub(crate) slots: Slots<&'static str>,
    /// The ranks and tickets of all that were queued before the operations began.
    pub(crate) early: Vec<((usize, u64), Ticket)>,
    /// Where `Lend` and `Refuse` go.
    pub(crate) aim: Option<Ticket>,
    pub(crate) tickets: usize,
    pub(crate) size: usize,
    /// So many jobs can run at once.
    pub(crate) limit: usize,
    /// The jobs that run.
    pub(crate) inside: Ghost,
    /// The jobs that have been, counted by themselves: if only one runs at a time, each sees the count of the last one.
    pub(crate) count: AtomicUsize,
    /// The jobs that have been.
    pub(crate) jobs: Ghost,
    /// The jobs that are, or will be, without a slot before they end.
    pub(crate) absent: Ghost,
    /// A slot that stays taken while the operations run.
    pub(crate) kept: usize,
    /// How many jobs have to be over before the pool can be idle.
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

    /// Has a slot, uses it and gives it back.
    pub(crate) fn end_job(&self) {
        if self.limit == 1 {
            let count = self.count.load(Relaxed);
            assert_eq!(count, self.jobs.fetch_add(1, SeqCst), "a job does not see what the last one in its slot did");
            self.count.store(count + 1, Relaxed);
        }
        self.leave();
        self.slots.release();
    }

    pub(crate) fn job(&self) {
        self.enter();
        self.end_job();
    }

    /// Somebody got a slot in turn: nobody may have been before it and still be queued.
    pub(crate) fn nobody_was_before(&self, rank: (usize, u64)) {
        if self.early.is_empty() {
            return;
        }
        if let Some(head) = self.slots.head() {
            let overtaken = self.early.iter().any(|(early, ticket)| *ticket == head && *early < rank);
            assert!(!overtaken, "somebody queued was overtaken");
        }
    }

    /// A job that has no slot comes to its end.
    pub(crate) fn end_absence(&self) {
        self.absent.fetch_sub(1, SeqCst);
        self.slots.end_absence();
    }

    /// Somebody was told that the pool is idle.
    pub(crate) fn was_idle(&self) {
        assert_eq!(self.absent.load(SeqCst), 0, "a job had no slot, and was not over");
        self.nothing_ran();
    }

    /// No slot was taken.
    pub(crate) fn nothing_ran(&self) {
        assert!(self.kept == 0, "the pool never was idle");
        if self.limit == 1 {
            assert!(self.count.load(Relaxed) >= self.before_idle, "an idle pool hides what its jobs did");
        }
    }

    pub(crate) fn queue(&self, line: Queue) -> Result<Option<Place>, Refusal> {
        let bell = Arc::new(Bell(Ghost::new(0)));
        // Who wants to begin a job says at once how it is to be woken; others look once more for that.
        let waker = (line == Queue::Start).then(|| Waker::from(bell.clone()));
        Ok(self.slots.enqueue(line, waker.as_ref())?.map(|ticket| Place { ticket, line, bell, early: false }))
    }

    /// What has to hold when nobody does anything. Takes what has been served out of `left`.
    fn check(&self, left: &mut Left) {
        let slots = &self.slots;
        let places = std::mem::take(&mut left.places).into_iter();
        let (queued, served): (Vec<_>, Vec<_>) = places.partition(|place| slots.is_queued(place.ticket));
        for place in &queued {
            assert_eq!(place.bell.0.load(SeqCst), 0, "woken for nothing");
        }
        for place in served {
            self.check_served(&place, &queued, left);
        }
        let waiting = queued.iter().filter(|place| place.line != Queue::Idle).count();
        left.places = queued;
        assert_eq!(slots.running(), left.held, "a slot was lost or made");
        assert_eq!(slots.waiting(), waiting);
        assert_eq!(slots.head().is_some(), waiting > 0);
        assert_eq!(slots.is_contended(), waiting > 0 || slots.free() < 0);
        assert!(waiting == 0 || slots.free() <= 0, "a slot is free and somebody waits for it");
        if slots.running() == 0 {
            assert_eq!(left.places.len(), waiting, "nothing runs, and somebody still waits for that");
        }
    }

    fn check_served(&self, place: &Place, queued: &[Place], left: &mut Left) {
        assert_eq!(place.bell.0.load(SeqCst), 1, "served and not woken, or more than once");
        match self.slots.poll(place.ticket, Waker::noop()) {
            Poll::Ready(Some(Grant::Slot(loan))) => {
                left.held += 1;
                let before = |other: &Place| match (other.line, place.line) {
                    (Queue::Idle, _) => false,
                    // Who wants to go on may have come when this one had been served.
                    (Queue::Resume, Queue::Start) => other.early,
                    _ => other.rank() < place.rank(),
                };
                assert!(loan.is_some() || !queued.iter().any(before), "somebody queued was overtaken");
                // It waited from the beginning and still has its slot.
                assert!(!(place.early && self.never_empty && left.idle), "the pool never was idle");
            }
            Poll::Ready(Some(Grant::Refused)) => left.idle |= place.line == Queue::Idle,
            Poll::Ready(None) | Poll::Pending => panic!("a ticket is gone"),
        }
    }

    /// Gives everything back, and looks whether all is as it was at first.
    pub(crate) fn finish(&self, mut left: Left) {
        let slots = &self.slots;
        // Those who wait for an idle pool first, so that `idle` is known when the others are looked at.
        left.places.sort_by_key(|place| place.line != Queue::Idle);
        self.check(&mut left);
        loop {
            while left.held > 0 {
                left.held -= 1;
                slots.release();
                left.idle = false;
                self.check(&mut left);
            }
            if left.places.is_empty() {
                break;
            }
            assert_eq!(slots.size(), 0, "somebody is never served");
            slots.resize(1);
            self.check(&mut left);
        }
        slots.resize(1);
        assert_eq!((slots.free(), slots.running(), slots.is_closed()), (1, 0, self.closes));
        match slots.try_acquire() {
            Ok(()) => slots.release(),
            Err(refusal) => assert!(refusal == Refusal::Closed && self.closes),
        }
        // If something counts jobs, a job that this one comes after was the last to do so.
        if self.limit == 1 {
            assert_eq!(self.count.load(Relaxed), self.jobs.load(SeqCst));
        }
    }
}
