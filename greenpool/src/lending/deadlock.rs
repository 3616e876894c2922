//! Knots: pools that wait for each other in a ring.
//!
//! # Implementation details
//!
//! A job *moves* unless some verb of greenpool is pending in it; then it waits for what the verb waits for, in the verb's pool. It
//! moves again from the moment on when that is there, not only when it has been polled: a [`WaitEdge`](crate::inner::wait::WaitEdge) can tell. What
//! is there or on its way: a result from before its job gives the slot back; a map's result, and a task of the map that is to read or
//! to queue; a pool that is idle. While a job is polled it moves in any case.
//!
//! A pool is *stuck* if none of its jobs moves (each of its slots is held by one that waits, no job without a slot moves, and
//! no free slot is on its way to somebody), and all pools that the holders of its slots wait for are stuck too. Nothing that greenpool
//! knows of will ever give back a slot of such a pool. If somebody is queued in one, that is a *knot*. It is untied by lending the one who
//! is queued the idle slot of one that waits. The limit stays exact; the lender goes on when it has a slot again, ahead of
//! all waiters. A pool of size 0 begins nothing new in this way either: what is queued there waits for a `resize`, that is for somebody outside.
//!
//! Whatever makes a pool stuck, or ties the knot in pools that are, looks for knots afterwards:
//!
//! | what happens | who looks |
//! |---|---|
//! | a job begins to wait, as seen at the end of its poll | `Member::end_turn` |
//! | a verb is pending in a poll that may be blocked | `Member::look` |
//! | one of several verbs that a waiting job has pending is dropped elsewhere | the job, which is woken for it |
//! | a lent slot comes back to a job that waits | `Member::settle` |
//! | somebody queues, to begin or to go on | `Waiter::acquire`; the end of the poll |
//! | a job that moves ends, is aborted, or is dropped with its runtime | [`changed`] |
//! | a slot that is on its way comes to somebody who does not want it any more | `Waiter::drop`, `leave_queue` |
//! | a map's task queues, has nothing to do, or has put in a result that nobody waits for | [`changed`] |
//! | the pool is resized | [`changed`] |
//!
//! Each changes first and looks then, with a barrier in between, so whichever is last sees the others. Who looks follows the pools
//! that wait for the changed one, and from each of these what its jobs wait for. All this costs only those who wait: who takes
//! and gives back free slots meets one load of a counter.
//!
//! A job that has a result may never look at it, as when it holds on to a handle and awaits another. A verb that was not polled when its job last
//! was is asked once, by its waker, to look; if its job is then polled without it, it does not count.
//!
//! A job that is being polled moves, unless that poll blocks its thread until a verb is ready (`Handle::block_on`, inside of `block_in_place`). While a
//! poll is under way in which verbs are pending, its job is a *suspect*: nobody can tell. What seems to be a knot with a suspect in it is
//! left alone, but the suspect's verbs are woken, once. In the ordinary way the poll ends, and then the job looks itself. A verb that is looked at
//! once more in the same poll of the job shows that the poll is blocked: from then on it counts as no poll, until one of its verbs is over, or a new one is
//! pending in it. (A `FuturesUnordered` that is just being polled may look at a woken verb at once too; then the job counts as one that waits
//! for the rest of this poll, as it will when that is over.)
//!
//! A job without a slot can do nothing with its poll that the pool is there to limit; if a verb is pending in each of its polls, it counts as one that waits.
//!
//! On several threads a look at one pool after the other could miss a job that moves from one that is still to be seen to one that has been.
//! So what seems to be a knot is looked at twice, by one thread at a time, and is one if no job of its pools has begun to move in between.

use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Mutex};
use std::task::Waker;

use crate::inner::Inner;
use crate::inner::effects::{Check, Effects};
use crate::inner::member::Member;
use crate::sync::lock;
use crate::sync::slots::{Grant, Queue, Refusal, Ticket};
use crate::sync::wake::wake;

/// Does what a change of this member's state asks for.
#[inline]
pub(crate) fn run(member: &Member, effects: Effects) {
    let Effects { wakers, waits, check } = effects;
    wake(wakers);
    let checks = match check {
        Check::No => false,
        Check::Yes => true,
        Check::Unless(inner) => !inner.can_move(),
    };
    if checks {
        resolve(member.inner());
    }
    drop(waits);
}

