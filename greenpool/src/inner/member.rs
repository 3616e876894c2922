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
use crate::inner::in_place::LOOKS;
use crate::inner::member_state::{MemberState, OwnSlot, PollRecord};
use crate::inner::tracked::JobStatus;
use crate::inner::wait::{Readiness, WaitEdge};
use crate::sync::slots::gates::Hold;
use crate::sync::slots::keyed::NotLent;
use crate::sync::slots::{Grant, Queue, Ticket};
use crate::sync::wake::wake;
use crate::sync::{Mutex, MutexGuard, lock};

/// One job that has waited for greenpool.
pub(crate) struct Member {
    inner: Arc<Inner>,
    /// False for an [outsider](Self::outsider).
    job: bool,
    /// Its key, if it has one.
    key: Option<Hold>,
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
    /// It had this key, and had lent it if that is true.
    pub(crate) key: Option<(Hold, bool)>,
}

impl Member {
    /// The record of the job that is being polled on this thread.
    #[cfg(test)]
    pub(crate) fn new(inner: Arc<Inner>, lender: Option<Arc<Member>>, resumed: fn(&Arc<Member>)) -> Arc<Self> {
        Self::with_key(inner, lender, None, resumed)
    }

    /// The record of the job that is being polled on this thread.
    pub(crate) fn with_key(
        inner: Arc<Inner>,
        lender: Option<Arc<Member>>,
        key: Option<Hold>,
        resumed: fn(&Arc<Member>),
    ) -> Arc<Self> {
        Arc::new(Member { inner, job: true, key, resumed, state: Mutex::new(MemberState::new(lender, true)) })
    }

    /// A task that works for the pool and may wait for jobs, but is no job and never has a slot.
    pub(crate) fn outsider(inner: Arc<Inner>) -> Arc<Self> {
        let state = Mutex::new(MemberState::new(None, false));
        Arc::new(Member { inner, job: false, key: None, resumed: |_| {}, state })
    }

