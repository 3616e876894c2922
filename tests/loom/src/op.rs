//! The operations on the slots.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Poll, Waker};

use crate::sync::slots::{Cancelled, Enqueued, Grant, Queue, QueuedJob, Refusal};
use crate::world::{CountWakes, Entry, Left, Target, World};

/// The operation of one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Takes a slot or queues for one. With a slot, runs a job and releases the slot.
    Acquire,
    /// Like `Acquire`, but for a job that wants to resume.
    Resume,
    /// Polls a ticket that was queued and polled earlier.
    Collect,
    /// Queues a job, whose ticket nothing owns. If it gets a slot at once, runs it and releases the slot.
    Job,
    /// Polls the ticket of a job that was queued earlier.
    CollectJob,
    /// Takes a job out of the queue that was queued earlier, and whose ticket nothing owns.
    CancelJob,
    /// Ends a job that was already running.
    Release,
    /// A running job lends its slot to the first ticket that was queued, and ends without it. If that ticket wants no
    /// slot, the job ends normally.
    Lend,
    /// A running job releases its slot temporarily, and ends without it.
    Part,
    /// Cancels a queued ticket, unless another thread is serving it.
    Cancel(Queue),
    /// Cancels a ticket that has been served but not polled since.
    CancelServed,
    /// Adds one slot.
    Grow,
    /// Removes one slot.
    Shrink,
    Close,
    /// Refuses the first ticket that was queued, with its job if it has one.
    Refuse,
    /// Refuses all waiters.
    RefuseAll,
    /// Waits until the pool is idle.
    WaitAll,
    /// Only reads the state.
    Look,
}

pub(crate) const OPS: [Op; 20] = [
    Op::Acquire,
    Op::Resume,
    Op::Collect,
    Op::Job,
    Op::CollectJob,
    Op::CancelJob,
    Op::Release,
    Op::Lend,
    Op::Part,
    Op::Cancel(Queue::Start),
    Op::Cancel(Queue::Resume),
    Op::Cancel(Queue::Idle),
    Op::CancelServed,
    Op::Grow,
    Op::Shrink,
    Op::Close,
    Op::Refuse,
    Op::RefuseAll,
    Op::WaitAll,
    Op::Look,
];

impl World {
    /// Runs one operation, with the ticket that was queued for it if it needs one.
    pub(crate) fn run(&self, op: Op, entry: Option<Entry>) -> Left {
        let slots = &self.slots;
        match op {
            Op::Acquire => match slots.try_acquire() {
                Ok(()) => {
                    self.assert_first_in_queue((usize::MAX, 0));
                    self.job();
                }
                Err(Refusal::Full) => return self.acquire(Queue::Start),
                Err(Refusal::Closed) => assert!(self.closes),
            },
            Op::Resume => return self.acquire(Queue::Resume),
            Op::Collect | Op::CollectJob => return self.poll(entry.unwrap()),
            Op::Job => return self.queue_job(),
            Op::CancelJob => {
                let entry = entry.unwrap();
                if let Some(job) = slots.cancel_queued(entry.ticket) {
                    job.refuse();
                }
                return Left { entries: vec![entry], ..Left::default() };
            }
            Op::Release => self.end_job(),
            Op::Lend => self.lend(self.target.as_ref().unwrap()),
            Op::Part => {
                self.leave();
                slots.begin_absence();
                slots.release();
                self.end_absence();
            }
            Op::Cancel(_) | Op::CancelServed => match slots.cancel(entry.unwrap().ticket) {
                Cancelled::Served(Grant::Slot(_)) => slots.release(),
                Cancelled::Served(Grant::Refused) => {}
                Cancelled::Queued(job) => assert!(op != Op::CancelServed && job.is_none()),
                Cancelled::Served(Grant::Begun { .. }) | Cancelled::Gone => panic!("a ticket without a job was lost"),
            },
            Op::Grow => slots.resize(self.size + 1),
            Op::Shrink => slots.resize(self.size.saturating_sub(1)),
            Op::Close => slots.close(),
            Op::Refuse => self.refuse(self.target.as_ref().unwrap()),
            Op::RefuseAll => slots.refuse_waiters(),
            Op::WaitAll => {
                let entry = self.enqueue(Queue::Idle).unwrap().unwrap();
                return self.poll(entry);
            }
            Op::Look => {
                assert!(slots.running() <= self.crew.limit + self.kept, "more slots are taken than exist");
                assert!(slots.waiting() <= self.tickets);
                let _ = self.target.as_ref().map(|target| slots.is_alone(target.ticket));
                if slots.running() == 0 {
                    self.assert_nothing_ran();
                }
                if slots.is_idle() {
                    self.assert_was_idle();
                }
            }
        }
        Left::default()
    }

