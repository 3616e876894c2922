//! Slots that a job takes without beginning a job in them: see [`GreenPool::slot`](crate::GreenPool::slot).
//!
//! The job may need a slot of its own pool before it can go on, and give back what it took. If the slots of its own
//! pool belong to jobs that wait for what it took, that is a deadlock. So a search must know which job has a slot.

use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::lending::{context, deadlock};
use crate::sync::slots::Ticket;
use crate::sync::wake::{register, wake};
use crate::sync::{Mutex, lock};

/// A slot that a job has, or is queued for. The pool lists the job as long as it has the slot and this exists, so drop
/// this before the slot is released.
pub(crate) struct Taken(Arc<Record>);

struct Record {
    /// The pool that the slot is of.
    inner: Arc<Inner>,
    ticket: Option<Ticket>,
    owner: Weak<Member>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waker: Option<Waker>,
    /// Its key in the pool's list.
    listed: Option<usize>,
    over: bool,
}

impl Taken {
    /// A slot of `inner` that the job which runs here has, or is queued for with this ticket. `None` outside a job.
    pub(crate) fn by_current(inner: &Arc<Inner>, ticket: Option<Ticket>) -> Option<Self> {
        if !context::is_job() {
            return None;
        }
        let (owner, _) = context::current()?;
        let (owner, state) = (Arc::downgrade(&owner), Mutex::default());
        Some(Taken(Arc::new(Record { inner: inner.clone(), ticket, owner, state })))
    }

    /// Whether it is the slot of the job that runs here.
    pub(crate) fn is_of_current(&self) -> bool {
        context::current_member().is_some_and(|(member, _)| self.0.owner.as_ptr() == Arc::as_ptr(&member))
    }

    /// What to wake when the ticket is served: it wakes `waker` then.
    pub(crate) fn waker(&self, waker: &Waker) -> Waker {
        let mut clone = None;
        while !register(&mut lock(&self.0.state).waker, waker, &mut clone) {
            clone = Some(waker.clone());
        }
        Waker::from(self.0.clone())
    }

    /// The job has the slot.
    pub(crate) fn hold(&self) {
        self.0.list(|_| true);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.over = true;
        let waker = state.waker.take();
        if let Some(key) = state.listed.take() {
            self.0.inner.awaited_by.count_move();
            self.0.inner.blocked_jobs.remove_taker(key);
        }
        drop(state);
        drop(waker);
    }
}

impl Record {
    /// Lists the job if it has the slot.
    fn list(&self, has_slot: impl FnOnce(&Self) -> bool) {
        let mut state = lock(&self.state);
        if !state.over && state.listed.is_none() && has_slot(self) {
            state.listed = Some(self.inner.blocked_jobs.add_taker(self.owner.clone()));
        }
    }
}

impl Wake for Record {
    /// The ticket has been served. The job may need a slot of its own pool to see that.
    fn wake(self: Arc<Self>) {
        self.list(|this| this.ticket.is_some_and(|ticket| this.inner.slots.has_slot(ticket)));
        let waker = lock(&self.state).waker.take();
        wake(waker);
        deadlock::changed(&self.inner);
    }
}
