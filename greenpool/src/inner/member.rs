//! The shared record of a job that has waited for greenpool: where its slot is, and what it waits for.
//!
//! # Implementation details
//!
//! `lending/README.md` tells when a slot is lent and how it comes home. Each method here takes the lock of the
//! [`MemberState`], makes one transition, publishes the outcome to the pool's
//! [`BlockedJobs`](crate::inner::blocked::BlockedJobs) under that lock, and returns [`Effects`] for the caller to run
//! without it. Methods that take `slots` locks do so inside the member's lock, never the other way round.

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
    /// False for an [outsider](Self::outsider).
    job: bool,
    /// Called when the queue has a slot for it.
    resumed: fn(&Arc<Member>),
    state: Mutex<MemberState>,
}

/// What the end of a job leaves for `lending::deadlock` to do.
pub(crate) struct MemberEnd {
    pub(crate) effects: Effects,
    /// Its ticket in the queue, to be cancelled.
    pub(crate) ticket: Option<Ticket>,
    /// It had no slot, and so was absent.
    pub(crate) was_absent: bool,
    /// It had a slot, which must go back: to this lender, or to the pool.
    pub(crate) held: Option<Option<Arc<Member>>>,
}

impl Member {
    /// The record of the job that is being polled on this thread.
    pub(crate) fn new(inner: Arc<Inner>, lender: Option<Arc<Member>>, resumed: fn(&Arc<Member>)) -> Arc<Self> {
        Self::with(inner, lender, true, resumed)
    }

    /// A task that works for the pool and may wait for jobs, but is no job and never has a slot.
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

    /// Another future becomes a branch of this job. Returns its key.
    pub(crate) fn add_branch(&self) -> u32 {
        lock(&self.state).polls.insert(PollRecord::default()) as u32
    }

    /// That future has been dropped.
    pub(crate) fn remove_branch(&self, branch: u32) {
        lock(&self.state).polls.try_remove(branch as usize);
    }

    /// A branch is about to be polled.
    pub(crate) fn begin_poll(self: &Arc<Self>, branch: u32) {
        let mut state = lock(&self.state);
        state.begin_poll(branch);
        state.publish(self);
    }

    /// A branch has been polled. The job waits for the verbs that are pending now.
    pub(crate) fn end_poll(self: &Arc<Self>, branch: u32) -> Effects {
        let mut state = lock(&self.state);
        state.end_poll(branch);
        self.publish_and_unlock(state, Vec::new())
    }

    /// This job waits, or will wait, for the owner of this ticket in its own pool, and may lend its slot to it.
    pub(crate) fn offer_slot(self: &Arc<Self>, ticket: Ticket) -> Effects {
        let mut state = lock(&self.state);
        if state.ended {
            return Effects::default();
        }
        state.offer_slot(ticket, &self.inner.slots);
        self.publish_and_unlock(state, Vec::new())
    }

    /// Whether this member moves, or will. If it waits or is a suspect, adds what it waits for to `effects`.
    pub(crate) fn moves(&self, effects: &mut Effects) -> bool {
        let state = lock(&self.state);
        if !state.is_listed() {
            return true;
        }
        self.moves_in(state, effects)
    }

    /// Whether it cannot be told if this member moves, because one of its polls is in progress.
    pub(crate) fn is_suspect(&self) -> bool {
        lock(&self.state).is_suspect()
    }

    /// Wakes its verbs to find out. See [`MemberState::probe`].
    pub(crate) fn probe(&self, effects: &mut Effects) {
        lock(&self.state).probe(effects);
    }

    /// Whether an outsider moves, as it does if it waits for nothing in greenpool. If not, adds what it waits for to
    /// `found`.
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

    /// Whether the verb will be polled again and find something. Wakes it if that must be found out.
    fn will_look(&self, key: usize, readiness: Readiness, polled: bool, effects: &mut Effects) -> bool {
        match readiness {
            Readiness::No => false,
            // The poll in progress may still reach the verb.
            Readiness::Yes if polled => true,
            Readiness::Unknown if polled => {
                self.probe(effects);
                true
            }
            _ => lock(&self.state).will_look(key, readiness, effects),
        }
    }

    /// Ends a transition: lends the slot if the job waits and an offered ticket is queued, and publishes the state.
    fn publish_and_unlock(self: &Arc<Self>, mut state: MutexGuard<'_, MemberState>, mut wakers: Vec<Waker>) -> Effects {
        if state.polling > 0 && !state.waits() {
            wakers.append(&mut state.recheck_wakers(&self.inner.slots, None));
        } else if !state.recheck {
            self.lend_to_offers(&mut state, &mut wakers);
        }
        state.publish(self);
        Effects::new(wakers, state.may_wait())
    }