/// Gives a slot back: to the first in the chain of lenders who lacks one, or to the pool.
#[inline]
pub(crate) fn release(inner: &Arc<Inner>, lender: Option<Arc<Member>>) {
    return_slot(inner, lender);
    changed(inner);
}

#[inline]
fn return_slot(inner: &Inner, lender: Option<Arc<Member>>) {
    if lender.is_some() {
        return return_to_lender(inner, lender);
    }
    inner.slots.release();
}

fn return_to_lender(inner: &Inner, mut lender: Option<Arc<Member>>) {
    while let Some(member) = lender {
        match take_back(&member) {
            Ok(()) => return,
            Err(next) => lender = next,
        }
    }
    inner.slots.release();
}

/// The slot comes home. If this member has ended or has got another one: who comes next in the chain.
fn take_back(member: &Arc<Member>) -> Result<(), Option<Arc<Member>>> {
    let (effects, ticket) = member.take_back()?;
    run(member, effects);
    member.inner().slots.end_absence();
    leave_queue(member.inner(), ticket);
    Ok(())
}

/// Leaves the queue; a slot that was already on its way goes on. With no lock held, since that may wake others.
#[inline]
pub(crate) fn leave_queue(inner: &Arc<Inner>, ticket: Option<Ticket>) {
    if let Some(Grant::Slot(lender)) = ticket.and_then(|ticket| inner.slots.cancel(ticket)) {
        release(inner, lender);
    }
}

/// The queue has a slot for a job that wants to go on.
pub(crate) fn resumed(member: &Arc<Member>) {
    let (effects, collected) = member.collect_granted();
    run(member, effects);
    if collected {
        member.inner().slots.end_absence();
    }
}

/// The job gives its slot to the pool, if it has it, and goes on without.
pub(crate) fn branch(member: &Arc<Member>) {
    if member.release_slot() {
        member.inner().slots.release_absent();
        changed(member.inner());
    }
}

/// The job is over: its slot, if it has it, goes back.
#[inline]
pub(crate) fn end(member: &Arc<Member>) {
    let inner = member.inner();
    let ended = member.end();
    // What has inherited from this job may wait for the slot; it goes on without one.
    run(member, ended.effects);
    leave_queue(inner, ended.ticket);
    if ended.was_absent {
        inner.slots.end_absence();
    }
    if let Some(lender) = ended.held {
        return_slot(inner, lender);
    }
    changed(inner);
}

/// Takes a place in the queue of those who want to begin, or a slot if one is free (then there is no ticket). `above` may lend a slot to it.
#[inline]
pub(crate) fn enqueue(
    inner: &Arc<Inner>,
    above: impl FnOnce() -> Option<Arc<Member>>,
    waker: Option<&Waker>,
) -> Result<Option<Ticket>, Refusal> {
    let ticket = inner.slots.enqueue(Queue::Start, waker)?;
    if let Some(ticket) = ticket {
        if let Some(member) = above() {
            run(&member, member.offer_slot(ticket));
        }
        changed(inner);
    }
    Ok(ticket)
}

/// Sets the size of a pool.
pub(crate) fn resize(inner: &Arc<Inner>, size: usize) {
    inner.resize(size);
    changed(inner);
}

/// Something has changed in `inner`, as when a job has ended: those who wait for the pool may have nothing left to wait for.
#[inline]
pub(crate) fn changed(inner: &Arc<Inner>) {
    if inner.awaited_by.any() {
        resolve(inner);
    }
}

/// Looks for the knots that `inner` is part of, or that it keeps tied for those who wait for it, and unties them.
pub(crate) fn resolve(inner: &Arc<Inner>) {
    // Whoever has changed something does so before this, and looks after it: of two who do it at once, one sees the other.
    fence(Ordering::SeqCst);
    let mut pools = vec![inner.clone()];
    let mut at = 0;
    while at < pools.len() {
        let pool = pools[at].clone();
        at += 1;
        // Who waits for a pool that can move is in no knot by that.
        if !pool.can_move() {
            resolve_from(&pool);
            for behind in pool.awaited_by.pools() {
                add(&mut pools, &behind);
            }
        }
    }
}