    pub(crate) fn is_outsider(&self) -> bool {
        !self.job
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    /// Its key, if it has one.
    pub(crate) fn key(&self) -> Option<Hold> {
        self.key
    }

    /// Another future becomes a branch of this job. Returns its key.
    pub(crate) fn add_branch(&self) -> u32 {
        lock(&self.state).polls.insert(PollRecord::default()) as u32
    }

    /// That future has been dropped.
    pub(crate) fn remove_branch(self: &Arc<Self>, branch: u32) -> Effects {
        let mut state = lock(&self.state);
        state.polls.try_remove(branch as usize);
        // It may have been woken to use the slot.
        state.woken &= state.polling > 0;
        self.publish_and_unlock(state, Vec::new())
    }

    /// Whether the job has ended. An outsider never begins, so it has not.
    pub(crate) fn has_ended(&self) -> bool {
        self.job && lock(&self.state).ended
    }

    /// The number of the latest poll of a branch.
    pub(crate) fn poll_number(&self, branch: u32) -> u64 {
        lock(&self.state).polls.get(branch as usize).map_or(0, |poll| poll.number)
    }

    /// A [`lend`](crate::lend) is pending from now on: the job gives its slot back whenever it waits.
    pub(crate) fn begin_lend(&self) {
        lock(&self.state).lends += 1;
    }

    /// That is over.
    pub(crate) fn end_lend(&self) {
        lock(&self.state).lends -= 1;
    }

    /// A branch is about to be polled. It must have a [slot](Self::poll_slot).
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
    pub(crate) fn moves(self: &Arc<Self>, effects: &mut Effects) -> bool {
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
    pub(crate) fn outsider_moves(self: &Arc<Self>, found: &mut Vec<WaitEdge>) -> bool {
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

    fn moves_in(self: &Arc<Self>, state: MutexGuard<'_, MemberState>, effects: &mut Effects) -> bool {
        let waits: Vec<(usize, WaitEdge)> = state.waits.iter().map(|(key, wait)| (key, wait.clone())).collect();
        drop(state);
        let mut any = false;
        for (key, wait) in waits {
            any = any || self.will_look(key, wait.readiness(&mut effects.waits), effects);
            effects.waits.push(wait);
        }
        any
    }

    /// Whether the verb will be polled again and find something. Wakes it if that must be found out.
    fn will_look(self: &Arc<Self>, key: usize, readiness: Readiness, effects: &mut Effects) -> bool {
        if readiness == Readiness::No {
            return false;
        }
        let mut state = lock(&self.state);
        let will_look = state.will_look(key, readiness, effects);
        state.publish(self);
        will_look
    }

    /// Ends a transition: if the job waits, lends its slot to an offered ticket that is queued, or gives it back if a
    /// `lend` is pending. Then publishes the state.
    fn publish_and_unlock(self: &Arc<Self>, mut state: MutexGuard<'_, MemberState>, mut wakers: Vec<Waker>) -> Effects {
        let mut effects = Effects::default();
        if state.polling > 0 && !state.waits() {
            wakers.append(&mut state.recheck_wakers(&self.inner.slots, None));
        } else if !state.recheck {
            self.lend_to_offers(&mut state, &mut effects);
            if state.has_spare_slot() {
                let leave = if state.loans > 0 { OwnSlot::Away } else { OwnSlot::Released };
                effects.releases = state.take(leave);
                if effects.releases {
                    // Before another branch can find a slot, which ends the absence.
                    self.inner.slots.begin_absence();
                }
            }
        }
        state.publish(self);
        if state.may_wait() {
            effects.check = Check::Yes;
            effects.keyed = self.depends_on_keys(&state);
        }
        effects.wakers = wakers;
        effects
    }

    /// Whether it has a key, or waits for a pool with a limit by key.
    fn depends_on_keys(&self, state: &MemberState) -> bool {
        self.key.is_some() || state.waits.iter().any(|(_, wait)| wait.inner.slots.is_keyed())
    }

    /// Whether this job, which others wait for because it has a key, certainly moves, or will. If it waits for a slot
    /// to go on with, adds its pool to `pools`. If it waits for something else, adds that to `effects`.
    pub(crate) fn moves_with_key(self: &Arc<Self>, effects: &mut Effects, pools: &mut Vec<Arc<Inner>>) -> bool {
        let state = lock(&self.state);
        if state.ended {
            return true;
        }
        if state.ticket.is_some() {
            pools.push(self.inner.clone());
            return false;
        }
        if state.is_being_polled() && !state.is_listed() || state.waits.is_empty() {
            return true;
        }
        self.moves_in(state, effects)
    }

    /// Lends the slot to the first offered ticket that is still queued, if the slot can be lent.
    fn lend_to_offers(self: &Arc<Self>, state: &mut MemberState, effects: &mut Effects) {
        // Those whose key is not free. `consider_offers` looks at them again.
        let mut parked = VecDeque::new();
        while !state.offers.is_empty() && state.can_lend() {
            let Some(ticket) = state.offers.pop_front() else { break };
            match state.lend(self, ticket, false) {
                Ok(served) => effects.served.push(served),
                Err(NotLent::Parked) => parked.push_back(ticket),
                Err(NotLent::Gone) => {}
            }
        }
        if !parked.is_empty() {
            parked.append(&mut state.offers);
            state.offers = parked;
        }
    }

    /// A ticket that this job waits for is not parked any longer.
    pub(crate) fn consider_offers(self: &Arc<Self>) -> Effects {
        self.publish_and_unlock(lock(&self.state), Vec::new())
    }

    /// Lends the idle slot to any ticket of the pool, to resolve a deadlock. Returns whether it did.
    pub(crate) fn lend_to(self: &Arc<Self>, ticket: Ticket, effects: &mut Effects) -> bool {
        let mut state = lock(&self.state);
        if !state.waits() || !state.can_lend() {
            return false;
        }
        let Ok(served) = state.lend(self, ticket, true) else {
            return false;
        };
        effects.served.push(served);
        state.publish(self);
        true
    }

    /// The slot comes home. Returns the ticket of this member, which must be cancelled now, or in an error whose the
    /// slot is: that of its own lender if this member has ended, of the pool if it has got another slot meanwhile.
    pub(crate) fn take_back(self: &Arc<Self>) -> (Effects, Result<Option<Ticket>, Option<Arc<Member>>>) {
        let mut state = lock(&self.state);
        state.end_loan();
        let wakers = state.take_wakers();
        if state.ended {
            // A branch may outlive the job.
            return (Effects::new(wakers, false), Err(state.lender.take()));
        }
        if state.holds() {
            return (Effects::new(wakers, false), Err(None));
        }
        self.take_slot(&mut state);
        let ticket = state.ticket.take();
        (self.publish_and_unlock(state, wakers), Ok(ticket))
    }

    /// The job goes on without its slot. Returns whether it had it.
    pub(crate) fn release_slot(self: &Arc<Self>) -> bool {
        let mut state = lock(&self.state);
        let held = state.take(OwnSlot::Released);
        if held {
            self.inner.slots.begin_absence();
        }
        state.publish(self);
        held
    }

    /// The job has ended.
    pub(crate) fn end(self: &Arc<Self>) -> MemberEnd {
        let mut state = lock(&self.state);
        let had_ended = std::mem::replace(&mut state.ended, true);
        let held = state.take(OwnSlot::Away);
        // While the slot is lent out, `take_back` will ask for the lender. If the job has given its slot to the pool,
        // the lender gets one from there.
        let lender = if held || state.loans == 0 { state.lender.take() } else { None };
        let wakers = std::mem::take(&mut state.wakers);
        state.offers = VecDeque::new();
        let ticket = state.ticket.take();
        let key = self.key.filter(|_| !had_ended).map(|key| (key, std::mem::take(&mut state.key_lent)));
        let mut effects = self.publish_and_unlock(state, wakers);
        let held = if held {
            Some(lender)
        } else {
            effects.forgotten = lender;
            None
        };
        MemberEnd { effects, ticket, was_absent: held.is_none() && !had_ended, held, key }
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
        (wait.last_polled, wait.looks, wait.probed) = (old.last_polled, old.looks, old.probed);
        wait.lent = old.lent;
        let old = std::mem::replace(old, wait);
        let mut effects = self.look(state, key);
        effects.waits.push(old);
        effects
    }

    /// A verb has just been polled and is pending. The slot is lent at once only if the verb is awaited
    /// [in place](crate::inner::in_place); otherwise at the end of the poll.
    fn look(self: &Arc<Self>, mut state: MutexGuard<'_, MemberState>, key: usize) -> Effects {
        let poll = state.poll_of(&state.waits[key]).number;
        let wait = &mut state.waits[key];
        let again = std::mem::replace(&mut wait.last_polled, poll) == poll;
        wait.looks = if again { wait.looks.saturating_add(1) } else { 1 };
        let (branch, inner) = (wait.branch, wait.inner.clone());
        let in_place = wait.maybe_in_place && wait.looks >= LOOKS;
        let probes = again && wait.maybe_in_place && !wait.resuming && !in_place;
        let waker = probes.then(|| wait.waker.clone());
        state.set_blocks_thread(branch, in_place);
        let mut effects = Effects::default();
        if state.waits[key].resuming {
            state.publish(self);
            // The job has just queued for a slot, and its poll may never end.
            effects.check = Check::Yes;
            return effects;
        }
        if in_place && state.is_being_polled() {
            // Another branch uses the slot. It is lent at the end of that poll.
        } else if in_place {
            self.lend_to_offers(&mut state, &mut effects);
        } else if probes && state.can_lend() {
            effects.wakers.extend(waker);
        } else {
            // While another branch is in a long poll, waking this one at each look would make it spin.
            let except = (state.polling > 1).then_some(branch);
            effects.wakers = state.recheck_wakers(&self.inner.slots, except);
        }
        state.publish(self);
        if state.may_wait() {
            effects.check = Check::Unless(inner);
            effects.keyed = self.depends_on_keys(&state);
        }
        effects
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
    ///
    /// If a branch is `to_be_polled`, the job keeps the slot until then. Otherwise a verb in a poll goes on.
    pub(crate) fn poll_slot(self: &Arc<Self>, to_be_polled: bool, waker: &Waker) -> (Poll<()>, Effects) {
        let mut clone = None;
        loop {
            let mut state = lock(&self.state);
            let forgotten = self.resume(&mut state);
            if state.holds() || state.ended {
                let is_new = forgotten.is_some();
                let wakers = if is_new { state.take_wakers() } else { Vec::new() };
                state.woken &= to_be_polled;
                state.entering += usize::from(to_be_polled && !state.ended);
                state.publish(self);
                drop(state);
                if is_new {
                    self.inner.slots.end_absence();
                }
                let effects = Effects { wakers, forgotten: forgotten.flatten(), ..Effects::default() };
                return (Poll::Ready(()), effects);
            }
            let known = state.wakers.iter().any(|old| old.will_wake(waker));
            if !known && clone.is_none() {
                // A waker is user code, so it is cloned without the lock.
                drop(state);
                clone = Some(waker.clone());
                continue;
            }
            state.wakers.extend(clone.take().filter(|_| !known));
            state.publish(self);
            return (Poll::Pending, Effects::new(Vec::new(), true));
        }
    }

    /// If the job has no slot, takes a free one to go on with, or queues for one ahead of new jobs. If it has one now
    /// that it did not have, returns a lender that it does not owe a slot any longer.
    fn resume(self: &Arc<Self>, state: &mut MemberState) -> Option<Option<Arc<Member>>> {
        if state.holds() || state.ended {
            return None;
        }
        state.slot = OwnSlot::Away;
        if state.ticket.is_none() {
            match self.inner.slots.enqueue(Queue::Resume, None) {
                Ok(Some(ticket)) => state.ticket = Some(ticket),
                Ok(None) | Err(_) => {
                    self.take_slot(state);
                    return Some(None);
                }
            }
        }
        self.collect(state)
    }

    /// The job has a slot again. So it needs its key again.
    fn take_slot(&self, state: &mut MemberState) {
        state.slot = OwnSlot::Held;
        if let Some(key) = self.key.filter(|_| std::mem::take(&mut state.key_lent)) {
            self.inner.slots.reclaim_key(key);
        }
    }

    /// The queue may have granted a slot. Returns whether it did.
    pub(crate) fn collect_granted(self: &Arc<Self>) -> (Effects, bool) {
        let mut state = lock(&self.state);
        let collected = self.collect(&mut state);
        let wakers = if collected.is_some() { state.take_wakers() } else { Vec::new() };
        // The verb that needed it may have been dropped; then the slot lies idle, and can be lent.
        let mut effects = self.publish_and_unlock(state, wakers);
        let is_collected = collected.is_some();
        effects.forgotten = collected.flatten();
        (effects, is_collected)
    }

    /// Polls the member's ticket, with the member itself as the waker. If a slot was granted, returns a lender that
    /// this job does not owe a slot.
    fn collect(self: &Arc<Self>, state: &mut MemberState) -> Option<Option<Arc<Member>>> {
        let ticket = state.ticket?;
        let waker = Waker::from(self.clone());
        let Poll::Ready(grant) = self.inner.slots.poll(ticket, &waker) else {
            return None;
        };
        state.ticket = None;
        self.take_slot(state);
        let Some(Grant::Slot(lender @ Some(_))) = grant else { return Some(None) };
        // A slot that was lent to resolve a deadlock. If this member owes a slot already, the first lender gets this
        // one, and the second lender gets its slot from the pool, through the queue `Resume`.
        if state.lender.is_some() {
            return Some(lender);
        }
        state.lender = lender;
        Some(None)
    }

    /// The borrower of this job's slot has given it to another lender, or to the pool and has ended. Returns what to
    /// wake: a spawn that waits for that end.
    pub(crate) fn forget_loan(&self) -> Vec<Waker> {
        let mut state = lock(&self.state);
        state.end_loan();
        state.waits.iter_mut().filter_map(|(_, wait)| wait.take_over()).collect()
    }
}

impl JobStatus for Member {
    fn waits(&self) -> bool {
        let state = lock(&self.state);
        state.waits() || state.ticket.is_some()
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
