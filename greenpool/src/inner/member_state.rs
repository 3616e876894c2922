//! How a job that has waited for greenpool stands, and what its pool is told of that.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use slab::Slab;

use crate::inner::effects::Effects;
use crate::inner::member::Member;
use crate::inner::wait::{Prospect, Wait};
use crate::sync::slots::{Slots, Ticket};

/// Who has the slot of a job that has waited for greenpool, and what the job waits for.
pub(crate) struct Standing {
    pub(crate) slot: Slot,
    pub(crate) ended: bool,
    /// How many of its futures are being polled.
    pub(crate) polling: usize,
    /// How many of these polls block their threads, as far as is known.
    blocked: usize,
    /// A verb was dropped while none was; either the job is being dropped itself, or it will be polled.
    pub(crate) shaken: bool,
    /// For each of them, how often it has been.
    pub(crate) turns: Slab<Turn>,
    /// The verbs that are pending in this job.
    pub(crate) waits: Slab<Wait>,
    /// The place in the pool's queue of those who want to go on.
    pub(crate) ticket: Option<Ticket>,
    pub(crate) wakers: Vec<Waker>,
    /// Tickets that this job waits for, in order; those that have been served meanwhile are passed over.
    pub(crate) wants: VecDeque<Ticket>,
    pub(crate) lender: Option<Arc<Member>>,
    noted: Noted,
}

/// How often one of a job's futures has been polled.
#[derive(Clone, Copy, Default)]
pub(crate) struct Turn {
    pub(crate) number: u64,
    /// It is being polled now.
    pub(crate) under_way: bool,
    /// That poll blocks its thread, as far as is known.
    blocked: bool,
}

/// Where the slot of a member is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Here,
    /// With somebody else, or asked for.
    Away,
    /// Given back to the pool, with [`lend`](crate::lend), and not asked for since.
    Parted,
}

/// What the pool has been told of a member.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for one that the pool has counted")]
struct Noted {
    /// The key in the list of those that wait.
    listed: Option<usize>,
    /// It was one of those that wait, and gave its slot to nobody.
    idle: bool,
    /// Counted among those of them that hold a slot.
    holder: bool,
    /// Counted among those that hold one and may wait in one of their polls.
    suspect: bool,
    /// Counted among those that move without one.
    drifting: bool,
}

impl Standing {
    pub(crate) fn new(lender: Option<Arc<Member>>, job: bool) -> Self {
        let mut turns = Slab::new();
        turns.insert(Turn { number: 1, under_way: job, blocked: false });
        Standing {
            slot: if job { Slot::Here } else { Slot::Away },
            ended: !job,
            polling: usize::from(job),
            blocked: 0,
            shaken: false,
            turns,
            waits: Slab::new(),
            ticket: None,
            wakers: Vec::new(),
            wants: VecDeque::new(),
            lender,
            noted: Noted::default(),
        }
    }

    /// The pool has it in the list of those that wait.
    pub(crate) fn is_listed(&self) -> bool {
        self.noted.listed.is_some()
    }

    /// The job waits, or will wait, for whoever has this ticket.
    pub(crate) fn want(&mut self, ticket: Ticket, slots: &Slots<Arc<Member>>) {
        if self.wants.len() == self.wants.capacity() {
            self.wants.retain(|ticket| slots.is_queued(*ticket));
        }
        self.wants.push_back(ticket);
    }

    pub(crate) fn holds(&self) -> bool {
        self.slot == Slot::Here
    }

    /// Takes the slot from the member; whether it had one.
    pub(crate) fn take(&mut self, leave: Slot) -> bool {
        let held = self.holds();
        if held {
            self.slot = leave;
        }
        held
    }

    /// Whether it waits for greenpool. One of its polls that blocks its thread does not count as one.
    pub(crate) fn waits(&self) -> bool {
        !self.ended && self.polling == self.blocked && !self.shaken && !self.waits.is_empty()
    }

    /// Whether nobody knows if it waits: a verb is pending, and a poll is under way that may end soon, or never.
    pub(crate) fn is_suspect(&self) -> bool {
        self.is_being_polled() && !self.ended && self.can_lend()
    }

    /// Whether it has no slot, and a verb is pending in each of its polls that are under way. It cannot go on before it has got one.
    pub(crate) fn is_held_up(&self) -> bool {
        let held_up = |(part, turn): (usize, &Turn)| {
            let mut waits = self.waits.iter();
            !turn.under_way || waits.any(|(_, wait)| wait.part as usize == part && wait.looked == turn.number)
        };
        !self.holds() && !self.ended && self.polling > 0 && self.turns.iter().all(held_up)
    }

    /// Whether it is in one of its polls that is not known to block its thread.
    pub(crate) fn is_being_polled(&self) -> bool {
        self.polling > self.blocked
    }

    /// Whether it waits for greenpool, as far as anybody can tell.
    pub(crate) fn may_wait(&self) -> bool {
        self.waits() || self.is_suspect() || self.is_held_up()
    }

    /// One of its futures is about to be polled.
    pub(crate) fn begin_turn(&mut self, part: u32) {
        self.polling += 1;
        self.shaken = false;
        if let Some(turn) = self.turns.get_mut(part as usize) {
            *turn = Turn { number: turn.number + 1, under_way: true, blocked: false };
        }
    }

