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
use crate::inner::member_state::{Slot, Standing, Turn};
use crate::inner::wait::{Prospect, Wait};
use crate::lending::deadlock::{self, Later};
use crate::sync::slots::{Grant, Line, Ticket};
use crate::sync::wake::wake;
use crate::sync::{Mutex, MutexGuard, lock};

/// One job that has waited for greenpool.
pub(crate) struct Member {
    core: Arc<Core>,
    job: bool,
    standing: Mutex<Standing>,
}

/// Gives a slot back to the first in the chain of lenders who lacks one, or to the pool.
#[inline]
pub(crate) fn give_back(core: &Core, lender: Option<Arc<Member>>) {
    if lender.is_some() {
        return give_home(core, lender);
    }
    core.slots.release();
}

fn give_home(core: &Core, mut lender: Option<Arc<Member>>) {
    while let Some(member) = lender {
        match member.take_back() {
            Ok(()) => return,
            Err(next) => lender = next,
        }
    }
    core.slots.release();
}

impl Member {
    /// The job that is being polled here.
    pub(crate) fn new(core: Arc<Core>, lender: Option<Arc<Member>>) -> Arc<Self> {
        Self::with(core, lender, true)
    }

    /// Somebody who works for the pool and may wait for others, but is no job and never has a slot.
    pub(crate) fn outsider(core: Arc<Core>) -> Arc<Self> {
        Self::with(core, None, false)
    }

    fn with(core: Arc<Core>, lender: Option<Arc<Member>>, job: bool) -> Arc<Self> {
        Arc::new(Member { core, job, standing: Mutex::new(Standing::new(lender, job)) })
    }

