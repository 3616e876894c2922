//! The operations on the slots.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Poll, Waker};

use crate::sync::slots::{Grant, Queue, Refusal};
use crate::world::{CountWakes, Entry, Left, World};

/// The operation of one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Takes a slot or queues for one. With a slot, runs a job and releases the slot.
    Acquire,
    /// Like `Acquire`, but for a job that wants to resume.
    Resume,
    /// Polls a ticket that was queued and polled earlier.
    Collect,
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
    /// Refuses the first ticket that was queued.
    Refuse,
    /// Refuses all waiters.
    RefuseAll,
    /// Waits until the pool is idle.
    WaitAll,
    /// Only reads the state.
    Look,
}

pub(crate) const OPS: [Op; 17] = [
    Op::Acquire,
    Op::Resume,
    Op::Collect,
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
            Op::Collect => return self.poll(entry.unwrap()),
            Op::Release => self.end_job(),
            Op::Lend => {
                self.leave();
                match slots.lend(self.target.unwrap(), Some("loan")) {
                    Ok(waker) => {
                        waker.into_iter().for_each(Waker::wake);
                        self.end_absence();
                    }
                    Err(loan) => {
                        assert_eq!(loan, Some("loan"));
                        self.absent.fetch_sub(1, SeqCst);
                        self.job();
                    }
                }
            }
            Op::Part => {
                self.leave();
                slots.release_absent();
                self.end_absence();
            }
            Op::Cancel(_) | Op::CancelServed => match slots.cancel(entry.unwrap().ticket) {
                Some(Grant::Slot(_)) => slots.release(),
                Some(Grant::Refused) => {}
                None => assert!(op != Op::CancelServed),
            },
            Op::Grow => slots.resize(self.size + 1),
            Op::Shrink => slots.resize(self.size.saturating_sub(1)),
            Op::Close => slots.close(),
            Op::Refuse => slots.refuse(self.target.unwrap()),
            Op::RefuseAll => assert!(slots.refuse_waiters() <= self.tickets),
            Op::WaitAll => {
                let entry = self.enqueue(Queue::Idle).unwrap().unwrap();
                return self.poll(entry);
            }
            Op::Look => {
                assert!(slots.running() <= self.limit + self.kept, "more slots are taken than exist");
                assert!(slots.waiting() <= self.tickets);
                let _ = self.target.map(|ticket| slots.is_alone(ticket));
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

    /// Runs a job if this ticket has been served, and leaves it in the queue otherwise.
    fn poll(&self, mut entry: Entry) -> Left {
        entry.wakes = Arc::new(CountWakes(AtomicUsize::new(0)));
        match self.slots.poll(entry.ticket, &Waker::from(entry.wakes.clone())) {
            Poll::Pending => return Left { entries: vec![entry], ..Left::default() },
            Poll::Ready(Some(Grant::Slot(loan))) => {
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
