//! The state of a [`Member`], and what it publishes to its pool.
//!
//! A [`Member`] holds its lock around every method here. The terms are those of `lending/README.md`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use crate::inner::effects::Effects;
use crate::inner::member::Member;
use crate::inner::offers::Offers;
use crate::inner::verbs::Verbs;
use crate::inner::wait::{Lent, Readiness};
use crate::inner::{PoolServed, PoolSlots};
use crate::sync::slots::Ticket;
use crate::sync::slots::gates::Hold;
use crate::sync::slots::keyed::{KeyLoan, NotLent};

/// Where the slot of a job is, and what the job waits for.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and they come in any combination")]
pub(crate) struct MemberState {
    pub(crate) slot: OwnSlot,
    pub(crate) ended: bool,
    /// A verb was dropped while no branch was being polled. Either the job is being dropped too, or it has been woken
    /// and will be polled.
    pub(crate) recheck: bool,
    /// Its pending verbs, and the polls of its branches.
    pub(crate) verbs: Verbs,
    /// The job's ticket in `Queue::Resume`.
    pub(crate) ticket: Option<Ticket>,
    /// Branches that waited for the slot and have been woken, if the job has not been polled since. It keeps its slot
    /// until then.
    pub(crate) woken: BTreeSet<u32>,
    /// How many branches have found the slot there, and are about to be polled. The job keeps it until then.
    pub(crate) entering: usize,
    /// How many other jobs have a slot that this job lent.
    pub(crate) loans: usize,
    /// Whether the last of these has its key, too.
    pub(crate) key_lent: bool,
    /// A job that it lent its key to may still run, even if this job has gone on in another slot. Then it does not lend
    /// the key again.
    key_shared: bool,
    /// The number of pending [`lend`](crate::lend)s. Each time the job has been polled, it gives its slot back.
    pub(crate) lends: usize,
    /// The number of the last one that began.
    pub(crate) last_lend: u64,
    /// The wakers of those that have been polled in place, by their numbers. They are woken, once, when the job
    /// has a slot that they can give back.
    pub(crate) lend_wakers: Vec<(u64, Waker)>,
    /// Tickets of the pool that this job waits for.
    pub(crate) offers: Offers,
    /// The member that lent this job its slot.
    pub(crate) lender: Option<Arc<Member>>,
    published: Published,
}

/// Where the slot of a member is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnSlot {
    Held,
    /// Lent to another job, or the job has queued for one.
    Away,
    /// Given back to the pool with [`lend`](crate::lend), and not requested since.
    Released,
}

/// What a pool counts a member as. The key is that of its entry in `BlockedJobs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Published {
    /// It moves with its slot, cannot go on because another job has its slot, or has ended.
    Unlisted,
    /// It moves without a slot: it waits for something outside greenpool in `lend`, or is polled in place.
    Slotless,
    /// It holds its slot, and may wait in a poll that is in progress.
    Suspect(usize),
    /// It waits, and holds its slot.
    Holder(usize),
    /// It waits, and has given its slot back to the pool.
    Released(usize),
}

impl Published {
    fn key(self) -> Option<usize> {
        match self {
            Published::Unlisted | Published::Slotless => None,
            Published::Suspect(key) | Published::Holder(key) | Published::Released(key) => Some(key),
        }
    }

    /// Whether it waits and no other job has its slot.
    fn is_idle(self) -> bool {
        matches!(self, Published::Holder(_) | Published::Released(_))
    }

    fn with_key(self, key: usize) -> Self {
        match self {
            Published::Unlisted | Published::Slotless => self,
            Published::Suspect(_) => Published::Suspect(key),
            Published::Holder(_) => Published::Holder(key),
            Published::Released(_) => Published::Released(key),
        }
    }
}

impl MemberState {
    pub(crate) fn new(lender: Option<Arc<Member>>, job: bool) -> Self {
        MemberState {
            slot: if job { OwnSlot::Held } else { OwnSlot::Away },
            ended: !job,
            recheck: false,
            verbs: Verbs::new(job),
            ticket: None,
            woken: BTreeSet::new(),
            entering: 0,
            loans: 0,
            key_lent: false,
            key_shared: false,
            lends: 0,
            last_lend: 0,
            lend_wakers: Vec::new(),
            offers: Offers::default(),
            lender,
            published: Published::Unlisted,
        }
    }

    /// Whether `BlockedJobs` lists it.
    pub(crate) fn is_listed(&self) -> bool {
        self.published.key().is_some()
    }

    pub(crate) fn holds(&self) -> bool {
        self.slot == OwnSlot::Held
    }

    /// Takes the slot from the member, and leaves `leave`. Returns whether it had one.
    pub(crate) fn take(&mut self, leave: OwnSlot) -> bool {
        let held = self.holds();
        if held {
            self.slot = leave;
            self.woken.clear();
        }
        held
    }

    /// The job has a slot, and is polled next if a branch waited for that. Returns what to wake: such branches, verbs
    /// that wait in place, and spawns whose child ran in the slot of this job and is over.
    pub(crate) fn take_wakers(&mut self) -> Vec<Waker> {
        let (branches, mut wakers) = self.verbs.take_wanting();
        self.woken.extend(branches);
        wakers.extend(self.verbs.resuming_wakers());
        wakers.extend(self.verbs.take_over());
        wakers
    }

