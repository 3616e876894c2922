//! How a job that has waited for greenpool stands, and what its pool is told of that.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use slab::Slab;

use crate::inner::effects::Effects;
use crate::inner::member::Member;
use crate::inner::wait::{Readiness, WaitEdge};
use crate::sync::slots::{Slots, Ticket};

/// Who has the slot of a job that has waited for greenpool, and what the job waits for.
pub(crate) struct MemberState {
    pub(crate) slot: OwnSlot,
    pub(crate) ended: bool,
    /// How many of its futures are being polled.
    pub(crate) polling: usize,
    /// How many of these polls block their threads, as far as is known.
    blocked: usize,
    /// A verb was dropped while none was; either the job is being dropped itself, or it will be polled.
    pub(crate) recheck: bool,
    /// For each of them, how often it has been.
    pub(crate) polls: Slab<PollRecord>,
    /// The verbs that are pending in this job.
    pub(crate) waits: Slab<WaitEdge>,
    /// The place in the pool's queue of those who want to go on.
    pub(crate) ticket: Option<Ticket>,
    pub(crate) wakers: Vec<Waker>,
    /// Tickets that this job waits for, in order; those that have been served meanwhile are passed over.
    pub(crate) offers: VecDeque<Ticket>,
    pub(crate) lender: Option<Arc<Member>>,
    published: Published,
}

/// How often one of a job's futures has been polled.
#[derive(Clone, Copy, Default)]
pub(crate) struct PollRecord {
    pub(crate) number: u64,
    /// It is being polled now.
    pub(crate) in_progress: bool,
    /// That poll blocks its thread, as far as is known.
    blocked: bool,
}

/// Where the slot of a member is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnSlot {
    Held,
    /// With somebody else, or asked for.
    Away,
    /// Given back to the pool, with [`lend`](crate::lend), and not asked for since.
    Released,
}

