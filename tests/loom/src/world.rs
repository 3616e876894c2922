//! The slots, what the model knows about them, and what must hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Ghost, Ordering::SeqCst};
use std::task::{Poll, Wake, Waker};

use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::sync::slots::gates::Hold;
use crate::sync::slots::{Grant, Queue, QueuedJob, Refusal, Slots, Ticket};

/// A waker that counts its wake-ups.
#[derive(Default)]
pub(crate) struct CountWakes(pub(crate) Ghost);

impl Wake for CountWakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// The jobs that run.
#[derive(Default)]
pub(crate) struct Crew {
    /// Number of jobs that can run at once.
    pub(crate) limit: usize,
    /// How many more can run at the end, when a pool of size 0 gets a slot.
    pub(crate) more: Ghost,
    /// Number of running jobs.
    pub(crate) inside: Ghost,
    /// Number of jobs so far, counted by the jobs. If only one runs at a time, each must see the count of the one
    /// before.
    pub(crate) count: AtomicUsize,
    /// Number of jobs so far.
    pub(crate) jobs: Ghost,
}

impl Crew {
    fn enter(&self) {
        let limit = self.limit + self.more.load(SeqCst);
        assert!(self.inside.fetch_add(1, SeqCst) < limit, "more jobs than slots");
    }

    fn leave(&self) {
        self.inside.fetch_sub(1, SeqCst);
    }

    /// A job runs in its slot.
    fn work(&self) {
        if self.limit == 1 {
            let count = self.count.load(Relaxed);
            assert_eq!(
                count,
                self.jobs.fetch_add(1, SeqCst),
                "a job does not see what the previous job in its slot did"
            );
            self.count.store(count + 1, Relaxed);
        }
    }

    /// A job for the queue, and the record of what becomes of it.
    pub(crate) fn new_job(self: &Arc<Self>) -> (Arc<Record>, Job) {
        let record = Arc::new(Record { crew: self.clone(), ..Record::default() });
        (record.clone(), Job(record))
    }
}

/// What has become of a queued job.
#[derive(Default)]
pub(crate) struct Record {
    crew: Arc<Crew>,
    begun: Ghost,
    /// It began in a lent slot.
    lent: Ghost,
    /// It was taken out of the queue.
    refused: Ghost,
}

/// A queued job. It keeps its slot until the end.
pub(crate) struct Job(pub(crate) Arc<Record>);

impl QueuedJob<&'static str> for Job {
    fn begin(self, lender: Option<&'static str>, _key: Option<Hold>) {
        let record = &self.0;
        assert_eq!(record.begun.fetch_add(1, SeqCst), 0, "a job began twice");
        assert_eq!(record.refused.load(SeqCst), 0, "a refused job began");
        record.lent.fetch_add(usize::from(lender.is_some()), SeqCst);
        record.crew.enter();
        record.crew.work();
    }

    fn refuse(self) {
        assert_eq!(self.0.refused.fetch_add(1, SeqCst), 0, "a job was refused twice");
        assert_eq!(self.0.begun.load(SeqCst), 0, "a job that had begun was refused");
    }
}

/// The ticket that some operations are about, and the record of its job.
pub(crate) struct Target {
    pub(crate) ticket: Ticket,
    pub(crate) job: Option<Arc<Record>>,
}

/// A ticket and what the model knows about it.
pub(crate) struct Entry {
    pub(crate) ticket: Ticket,
    pub(crate) queue: Queue,
    pub(crate) wakes: Arc<CountWakes>,
    /// Queued before the operations started.
    pub(crate) early: bool,
    /// The record of the job that came with it.
    pub(crate) job: Option<Arc<Record>>,
    /// Something collects its grant.
    pub(crate) owned: bool,
}

impl Entry {
    /// An owned ticket without a job.
    pub(crate) fn new(ticket: Ticket, queue: Queue) -> Self {
        Entry { ticket, queue, wakes: Arc::default(), early: false, job: None, owned: true }
    }

    /// The order in which tickets must be served, lowest first.
    pub(crate) fn rank(&self) -> (usize, u64) {
        (self.queue as usize, self.ticket.number())
    }

    /// Whether the ticket waits for a slot.
    pub(crate) fn is_queued(&self, slots: &Slots<&'static str, Job>) -> bool {
        self.queue != Queue::Idle && slots.is_queued(self.ticket)
    }
}

/// What a thread leaves behind: slots not released, and tickets not polled to completion.
#[derive(Default)]
pub(crate) struct Left {
    pub(crate) held: usize,
    pub(crate) entries: Vec<Entry>,
    /// Tickets with a job that have been collected, with what became of them.
    pub(crate) collected: Vec<(Entry, Grant<&'static str>)>,
    /// The pool was found idle.
    pub(crate) idle: bool,
}

pub(crate) struct World {
    pub(crate) slots: Slots<&'static str, Job>,
    /// The ranks and tickets of all entries queued before the operations started.
    pub(crate) early: Vec<((usize, u64), Ticket)>,
    /// The target of `Lend` and `Refuse`.
    pub(crate) target: Option<Target>,
    pub(crate) tickets: usize,
    pub(crate) size: usize,
    pub(crate) crew: Arc<Crew>,
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
    pub(crate) fn leave(&self) {
        self.crew.leave();
    }

    /// Ends a job that has a slot, and releases the slot.
    pub(crate) fn end_job(&self) {
        self.crew.work();
        self.leave();
        self.slots.release();
    }

