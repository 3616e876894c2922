//! Claims on a slot: a place in the queue, from which one is served in turn or by a loan.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::lending::context::member_of;
use crate::lending::deadlock;
use crate::sync::slots::{Grant, Refusal, Ticket};

/// A claim on a slot: a place in the queue, from which it can also be served by a loan.
pub(crate) struct Waiter {
    inner: Arc<Inner>,
    ticket: Ticket,
}

/// What [`Waiter::acquire`] found.
pub(crate) enum Acquired {
    Now,
    Queued(Waiter),
    Closed,
}

impl Waiter {
    /// Takes a slot if one is free, else a place in the queue, and asks `above` to lend one. When it has one that wakes `waker`.
    pub(crate) fn acquire(
        inner: &Arc<Inner>,
        above: impl FnOnce() -> Option<Arc<Member>>,
        waker: Option<&Waker>,
    ) -> Acquired {
        match inner.slots.try_acquire() {
            Ok(()) => return Acquired::Now,
            Err(Refusal::Closed) => return Acquired::Closed,
            Err(Refusal::Full) => {}
        }
        match deadlock::enqueue(inner, above, waker) {
            Ok(None) => Acquired::Now,
            Err(_) => Acquired::Closed,
            Ok(Some(ticket)) => Acquired::Queued(Waiter { inner: inner.clone(), ticket }),
        }
    }

    /// Ready with the lender of the slot, if it is a loan, or with an error if the queue was sent home.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Arc<Member>>, Refused>> {
        self.inner.slots.poll(self.ticket, cx.waker()).map(|grant| match grant {
            Some(Grant::Slot(lender)) => Ok(lender),
            Some(Grant::Refused) | None => Err(Refused),
        })
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.ticket
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// For those who wait for the job that this will be.
    pub(crate) fn waiter_ref(&self) -> WaiterRef {
        WaiterRef { inner: self.inner.clone(), ticket: self.ticket }
    }
}

/// A queued ticket, seen from outside.
#[derive(Clone)]
pub(crate) struct WaiterRef {
    inner: Arc<Inner>,
    ticket: Ticket,
}

impl WaiterRef {
    /// The job that is running here waits for this ticket, and may lend it a slot.
    pub(crate) fn offer_current(&self) {
        if let Some(member) = member_of(&self.inner) {
            deadlock::run(&member, member.offer_slot(self.ticket));
        }
    }

    /// Likewise for a job of the same pool that has a verb pending elsewhere.
    pub(crate) fn offer(&self, member: &Arc<Member>) {
        deadlock::run(member, member.offer_slot(self.ticket));
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Sends the owner of the ticket home, if it is still queued.
    pub(crate) fn refuse(&self) {
        self.inner.slots.refuse(self.ticket);
    }

    /// Whether nobody else is queued.
    pub(crate) fn is_alone(&self) -> bool {
        self.inner.slots.is_alone(self.ticket)
    }
}

/// The queue was sent home.
pub(crate) struct Refused;

impl Drop for Waiter {
    fn drop(&mut self) {
        deadlock::leave_queue(&self.inner, Some(self.ticket));
    }
}
