//! The shared record of a job that has waited for greenpool: where its slot is, and what it waits for.
//!
//! # Implementation details
//!
//! `lending/README.md` tells when a slot is lent and how it comes home. Each method here takes the lock of the
//! [`MemberState`], makes one transition, publishes the outcome to the pool's
//! [`BlockedJobs`](crate::inner::blocked::BlockedJobs) under that lock, and returns [`Effects`] for the caller to run
//! without it. Methods that take `slots` locks do so inside the member's lock, never the other way round.

use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

use crate::inner::Inner;
use crate::inner::bag::Place;
use crate::inner::effects::{Check, Effects};
use crate::inner::in_place::LOOKS;
use crate::inner::member_state::{MemberState, OwnSlot};
use crate::inner::tracked::JobStatus;
use crate::inner::wait::{Look, Readiness, Shared, WaitEdge};
use crate::sync::slots::gates::Hold;
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

/// A verb is not pending any longer.
pub(crate) struct Changed;

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
        lock(&self.state).verbs.add_branch()
    }

    /// That future has been dropped.
    pub(crate) fn remove_branch(self: &Arc<Self>, branch: u32) -> Effects {
        let mut state = lock(&self.state);
        state.verbs.remove_branch(branch);
        // It may have been woken to use the slot.
        state.woken.remove(&branch);
        self.publish_and_unlock(state, Vec::new())
    }

    /// Whether the job has ended. An outsider never begins, so it has not.
    pub(crate) fn has_ended(&self) -> bool {
        self.job && lock(&self.state).ended
    }

    /// The number of the latest poll of a branch.
    pub(crate) fn poll_number(&self, branch: u32) -> u64 {
        lock(&self.state).verbs.poll(branch).map_or(0, |poll| poll.number)
    }

    /// A [`lend`](crate::lend) is pending from now on: the job gives its slot back whenever it waits. Returns its
    /// number.
    pub(crate) fn begin_lend(&self) -> u64 {
        let mut state = lock(&self.state);
        state.lends += 1;
        state.last_lend += 1;
        state.last_lend
    }

    /// That is over.
    pub(crate) fn end_lend(&self, id: u64) {
        let mut state = lock(&self.state);
        state.lends -= 1;
        let waker = state.take_lend_waker(id);
        drop(state);
        drop(waker);
    }

    /// A `lend` waits in place. It is woken when the job has a slot that it can give back. Only once.
    pub(crate) fn set_lend_waker(&self, id: u64, waker: &Waker) {
        let waker = Shared::new(waker).waker();
        let mut state = lock(&self.state);
        let old = state.take_lend_waker(id);
        state.lend_wakers.push((id, waker));
        drop(state);
        drop(old);
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
        let wakers = state.verbs.end_poll(branch);
        self.publish_and_unlock(state, wakers)
    }

    /// This job waits, or will wait, for the owner of this ticket in its own pool, and may lend its slot to it.
    pub(crate) fn offer_slot(self: &Arc<Self>, ticket: Ticket) -> Effects {
        let mut state = lock(&self.state);
        if state.ended {
            return Effects::default();
        }
        state.offers.push(ticket, &self.inner.slots);
        self.publish_and_unlock(state, Vec::new())
    }

    /// Whether the pool lists it as blocked.
    pub(crate) fn is_listed(&self) -> bool {
        lock(&self.state).is_listed()
    }

    /// The verb that is pending after the last one, or the first. An error if the last one is not pending any longer.
    pub(crate) fn next_wait(&self, last: Option<Place>) -> Result<Option<(Place, WaitEdge)>, Changed> {
        let state = lock(&self.state);
        let next = match last {
            Some(last) => state.verbs.after(last).ok_or(Changed)?,
            None => state.verbs.first(),
        };
        Ok(next.map(|(place, wait)| (place, wait.clone())))
    }

    /// Whether it cannot be told if this member moves, because one of its polls is in progress.
    pub(crate) fn is_suspect(&self) -> bool {
        lock(&self.state).is_suspect()
    }

    /// Wakes its verbs to find out. See [`MemberState::probe`].
    pub(crate) fn probe(&self, effects: &mut Effects) {
        lock(&self.state).verbs.probe(effects);
    }

    /// Whether an outsider moves, as it does if it waits for nothing in greenpool. If not, adds what it waits for to
    /// `found`.
    pub(crate) fn outsider_moves(self: &Arc<Self>, found: &mut Vec<WaitEdge>) -> bool {
        let (mut effects, mut last) = (Effects::default(), None);
        let moves = loop {
            match self.next_wait(last) {
                Ok(Some((place, wait))) => {
                    let look = self.look_at(place.key, &wait, &mut effects);
                    effects.waits.push(wait);
                    match look {
                        Look::Will => break true,
                        Look::Pending => last = Some(place),
                        Look::SetAside => {}
                    }
                }
                Ok(None) => break last.is_none(),
                Err(Changed) => break true,
            }
        };
        found.append(&mut effects.waits);
        wake(effects.wakers);
        moves
    }

    /// Whether the verb will be polled again and find something. Wakes it if that must be found out. If not, adds what
    /// its source waits for in turn to `effects`.
    pub(crate) fn look_at(self: &Arc<Self>, key: usize, wait: &WaitEdge, effects: &mut Effects) -> Look {
        let readiness = wait.readiness(&mut effects.waits);
        self.will_look(key, readiness, effects)
    }

    /// Whether the verb with this key will be polled again and find something, if it is as ready as that.
    pub(crate) fn will_look(self: &Arc<Self>, key: usize, readiness: Readiness, effects: &mut Effects) -> Look {
        if readiness == Readiness::No {
            return Look::Pending;
        }
        let mut state = lock(&self.state);
        let will_look = state.will_look(key, readiness, effects);
        state.publish(self);
        match will_look {
            true => Look::Will,
            false if state.verbs.is_aside(key) => Look::SetAside,
            false => Look::Pending,
        }
    }

    /// Ends a transition: if the job waits, lends its slot to an offered ticket that is queued, or gives it back if a
    /// `lend` is pending. Then publishes the state.
    fn publish_and_unlock(self: &Arc<Self>, mut state: MutexGuard<'_, MemberState>, mut wakers: Vec<Waker>) -> Effects {
        let mut effects = Effects::default();
        if state.verbs.polling() > 0 && !state.waits() {
            wakers.append(&mut state.recheck_wakers(&self.inner.slots, None));
        } else if !state.recheck {
            self.lend_or_release(&mut state, &mut effects);
        }
        state.publish(self);
        if state.may_wait() {
            effects.check = Check::Yes;
            effects.from_job = self.depends_on_jobs(&state);
        } else if !self.job && !state.verbs.is_empty() {
            // A branch of a source, which the consumer of the map waits for.
            effects.check = Check::Yes;
        }
        effects.wakers = wakers;
        effects
    }

    /// Lends the slot of a job that waits to an offered ticket, or gives it back to the pool if the job needs none.
    fn lend_or_release(self: &Arc<Self>, state: &mut MemberState, effects: &mut Effects) {
        self.lend_to_offers(state, effects);
        if state.has_spare_slot() {
            let leave = if state.loans > 0 { OwnSlot::Away } else { OwnSlot::Released };
            effects.releases = state.take(leave);
            if effects.releases {
                // Before another branch can find a slot, which ends the absence.
                self.inner.slots.begin_absence();
            }
        }
    }

    /// Whether it may be in a deadlock while other jobs of its pool move. It is in none if any of its waits is not, so
    /// this looks at one.
    fn depends_on_jobs(&self, state: &MemberState) -> bool {
        let Some((_, wait)) = state.verbs.first() else { return false };
        let own = Arc::ptr_eq(&wait.inner, &self.inner);
        let others_are_blocked = || wait.inner.blocked_jobs.len() > usize::from(own);
        let pool_cannot_move = || !own && !wait.inner.can_move();
        let leads_to_jobs = wait.has_job() || wait.stands_for_others() && others_are_blocked();
        wait.inner.slots.is_keyed() || leads_to_jobs || pool_cannot_move()
    }

    /// Whether one of its verbs waits for a job that moves.
    pub(crate) fn waits_for_moving_job(&self) -> bool {
        let wait = lock(&self.state).verbs.first().and_then(|(_, wait)| wait.job());
        wait.is_some_and(|job| job.moves_alone())
    }

    /// Whether this job certainly moves, whatever its pool does.
    pub(crate) fn moves_alone(&self) -> bool {
        lock(&self.state).moves_alone()
    }

    /// Whether it waits for a slot to go on with.
    pub(crate) fn is_resuming(&self) -> bool {
        lock(&self.state).ticket.is_some()
    }

    /// Lends the slot to the first offered ticket that is still queued, if the slot can be lent.
    fn lend_to_offers(self: &Arc<Self>, state: &mut MemberState, effects: &mut Effects) {
        while state.can_lend() {
            let Some(ticket) = state.offers.pop() else { break };
            effects.served.extend(state.lend(self, ticket, false).ok());
        }
    }

    /// A ticket that this job waits for is not parked any longer.
    pub(crate) fn reconsider(self: &Arc<Self>, ticket: Ticket) -> Effects {
        let mut state = lock(&self.state);
        if state.ended {
            return Effects::default();
        }
        state.offers.unpark(ticket);
        self.publish_and_unlock(state, Vec::new())
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
        state.end_loan(self.key);
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

    /// The job goes on without its slot, unless something in it is about to use that. Returns whether it had it.
    pub(crate) fn release_slot(self: &Arc<Self>) -> bool {
        let mut state = lock(&self.state);
        let held = !state.is_reserved() && state.take(OwnSlot::Released);
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
        let is_settled = held || state.loans == 0;
        // Its spawn need not wait for that.
        let told = state.lender.clone().filter(|_| !is_settled);
        let lender = if is_settled { state.lender.take() } else { None };
        let (_, mut wakers) = state.verbs.take_wanting();
        wakers.extend(state.verbs.resuming_wakers());
        state.offers.clear();
        let ticket = state.ticket.take();
        let key = self.key.filter(|_| !had_ended).map(|key| (key, std::mem::take(&mut state.key_lent)));
        let mut effects = self.publish_and_unlock(state, wakers);
        effects.told = told;
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
        state.verbs.unmark_blocking(wait.branch);
        let key = state.verbs.insert(wait);
        let effects = self.look(state, key);
        (key, effects)
    }

    /// The verb was polled again and is still pending.
    pub(crate) fn update(self: &Arc<Self>, key: usize, mut wait: WaitEdge) -> Effects {
        let inner = wait.inner.clone();
        let mut state = lock(&self.state);
        let old = state.verbs.edit(key, |old| {
            wait.ticket = wait.ticket.or(old.ticket);
            (wait.last_polled, wait.looks, wait.looks_epoch) = (old.last_polled, old.looks, old.looks_epoch);
            wait.lent = old.lent;
            std::mem::replace(old, wait)
        });
        let Some(old) = old else { return Effects::default() };
        if !Arc::ptr_eq(&inner, &old.inner) {
            inner.awaited_by.add(&self.inner);
            old.inner.awaited_by.remove(&self.inner);
        }
        let mut effects = self.look(state, key);
        effects.waits.push(old);
        effects
    }

    /// A verb has just been polled and is pending. The slot is lent at once only if the verb is awaited
    /// [in place](crate::inner::in_place); otherwise at the end of the poll.
    fn look(self: &Arc<Self>, mut state: MutexGuard<'_, MemberState>, key: usize) -> Effects {
        let mut effects = Effects::default();
        let again = state.verbs.look(key);
        let Some(wait) = state.verbs.get(key) else { return effects };
        let (branch, inner) = (wait.branch, wait.inner.clone());
        let (resuming, maybe_in_place) = (wait.resuming, wait.maybe_in_place);
        let in_place = maybe_in_place && wait.looks >= LOOKS;
        let waker = (maybe_in_place && !resuming && !in_place).then(|| wait.waker.clone());
        let mut is_new = false;
        if in_place {
            is_new = state.verbs.set_blocks_thread(branch, true);
        } else if maybe_in_place && !state.can_lend() {
            // It does not go on to wake itself, so a later search must find out anew.
            state.verbs.forget_probe(branch);
        }
        if resuming {
            state.publish(self);
            // The job has just queued for a slot, and its poll may never end.
            effects.check = Check::Yes;
            return effects;
        }
        // It is polled again within this poll, or that is over soon. Either is followed by a search.
        let mut will_be_found_out = false;
        if in_place && state.is_being_polled() {
            // Another branch uses the slot. It is lent at the end of that poll, or when that is found to block, too.
            if is_new {
                effects.wakers = state.recheck_wakers(&self.inner.slots, Some(branch));
            }
        } else if in_place {
            self.lend_or_release(&mut state, &mut effects);
        } else if (again || state.verbs.is_probed(branch)) && waker.is_some() && state.can_lend() {
            effects.wakers.extend(waker);
            will_be_found_out = true;
        } else if state.verbs.not_blocking() > 1 {
            // While another branch is in a long poll, waking this one at each look would make it spin.
            effects.wakers = state.recheck_wakers(&self.inner.slots, Some(branch));
        } else if waker.is_some() && state.can_lend() && state.is_slot_of_use(branch, &self.inner.slots) {
            effects.wakers.extend(waker);
            will_be_found_out = true;
        }
        state.publish(self);
        if state.may_wait() && !(will_be_found_out && state.is_suspect()) {
            effects.check = Check::Unless(inner);
            effects.from_job = self.depends_on_jobs(&state);
        }
        effects
    }

    /// A verb is ready or has been dropped. Returns its wait. Once the effects have been run, the caller must
    /// [remove](crate::inner::blocked::AwaitedBy::remove) this pool from the pool of that wait.
    pub(crate) fn clear(self: &Arc<Self>, key: usize) -> (Effects, Option<WaitEdge>) {
        let mut state = lock(&self.state);
        let wait = state.verbs.remove(key);
        if let Some(wait) = &wait {
            state.verbs.unmark_blocking(wait.branch);
        }
        let effects = if state.verbs.polling() == 0 {
            let is_new = !state.recheck && !state.verbs.is_empty();
            state.recheck = !state.verbs.is_empty();
            let wakers = if is_new { state.verbs.job_wakers() } else { Vec::new() };
            self.publish_and_unlock(state, wakers)
        } else {
            let wakers = state.recheck_wakers(&self.inner.slots, None);
            state.publish(self);
            Effects::new(wakers, state.may_wait())
        };
        (effects, wait)
    }

    /// A branch is about to be polled, if there is a slot, by the task with this waker.
    pub(crate) fn set_task(&self, branch: u32, waker: &Waker) {
        if !lock(&self.state).verbs.is_polled_with(branch, waker) {
            let task = Shared::new(waker);
            let old = lock(&self.state).verbs.set_task(branch, task);
            drop(old);
        }
    }

    /// Ready if this job has a slot, or has ended. Otherwise queues for a slot.
    ///
    /// If a `branch` is about to be polled, the job keeps the slot until then, and wakes the task of that branch when
    /// it has one. Otherwise a verb in a poll goes on, which is woken if it is registered as
    /// [resuming](WaitEdge::resuming).
    pub(crate) fn poll_slot(self: &Arc<Self>, branch: Option<u32>) -> (Poll<()>, Effects) {
        let mut state = lock(&self.state);
        let forgotten = self.resume(&mut state);
        if !state.holds() && !state.ended {
            if let Some(branch) = branch {
                state.verbs.want_slot(branch);
            }
            state.publish(self);
            return (Poll::Pending, Effects::new(Vec::new(), true));
        }
        let is_new = forgotten.is_some();
        let wakers = if is_new { state.take_wakers() } else { Vec::new() };
        if branch.is_none() {
            state.woken.clear();
        }
        state.entering += usize::from(branch.is_some() && !state.ended);
        state.publish(self);
        drop(state);
        if is_new {
            self.inner.slots.end_absence();
        }
        let effects = Effects { wakers, forgotten: forgotten.flatten(), ..Effects::default() };
        (Poll::Ready(()), effects)
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
        // one, and the second lender gets its slot from the pool, through the queue `Resume`. If it has a loan out
        // itself, this may be the slot that it lent, and the lender its own borrower. It takes on no debt then, so
        // debts never form a circle, in which nobody would hear of the end of a loan.
        if state.lender.is_some() || state.loans > 0 {
            return Some(lender);
        }
        state.lender = lender;
        Some(None)
    }

    /// A borrower of this job's slot has ended. Returns what to wake: a spawn that waits for that.
    pub(crate) fn take_over(&self) -> Vec<Waker> {
        lock(&self.state).verbs.take_over()
    }

    /// The borrower of this job's slot has given it to another lender, or to the pool and has ended. Returns what to
    /// wake: a spawn that waits for that end. If this job has ended too, also returns the lender that must learn of
    /// that now: as long as the slot was lent on, it could have come home through this job.
    pub(crate) fn forget_loan(self: &Arc<Self>) -> (Vec<Waker>, Option<Arc<Member>>) {
        let mut state = lock(&self.state);
        state.end_loan(self.key);
        if state.loans == 0 && state.slot == OwnSlot::Away && state.ticket.is_none() {
            // No other job has its slot any longer.
            state.slot = OwnSlot::Released;
            state.publish(self);
        }
        let is_over = state.ended && state.loans == 0;
        (state.verbs.take_over(), if is_over { state.lender.take() } else { None })
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
