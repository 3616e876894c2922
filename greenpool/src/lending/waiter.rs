//! Claims on a slot: a place in the queue, from which one is served in turn or by a loan.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::inner::Core;
use crate::inner::member::Member;
use crate::lending::context::member_of;
use crate::lending::deadlock;
use crate::sync::slots::{Grant, Refusal, Ticket};

/// A claim on a slot: a place in the queue, from which it can also be served by a loan.
pub(crate) struct Acquire {
    core: Arc<Core>,
    ticket: Ticket,
}

/// What [`Acquire::begin`] found.
pub(crate) enum Begun {
    Acquired,
    Queued(Acquire),
    Closed,
}

impl Acquire {
    /// Takes a slot if one is free, else a place in the queue, and asks `above` to lend one. When it has one that wakes `waker`.
    pub(crate) fn begin(core: &Arc<Core>, above: impl FnOnce() -> Option<Arc<Member>>, waker: Option<&Waker>) -> Begun {
        match core.slots.try_acquire() {
            Ok(()) => return Begun::Acquired,
            Err(Refusal::Closed) => return Begun::Closed,
            Err(Refusal::Full) => {}
        }
        match deadlock::enqueue(core, above, waker) {
            Ok(None) => Begun::Acquired,
            Err(_) => Begun::Closed,
            Ok(Some(ticket)) => Begun::Queued(Acquire { core: core.clone(), ticket }),
        }
    }

    /// Ready with the lender of the slot, if it is a loan, or with an error if the queue was sent home.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Arc<Member>>, Refused>> {
        self.core.slots.poll(self.ticket, cx.waker()).map(|grant| match grant {
            Some(Grant::Slot(lender)) => Ok(lender),
            Some(Grant::Refused) | None => Err(Refused),
        })
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.ticket
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// For those who wait for the job that this will be.
    pub(crate) fn claim(&self) -> Claim {
        Claim { core: self.core.clone(), ticket: self.ticket }
    }
}

/// A queued ticket, seen from outside.
#[derive(Clone)]
pub(crate) struct Claim {
    core: Arc<Core>,
    ticket: Ticket,
}

impl Claim {
    /// The job that is running here waits for this ticket, and may lend it a slot.
    pub(crate) fn want(&self) {
        if let Some(member) = member_of(&self.core) {
            deadlock::run(&member, member.want(self.ticket));
        }
    }

    /// Likewise for a job of the same pool that has a verb pending elsewhere.
    pub(crate) fn offer(&self, member: &Arc<Member>) {
        deadlock::run(member, member.want(self.ticket));
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Sends the owner of the ticket home, if it is still queued.
    pub(crate) fn refuse(&self) {
        self.core.slots.refuse(self.ticket);
    }

    /// Whether nobody else is queued.
    pub(crate) fn is_alone(&self) -> bool {
        self.core.slots.is_alone(self.ticket)
    }
}

/// The queue was sent home.
pub(crate) struct Refused;

impl Drop for Acquire {
    fn drop(&mut self) {
        deadlock::leave_queue(&self.core, Some(self.ticket));
    }
}
