//! The record of a job that has waited for greenpool: who has its slot, and what it waits for.
//!
//! # Implementation details
//!
//! A member *waits* while some verb is pending in it and none of its futures is being polled, but for polls that block a thread; otherwise it moves. (It has several futures if some were
//! made with [`inherit`](crate::inherit).) What the pool's [`Stalled`](crate::lending::deadlock::Stalled) knows of it is brought up to date under the lock
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
//! verbs that are pending in that poll ([`Standing::nudge`]). If they are looked at again at once, the slot is lent there. If not, the
//! poll ends, the job waits, and lends the slot; all that this costs is one poll more. [Knots](crate::lending::deadlock) are found in the same way.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

use crate::inner::Core;
use crate::inner::effects::{Check, Effects};
use crate::inner::member_state::{Slot, Standing, Turn};
use crate::inner::tracked::JobStatus;
use crate::inner::wait::{Prospect, Wait};
use crate::sync::slots::{Grant, Queue, Ticket};
use crate::sync::wake::wake;
use crate::sync::{Mutex, MutexGuard, lock};

/// One job that has waited for greenpool.
pub(crate) struct Member {
    core: Arc<Core>,
    job: bool,
    /// The queue has a slot for it.
    resumed: fn(&Arc<Member>),
    standing: Mutex<Standing>,
}

impl Member {
    /// The job that is being polled here.
    pub(crate) fn new(core: Arc<Core>, lender: Option<Arc<Member>>, resumed: fn(&Arc<Member>)) -> Arc<Self> {
        Self::with(core, lender, true, resumed)
    }

    /// Somebody who works for the pool and may wait for others, but is no job and never has a slot.
    pub(crate) fn outsider(core: Arc<Core>) -> Arc<Self> {
        Self::with(core, None, false, |_| {})
    }

    fn with(core: Arc<Core>, lender: Option<Arc<Member>>, job: bool, resumed: fn(&Arc<Member>)) -> Arc<Self> {
        Arc::new(Member { core, job, resumed, standing: Mutex::new(Standing::new(lender, job)) })
    }

