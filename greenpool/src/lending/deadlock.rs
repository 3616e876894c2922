//! Returns, grants and resizes that may leave a deadlock behind, and the search that finds and resolves one.
//!
//! # Implementation details
//!
//! `README.md` in this folder defines when a pool is stuck and what a deadlock is, and has the table of changes after
//! which a search must follow. Every such change goes through a function of this module or through the
//! [`Effects`] of a [`Member`]: each makes its change first and searches afterwards.
//!
//! A change costs one load of a counter in a pool that no job waits for ([`changed`]). Otherwise [`resolve`] starts
//! from the changed pool, follows the pools that wait for it, and from each of these what its jobs wait for in turn.
//!
//! A search reads one pool after the other, so on several threads it could miss a job that moves from a pool still to
//! be read to one read already. So a search that finds a deadlock is repeated, by one thread at a time, until two in a
//! row saw the same [version](crate::inner::blocked::AwaitedBy::version) of all its pools.

use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use crate::inner::effects::{Check, Effects};
use crate::inner::member::Member;
use crate::inner::queued::PoolJob;
use crate::inner::{ErasedJob, Inner};
use crate::sync::lock;
use crate::sync::slots::{Cancelled, Enqueued, Grant, Queue, Refusal, Served, Ticket};
use crate::sync::wake::wake;

/// Runs the effects of a change of this member's state. The caller must hold no lock.
#[inline]
pub(crate) fn run(member: &Member, effects: Effects) {
    let Effects { served, wakers, releases, forgotten, waits, check } = effects;
    served.into_iter().for_each(Served::run);
    if let Some(lender) = forgotten {
        wake(lender.forget_loan());
    }
    wake(wakers);
    if releases {
        release(member.inner(), None);
    }
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

/// Gives a slot back: to the first in the chain of lenders that needs it, or to the pool.
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

/// Gives a lent slot back to `member`. `Err` if it does not need the slot, with the next lender in the chain.
fn take_back(member: &Arc<Member>) -> Result<(), Option<Arc<Member>>> {
    let (effects, taken) = member.take_back();
    run(member, effects);
    let ticket = taken?;
    member.inner().slots.end_absence();
    leave_queue(member.inner(), ticket);
    Ok(())
}

/// Cancels the ticket, and passes on a slot that was already granted. The caller must hold no lock.
#[inline]
pub(crate) fn leave_queue(inner: &Arc<Inner>, ticket: Option<Ticket>) {
    if let Some(Cancelled::Served(Grant::Slot(lender))) = ticket.map(|ticket| inner.slots.cancel(ticket)) {
        release(inner, lender);
    }
}

/// The queue has granted a slot to a job that wants to go on.
pub(crate) fn resumed(member: &Arc<Member>) {
    let (effects, collected) = member.collect_granted();
    run(member, effects);
    if collected {
        member.inner().slots.end_absence();
    }
}

/// Gives the slot of a job that waits [in place](crate::inner::in_place), if it has one, back to the pool. The job goes
/// on without it.
pub(crate) fn release_absent(member: &Arc<Member>) {
    if member.release_slot() {
        release(member.inner(), None);
    }
}

/// Ready if the job has a slot, or has ended. Otherwise queues for a slot, and wakes `waker` when the job has one. If a
/// branch is about to be polled, the job keeps the slot until then.
pub(crate) fn poll_slot(member: &Arc<Member>, to_be_polled: bool, waker: &Waker) -> Poll<()> {
    let (polled, effects) = member.poll_slot(to_be_polled, waker);
    run(member, effects);
    polled
}

/// Ends the job of `member`: gives its slot back, if it has one.
#[inline]
pub(crate) fn end(member: &Arc<Member>) {
    let inner = member.inner();
    let ended = member.end();
    // A branch that was made with `inherit` may wait for the slot. It goes on without one.
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

/// Takes a place in `Queue::Start`, or a slot if one is free; then it returns no ticket. Offers the ticket to the
/// member that `lender` returns.
#[inline]
pub(crate) fn enqueue(
    inner: &Arc<Inner>,
    lender: impl FnOnce() -> Option<Arc<Member>>,
) -> Result<Option<Ticket>, Refusal> {
    let ticket = inner.slots.enqueue(Queue::Start, None)?;
    if let Some(ticket) = ticket {
        offer(inner, ticket, lender());
    }
    Ok(ticket)
}

/// Queues a job, unless a slot is free. `lender`, the job that runs here if it is of the same pool, may lend it its
/// slot. Without a `waker`, nothing collects the ticket.
pub(crate) fn enqueue_job(
    inner: &Arc<Inner>,
    job: Box<dyn ErasedJob>,
    lender: Option<Arc<Member>>,
    waker: Option<Waker>,
) -> Enqueued<PoolJob> {
    let enqueued = inner.slots.enqueue_job(PoolJob::One(job), waker);
    if let Enqueued::Queued(ticket) = &enqueued {
        offer(inner, *ticket, lender);
    }
    enqueued
}

/// A ticket has been queued: `lender` may lend it its slot.
fn offer(inner: &Arc<Inner>, ticket: Ticket, lender: Option<Arc<Member>>) {
    if let Some(member) = lender {
        run(&member, member.offer_slot(ticket));
    }
    changed(inner);
}

/// Changes the size of a pool.
pub(crate) fn resize(inner: &Arc<Inner>, size: usize) {
    inner.resize(size);
    changed(inner);
}

/// Searches for deadlocks after a change in `inner`, such as the end of a job, if a job waits for that pool.
#[inline]
pub(crate) fn changed(inner: &Arc<Inner>) {
    if inner.awaited_by.any() {
        resolve(inner);
    }
}

/// Finds and resolves the deadlocks that `inner` is part of, or that pools waiting for it are part of.
pub(crate) fn resolve(inner: &Arc<Inner>) {
    // Pairs with itself, with `MemberState::publish`, and with `AwaitedBy::any` after `Slots::release_deferred`: a
    // change comes before this fence and the search after it, so of two threads that do this at once, one sees the
    // other.
    fence(Ordering::SeqCst);
    let mut pools = vec![inner.clone()];
    let mut at = 0;
    while at < pools.len() {
        let pool = pools[at].clone();
        at += 1;
        // A wait for a pool that can move is in no deadlock.
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

/// Held by the thread that repeats a search and lends.
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
    effects.served.into_iter().for_each(Served::run);
    wake(effects.wakers);
}

/// A set of pools that are stuck: one pool, and all pools that its jobs wait for, directly or not.
struct Candidate {
    pools: Vec<Arc<Inner>>,
    /// The tickets that these jobs wait for.
    wanted: Vec<(Arc<Inner>, Ticket)>,
    /// Jobs that may be blocked, or may be about to go on in the poll in progress.
    suspects: Vec<Arc<Member>>,
    version: u64,
}

impl Candidate {
    /// Follows what the jobs of `inner` wait for. `None` if one of these pools can move.
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
            // Most often the first job is enough to see that something can move, and the list need not be copied.
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

    /// Whether all these jobs are certainly blocked. Probes those that are suspects.
    fn is_certain(&self, effects: &mut Effects) -> bool {
        self.suspects.iter().for_each(|suspect| suspect.probe(effects));
        self.suspects.is_empty()
    }

    /// Whether a ticket is queued in one of the pools. Otherwise there is nothing to lend a slot to.
    fn is_deadlock(&self) -> bool {
        self.pools.iter().any(|pool| pool.slots.head().is_some())
    }

    /// Lends one idle slot: to a ticket that one of the jobs waits for, else to the head of a queue. A pool of size 0
    /// begins nothing in this way.
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
