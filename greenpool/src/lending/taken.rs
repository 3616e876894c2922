//! Slots that a job takes without beginning a job in them: see [`GreenPool::slot`](crate::GreenPool::slot).
//!
//! The job may need a slot of its own pool before it can go on, and give back what it took. If the slots of its own
//! pool belong to jobs that wait for what it took, that is a deadlock. So a search must know which job has a slot.

use std::sync::Arc;
use std::task::Waker;

use crate::inner::Inner;
use crate::inner::taker::Taker;
use crate::lending::{context, deadlock};
use crate::sync::slots::Ticket;

/// A slot that a job has, or is queued for. Drop it before the slot is released.
pub(crate) struct Taken(Arc<Taker>);

impl Taken {
    /// A slot of `inner` that the job which runs here has, or is queued for with this ticket. `None` outside a job.
    pub(crate) fn by_current(inner: &Arc<Inner>, ticket: Option<Ticket>) -> Option<Self> {
        if !context::is_job() {
            return None;
        }
        let (owner, _) = context::current()?;
        let taker = Taker::new(inner, ticket, &owner, deadlock::changed);
        taker.list_if_granted();
        Some(Taken(taker))
    }

    /// Whether it is the slot of the job that runs here.
    pub(crate) fn is_of_current(&self) -> bool {
        context::current_member().is_some_and(|(member, _)| self.0.owner().as_ptr() == Arc::as_ptr(&member))
    }

    /// What to wake when the ticket is served: it wakes `waker` then.
    pub(crate) fn waker(&self, waker: &Waker) -> Waker {
        self.0.set_waker(waker);
        Waker::from(self.0.clone())
    }

    /// The job has the slot.
    pub(crate) fn hold(&self) {
        self.0.list(|_| true);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.end();
    }
}