    pub(crate) fn is_outsider(&self) -> bool {
        !self.job
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Whether it waits for greenpool.
    pub(crate) fn waits(&self) -> bool {
        lock(&self.standing).waits()
    }

    /// Whether it is without a slot, and not over.
    pub(crate) fn lends(&self) -> bool {
        let standing = lock(&self.standing);
        !standing.holds() && !standing.ended
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
    pub(crate) fn end_turn(self: &Arc<Self>, part: u32) {
        let mut standing = lock(&self.standing);
        standing.end_turn(part);
        self.settle(standing, Vec::new());
    }

    /// This member waits, or will wait, for whoever has this ticket in its own pool.
    pub(crate) fn want(self: &Arc<Self>, ticket: Ticket) {
        let mut standing = lock(&self.standing);
        if standing.ended {
            return;
        }
        standing.want(ticket, &self.core.slots);
        self.settle(standing, Vec::new());
    }

    /// Whether this member moves, or will. If not, or if only nobody knows that it does, what it waits for is added to `later`.
    pub(crate) fn moves(&self, later: &mut Later) -> bool {
        let standing = lock(&self.standing);
        if !standing.is_listed() {
            return true;
        }
        self.moves_in(standing, later)
    }

    /// Whether nobody knows if this member moves: one of its polls is under way.
    pub(crate) fn is_suspect(&self) -> bool {
        lock(&self.standing).is_suspect()
    }

    /// Finds out.
    pub(crate) fn probe(&self, later: &mut Later) {
        lock(&self.standing).probe(later);
    }

    /// Likewise for an outsider, who moves if it waits for nothing in greenpool.
    pub(crate) fn outsider_moves(&self, found: &mut Vec<Wait>) -> bool {
        let standing = lock(&self.standing);
        if standing.waits.is_empty() {
            return true;
        }
        let mut later = Later::default();
        let moves = self.moves_in(standing, &mut later);
        found.append(&mut later.waits);
        wake(later.wakers);
        moves
    }

    fn moves_in(&self, standing: MutexGuard<'_, Standing>, later: &mut Later) -> bool {
        let polled = standing.is_being_polled();
        let waits: Vec<(usize, Wait)> = standing.waits.iter().map(|(key, wait)| (key, wait.clone())).collect();
        drop(standing);
        let mut any = false;
        for (key, wait) in waits {
            any = any || self.will_look(key, wait.prospect(&mut later.waits), polled, later);
            later.waits.push(wait);
        }
        any
    }

    fn will_look(&self, key: usize, prospect: Prospect, polled: bool, later: &mut Later) -> bool {
        match prospect {
            Prospect::Nothing => false,
            // The poll that is under way may come to it.
            Prospect::Something if polled => true,
            Prospect::Perhaps if polled => {
                self.probe(later);
                true
            }
            _ => lock(&self.standing).will_look(key, prospect, later),
        }
    }

    /// With the standing as it now is: lends the slot if it lies idle and is wanted, tells the pool, and looks for a knot.
    fn settle(self: &Arc<Self>, mut standing: MutexGuard<'_, Standing>, mut wakers: Vec<Waker>) {
        if standing.polling > 0 && !standing.waits() {
            wakers.append(&mut standing.nudge(&self.core.slots, None));
        } else if !standing.shaken {
            self.lend_to_wanted(&mut standing, &mut wakers);
        }
        standing.note(self);
        let may_wait = standing.may_wait();
        drop(standing);
        wake(wakers);
        if may_wait {
            deadlock::untie(&self.core);
        }
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
    pub(crate) fn lend_to(self: &Arc<Self>, ticket: Ticket, later: &mut Later) -> bool {
        let mut standing = lock(&self.standing);
        if !standing.waits() || !standing.holds() {
            return false;
        }
        let Ok(waker) = self.core.slots.lend(ticket, Some(self.clone())) else {
            return false;
        };
        standing.slot = Slot::Away;
        later.wakers.extend(waker);
        standing.note(self);
        true
    }

    /// The slot comes home. If this member has ended or has got another one: who comes next in the chain.
    fn take_back(self: &Arc<Self>) -> Result<(), Option<Arc<Member>>> {
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
        self.settle(standing, wakers);
        self.core.slots.end_absence();
        self.leave_queue(ticket);
        Ok(())
    }

    /// Leaves the queue; a slot that was already on its way goes on. With no lock held, since that may wake others.
    fn leave_queue(&self, ticket: Option<Ticket>) {
        if let Some(Grant::Slot(lender)) = ticket.and_then(|ticket| self.core.slots.cancel(ticket)) {
            give_back(&self.core, lender);
            deadlock::changed(&self.core);
        }
    }

    /// Gives the slot to the pool, if this member has it. A lender gets back the slot that the job ends with.
    pub(crate) fn part(self: &Arc<Self>) {
        let mut standing = lock(&self.standing);
        let held = standing.take(Slot::Parted);
        standing.note(self);
        drop(standing);
        if held {
            self.core.slots.part();
            deadlock::changed(&self.core);
        }
    }

    /// The job is over. If it had its slot, gives the lender to return it to.
    pub(crate) fn end(self: &Arc<Self>) -> Option<Option<Arc<Member>>> {
        let mut standing = lock(&self.standing);
        let over = std::mem::replace(&mut standing.ended, true);
        let held = standing.take(Slot::Away);
        // While the slot is lent out, the borrower will ask for the lender.
        let lender = if held { standing.lender.take() } else { None };
        let wakers = std::mem::take(&mut standing.wakers);
        standing.wants = VecDeque::new();
        let ticket = standing.ticket.take();
        // What has inherited from this job may wait for the slot; it goes on without one.
        self.settle(standing, wakers);
        self.leave_queue(ticket);
        if !held && !over {
            self.core.slots.end_absence();
        }
        held.then_some(lender)
    }

    /// A verb is pending from now on; gives its key.
    pub(crate) fn pend(self: &Arc<Self>, wait: Wait) -> usize {
        wait.core.awaited.add(&self.core);
        let mut standing = lock(&self.standing);
        standing.stir(wait.part);
        let key = standing.waits.insert(wait);
        self.look(standing, key);
        key
    }

    /// It is still pending.
    pub(crate) fn pend_again(self: &Arc<Self>, key: usize, mut wait: Wait) {
        let mut standing = lock(&self.standing);
        let old = &mut standing.waits[key];
        wait.ticket = wait.ticket.or(old.ticket);
        if !Arc::ptr_eq(&wait.core, &old.core) {
            wait.core.awaited.add(&self.core);
            old.core.awaited.remove(&self.core);
        }
        (wait.looked, wait.probed) = (old.looked, old.probed);
        let old = std::mem::replace(old, wait);
        self.look(standing, key);
        drop(old);
    }

    /// A verb has found that it has to wait. If that is for somebody in the queue of this pool, or if the verb finds it for the second time in
    /// this poll, the slot is lent at once.
    fn look(self: &Arc<Self>, mut standing: MutexGuard<'_, Standing>, key: usize) {
        let turn = standing.turn_of(&standing.waits[key]).number;
        let wait = &mut standing.waits[key];
        let again = std::mem::replace(&mut wait.looked, turn) == turn;
        let part = wait.part;
        if wait.resuming {
            standing.set_blocked(part, again);
            standing.note(self);
            drop(standing);
            // It has just queued for a slot, and its poll may never end.
            return deadlock::untie(&self.core);
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
        let may_wait = standing.may_wait();
        drop(standing);
        wake(wakers);
        if may_wait && !deadlock::can_move(&core) {
            deadlock::untie(&self.core);
        }
    }

    /// A verb is over.
    pub(crate) fn clear(self: &Arc<Self>, key: usize) {
        let mut standing = lock(&self.standing);
        let wait = standing.waits.try_remove(key);
        if let Some(wait) = &wait {
            standing.stir(wait.part);
        }
        if standing.polling == 0 {
            let other = standing.waits.iter().next().map(|(_, wait)| wait.waker.clone());
            standing.shaken = other.is_some();
            self.settle(standing, Vec::from_iter(other));
        } else {
            let wakers = standing.nudge(&self.core.slots, None);
            standing.note(self);
            let may_wait = standing.may_wait();
            drop(standing);
            wake(wakers);
            if may_wait {
                deadlock::untie(&self.core);
            }
        }
        if let Some(wait) = wait {
            wait.core.awaited.remove(&self.core);
        }
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
            match self.core.slots.enqueue(Line::Resumers, None) {
                Ok(Some(ticket)) => standing.ticket = Some(ticket),
                Ok(None) | Err(_) => standing.slot = Slot::Here,
            }
        }
        self.collect(standing);
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

impl Wake for Member {
    fn wake(self: Arc<Self>) {
        let mut standing = lock(&self.standing);
        let collected = self.collect(&mut standing);
        let wakers = std::mem::take(&mut standing.wakers);
        // Whoever wanted to go on may have been dropped meanwhile.
        self.settle(standing, wakers);
        if collected {
            self.core.slots.end_absence();
        }
    }
}