    /// It has been polled.
    pub(crate) fn end_turn(&mut self, part: u32) {
        self.polling -= 1;
        self.set_blocked(part, false);
        if let Some(turn) = self.turns.get_mut(part as usize) {
            turn.under_way = false;
        }
    }

    /// Whether the poll of that future blocks its thread, as far as is known.
    pub(crate) fn set_blocked(&mut self, part: u32, blocked: bool) {
        let Some(turn) = self.turns.get_mut(part as usize).filter(|turn| turn.under_way) else {
            return;
        };
        self.blocked -= usize::from(turn.blocked);
        self.blocked += usize::from(blocked);
        turn.blocked = blocked;
    }

    /// Something has happened in the poll of that future: nobody knows any more whether it blocks its thread.
    pub(crate) fn stir(&mut self, part: u32) {
        self.set_blocked(part, false);
        for (_, wait) in &mut self.waits {
            wait.probed = wait.probed && wait.part != part;
        }
    }

    /// Of a suspect: wakes the verbs in its polls once, to see whether they are looked at again.
    pub(crate) fn probe(&mut self, effects: &mut Effects) {
        let turns = &self.turns;
        for (_, wait) in &mut self.waits {
            let turn = turns.get(wait.part as usize).copied().unwrap_or_default();
            if turn.under_way && !turn.blocked && !std::mem::replace(&mut wait.probed, true) {
                effects.wakers.push(wait.waker.clone());
            }
        }
    }

    /// The slot lies idle, and no verb is about to go on with it.
    pub(crate) fn can_lend(&self) -> bool {
        self.holds() && !self.waits.is_empty() && !self.waits.iter().any(|(_, wait)| wait.resuming)
    }

    /// The turn of the future that a verb is pending in.
    pub(crate) fn turn_of(&self, wait: &Wait) -> Turn {
        self.turns.get(wait.part as usize).copied().unwrap_or_default()
    }

    /// While the job is polled and might lend its slot: whom to wake so that verbs look again whose polls may be blocked. None of the
    /// future `but`.
    pub(crate) fn nudge(&mut self, slots: &Slots<Arc<Member>>, but: Option<u32>) -> Vec<Waker> {
        if self.wants.is_empty() || !self.can_lend() {
            return Vec::new();
        }
        self.wants.retain(|ticket| slots.is_queued(*ticket));
        if self.wants.is_empty() {
            return Vec::new();
        }
        let waits = self.waits.iter().map(|(_, wait)| wait);
        let blocked = waits.filter(|wait| Some(wait.part) != but && self.turn_of(wait).under_way);
        blocked.map(|wait| wait.waker.clone()).collect()
    }

    /// Whether a verb will find out that what it waits for is there.
    pub(crate) fn will_look(&mut self, key: usize, prospect: Prospect, effects: &mut Effects) -> bool {
        let Some(now) = self.waits.get_mut(key) else {
            return true;
        };
        let turn = self.turns.get(now.part as usize).map(|turn| turn.number);
        match (turn, now.asked) {
            // Its job has not been polled since: it was woken, or will be.
            (Some(turn), _) if turn == now.looked && prospect == Prospect::Something => true,
            (Some(turn), Some(asked)) => turn == asked,
            (turn, None) => {
                now.asked = Some(turn.unwrap_or_default());
                effects.wakers.push(now.waker.clone());
                true
            }
            (None, Some(_)) => false,
        }
    }

    /// Tells the pool what this member does.
    pub(crate) fn note(&mut self, member: &Arc<Member>) {
        let core = member.core();
        let stalled = &core.stalled;
        let quiet = self.waits() || self.is_held_up();
        let holder = quiet && self.holds();
        let drifting = !quiet && !self.holds() && !self.ended;
        let (idle, suspect) = (quiet && self.slot != Slot::Away, self.is_suspect());
        let listed = idle || suspect;
        let noted = &mut self.noted;
        // Before it is counted, and for as long: who finds that every slot is accounted for is to find by whom.
        if listed && noted.listed.is_none() {
            noted.listed = Some(stalled.add(member.clone()));
        }
        if drifting && !noted.drifting {
            stalled.drifting.fetch_add(1, Ordering::SeqCst);
        }
        match (holder, noted.holder) {
            (true, false) => drop(stalled.holders.fetch_add(1, Ordering::SeqCst)),
            (false, true) => drop(stalled.holders.fetch_sub(1, Ordering::SeqCst)),
            _ => {}
        }
        match (suspect, noted.suspect) {
            (true, false) => drop(stalled.suspects.fetch_add(1, Ordering::SeqCst)),
            (false, true) => drop(stalled.suspects.fetch_sub(1, Ordering::SeqCst)),
            _ => {}
        }
        if let (false, Some(key)) = (listed, noted.listed) {
            noted.listed = None;
            stalled.remove(key);
        }
        if noted.idle && !idle {
            core.awaited.note_move();
        }
        if !drifting && noted.drifting {
            stalled.drifting.fetch_sub(1, Ordering::SeqCst);
        }
        *noted = Noted { idle, holder, suspect, drifting, listed: noted.listed };
    }
}
