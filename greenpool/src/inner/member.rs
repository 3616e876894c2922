//! The record of a job that has waited for greenpool: who has its slot, and what it waits for.
//!
//! # Implementation details
//!
//! A member *waits* while some verb is pending in it and none of its futures is being polled, but for polls that block a thread; otherwise it moves. (It has several futures if some were
//! made with [`inherit`](crate::inherit).) What the pool's [`BlockedJobs`](crate::lending::deadlock::BlockedJobs) knows of it is brought up to date under the lock
//! of its standing, whenever that changes.
//!
//! # When a slot is lent
//!
//! A job may run on after a verb of it was found pending: in another branch of a `join!`, or since it drops that verb. So in general a slot
//! is lent when the job *waits*. There are two exceptions, both in the poll of a verb, which then has just been looked at and is pending for certain:
//! the verb waits for a ticket that is queued in the job's own pool; or it was looked at before in the same poll of the job.
//!
//! The second is for a job that blocks its thread, within its poll, until a verb is ready (`Handle::block_on`, inside of `block_in_place`).
//! That poll does not end before what it waits for, which may have queued after the verb was looked at, as the hand of a map does. Nobody can
//! tell such a poll from one that is about to end. But what blocks a thread looks again as often as it is woken, and what is polled in the
//! ordinary way does not before its next turn. So whoever queues for a job that is being polled, or finds that a ticket is left over, *wakes* the
//! verbs that are pending in that poll ([`MemberState::recheck_wakers`]). If they are looked at again at once, the slot is lent there. If not, the
//! poll ends, the job waits, and lends the slot; all that this costs is one poll more. [Knots](crate::lending::deadlock) are found in the same way.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

use crate::inner::Inner;
use crate::inner::effects::{Check, Effects};
use crate::inner::member_state::{MemberState, OwnSlot, PollRecord};
use crate::inner::tracked::JobStatus;
use crate::inner::wait::{Readiness, WaitEdge};
use crate::sync::slots::{Grant, Queue, Ticket};
use crate::sync::wake::wake;
use crate::sync::{Mutex, MutexGuard, lock};

/// One job that has waited for greenpool.
pub(crate) struct Member {
    inner: Arc<Inner>,
    job: bool,
    /// The queue has a slot for it.
    resumed: fn(&Arc<Member>),
    state: Mutex<MemberState>,
}

impl Member {
    /// The job that is being polled here.
    pub(crate) fn new(inner: Arc<Inner>, lender: Option<Arc<Member>>, resumed: fn(&Arc<Member>)) -> Arc<Self> {
        Self::with(inner, lender, true, resumed)
    }

    /// Somebody who works for the pool and may wait for others, but is no job and never has a slot.
    pub(crate) fn outsider(inner: Arc<Inner>) -> Arc<Self> {
        Self::with(inner, None, false, |_| {})
    }

    fn with(inner: Arc<Inner>, lender: Option<Arc<Member>>, job: bool, resumed: fn(&Arc<Member>)) -> Arc<Self> {
        Arc::new(Member { inner, job, resumed, state: Mutex::new(MemberState::new(lender, job)) })
    }

