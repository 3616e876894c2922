//! A place in a pool's queue, from which it is served in turn or by a loan.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::lending::context::member_of;
use crate::lending::deadlock;
use crate::sync::slots::{Collector, Grant, Queue, Refusal, Ticket};

/// A queued ticket. Dropping it leaves the queue, and passes on a slot that was already granted.
pub(crate) struct Waiter {
    inner: Arc<Inner>,
    ticket: Ticket,
}

/// The outcome of [`Waiter::acquire`].
pub(crate) enum Acquired {
    /// The caller has a slot.
    Now,
    Queued(Waiter),
    /// The pool is closed.
    Closed,
}

impl Waiter {
    /// Takes a slot if one is free, and queues otherwise. Then the caller must offer the ticket to those that may lend
    /// their slots, and search for deadlocks. This itself may be called under a lock.
    pub(crate) fn acquire(inner: &Arc<Inner>, collector: Collector) -> Acquired {
        match inner.slots.try_acquire() {
            Ok(()) => return Acquired::Now,
            Err(Refusal::Closed) => return Acquired::Closed,
            Err(Refusal::Full) => {}
        }
        match inner.slots.enqueue_for(collector, Queue::Start, None) {
            Ok(None) => Acquired::Now,
            Err(_) => Acquired::Closed,
            Ok(Some(ticket)) => Acquired::Queued(Waiter { inner: inner.clone(), ticket }),
        }
    }

    /// Ready when the ticket has been served: with the lender if the slot is a loan, or with an error if it was
    /// refused.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Arc<Member>>, Refused>> {
        self.inner.slots.poll(self.ticket, cx.waker()).map(|grant| match grant {
            Some(Grant::Slot(lender)) => Ok(lender),
            Some(Grant::Begun { .. } | Grant::Refused) | None => Err(Refused),
        })
    }

    /// Ready when the ticket has been served, which does not collect it.
    pub(crate) fn poll_served(&self, waker: &Waker) -> Poll<()> {
        self.inner.slots.poll_served(self.ticket, waker)
    }

    /// Collects the ticket, if it has been served and no other one has got its slot since.
    pub(crate) fn collect(&mut self) -> Poll<Result<Option<Arc<Member>>, Refused>> {
        self.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// A reference for those that wait for the job that this will become.
    pub(crate) fn waiter_ref(&self) -> WaiterRef {
        WaiterRef { inner: self.inner.clone(), ticket: self.ticket }
    }
}

/// A reference to a queued ticket that another task owns, or that nothing owns.
#[derive(Clone)]
pub(crate) struct WaiterRef {
    inner: Arc<Inner>,
    ticket: Ticket,
}

impl WaiterRef {
    pub(crate) fn new(inner: &Arc<Inner>, ticket: Ticket) -> Self {
        WaiterRef { inner: inner.clone(), ticket }
    }

    /// Takes the job of the ticket out of the queue and drops it, unless it has begun.
    pub(crate) fn cancel(&self) {
        let cancelled = self.inner.slots.cancel_queued(self.ticket);
        drop(cancelled);
        deadlock::reconsider(&self.inner);
    }

    /// The job that runs here waits for this ticket. If it is a job of the same pool, it may lend it its slot.
    pub(crate) fn offer_current(&self) {
        if let Some(member) = member_of(&self.inner) {
            deadlock::run(&member, member.offer_slot(self.ticket));
        }
    }

    /// `member`, a job of the same pool, waits for this ticket and may lend it its slot.
    pub(crate) fn offer(&self, member: &Arc<Member>) {
        deadlock::run(member, member.offer_slot(self.ticket));
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Refuses the ticket if it is still queued. Returns whether it was.
    pub(crate) fn refuse(&self) -> bool {
        let was_queued = self.inner.slots.refuse(self.ticket);
        deadlock::reconsider(&self.inner);
        was_queued
    }

    /// Whether no other ticket is queued.
    pub(crate) fn is_alone(&self) -> bool {
        self.inner.slots.is_alone(self.ticket)
    }
}

/// The pool refused the ticket.
pub(crate) struct Refused;

impl Drop for Waiter {
    fn drop(&mut self) {
        deadlock::leave_queue(&self.inner, Some(self.ticket));
    }
}
