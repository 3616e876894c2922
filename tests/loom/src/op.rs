//! What is done to the slots.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Poll, Waker};

use crate::sync::slots::{Grant, Queue, Refusal};
use crate::world::{Bell, Left, Place, World};

/// What one thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Takes a slot or queues for it; if it has one, runs a job and gives it back.
    Acquire,
    /// Likewise, as one who wants to go on.
    Resume,
    /// Asks for a ticket that was queued and polled elsewhere before.
    Collect,
    /// Ends a job that was running before.
    Release,
    /// A running job lends its slot to the first ticket that was queued, and ends without it; if that wants none, the job ends.
    Lend,
    /// A running job gives its slot back for a while, and ends without it.
    Part,
    /// Cancels a ticket that is queued, unless another thread serves it just now.
    Cancel(Queue),
    /// Cancels a ticket that has been served and does not know it yet.
    CancelServed,
    /// One slot more than before.
    Grow,
    /// One slot less than before.
    Shrink,
    Close,
    /// Sends the first ticket that was queued home.
    Refuse,
    /// Sends all waiters home.
    RefuseAll,
    /// Waits for the pool to be idle.
    WaitAll,
    /// Only looks.
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
    /// One operation, with the ticket that was queued for it if it needs one.
    pub(crate) fn run(&self, op: Op, place: Option<Place>) -> Left {
        let slots = &self.slots;
        match op {
            Op::Acquire => match slots.try_acquire() {
                Ok(()) => {
                    self.nobody_was_before((usize::MAX, 0));
                    self.job();
                }
                Err(Refusal::Full) => return self.acquire(Queue::Start),
                Err(Refusal::Closed) => assert!(self.closes),
            },
            Op::Resume => return self.acquire(Queue::Resume),
            Op::Collect => return self.poll(place.unwrap()),
            Op::Release => self.end_job(),
            Op::Lend => {
                self.leave();
                match slots.lend(self.aim.unwrap(), Some("loan")) {
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
            Op::Cancel(_) | Op::CancelServed => match slots.cancel(place.unwrap().ticket) {
                Some(Grant::Slot(_)) => slots.release(),
                Some(Grant::Refused) => {}
                None => assert!(op != Op::CancelServed),
            },
            Op::Grow => slots.resize(self.size + 1),
            Op::Shrink => slots.resize(self.size.saturating_sub(1)),
            Op::Close => slots.close(),
            Op::Refuse => slots.refuse(self.aim.unwrap()),
            Op::RefuseAll => assert!(slots.refuse_waiters() <= self.tickets),
            Op::WaitAll => {
                let place = self.queue(Queue::Idle).unwrap().unwrap();
                return self.poll(place);
            }
            Op::Look => {
                assert!(slots.running() <= self.limit + self.kept, "more slots taken than there are");
                assert!(slots.waiting() <= self.tickets);
                let _ = self.aim.map(|ticket| slots.is_alone(ticket));
                if slots.running() == 0 {
                    self.nothing_ran();
                }
                if slots.is_idle() {
                    self.was_idle();
                }
            }
        }
        Left::default()
    }

    /// Runs a job if it is the turn of this ticket, and else leaves it.
    fn poll(&self, mut place: Place) -> Left {
        place.bell = Arc::new(Bell(AtomicUsize::new(0)));
        match self.slots.poll(place.ticket, &Waker::from(place.bell.clone())) {
            Poll::Pending => return Left { places: vec![place], ..Left::default() },
            Poll::Ready(Some(Grant::Slot(loan))) => {
                assert!(place.line != Queue::Idle, "who waits for an idle pool wants no slot");
                if loan.is_none() {
                    self.nobody_was_before(place.rank());
                }
                self.job();
            }
            Poll::Ready(Some(Grant::Refused)) if place.line == Queue::Idle => {
                self.was_idle();
                return Left { idle: true, ..Left::default() };
            }
            Poll::Ready(Some(Grant::Refused)) => {}
            Poll::Ready(None) => panic!("a ticket is gone"),
        }
        Left::default()
    }

    fn acquire(&self, line: Queue) -> Left {
        match self.queue(line) {
            Ok(Some(place)) if line == Queue::Start => Left { places: vec![place], ..Left::default() },
            Ok(Some(place)) => self.poll(place),
            Ok(None) => {
                self.nobody_was_before((usize::MAX, 0));
                self.job();
                Left::default()
            }
            Err(refusal) => {
                assert!(refusal == Refusal::Closed && line == Queue::Start && self.closes);
                Left::default()
            }
        }
    }
}