    /// Lends the slot to the first offered ticket that is still queued, if the slot can be lent.
    fn lend_to_offers(self: &Arc<Self>, state: &mut MemberState, wakers: &mut Vec<Waker>) {
        while !state.offers.is_empty() && state.can_lend() {
            let ticket = state.offers.pop_front();
            if let Some(Ok(waker)) = ticket.map(|ticket| self.inner.slots.lend(ticket, Some(self.clone()))) {
                state.slot = OwnSlot::Away;
                wakers.extend(waker);
            }
        }
    }

    /// Lends the idle slot to any ticket of the pool, to resolve a deadlock. Returns whether it did.
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

    /// The slot comes home. Returns the ticket of this member, which must be cancelled now. `Err` if this member does
    /// not need the slot: with its own lender if it has ended, with `None` if it got another slot meanwhile.
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

    /// The job goes on without its slot. Returns whether it had it.
    pub(crate) fn release_slot(self: &Arc<Self>) -> bool {
        let mut state = lock(&self.state);
        let held = state.take(OwnSlot::Released);
        state.publish(self);
        held
    }

    /// The job has ended.
    pub(crate) fn end(self: &Arc<Self>) -> MemberEnd {
        let mut state = lock(&self.state);
        let had_ended = std::mem::replace(&mut state.ended, true);
        let held = state.take(OwnSlot::Away);
        // While the slot is lent out, `take_back` will ask for the lender.
        let lender = if held { state.lender.take() } else { None };
        let wakers = std::mem::take(&mut state.wakers);
        state.offers = VecDeque::new();
        let ticket = state.ticket.take();
        let effects = self.publish_and_unlock(state, wakers);
        MemberEnd { effects, ticket, was_absent: !held && !had_ended, held: held.then_some(lender) }
    }

    /// A verb is pending from now on. Returns its key.
    pub(crate) fn register(self: &Arc<Self>, wait: WaitEdge) -> (usize, Effects) {
        wait.inner.awaited_by.add(&self.inner);
        let mut state = lock(&self.state);
        state.unmark_blocking(wait.branch);
        let key = state.waits.insert(wait);
        let effects = self.look(state, key);
        (key, effects)
    }

    /// The verb was polled again and is still pending.
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

    /// A verb has just been polled and is pending. The slot is lent at once if the verb waits for a ticket of this
    /// pool, or if this is its second look within one poll of the job, which then seems to block its thread.
    fn look(self: &Arc<Self>, mut state: MutexGuard<'_, MemberState>, key: usize) -> Effects {
        let poll = state.poll_of(&state.waits[key]).number;
        let wait = &mut state.waits[key];
        let again = std::mem::replace(&mut wait.last_polled, poll) == poll;
        let branch = wait.branch;
        if wait.resuming {
            state.set_blocks_thread(branch, again);
            state.publish(self);
            // The job has just queued for a slot, and its poll may never end.
            return Effects::new(Vec::new(), true);
        }
        let mut wakers = Vec::new();
        let inner = wait.inner.clone();
        let is_here = wait.ticket.is_some() && Arc::ptr_eq(&wait.inner, &self.inner);
        state.set_blocks_thread(branch, again);
        if again || is_here {
            self.lend_to_offers(&mut state, &mut wakers);
        } else {
            // While another branch is in a long poll, waking this one at each look would make it spin.
            let except = (state.polling > 1).then_some(branch);
            wakers = state.recheck_wakers(&self.inner.slots, except);
        }
        state.publish(self);
        let check = if state.may_wait() { Check::Unless(inner) } else { Check::No };
        Effects { wakers, waits: Vec::new(), check }
    }

    /// A verb is ready or has been dropped. Returns its wait. Once the effects have been run, the caller must
    /// [remove](crate::inner::blocked::AwaitedBy::remove) this pool from the pool of that wait.
    pub(crate) fn clear(self: &Arc<Self>, key: usize) -> (Effects, Option<WaitEdge>) {
        let mut state = lock(&self.state);
        let wait = state.waits.try_remove(key);
        if let Some(wait) = &wait {
            state.unmark_blocking(wait.branch);
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

    /// Ready if this job has a slot, or has ended. Otherwise queues for a slot and wakes `waker` when it has one.
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

    /// Takes a free slot to go on with, or queues for one ahead of new work.
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

    /// Takes the slot that the queue has granted, if it has. Returns whether it did.
    pub(crate) fn collect_granted(self: &Arc<Self>) -> (Effects, bool) {
        let mut state = lock(&self.state);
        let collected = self.collect(&mut state);
        let wakers = std::mem::take(&mut state.wakers);
        // The verb that needed it may have been dropped; then the slot lies idle, and can be lent.
        (self.publish_and_unlock(state, wakers), collected)
    }

    /// Polls the member's ticket, with the member itself as the waker. Returns whether a slot was granted.
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
            // A slot that was lent to resolve a deadlock. If this member owes a slot already, the first lender gets
            // this one, and the second lender gets its slot from the pool, through the queue `Resume`.
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

#[cfg(all(test, not(loom), not(shuttle)))]
mod tests;