fn add(pools: &mut Vec<Arc<Inner>>, pool: &Arc<Inner>) {
    if !pools.iter().any(|known| Arc::ptr_eq(known, pool)) {
        pools.push(pool.clone());
    }
}

/// One looks at a time, where it matters.
static SEARCH: Mutex<()> = Mutex::new(());

fn resolve_from(inner: &Arc<Inner>) {
    let mut effects = Effects::default();
    let candidate = Candidate::search(inner, &mut effects).filter(Candidate::is_deadlock);
    if candidate.is_some_and(|candidate| candidate.is_certain(&mut effects)) {
        let _search = lock(&SEARCH);
        while let Some(candidate) = Candidate::search(inner, &mut effects) {
            let Some(again) = Candidate::search(inner, &mut effects) else {
                break;
            };
            if candidate.version == again.version {
                if again.is_certain(&mut effects) {
                    again.lend(&mut effects);
                }
                break;
            }
        }
    }
    wake(effects.wakers);
}

/// Pools that are stuck: one, and all that its jobs wait for.
struct Candidate {
    pools: Vec<Arc<Inner>>,
    /// Tickets that the jobs wait for themselves.
    wanted: Vec<(Arc<Inner>, Ticket)>,
    /// Jobs that wait, or are about to go on with a poll.
    suspects: Vec<Arc<Member>>,
    version: u64,
}

impl Candidate {
    /// Follows what the jobs of `inner` wait for. `None`: something can move.
    fn search(inner: &Arc<Inner>, effects: &mut Effects) -> Option<Self> {
        let mut candidate =
            Candidate { pools: vec![inner.clone()], wanted: Vec::new(), suspects: Vec::new(), version: 0 };
        let mut at = 0;
        while at < candidate.pools.len() {
            let pool = candidate.pools[at].clone();
            at += 1;
            if pool.can_move() {
                return None;
            }
            // Most often a single look at anybody is enough to see that something can still move.
            if let Some(first) = pool.blocked_jobs.first() {
                candidate.follow(&first, effects)?;
            }
            for member in pool.blocked_jobs.members().iter().skip(1) {
                candidate.follow(member, effects)?;
            }
        }
        candidate.version =
            candidate.pools.iter().fold(0, |version, pool| version.wrapping_add(pool.awaited_by.version()));
        Some(candidate)
    }

    fn follow(&mut self, member: &Arc<Member>, effects: &mut Effects) -> Option<()> {
        let from = effects.waits.len();
        if member.moves(effects) {
            return None;
        }
        if member.is_suspect() {
            self.suspects.push(member.clone());
        }
        for wait in &effects.waits[from..] {
            if wait.inner.can_move() {
                return None;
            }
            add(&mut self.pools, &wait.inner);
            self.wanted.extend(wait.ticket.map(|ticket| (wait.inner.clone(), ticket)));
        }
        Some(())
    }

    /// Whether none of these jobs is being polled in the ordinary way. Those that may be are asked.
    fn is_certain(&self, effects: &mut Effects) -> bool {
        self.suspects.iter().for_each(|suspect| suspect.probe(effects));
        self.suspects.is_empty()
    }

    fn is_deadlock(&self) -> bool {
        self.pools.iter().any(|pool| pool.slots.head().is_some())
    }

    /// First to what a member waits for itself, then to whoever has waited longest.
    fn lend(&self, effects: &mut Effects) {
        let heads = self.pools.iter().filter_map(|pool| Some((pool.clone(), pool.slots.head()?)));
        for (pool, ticket) in self.wanted.iter().cloned().chain(heads) {
            let begins = !pool.slots.is_resuming(ticket);
            if begins && pool.slots.size() == 0 {
                continue;
            }
            if pool.blocked_jobs.members().iter().any(|member| member.lend_to(ticket, effects)) {
                pool.counters.overflowed.fetch_add(u64::from(begins), Ordering::Relaxed);
                return;
            }
        }
    }
}