    fn lend(&self, target: &Target) {
        self.leave();
        match self.slots.lend(target.ticket, "loan", false) {
            Ok(served) => {
                served.run();
                self.end_absence();
            }
            Err(loan) => {
                assert_eq!(loan, "loan");
                self.absent.fetch_sub(1, SeqCst);
                self.job();
            }
        }
    }

    fn refuse(&self, target: &Target) {
        match &target.job {
            None => _ = self.slots.refuse(target.ticket),
            Some(record) => {
                let refused = self.slots.refuse_all(|job| job.is_some_and(|job| Arc::ptr_eq(&job.0, record)));
                assert!(refused.len() <= 1);
                refused.into_iter().for_each(QueuedJob::refuse);
            }
        }
    }

    fn queue_job(&self) -> Left {
        let (record, job) = self.crew.new_job();
        match self.slots.enqueue_job(job, None) {
            Enqueued::Queued(ticket) => {
                let entry = Entry { job: Some(record), ..Entry::new(ticket, Queue::Start) };
                return Left { entries: vec![Entry { owned: false, ..entry }], ..Left::default() };
            }
            Enqueued::Slot(job, _) => {
                assert!(Arc::ptr_eq(&job.0, &record));
                self.assert_first_in_queue((usize::MAX, 0));
                self.job();
            }
            Enqueued::Closed(job) => assert!(self.closes && Arc::ptr_eq(&job.0, &record)),
        }
        Left::default()
    }

    /// Runs a job if this ticket has been served, and leaves it in the queue otherwise.
    fn poll(&self, mut entry: Entry) -> Left {
        entry.wakes = Arc::<CountWakes>::default();
        match self.slots.poll(entry.ticket, &Waker::from(entry.wakes.clone())) {
            Poll::Pending => return Left { entries: vec![entry], ..Left::default() },
            Poll::Ready(Some(grant @ (Grant::Begun { .. } | Grant::Refused))) if entry.job.is_some() => {
                // It is known only at the end what has become of the job: another thread may be about to begin it.
                return Left { collected: vec![(entry, grant)], ..Left::default() };
            }
            Poll::Ready(Some(Grant::Begun { .. })) => panic!("a ticket without a job has begun one"),
            Poll::Ready(Some(Grant::Slot(loan))) => {
                assert!(entry.job.is_none(), "a ticket with a job was given a slot");
                assert!(entry.queue != Queue::Idle, "a waiter for an idle pool was given a slot");
                if loan.is_none() {
                    self.assert_first_in_queue(entry.rank());
                }
                self.job();
            }
            Poll::Ready(Some(Grant::Refused)) if entry.queue == Queue::Idle => {
                self.assert_was_idle();
                return Left { idle: true, ..Left::default() };
            }
            Poll::Ready(Some(Grant::Refused)) => {}
            Poll::Ready(None) => panic!("a ticket was lost"),
        }
        Left::default()
    }

    fn acquire(&self, queue: Queue) -> Left {
        match self.enqueue(queue) {
            Ok(Some(entry)) if queue == Queue::Start => Left { entries: vec![entry], ..Left::default() },
            Ok(Some(entry)) => self.poll(entry),
            Ok(None) => {
                self.assert_first_in_queue((usize::MAX, 0));
                self.job();
                Left::default()
            }
            Err(refusal) => {
                assert!(refusal == Refusal::Closed && queue == Queue::Start && self.closes);
                Left::default()
            }
        }
    }
}