    /// Whether it waits for greenpool. A poll that is known to block its thread does not count as a poll.
    pub(crate) fn waits(&self) -> bool {
        !self.ended && self.verbs.all_block() && !self.will_go_on() && !self.verbs.is_empty()
    }

    /// Whether it will be polled, or a verb in it, whatever it waits for.
    fn will_go_on(&self) -> bool {
        self.recheck || self.is_reserved() && self.holds()
    }

    /// Whether it has ended, or makes progress without a slot from the pool and without anything else from greenpool.
    pub(crate) fn moves_alone(&self) -> bool {
        let is_in_poll = self.is_being_polled() && !self.is_listed() && !self.needs_slot();
        self.ended || self.ticket.is_none() && (is_in_poll || self.will_go_on() || self.verbs.is_empty())
    }

    /// Whether it cannot be told if it waits: a verb is pending, and the poll in progress may end soon, or never.
    pub(crate) fn is_suspect(&self) -> bool {
        self.is_being_polled() && !self.ended && self.can_lend() && self.verbs.may_be_in_place()
    }

    /// Whether it has no slot, and a verb is pending in each of its polls in progress. Then it counts as waiting.
    pub(crate) fn needs_slot(&self) -> bool {
        !self.holds() && !self.ended && self.verbs.polling() > 0 && self.verbs.all_held_up()
    }

    /// Whether a poll is in progress that is not known to block its thread.
    pub(crate) fn is_being_polled(&self) -> bool {
        !self.verbs.all_block()
    }

    /// Whether it waits for greenpool, or may.
    pub(crate) fn may_wait(&self) -> bool {
        self.waits() || self.is_suspect() || self.needs_slot()
    }

    /// A branch is about to be polled.
    pub(crate) fn begin_poll(&mut self, branch: u32) {
        self.recheck = false;
        self.woken.clear();
        self.entering = self.entering.saturating_sub(1);
        self.verbs.begin_poll(branch);
    }

    /// Whether the job is about to be polled, or a verb that waits in place is about to go on. It keeps its slot until
    /// then.
    pub(crate) fn is_reserved(&self) -> bool {
        !self.woken.is_empty() || self.entering > 0 || self.verbs.is_resuming()
    }

    /// Whether the job has its slot, a verb is pending, and neither the job nor a verb is about to go on with the slot.
    pub(crate) fn can_lend(&self) -> bool {
        self.holds() && !self.is_reserved() && !self.verbs.is_empty()
    }

    /// Lends the slot to the owner of this ticket, if it is queued. If its key is not free, also the key, if that is
    /// the same, or else only if that is `forced`.
    pub(crate) fn lend(&mut self, member: &Arc<Member>, ticket: Ticket, forced: bool) -> Result<PoolServed, NotLent> {
        let spawn = self.verbs.spawn_of(ticket);
        let own = member.key().filter(|_| forced || !self.key_shared);
        let loan = KeyLoan { own, forced, noted: self.offers.is_parked(ticket) };
        let slots = &member.inner().slots;
        let (served, lends_key) = slots.lend_keyed(ticket, member, spawn.is_some(), loan).inspect_err(|not_lent| {
            if let NotLent::Parked = not_lent {
                self.offers.park(ticket, slots);
            }
        })?;
        if let Some(spawn) = spawn {
            self.verbs.edit(spawn, |spawn| spawn.lent = Lent::Yes);
        }
        self.slot = OwnSlot::Away;
        self.loans += 1;
        self.key_lent |= lends_key;
        self.key_shared |= lends_key;
        Ok(served)
    }

    /// A borrower of the slot is over.
    pub(crate) fn end_loan(&mut self, key: Option<Hold>) {
        self.loans = self.loans.saturating_sub(1);
        if self.loans == 0 && std::mem::take(&mut self.key_shared) {
            if let Some(key) = key {
                self.offers.retry(key);
            }
        }
    }

    /// Whether the slot should go back to the pool: the job waits, and a child has the slot that it had before, or a
    /// `lend` is pending.
    pub(crate) fn has_spare_slot(&self) -> bool {
        let lends = self.lends > 0 && self.verbs.all_block() && !self.ended;
        self.holds() && !self.is_reserved() && (lends || self.loans > 0 && self.waits() && self.can_lend())
    }

    /// Takes the waker of that `lend`.
    pub(crate) fn take_lend_waker(&mut self, id: u64) -> Option<Waker> {
        let at = self.lend_wakers.iter().position(|(other, _)| *other == id)?;
        Some(self.lend_wakers.swap_remove(at).1)
    }

    /// Whether the slot would be lent or given back if the job waited, and a verb of that branch may be woken to find
    /// out whether it does.
    pub(crate) fn is_slot_of_use(&mut self, branch: u32, slots: &PoolSlots) -> bool {
        self.offers.any(slots) || self.gives_slot_back() && self.verbs.may_recheck(branch)
    }

