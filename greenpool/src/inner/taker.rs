//! A slot that a job takes without beginning a job in it, from the moment it is queued for it.

use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};

use crate::inner::member::Member;
use crate::inner::{Inner, PoolServed};
use crate::sync::slots::Ticket;
use crate::sync::wake::{register, wake};
use crate::sync::{Mutex, lock};

/// Which job has taken a slot of a pool, or is queued for one. The pool [lists](crate::inner::blocked::BlockedJobs) it
/// while the job has the slot.
pub(crate) struct Taker {
    /// The pool that the slot is of.
    inner: Arc<Inner>,
    ticket: Option<Ticket>,
    owner: Weak<Member>,
    /// Called when the ticket has been served.
    granted: fn(&Arc<Inner>),
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waker: Option<Waker>,
    /// Its key in the pool's list.
    listed: Option<usize>,
    over: bool,
}

impl Taker {
    pub(crate) fn new(
        inner: &Arc<Inner>,
        ticket: Option<Ticket>,
        owner: &Arc<Member>,
        granted: fn(&Arc<Inner>),
    ) -> Arc<Self> {
        let (owner, state) = (Arc::downgrade(owner), Mutex::default());
        Arc::new(Taker { inner: inner.clone(), ticket, owner, granted, state })
    }

    /// The job, unless it is gone.
    pub(crate) fn owner(&self) -> &Weak<Member> {
        &self.owner
    }

    /// The ticket wakes `waker` when it is served.
    pub(crate) fn set_waker(&self, waker: &Waker) {
        let mut clone = None;
        while !register(&mut lock(&self.state).waker, waker, &mut clone) {
            clone = Some(waker.clone());
        }
    }

    /// Lists the job if it has the slot.
    pub(crate) fn list(self: &Arc<Self>, has_slot: impl FnOnce(&Self) -> bool) {
        let mut state = lock(&self.state);
        if !state.over && state.listed.is_none() && has_slot(self) {
            // The job may wait for the end of any other job of the pool, without a verb that says so.
            self.inner.awaited_by.add(&self.inner);
            state.listed = Some(self.inner.blocked_jobs.add_taker(Arc::downgrade(self)));
        }
    }

    /// Lists the job if its ticket has been served.
    pub(crate) fn list_if_granted(self: &Arc<Self>) {
        self.list(|this| this.ticket.is_some_and(|ticket| this.inner.slots.has_slot(ticket)));
    }

    /// Whether the job can do nothing before it has a slot of its own pool.
    pub(crate) fn is_resuming(&self) -> bool {
        self.owner.upgrade().is_some_and(|owner| owner.is_resuming())
    }

    fn unlist(&self, state: &mut State) {
        if let Some(key) = state.listed.take() {
            self.inner.awaited_by.count_move();
            self.inner.blocked_jobs.remove_taker(key);
            self.inner.awaited_by.remove(&self.inner);
        }
    }

    /// Passes the slot on to the owner of the ticket `to`, if the job has not seen yet that it has it. The job is
    /// queued for it again.
    pub(crate) fn give_up(self: &Arc<Self>, to: Ticket) -> Option<PoolServed> {
        let mut state = lock(&self.state);
        state.listed?;
        let served = self.inner.slots.regrant(self.ticket?, to, Waker::from(self.clone()))?;
        self.unlist(&mut state);
        Some(served)
    }

    /// The slot is about to be released, or a job to begin in it, or the job does not wait for it any longer.
    pub(crate) fn end(&self) {
        let mut state = lock(&self.state);
        state.over = true;
        let waker = state.waker.take();
        self.unlist(&mut state);
        drop(state);
        drop(waker);
    }
}

impl Wake for Taker {
    /// The ticket has been served. The job may need a slot of its own pool to see that.
    fn wake(self: Arc<Self>) {
        self.list_if_granted();
        let waker = lock(&self.state).waker.take();
        wake(waker);
        (self.granted)(&self.inner);
    }
}