    pub(crate) fn job(&self) {
        self.crew.enter();
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
        if self.crew.limit == 1 {
            assert!(self.crew.count.load(Relaxed) >= self.before_idle, "an idle pool hides what its jobs did");
        }
    }

    pub(crate) fn enqueue(&self, queue: Queue) -> Result<Option<Entry>, Refusal> {
        let wakes = Arc::<CountWakes>::default();
        // A ticket for a new job registers its waker at once. The others register theirs when they are polled.
        let waker = (queue == Queue::Start).then(|| Waker::from(wakes.clone()));
        Ok(self.slots.enqueue(queue, waker)?.map(|ticket| Entry { wakes, ..Entry::new(ticket, queue) }))
    }

    /// Checks what must hold while no operation runs. Removes the served tickets from `left`.
    fn check(&self, left: &mut Left) {
        let slots = &self.slots;
        let entries = std::mem::take(&mut left.entries).into_iter();
        let (queued, served): (Vec<_>, Vec<_>) = entries.partition(|entry| slots.is_queued(entry.ticket));
        for entry in &queued {
            assert_eq!(entry.wakes.0.load(SeqCst), 0, "woken without being served");
            if let Some(record) = &entry.job {
                let fate = (record.begun.load(SeqCst), record.refused.load(SeqCst));
                assert_eq!(fate, (0, 0), "a queued job had begun or was refused");
            }
        }
        for (entry, grant) in std::mem::take(&mut left.collected) {
            self.check_job(&entry, Some(&grant), &queued, left);
        }
        for entry in served {
            self.check_served(&entry, &queued, left);
        }
        let to_begin = queued.iter().filter(|entry| entry.queue == Queue::Start).count();
        let waiting = queued.iter().filter(|entry| entry.queue != Queue::Idle).count();
        left.entries = queued;
        assert_eq!(slots.running(), left.held, "the number of taken slots is wrong");
        assert_eq!(slots.waiting(), to_begin);
        assert_eq!(slots.has_queued(), waiting > 0);
        assert_eq!(slots.head().is_some(), waiting > 0);
        assert_eq!(slots.is_contended(), waiting > 0 || slots.free() < 0);
        assert!(waiting == 0 || slots.free() <= 0, "a slot is free although a ticket waits for it");
        if slots.running() == 0 {
            assert_eq!(left.entries.len(), waiting, "nothing runs, but a waiter for that was not woken");
        }
    }

    fn check_served(&self, entry: &Entry, queued: &[Entry], left: &mut Left) {
        assert_eq!(entry.wakes.0.load(SeqCst), usize::from(entry.owned), "served but not woken exactly once");
        match (self.slots.poll(entry.ticket, Waker::noop()), &entry.job) {
            (Poll::Ready(grant), Some(_)) => self.check_job(entry, grant.as_ref(), queued, left),
            (Poll::Ready(Some(Grant::Slot(loan))), None) => {
                left.held += 1;
                self.check_turn(entry, loan.is_some(), queued, left);
            }
            (Poll::Ready(Some(Grant::Refused)), None) => left.idle |= entry.queue == Queue::Idle,
            (Poll::Ready(Some(Grant::Begun { .. })), None) => panic!("a ticket without a job has begun one"),
            (Poll::Ready(None), None) | (Poll::Pending, _) => panic!("a ticket was lost"),
        }
    }

    /// Checks that a ticket which was served with a slot overtook none, unless the slot was lent.
    fn check_turn(&self, entry: &Entry, lent: bool, queued: &[Entry], left: &Left) {
        let before = |other: &Entry| match (other.queue, entry.queue) {
            (Queue::Idle, _) => false,
            // A ticket that wants to resume may have been queued after this one was served.
            (Queue::Resume, Queue::Start) => other.early,
            _ => other.rank() < entry.rank(),
        };
        assert!(lent || !queued.iter().any(before), "a queued ticket was overtaken");
        // The ticket waited from the start and still has its slot.
        assert!(!(entry.early && self.never_empty && left.idle), "the pool was never idle");
    }

    /// Checks that a job whose ticket has been served has begun once, in a slot that it still has, or was refused.
    fn check_job(&self, entry: &Entry, grant: Option<&Grant<&'static str>>, queued: &[Entry], left: &mut Left) {
        let record = entry.job.as_ref().unwrap();
        let begun = record.begun.load(SeqCst) == 1;
        assert_eq!(begun, record.refused.load(SeqCst) == 0, "a job neither began nor was refused, or both");
        match grant {
            None => assert!(!entry.owned, "a ticket was lost"),
            Some(Grant::Begun { in_own_slot }) => assert!(entry.owned && begun && !in_own_slot),
            Some(Grant::Refused) => assert!(entry.owned && !begun, "its owner finds it refused, but it began"),
            Some(Grant::Slot(_)) => panic!("a ticket with a job was given a slot"),
        }
        if begun {
            left.held += 1;
            self.leave();
            self.check_turn(entry, record.lent.load(SeqCst) > 0, queued, left);
        }
    }

    /// Releases everything, and checks that the slots are back in their initial state.
    pub(crate) fn finish(&self, mut left: Left) {
        let slots = &self.slots;
        // From here on jobs that begin are the only ones that are counted as running.
        (0..self.kept).for_each(|_| self.leave());
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
            self.crew.more.store(1, SeqCst);
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
        if self.crew.limit == 1 {
            assert_eq!(self.crew.count.load(Relaxed), self.crew.jobs.load(SeqCst));
        }
    }
}