    /// Whether the slot would be given back if the job waited.
    fn gives_slot_back(&self) -> bool {
        self.loans > 0 || self.lends > 0
    }

    /// While the job is being polled and could lend its slot, or give it back: the wakers of the verbs whose polls may
    /// block their threads, except those in branch `except`. If one is polled again at once, the slot goes then. Also
    /// those of each `lend` that waits in place.
    pub(crate) fn recheck_wakers(&mut self, slots: &PoolSlots, except: Option<u32>) -> Vec<Waker> {
        if !self.holds() || self.is_reserved() {
            return Vec::new();
        }
        let mut wakers: Vec<_> = self.lend_wakers.drain(..).map(|(_, waker)| waker).collect();
        if self.verbs.may_be_in_place() && self.can_lend() {
            if self.offers.any(slots) {
                wakers.extend(self.verbs.suspected(except));
            } else if self.gives_slot_back() {
                wakers.extend(self.verbs.recheck(except));
            }
        }
        wakers
    }

    /// Whether the verb will be polled again and find something. Wakes it, once, if that must be found out. If the job
    /// has been polled since and has not come to the verb, sets it aside.
    pub(crate) fn will_look(&mut self, key: usize, readiness: Readiness, effects: &mut Effects) -> bool {
        if self.is_being_polled() {
            // The poll in progress may still reach the verb, unless it blocks its thread.
            self.verbs.probe(effects);
            return true;
        }
        let Some(now) = self.verbs.get(key) else {
            return true;
        };
        let poll = self.verbs.poll(now.branch);
        let (number, blocks_thread) = poll.map_or((None, false), |poll| (Some(poll.number), poll.blocks_thread));
        let is_latest = number == Some(now.last_polled);
        match now.woken_at {
            // Only what is awaited in place is polled again in such a poll.
            _ if blocks_thread && !now.maybe_in_place => false,
            // The branch has not been polled since, so the verb has been woken, or will be. But the `block_on` that it
            // may have been polled in may be over.
            _ if is_latest && (!now.maybe_in_place || readiness == Readiness::Later) => true,
            Some(woken_at) if number == Some(woken_at) => !blocks_thread,
            Some(_) => {
                if readiness == Readiness::Yes && now.is_over() {
                    self.verbs.set_aside(key);
                }
                false
            }
            None => {
                self.verbs.edit(key, |wait| wait.woken_at = Some(number.unwrap_or_default()));
                self.verbs.wake(key, effects);
                true
            }
        }
    }

    /// What the pool should count this member as. The key is that of the current entry, if there is one.
    fn to_publish(&self) -> Published {
        let key = self.published.key().unwrap_or_default();
        let waits = self.waits() || self.needs_slot();
        match (waits, self.slot) {
            _ if self.is_suspect() => Published::Suspect(key),
            (true, OwnSlot::Held) => Published::Holder(key),
            (true, OwnSlot::Released) => Published::Released(key),
            (false, OwnSlot::Released) if !self.ended => Published::Slotless,
            (false, OwnSlot::Away) if !self.ended && self.verbs.polling() > 0 => Published::Slotless,
            _ => Published::Unlisted,
        }
    }

    /// Publishes the state to the pool, if it has changed.
    ///
    /// The `SeqCst` updates pair with the loads in `Inner::can_move` and with the fence in `deadlock::resolve`: a
    /// search that starts after this sees it, and if this makes the pool stuck, a search follows.
    pub(crate) fn publish(&mut self, member: &Arc<Member>) {
        let (old, mut new) = (self.published, self.to_publish());
        if old == new {
            return;
        }
        let inner = member.inner();
        let blocked = &inner.blocked_jobs;
        // It is listed before it is counted, and until after: a search that finds every slot counted must find the
        // jobs.
        if new.key().is_some() && old.key().is_none() {
            new = new.with_key(blocked.add(member.clone()));
        }
        // The old count of a slot goes first, and `slotless` goes last. In between, the pool seems to have one more
        // moving job, never one fewer. That can hide a deadlock, but publishing a blocked job is followed by a search.
        match old {
            Published::Suspect(_) => drop(blocked.suspects.fetch_sub(1, Ordering::SeqCst)),
            Published::Holder(_) => drop(blocked.holders.fetch_sub(1, Ordering::SeqCst)),
            Published::Unlisted | Published::Slotless | Published::Released(_) => {}
        }
        match new {
            Published::Suspect(_) => drop(blocked.suspects.fetch_add(1, Ordering::SeqCst)),
            Published::Holder(_) => drop(blocked.holders.fetch_add(1, Ordering::SeqCst)),
            Published::Slotless => drop(blocked.slotless.fetch_add(1, Ordering::SeqCst)),
            Published::Unlisted | Published::Released(_) => {}
        }
        if let (Some(key), None) = (old.key(), new.key()) {
            blocked.remove(key);
        }
        if old.is_idle() && !new.is_idle() {
            inner.awaited_by.count_move();
        }
        if old == Published::Slotless {
            blocked.slotless.fetch_sub(1, Ordering::SeqCst);
        }
        self.published = new;
    }
}

#[cfg(all(test, not(loom), not(shuttle)))]
mod tests;