    pub(crate) fn is_outsider(&self) -> bool {
        !self.job
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// One more future is a part of this job; gives its key.
    pub(crate) fn join(&self) -> u32 {
        lock(&self.state).polls.insert(PollRecord::default()) as u32
    }

    /// That future is gone.
    pub(crate) fn leave(&self, branch: u32) {
        lock(&self.state).polls.try_remove(branch as usize);
    }

    /// One of its futures is about to be polled.
    pub(crate) fn begin_poll(self: &Arc<Self>, branch: u32) {
        let mut state = lock(&self.state);
        state.begin_poll(branch);
        state.publish(self);
    }

    /// It has been polled: what is pending now, the job waits for.
    pub(crate) fn end_poll(self: &Arc<Self>, branch: u32) -> Effects {
        let mut state = lock(&self.state);
        state.end_poll(branch);
        self.publish_and_unlock(state, Vec::new())
    }

    /// This member waits, or will wait, for whoever has this ticket in its own pool.
    pub(crate) fn offer_slot(self: &Arc<Self>, ticket: Ticket) -> Effects {
        let mut state = lock(&self.state);
        if state.ended {
            return Effects::default();
        }
        state.offer_slot(ticket, &self.inner.slots);
        self.publish_and_unlock(state, Vec::new())
    }

    /// Whether this member moves, or will. If not, or if only nobody knows that it does, what it waits for is added to `effects`.
    pub(crate) fn moves(&self, effects: &mut Effects) -> bool {
        let state = lock(&self.state);
        if !state.is_listed() {
            return true;
        }
        self.moves_in(state, effects)
    }

    /// Whether nobody knows if this member moves: one of its polls is under way.
    pub(crate) fn is_suspect(&self) -> bool {
        lock(&self.state).is_suspect()
    }

    /// Finds out.
    pub(crate) fn probe(&self, effects: &mut Effects) {
        lock(&self.state).probe(effects);
    }

    /// Likewise for an outsider, who moves if it waits for nothing in greenpool.
    pub(crate) fn outsider_moves(&self, found: &mut Vec<WaitEdge>) -> bool {
        let state = lock(&self.state);
        if state.waits.is_empty() {
            return true;
        }
        let mut effects = Effects::default();
        let moves = self.moves_in(state, &mut effects);
        found.append(&mut effects.waits);
        wake(effects.wakers);
        moves
    }

    fn moves_in(&self, state: MutexGuard<'_, MemberState>, effects: &mut Effects) -> bool {
        let polled = state.is_being_polled();
        let waits: Vec<(usize, WaitEdge)> = state.waits.iter().map(|(key, wait)| (key, wait.clone())).collect();
        drop(state);
        let mut any = false;
        for (key, wait) in waits {
            any = any || self.will_look(key, wait.readiness(&mut effects.waits), polled, effects);
            effects.waits.push(wait);
        }
        any
    }

    fn will_look(&self, key: usize, readiness: Readiness, polled: bool, effects: &mut Effects) -> bool {
        match readiness {
            Readiness::No => false,
            // The poll that is under way may come to it.
            Readiness::Yes if polled => true,
            Readiness::Unknown if polled => {
                self.probe(effects);
                true
            }
            _ => lock(&self.state).will_look(key, readiness, effects),
        }
    }

    /// With the standing as it now is: lends the slot if it lies idle and is wanted, and tells the pool.
    fn publish_and_unlock(self: &Arc<Self>, mut state: MutexGuard<'_, MemberState>, mut wakers: Vec<Waker>) -> Effects {
        if state.polling > 0 && !state.waits() {
            wakers.append(&mut state.recheck_wakers(&self.inner.slots, None));
        } else if !state.recheck {
            self.lend_to_offers(&mut state, &mut wakers);
        }
        state.publish(self);
        Effects::new(wakers, state.may_wait())
    }

    fn lend_to_offers(self: &Arc<Self>, state: &mut MemberState, wakers: &mut Vec<Waker>) {
        while !state.offers.is_empty() && state.can_lend() {
            let ticket = state.offers.pop_front();
            if let Some(Ok(waker)) = ticket.map(|ticket| self.inner.slots.lend(ticket, Some(self.clone()))) {
                state.slot = OwnSlot::Away;
                wakers.extend(waker);
            }
        }
    }

    /// Lends the idle slot to a ticket of somebody else, to break a knot.
    pub(crate) fn lend_to(self: &Arc<Self>, ticket: Ticket, effects: &mut Effects) -> bool {
        let mut state = lock(&self.state);
        if !state.waits() || !state.holds() {
            return false;
        }
        let Ok(waker) = self.inner.slots.lend(ticket, Some(self.clone())) else {
            return false;
        };
        state.slot = OwnSlot::Away;
        effects.wakers.extend(waker);
        state.publish(self);
        true
    }

    /// The slot comes home. If this member has ended or has got another one: who comes next in the chain. Else there may be a ticket with which it
    /// leaves the queue.
    pub(crate) fn take_back(self: &Arc<Self>) -> Result<(Effects, Option<Ticket>), Option<Arc<Member>>> {
        let mut state = lock(&self.state);
        if state.ended {
            return Err(state.lender.take());
        }
        if state.holds() {
            return Err(None);
        }
        state.slot = OwnSlot::Held;
        let ticket = state.ticket.take();
        let wakers = std::mem::take(&mut state.wakers);
        Ok((self.publish_and_unlock(state, wakers), ticket))
    }

    /// Goes on without its slot; whether it had it.
    pub(crate) fn release_slot(self: &Arc<Self>) -> bool {
        let mut state = lock(&self.state);
        let held = state.take(OwnSlot::Released);
        state.publish(self);
        held
    }

    /// The job is over.
    pub(crate) fn end(self: &Arc<Self>) -> Finished {
        let mut state = lock(&self.state);
        let over = std::mem::replace(&mut state.ended, true);
        let held = state.take(OwnSlot::Away);
        // While the slot is lent out, the borrower will ask for the lender.
        let lender = if held { state.lender.take() } else { None };
        let wakers = std::mem::take(&mut state.wakers);
        state.offers = VecDeque::new();
        let ticket = state.ticket.take();
        let effects = self.publish_and_unlock(state, wakers);
        Finished { effects, ticket, was_absent: !held && !over, held: held.then_some(lender) }
    }

    /// A verb is pending from now on; gives its key.
    pub(crate) fn register(self: &Arc<Self>, wait: WaitEdge) -> (usize, Effects) {
        wait.inner.awaited_by.add(&self.inner);
        let mut state = lock(&self.state);
        state.unmark_blocked(wait.branch);
        let key = state.waits.insert(wait);
        let effects = self.look(state, key);
        (key, effects)
    }

    /// It is still pending.
    pub(crate) fn update(self: &Arc<Self>, key: usize, mut wait: WaitEdge) -> Effects {
        let mut state = lock(&self.state);
        let old = &mut state.waits[key];
        wait.ticket = wait.ticket.or(old.ticket);
        if !Arc::ptr_eq(&wait.inner, &old.inner) {
            wait.inner.awaited_by.add(&self.inner);
            old.inner.awaited_by.remove(&self.inner);
        }
        (wait.last_polled, wait.probed) = (old.last_polled, old.probed);
        let old = std::mem::replace(old, wait);
        let mut effects = self.look(state, key);
        effects.waits.push(old);
        effects
    }

    /// A verb has found that it has to wait. If that is for somebody in the queue of this pool, or if the verb finds it for the second time in
    /// this poll, the slot is lent at once.
    fn look(self: &Arc<Self>, mut state: MutexGuard<'_, MemberState>, key: usize) -> Effects {
        let poll = state.poll_of(&state.waits[key]).number;
        let wait = &mut state.waits[key];
        let again = std::mem::replace(&mut wait.last_polled, poll) == poll;
        let branch = wait.branch;
        if wait.resuming {
            state.set_blocked(branch, again);
            state.publish(self);
            // It has just queued for a slot, and its poll may never end.
            return Effects::new(Vec::new(), true);
        }
        let mut wakers = Vec::new();
        let inner = wait.inner.clone();
        let is_here = wait.ticket.is_some() && Arc::ptr_eq(&wait.inner, &self.inner);
        state.set_blocked(branch, again);
        if again || is_here {
            self.lend_to_offers(&mut state, &mut wakers);
        } else {
            // It could not be told from a spin if another of the job's futures is polled at length meanwhile.
            let but = (state.polling > 1).then_some(branch);
            wakers = state.recheck_wakers(&self.inner.slots, but);
        }
        state.publish(self);
        let check = if state.may_wait() { Check::Unless(inner) } else { Check::No };
        Effects { wakers, waits: Vec::new(), check }
    }

    /// A verb is over. Gives what it was, from whose pool this one is to be [removed](crate::inner::blocked::AwaitedBy::remove) after the effects.
    pub(crate) fn clear(self: &Arc<Self>, key: usize) -> (Effects, Option<WaitEdge>) {
        let mut state = lock(&self.state);
        let wait = state.waits.try_remove(key);
        if let Some(wait) = &wait {
            state.unmark_blocked(wait.branch);
        }
        let effects = if state.polling == 0 {
            let other = state.waits.iter().next().map(|(_, wait)| wait.waker.clone());
            state.recheck = other.is_some();
            self.publish_and_unlock(state, Vec::from_iter(other))
        } else {
            let wakers = state.recheck_wakers(&self.inner.slots, None);
            state.publish(self);
            Effects::new(wakers, state.may_wait())
        };
        (effects, wait)
    }

    /// Ready when this job has its slot, also if it is over; else it stands in the queue for one, and `waker` will be woken.
    pub(crate) fn poll_reacquire(self: &Arc<Self>, waker: &Waker) -> Poll<()> {
        let mut state = lock(&self.state);
        if !state.holds() && !state.ended {
            self.resume(&mut state);
            state.publish(self);
            if state.holds() {
                drop(state);
                self.inner.slots.end_absence();
                return Poll::Ready(());
            }
        }
        if state.holds() || state.ended {
            return Poll::Ready(());
        }
        if !state.wakers.iter().any(|old| old.will_wake(waker)) {
            state.wakers.push(waker.clone());
        }
        Poll::Pending
    }

    /// Tries to get a slot to go on with, ahead of all waiters.
    fn resume(self: &Arc<Self>, state: &mut MemberState) {
        state.slot = OwnSlot::Away;
        if state.ticket.is_none() {
            match self.inner.slots.enqueue(Queue::Resume, None) {
                Ok(Some(ticket)) => state.ticket = Some(ticket),
                Ok(None) | Err(_) => state.slot = OwnSlot::Held,
            }
        }
        self.collect(state);
    }

    /// The queue may have a slot for this member, which it takes; whether there was one.
    pub(crate) fn collect_granted(self: &Arc<Self>) -> (Effects, bool) {
        let mut state = lock(&self.state);
        let collected = self.collect(&mut state);
        let wakers = std::mem::take(&mut state.wakers);
        // Whoever wanted to go on may have been dropped meanwhile.
        (self.publish_and_unlock(state, wakers), collected)
    }

    /// Takes the slot that the queue has for this member; whether there was one.
    fn collect(self: &Arc<Self>, state: &mut MemberState) -> bool {
        let Some(ticket) = state.ticket else {
            return false;
        };
        let waker = Waker::from(self.clone());
        let Poll::Ready(grant) = self.inner.slots.poll(ticket, &waker) else {
            return false;
        };
        state.ticket = None;
        state.slot = OwnSlot::Held;
        if let (Some(Grant::Slot(lender @ Some(_))), None) = (grant, &state.lender) {
            // A slot that was lent to break a knot. Who owes two has borrowed from its own family too; then the pool
            // makes it up to the second lender, who stands before all waiters.
            state.lender = lender;
        }
        true
    }
}

impl JobStatus for Member {
    fn waits(&self) -> bool {
        lock(&self.state).waits()
    }

    fn lends(&self) -> bool {
        let state = lock(&self.state);
        !state.holds() && !state.ended
    }
}

impl Wake for Member {
    fn wake(self: Arc<Self>) {
        (self.resumed)(&self);
    }
}

/// A job that is over.
pub(crate) struct Finished {
    pub(crate) effects: Effects,
    /// A place in the queue that it leaves.
    pub(crate) ticket: Option<Ticket>,
    /// It was without its slot.
    pub(crate) was_absent: bool,
    /// It had its slot: who lent it.
    pub(crate) held: Option<Option<Arc<Member>>>,
}