/// What a pool counts a member as. A key is that of its entry in the pool's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Published {
    /// It moves with its slot, waits while another job has its slot, or is over.
    Unlisted,
    /// It moves without its slot.
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

    /// It waits, and no other job has its slot.
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
        let mut polls = Slab::new();
        polls.insert(PollRecord { number: 1, in_progress: job, blocked: false });
        MemberState {
            slot: if job { OwnSlot::Held } else { OwnSlot::Away },
            ended: !job,
            polling: usize::from(job),
            blocked: 0,
            recheck: false,
            polls,
            waits: Slab::new(),
            ticket: None,
            wakers: Vec::new(),
            offers: VecDeque::new(),
            lender,
            published: Published::Unlisted,
        }
    }

    /// The pool has it in the list of those that wait.
    pub(crate) fn is_listed(&self) -> bool {
        self.published.key().is_some()
    }

    /// The job waits, or will wait, for whoever has this ticket.
    pub(crate) fn offer_slot(&mut self, ticket: Ticket, slots: &Slots<Arc<Member>>) {
        if self.offers.len() == self.offers.capacity() {
            self.offers.retain(|ticket| slots.is_queued(*ticket));
        }
        self.offers.push_back(ticket);
    }

    pub(crate) fn holds(&self) -> bool {
        self.slot == OwnSlot::Held
    }

    /// Takes the slot from the member; whether it had one.
    pub(crate) fn take(&mut self, leave: OwnSlot) -> bool {
        let held = self.holds();
        if held {
            self.slot = leave;
        }
        held
    }

    /// Whether it waits for greenpool. One of its polls that blocks its thread does not count as one.
    pub(crate) fn waits(&self) -> bool {
        !self.ended && self.polling == self.blocked && !self.recheck && !self.waits.is_empty()
    }

    /// Whether nobody knows if it waits: a verb is pending, and a poll is under way that may end soon, or never.
    pub(crate) fn is_suspect(&self) -> bool {
        self.is_being_polled() && !self.ended && self.can_lend()
    }

    /// Whether it has no slot, and a verb is pending in each of its polls that are under way. It cannot go on before it has got one.
    pub(crate) fn needs_slot(&self) -> bool {
        let held_up = |(branch, poll): (usize, &PollRecord)| {
            let mut waits = self.waits.iter();
            !poll.in_progress
                || waits.any(|(_, wait)| wait.branch as usize == branch && wait.last_polled == poll.number)
        };
        !self.holds() && !self.ended && self.polling > 0 && self.polls.iter().all(held_up)
    }

    /// Whether it is in one of its polls that is not known to block its thread.
    pub(crate) fn is_being_polled(&self) -> bool {
        self.polling > self.blocked
    }

    /// Whether it waits for greenpool, as far as anybody can tell.
    pub(crate) fn may_wait(&self) -> bool {
        self.waits() || self.is_suspect() || self.needs_slot()
    }

    /// One of its futures is about to be polled.
    pub(crate) fn begin_poll(&mut self, branch: u32) {
        self.polling += 1;
        self.recheck = false;
        if let Some(poll) = self.polls.get_mut(branch as usize) {
            *poll = PollRecord { number: poll.number + 1, in_progress: true, blocked: false };
        }
    }

    /// It has been polled.
    pub(crate) fn end_poll(&mut self, branch: u32) {
        self.polling -= 1;
        self.set_blocked(branch, false);
        if let Some(poll) = self.polls.get_mut(branch as usize) {
            poll.in_progress = false;
        }
    }

    /// Whether the poll of that future blocks its thread, as far as is known.
    pub(crate) fn set_blocked(&mut self, branch: u32, blocked: bool) {
        let Some(poll) = self.polls.get_mut(branch as usize).filter(|poll| poll.in_progress) else {
            return;
        };
        self.blocked -= usize::from(poll.blocked);
        self.blocked += usize::from(blocked);
        poll.blocked = blocked;
    }

    /// Something has happened in the poll of that future: nobody knows any more whether it blocks its thread.
    pub(crate) fn unmark_blocked(&mut self, branch: u32) {
        self.set_blocked(branch, false);
        for (_, wait) in &mut self.waits {
            wait.probed = wait.probed && wait.branch != branch;
        }
    }

    /// Of a suspect: wakes the verbs in its polls once, to see whether they are looked at again.
    pub(crate) fn probe(&mut self, effects: &mut Effects) {
        let polls = &self.polls;
        for (_, wait) in &mut self.waits {
            let poll = polls.get(wait.branch as usize).copied().unwrap_or_default();
            if poll.in_progress && !poll.blocked && !std::mem::replace(&mut wait.probed, true) {
                effects.wakers.push(wait.waker.clone());
            }
        }
    }

    /// The slot lies idle, and no verb is about to go on with it.
    pub(crate) fn can_lend(&self) -> bool {
        self.holds() && !self.waits.is_empty() && !self.waits.iter().any(|(_, wait)| wait.resuming)
    }

    /// The turn of the future that a verb is pending in.
    pub(crate) fn poll_of(&self, wait: &WaitEdge) -> PollRecord {
        self.polls.get(wait.branch as usize).copied().unwrap_or_default()
    }

    /// While the job is polled and might lend its slot: whom to wake so that verbs look again whose polls may be blocked. None of the
    /// future `but`.
    pub(crate) fn recheck_wakers(&mut self, slots: &Slots<Arc<Member>>, but: Option<u32>) -> Vec<Waker> {
        if self.offers.is_empty() || !self.can_lend() {
            return Vec::new();
        }
        self.offers.retain(|ticket| slots.is_queued(*ticket));
        if self.offers.is_empty() {
            return Vec::new();
        }
        let waits = self.waits.iter().map(|(_, wait)| wait);
        let blocked = waits.filter(|wait| Some(wait.branch) != but && self.poll_of(wait).in_progress);
        blocked.map(|wait| wait.waker.clone()).collect()
    }

    /// Whether a verb will find out that what it waits for is there.
    pub(crate) fn will_look(&mut self, key: usize, readiness: Readiness, effects: &mut Effects) -> bool {
        let Some(now) = self.waits.get_mut(key) else {
            return true;
        };
        let poll = self.polls.get(now.branch as usize).map(|poll| poll.number);
        match (poll, now.woken_at) {
            // Its job has not been polled since: it was woken, or will be.
            (Some(poll), _) if poll == now.last_polled && readiness == Readiness::Yes => true,
            (Some(poll), Some(woken_at)) => poll == woken_at,
            (poll, None) => {
                now.woken_at = Some(poll.unwrap_or_default());
                effects.wakers.push(now.waker.clone());
                true
            }
            (None, Some(_)) => false,
        }
    }

    /// What the pool should count this member as. The key is that of today's entry, if there is one.
    fn to_publish(&self) -> Published {
        let key = self.published.key().unwrap_or_default();
        let waits = self.waits() || self.needs_slot();
        match (waits, self.slot) {
            _ if self.is_suspect() => Published::Suspect(key),
            (true, OwnSlot::Held) => Published::Holder(key),
            (true, OwnSlot::Released) => Published::Released(key),
            (false, OwnSlot::Away | OwnSlot::Released) if !self.ended => Published::Slotless,
            _ => Published::Unlisted,
        }
    }

    /// Tells the pool what this member does.
    pub(crate) fn publish(&mut self, member: &Arc<Member>) {
        let (old, mut new) = (self.published, self.to_publish());
        if old == new {
            return;
        }
        let inner = member.inner();
        let blocked = &inner.blocked_jobs;
        // It is listed before it is counted, and for as long: whoever finds that every slot is accounted for must find by which jobs.
        if new.key().is_some() && old.key().is_none() {
            new = new.with_key(blocked.add(member.clone()));
        }
        // The old count goes first. In between the pool seems to have one more job that moves, never one less; and whoever publishes that a
        // job waits looks for deadlocks afterwards.
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