    pub(crate) fn is_outsider(&self) -> bool {
        !self.job
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// One more future is a part of this job; gives its key.
    pub(crate) fn join(&self) -> u32 {
        lock(&self.standing).turns.insert(Turn::default()) as u32
    }

    /// That future is gone.
    pub(crate) fn leave(&self, part: u32) {
        lock(&self.standing).turns.try_remove(part as usize);
    }

    /// One of its futures is about to be polled.
    pub(crate) fn begin_turn(self: &Arc<Self>, part: u32) {
        let mut standing = lock(&self.standing);
        standing.begin_turn(part);
        standing.note(self);
    }

    /// It has been polled: what is pending now, the job waits for.
    pub(crate) fn end_turn(self: &Arc<Self>, part: u32) -> Effects {
        let mut standing = lock(&self.standing);
        standing.end_turn(part);
        self.settle(standing, Vec::new())
    }

    /// This member waits, or will wait, for whoever has this ticket in its own pool.
    pub(crate) fn want(self: &Arc<Self>, ticket: Ticket) -> Effects {
        let mut standing = lock(&self.standing);
        if standing.ended {
            return Effects::default();
        }
        standing.want(ticket, &self.core.slots);
        self.settle(standing, Vec::new())
    }

    /// Whether this member moves, or will. If not, or if only nobody knows that it does, what it waits for is added to `effects`.
    pub(crate) fn moves(&self, effects: &mut Effects) -> bool {
        let standing = lock(&self.standing);
        if !standing.is_listed() {
            return true;
        }
        self.moves_in(standing, effects)
    }

    /// Whether nobody knows if this member moves: one of its polls is under way.
    pub(crate) fn is_suspect(&self) -> bool {
        lock(&self.standing).is_suspect()
    }

    /// Finds out.
    pub(crate) fn probe(&self, effects: &mut Effects) {
        lock(&self.standing).probe(effects);
    }

    /// Likewise for an outsider, who moves if it waits for nothing in greenpool.
    pub(crate) fn outsider_moves(&self, found: &mut Vec<Wait>) -> bool {
        let standing = lock(&self.standing);
        if standing.waits.is_empty() {
            return true;
        }
        let mut effects = Effects::default();
        let moves = self.moves_in(standing, &mut effects);
        found.append(&mut effects.waits);
        wake(effects.wakers);
        moves
    }

    fn moves_in(&self, standing: MutexGuard<'_, Standing>, effects: &mut Effects) -> bool {
        let polled = standing.is_being_polled();
        let waits: Vec<(usize, Wait)> = standing.waits.iter().map(|(key, wait)| (key, wait.clone())).collect();
        drop(standing);
        let mut any = false;
        for (key, wait) in waits {
            any = any || self.will_look(key, wait.prospect(&mut effects.waits), polled, effects);
            effects.waits.push(wait);
        }
        any
    }

    fn will_look(&self, key: usize, prospect: Prospect, polled: bool, effects: &mut Effects) -> bool {
        match prospect {
            Prospect::Nothing => false,
            // The poll that is under way may come to it.
            Prospect::Something if polled => true,
            Prospect::Perhaps if polled => {
                self.probe(effects);
                true
            }
            _ => lock(&self.standing).will_look(key, prospect, effects),
        }
    }

    /// With the standing as it now is: lends the slot if it lies idle and is wanted, and tells the pool.
    fn settle(self: &Arc<Self>, mut standing: MutexGuard<'_, Standing>, mut wakers: Vec<Waker>) -> Effects {
        if standing.polling > 0 && !standing.waits() {
            wakers.append(&mut standing.nudge(&self.core.slots, None));
        } else if !standing.shaken {
            self.lend_to_wanted(&mut standing, &mut wakers);
        }
        standing.note(self);
        Effects::new(wakers, standing.may_wait())
    }

    fn lend_to_wanted(self: &Arc<Self>, standing: &mut Standing, wakers: &mut Vec<Waker>) {
        while !standing.wants.is_empty() && standing.can_lend() {
            let ticket = standing.wants.pop_front();
            if let Some(Ok(waker)) = ticket.map(|ticket| self.core.slots.lend(ticket, Some(self.clone()))) {
                standing.slot = Slot::Away;
                wakers.extend(waker);
            }
        }
    }

    /// Lends the idle slot to a ticket of somebody else, to break a knot.
    pub(crate) fn lend_to(self: &Arc<Self>, ticket: Ticket, effects: &mut Effects) -> bool {
        let mut standing = lock(&self.standing);
        if !standing.waits() || !standing.holds() {
            return false;
        }
        let Ok(waker) = self.core.slots.lend(ticket, Some(self.clone())) else {
            return false;
        };
        standing.slot = Slot::Away;
        effects.wakers.extend(waker);
        standing.note(self);
        true
    }

    /// The slot comes home. If this member has ended or has got another one: who comes next in the chain. Else there may be a ticket with which it
    /// leaves the queue.
    pub(crate) fn take_back(self: &Arc<Self>) -> Result<(Effects, Option<Ticket>), Option<Arc<Member>>> {
        let mut standing = lock(&self.standing);
        if standing.ended {
            return Err(standing.lender.take());
        }
        if standing.holds() {
            return Err(None);
        }
        standing.slot = Slot::Here;
        let ticket = standing.ticket.take();
        let wakers = std::mem::take(&mut standing.wakers);
        Ok((self.settle(standing, wakers), ticket))
    }

    /// Goes on without its slot; whether it had it.
    pub(crate) fn part(self: &Arc<Self>) -> bool {
        let mut standing = lock(&self.standing);
        let held = standing.take(Slot::Parted);
        standing.note(self);
        held
    }

    /// The job is over.
    pub(crate) fn end(self: &Arc<Self>) -> Ended {
        let mut standing = lock(&self.standing);
        let over = std::mem::replace(&mut standing.ended, true);
        let held = standing.take(Slot::Away);
        // While the slot is lent out, the borrower will ask for the lender.
        let lender = if held { standing.lender.take() } else { None };
        let wakers = std::mem::take(&mut standing.wakers);
        standing.wants = VecDeque::new();
        let ticket = standing.ticket.take();
        let effects = self.settle(standing, wakers);
        Ended { effects, ticket, was_absent: !held && !over, held: held.then_some(lender) }
    }

    /// A verb is pending from now on; gives its key.
    pub(crate) fn pend(self: &Arc<Self>, wait: Wait) -> (usize, Effects) {
        wait.core.awaited.add(&self.core);
        let mut standing = lock(&self.standing);
        standing.stir(wait.part);
        let key = standing.waits.insert(wait);
        let effects = self.look(standing, key);
        (key, effects)
    }

    /// It is still pending.
    pub(crate) fn pend_again(self: &Arc<Self>, key: usize, mut wait: Wait) -> Effects {
        let mut standing = lock(&self.standing);
        let old = &mut standing.waits[key];
        wait.ticket = wait.ticket.or(old.ticket);
        if !Arc::ptr_eq(&wait.core, &old.core) {
            wait.core.awaited.add(&self.core);
            old.core.awaited.remove(&self.core);
        }
        (wait.looked, wait.probed) = (old.looked, old.probed);
        let old = std::mem::replace(old, wait);
        let mut effects = self.look(standing, key);
        effects.waits.push(old);
        effects
    }

    /// A verb has found that it has to wait. If that is for somebody in the queue of this pool, or if the verb finds it for the second time in
    /// this poll, the slot is lent at once.
    fn look(self: &Arc<Self>, mut standing: MutexGuard<'_, Standing>, key: usize) -> Effects {
        let turn = standing.turn_of(&standing.waits[key]).number;
        let wait = &mut standing.waits[key];
        let again = std::mem::replace(&mut wait.looked, turn) == turn;
        let part = wait.part;
        if wait.resuming {
            standing.set_blocked(part, again);
            standing.note(self);
            // It has just queued for a slot, and its poll may never end.
            return Effects::new(Vec::new(), true);
        }
        let mut wakers = Vec::new();
        let core = wait.core.clone();
        let is_here = wait.ticket.is_some() && Arc::ptr_eq(&wait.core, &self.core);
        standing.set_blocked(part, again);
        if again || is_here {
            self.lend_to_wanted(&mut standing, &mut wakers);
        } else {
            // It could not be told from a spin if another of the job's futures is polled at length meanwhile.
            let but = (standing.polling > 1).then_some(part);
            wakers = standing.nudge(&self.core.slots, but);
        }
        standing.note(self);
        let check = if standing.may_wait() { Check::Unless(core) } else { Check::No };
        Effects { wakers, waits: Vec::new(), check }
    }

    /// A verb is over. Gives what it was, from whose pool this one is to be [removed](crate::inner::waiting::Awaited::remove) after the effects.
    pub(crate) fn clear(self: &Arc<Self>, key: usize) -> (Effects, Option<Wait>) {
        let mut standing = lock(&self.standing);
        let wait = standing.waits.try_remove(key);
        if let Some(wait) = &wait {
            standing.stir(wait.part);
        }
        let effects = if standing.polling == 0 {
            let other = standing.waits.iter().next().map(|(_, wait)| wait.waker.clone());
            standing.shaken = other.is_some();
            self.settle(standing, Vec::from_iter(other))
        } else {
            let wakers = standing.nudge(&self.core.slots, None);
            standing.note(self);
            Effects::new(wakers, standing.may_wait())
        };
        (effects, wait)
    }

    /// Ready when this job has its slot, also if it is over; else it stands in the queue for one, and `waker` will be woken.
    pub(crate) fn poll_slot(self: &Arc<Self>, waker: &Waker) -> Poll<()> {
        let mut standing = lock(&self.standing);
        if !standing.holds() && !standing.ended {
            self.resume(&mut standing);
            standing.note(self);
            if standing.holds() {
                drop(standing);
                self.core.slots.end_absence();
                return Poll::Ready(());
            }
        }
        if standing.holds() || standing.ended {
            return Poll::Ready(());
        }
        if !standing.wakers.iter().any(|old| old.will_wake(waker)) {
            standing.wakers.push(waker.clone());
        }
        Poll::Pending
    }

    /// Tries to get a slot to go on with, ahead of all waiters.
    fn resume(self: &Arc<Self>, standing: &mut Standing) {
        standing.slot = Slot::Away;
        if standing.ticket.is_none() {
            match self.core.slots.enqueue(Queue::Resume, None) {
                Ok(Some(ticket)) => standing.ticket = Some(ticket),
                Ok(None) | Err(_) => standing.slot = Slot::Here,
            }
        }
        self.collect(standing);
    }

    /// The queue may have a slot for this member, which it takes; whether there was one.
    pub(crate) fn collect_granted(self: &Arc<Self>) -> (Effects, bool) {
        let mut standing = lock(&self.standing);
        let collected = self.collect(&mut standing);
        let wakers = std::mem::take(&mut standing.wakers);
        // Whoever wanted to go on may have been dropped meanwhile.
        (self.settle(standing, wakers), collected)
    }

    /// Takes the slot that the queue has for this member; whether there was one.
    fn collect(self: &Arc<Self>, standing: &mut Standing) -> bool {
        let Some(ticket) = standing.ticket else {
            return false;
        };
        let waker = Waker::from(self.clone());
        let Poll::Ready(grant) = self.core.slots.poll(ticket, &waker) else {
            return false;
        };
        standing.ticket = None;
        standing.slot = Slot::Here;
        if let (Some(Grant::Slot(lender @ Some(_))), None) = (grant, &standing.lender) {
            // A slot that was lent to break a knot. Who owes two has borrowed from its own family too; then the pool
            // makes it up to the second lender, who stands before all waiters.
            standing.lender = lender;
        }
        true
    }
}

impl JobStatus for Member {
    fn waits(&self) -> bool {
        lock(&self.standing).waits()
    }

    fn lends(&self) -> bool {
        let standing = lock(&self.standing);
        !standing.holds() && !standing.ended
    }
}

impl Wake for Member {
    fn wake(self: Arc<Self>) {
        (self.resumed)(&self);
    }
}

/// A job that is over.
pub(crate) struct Ended {
    pub(crate) effects: Effects,
    /// A place in the queue that it leaves.
    pub(crate) ticket: Option<Ticket>,
    /// It was without its slot.
    pub(crate) was_absent: bool,
    /// It had its slot: who lent it.
    pub(crate) held: Option<Option<Arc<Member>>>,
}
