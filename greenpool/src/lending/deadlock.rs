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

use std::collections::HashSet;
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Poll, Waker};

use crate::inner::bag::Place;
use crate::inner::effects::{Check, Effects};
use crate::inner::member::Member;
use crate::inner::queued::PoolJob;
use crate::inner::taker::Taker;
use crate::inner::wait::{Look, Progress, Readiness, WaitEdge};
use crate::inner::{ErasedJob, Inner, PoolEntry, PoolServed};
use crate::sync::lock;
use crate::sync::slots::gates::Hold;
use crate::sync::slots::keyed::{Blocker, KeyReleased};
use crate::sync::slots::{Cancelled, Enqueued, Grant, Served, Ticket};
use crate::sync::wake::wake;

/// Runs the effects of a change of this member's state. The caller must hold no lock.
#[inline]
pub(crate) fn run(member: &Arc<Member>, effects: Effects) {
    let Effects { served, wakers, releases, forgotten, told, waits, check, from_job } = effects;
    served.into_iter().for_each(Served::run);
    forget_loans(forgotten);
    wake(told.map(|lender| lender.take_over()).unwrap_or_default());
    wake(wakers);
    if releases {
        release_lent(member.inner());
    }
    let checks = match check {
        Check::No => false,
        Check::Yes => true,
        Check::Unless(inner) => !inner.can_move(),
    };
    match checks {
        // What waits for it waits for a map of that pool.
        true if member.is_outsider() => resolve_behind(member.inner()),
        true => resolve(member.inner()),
        false => {}
    }
    if from_job {
        resolve_from_job(member);
    }
    drop(waits);
}

/// Tells a lender that its slot will not come home, and those before it in the chain if it has ended.
fn forget_loans(mut lender: Option<Arc<Member>>) {
    while let Some(member) = lender {
        let (wakers, next) = member.forget_loan();
        wake(wakers);
        lender = next;
    }
}

type PoolKeyReleased = KeyReleased<Arc<Member>>;

/// Gives a slot back: to the first in the chain of lenders that needs it, or to the pool.
#[inline]
pub(crate) fn release(inner: &Arc<Inner>, lender: Option<Arc<Member>>) {
    return_slot(inner, lender);
    changed(inner);
}

/// Gives back the slot of a job that goes on without it.
fn release_lent(inner: &Arc<Inner>) {
    release(inner, None);
    inner.tell_maps();
}

/// Gives back the slot and the key of a job that has ended, or has never begun.
pub(crate) fn release_keyed(inner: &Arc<Inner>, lender: Option<Arc<Member>>, key: Hold) {
    return_both(inner, Some(lender), key, false);
    changed(inner);
}

/// With `lent`, the job had lent its key. A key goes before the slot, so that the next call of that key can have the
/// slot. But a lender gets its slot first: the key may be one that it has lent, and is not free then.
fn return_both(inner: &Arc<Inner>, held: Option<Option<Arc<Member>>>, key: Hold, lent: bool) {
    match held {
        Some(Some(lender)) => {
            return_slot(inner, Some(lender));
            release_key(inner, key, lent);
        }
        Some(None) => {
            release_key(inner, key, lent);
            return_slot(inner, None);
        }
        None => release_key(inner, key, lent),
    }
}

fn release_key(inner: &Arc<Inner>, key: Hold, lent: bool) {
    follow_release(inner, inner.slots.release_key(key, lent));
}

/// Changes the limit by key of a pool.
pub(crate) fn resize_per_key(inner: &Arc<Inner>, limit: usize) {
    follow_release(inner, inner.slots.set_per_key(limit));
    inner.slots.suspects().into_iter().for_each(|ticket| queued(inner, ticket));
    changed(inner);
}

fn follow_release(inner: &Arc<Inner>, released: PoolKeyReleased) {
    let KeyReleased { ready, suspect } = released;
    for (ticket, member) in ready {
        run(&member, member.reconsider(ticket));
    }
    if let Some(ticket) = suspect {
        resolve_from(&Start::Ticket(inner.clone(), ticket));
    }
}

/// A ticket has left the queue without being served. Another one may be in line because of that, and a job may be able
/// to lend it its slot.
pub(crate) fn reconsider(inner: &Inner) {
    for (ticket, member) in inner.slots.take_ready() {
        run(&member, member.reconsider(ticket));
    }
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
    let Some(ticket) = ticket else { return };
    if let Cancelled::Served(Grant::Slot(lender)) = inner.slots.cancel(ticket) {
        match ticket.hold() {
            Some(key) => release_keyed(inner, lender, key),
            None => release(inner, lender),
        }
    }
    reconsider(inner);
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
        release_lent(member.inner());
    }
}

/// Ready if the job has a slot, or has ended. Otherwise queues for a slot, for a branch that is about to be polled or
/// for a verb in a poll: see [`Member::poll_slot`].
pub(crate) fn poll_slot(member: &Arc<Member>, branch: Option<u32>) -> Poll<()> {
    let (polled, effects) = member.poll_slot(branch);
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
    match (ended.key, ended.held) {
        (None, Some(lender)) => return_slot(inner, lender),
        (None, None) => {}
        (Some((key, lent)), held) => return_both(inner, held, key, lent),
    }
    changed(inner);
}

/// Queues a job, unless a slot is free, and its key, if it has one. `lender`, the job that runs here if it is of the
/// same pool, may lend it its slot. Without a `waker`, nothing collects the ticket.
pub(crate) fn enqueue_job(
    inner: &Arc<Inner>,
    job: Box<dyn ErasedJob>,
    entry: Option<PoolEntry<'_>>,
    lender: Option<Arc<Member>>,
    waker: Option<Waker>,
) -> Enqueued<PoolJob> {
    let job = PoolJob::One(job);
    let enqueued = match &entry {
        Some(entry) => inner.slots.enqueue_keyed(entry, job, waker),
        None => inner.slots.enqueue_job(job, waker),
    };
    drop(entry);
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

/// A ticket that a job may wait for already has been queued: searches for deadlocks that it is part of because of its
/// key.
pub(crate) fn queued(inner: &Arc<Inner>, ticket: Ticket) {
    if ticket.hold().is_some() {
        resolve_from(&Start::Ticket(inner.clone(), ticket));
    }
}

/// Finds and resolves the deadlocks that `inner` is part of, or that pools waiting for it are part of.
pub(crate) fn resolve(inner: &Arc<Inner>) {
    // Pairs with itself, with `MemberState::publish`, and with `AwaitedBy::any` after `Slots::release_deferred`: a
    // change comes before this fence and the search after it, so of two threads that do this at once, one sees the
    // other.
    fence(Ordering::SeqCst);
    // A wait for a pool that can move is in no deadlock.
    if inner.can_move() {
        return;
    }
    let mut pools = vec![inner.clone()];
    let mut known = HashSet::from([Arc::as_ptr(inner)]);
    let mut at = 0;
    while at < pools.len() {
        let pool = pools[at].clone();
        at += 1;
        if !pool.can_move() {
            resolve_from(&Start::Pool(pool.clone()));
            let behind = pool.awaited_by.pools().into_iter();
            pools.extend(behind.filter(|behind| known.insert(Arc::as_ptr(behind))));
        }
        // A key may be in one although its pool can move.
        for ticket in pool.slots.suspects() {
            resolve_from(&Start::Ticket(pool.clone(), ticket));
        }
    }
}

/// Finds and resolves the deadlocks of the pools that wait for `inner`, although that may move.
pub(crate) fn resolve_behind(inner: &Inner) {
    inner.awaited_by.pools().iter().for_each(resolve);
}

/// Held by the thread that repeats a search and lends.
static SEARCH: Mutex<()> = Mutex::new(());

/// Finds and resolves a deadlock that this job is part of.
pub(crate) fn resolve_from_job(job: &Arc<Member>) {
    // As in `resolve`: of two threads of which each changes what the other looks at, one sees the other.
    fence(Ordering::SeqCst);
    if !job.waits_for_moving_job() {
        resolve_from(&Start::Job(job.clone()));
    }
}

/// Where a search begins.
enum Start {
    /// At the jobs of a pool.
    Pool(Arc<Inner>),
    /// At one job, which waits.
    Job(Arc<Member>),
    /// At a ticket whose key is not free.
    Ticket(Arc<Inner>, Ticket),
}

fn resolve_from(start: &Start) {
    let mut effects = Effects::default();
    let candidate = Candidate::search(start, &mut effects).filter(Candidate::is_deadlock);
    if candidate.is_some_and(|candidate| candidate.is_certain(&mut effects)) {
        let _search = lock(&SEARCH);
        while let Some(candidate) = Candidate::search(start, &mut effects) {
            let Some(again) = Candidate::search(start, &mut effects) else {
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

/// What is stuck: jobs, all jobs of some pools, and what these wait for, directly or not.
#[derive(Default)]
struct Candidate {
    /// Pools that something waits for, whichever of their jobs that may be.
    pools: Vec<Arc<Inner>>,
    /// Jobs that something waits for by themselves.
    jobs: Vec<Arc<Member>>,
    /// These pools and jobs, and the jobs that the pools list.
    known: HashSet<*const ()>,
    /// The tickets that these jobs wait for.
    wanted: Vec<(Arc<Inner>, Ticket)>,
    /// Jobs that may be blocked, or may be about to go on in the poll in progress.
    suspects: Vec<Arc<Member>>,
    version: u64,
    todo: Vec<Step>,
}

/// What a search has still to look at.
enum Step {
    Pool(Arc<Inner>),
    /// The jobs that the pool lists, the newest first, or those that come after that place.
    Jobs(Arc<Inner>, Option<Place>),
    /// In the same way, the jobs that have taken one of its slots.
    Takers(Arc<Inner>, Option<Place>),
    Job(Arc<Member>),
    /// The waits of a job that come after that one.
    Waits(Arc<Member>, Option<Place>),
    /// The waits after the one with this number of which any one makes a verb of a job ready.
    Parts(Arc<Member>, usize, Arc<dyn Progress>, Option<u64>),
}

impl Candidate {
    /// Follows what is waited for from `start`. `None` if something there can move. Most often the first thing that is
    /// waited for can, so what was found last is followed first.
    fn search(start: &Start, effects: &mut Effects) -> Option<Self> {
        let mut candidate = Candidate::default();
        match start {
            Start::Pool(inner) => candidate.add_pool(inner),
            Start::Job(member) => candidate.add_job(member.clone()),
            Start::Ticket(inner, ticket) => candidate.follow_ticket(inner, Some(*ticket))?,
        }
        while let Some(step) = candidate.todo.pop() {
            match step {
                Step::Pool(pool) if pool.can_move() => return None,
                Step::Pool(pool) => candidate.todo.extend([Step::Takers(pool.clone(), None), Step::Jobs(pool, None)]),
                // Most often a job that was listed lately can move, if any can: it has just been given its slot back.
                Step::Jobs(pool, last) => {
                    if let Some((place, member)) = pool.blocked_jobs.newest(last) {
                        candidate.todo.push(Step::Jobs(pool, Some(place)));
                        candidate.follow_listed(member)?;
                    }
                }
                Step::Takers(pool, last) => {
                    if let Some((place, taker)) = pool.blocked_jobs.newest_taker(last) {
                        candidate.todo.push(Step::Takers(pool, Some(place)));
                        // If the job is gone, something else has its slot.
                        candidate.add_job(taker.upgrade()?.owner().upgrade()?);
                    }
                }
                Step::Job(member) => candidate.follow_job(member)?,
                Step::Waits(member, last) => candidate.follow_next_wait(member, last, effects)?,
                Step::Parts(member, key, verb, last) => candidate.follow_next_part(member, key, verb, last, effects)?,
            }
        }
        let inners = candidate.pools.iter().chain(candidate.jobs.iter().map(|job| job.inner()));
        candidate.version = inners.fold(0, |version, inner| version.wrapping_add(inner.awaited_by.version()));
        Some(candidate)
    }

    fn add_pool(&mut self, pool: &Arc<Inner>) {
        if self.known.insert(Arc::as_ptr(pool).cast()) {
            self.pools.push(pool.clone());
            self.todo.push(Step::Pool(pool.clone()));
        }
    }

    fn add_job(&mut self, job: Arc<Member>) {
        if self.known.insert(Arc::as_ptr(&job).cast()) {
            self.jobs.push(job.clone());
            self.todo.push(Step::Job(job));
        }
    }

    /// Follows a job that its pool lists as blocked.
    fn follow_listed(&mut self, member: Arc<Member>) -> Option<()> {
        if !member.is_listed() {
            return None;
        }
        if self.known.insert(Arc::as_ptr(&member).cast()) {
            self.follow_waits(member);
        }
        Some(())
    }

    /// Follows a job that something waits for by itself. Another job may have its slot.
    fn follow_job(&mut self, member: Arc<Member>) -> Option<()> {
        if member.moves_alone() {
            return None;
        }
        if member.is_resuming() {
            self.add_pool(member.inner());
        } else {
            self.follow_waits(member);
        }
        Some(())
    }

    fn follow_waits(&mut self, member: Arc<Member>) {
        if member.is_suspect() {
            self.suspects.push(member.clone());
        }
        self.todo.push(Step::Waits(member, None));
    }

    /// Follows one wait of a job. The others come later, since one that can move is enough.
    fn follow_next_wait(&mut self, member: Arc<Member>, last: Option<Place>, effects: &mut Effects) -> Option<()> {
        let Some((place, wait)) = member.next_wait(last).ok()? else {
            // If it comes to none of its verbs, it waits for something outside greenpool.
            return last.map(|_| ());
        };
        let from = effects.waits.len();
        if let Some(verb) = wait.parts() {
            effects.waits.push(wait);
            self.todo.push(Step::Waits(member.clone(), Some(place)));
            self.todo.push(Step::Parts(member, place.key, verb, None));
            return Some(());
        }
        let look = member.look_at(place.key, &wait, effects);
        effects.waits.push(wait);
        match look {
            Look::Will => return None,
            Look::Pending => self.todo.push(Step::Waits(member, Some(place))),
            Look::SetAside => {
                self.todo.push(Step::Waits(member, last));
                return Some(());
            }
        }
        effects.waits[from..]
            .iter()
            .filter(|wait| !wait.stands_for_others())
            .try_for_each(|wait| self.follow_wait(wait))
    }

    /// Follows one of the waits of which any one makes a verb of that job ready.
    fn follow_next_part(
        &mut self,
        member: Arc<Member>,
        key: usize,
        verb: Arc<dyn Progress>,
        last: Option<u64>,
        effects: &mut Effects,
    ) -> Option<()> {
        let Some((number, part)) = verb.part(last) else {
            // One that was to come may just have become ready.
            return verb.has_parts().then_some(());
        };
        let readiness = verb.with_part(part.readiness(&mut effects.waits));
        if readiness != Readiness::No {
            // If the job does not come to the verb, the other parts do not matter either.
            return (member.will_look(key, readiness, effects) != Look::Will).then_some(());
        }
        self.todo.push(Step::Parts(member, key, verb, Some(number)));
        self.follow_wait(&part)?;
        effects.waits.push(part);
        Some(())
    }

    fn follow_wait(&mut self, wait: &WaitEdge) -> Option<()> {
        let is_queued = wait.ticket.is_some_and(|ticket| wait.inner.slots.is_queued(ticket));
        match wait.job().filter(|_| !is_queued) {
            Some(job) => self.add_job(job),
            None => self.follow_ticket(&wait.inner, wait.ticket)?,
        }
        Some(())
    }

    /// Follows a wait for something in `inner`: perhaps for a ticket there, or for the job that began with it.
    fn follow_ticket(&mut self, inner: &Arc<Inner>, ticket: Option<Ticket>) -> Option<()> {
        match ticket.map_or(Blocker::Pool, |ticket| inner.slots.blocker(ticket)) {
            Blocker::Pool if inner.can_move() => return None,
            Blocker::Pool => self.add_pool(inner),
            Blocker::Jobs(jobs) => {
                for job in jobs {
                    // A job that has never waited for greenpool moves.
                    self.add_job(job?);
                }
            }
        }
        self.wanted.extend(ticket.map(|ticket| (inner.clone(), ticket)));
        Some(())
    }

    /// Whether all these jobs are certainly blocked. Probes those that are suspects.
    fn is_certain(&self, effects: &mut Effects) -> bool {
        self.suspects.iter().for_each(|suspect| suspect.probe(effects));
        self.suspects.is_empty()
    }

    /// Whether a ticket is queued that something waits for, or in one of the pools. Otherwise there is nothing to lend
    /// a slot to.
    fn is_deadlock(&self) -> bool {
        self.pools.iter().any(|pool| pool.slots.head().is_some())
            || self.wanted.iter().any(|(inner, ticket)| inner.slots.is_queued(*ticket))
    }

    /// Lends one idle slot: to a job that wants to go on, else to a ticket that one of the jobs waits for, else to the
    /// head of a queue. A pool of size 0 begins nothing in this way.
    ///
    /// If there is none, jobs may have taken all slots of these pools, and want to go on. A job that has not seen yet
    /// that it has such a slot gives it up. If the jobs have seen all of them, the pools have been shrunk, and a job
    /// goes on in one slot more.
    fn lend(&self, effects: &mut Effects) {
        let heads = self.pools.iter().filter_map(|pool| Some((pool.clone(), pool.slots.head()?)));
        let (parked, wanted): (Vec<_>, Vec<_>) =
            self.wanted.iter().cloned().partition(|(pool, ticket)| pool.slots.is_parked(*ticket));
        let (resuming, starting): (Vec<_>, Vec<_>) =
            wanted.into_iter().chain(heads).partition(|(pool, ticket)| pool.slots.is_resuming(*ticket));
        // Those whose key is not free come last.
        for (pool, ticket) in resuming.iter().cloned().chain(starting).chain(parked) {
            let begins = !pool.slots.is_resuming(ticket);
            if begins && pool.slots.size() == 0 {
                continue;
            }
            if lend_idle_slot(&pool, ticket, effects) || admit(&pool, ticket, effects) {
                pool.counters.overflowed.fetch_add(u64::from(begins), Ordering::Relaxed);
                return;
            }
        }
        let _ = resuming.iter().any(|(pool, ticket)| take_granted_slot(pool, *ticket, effects))
            || resuming.iter().any(|(pool, ticket)| exceed(pool, *ticket, effects));
    }
}

/// Lends the idle slot of a job to a ticket: if the ticket has a key, that of a job with the same key, if there is one.
fn lend_idle_slot(pool: &Inner, ticket: Ticket, effects: &mut Effects) -> bool {
    let gate = |hold: Option<Hold>| hold.map(|hold| hold.gate);
    let mut members = pool.blocked_jobs.members();
    members.sort_by_key(|member| gate(member.key()) != gate(ticket.hold()));
    members.iter().any(|member| member.lend_to(ticket, effects))
}

/// Serves a ticket whose key is not free with a free slot.
fn admit(pool: &Inner, ticket: Ticket, effects: &mut Effects) -> bool {
    note_served(pool.slots.admit(ticket), effects)
}

/// Serves the ticket of a job that wants to go on with a slot that another job was granted and has not seen yet.
fn take_granted_slot(pool: &Inner, ticket: Ticket, effects: &mut Effects) -> bool {
    let takers = pool.blocked_jobs.takers();
    note_served(takers.iter().filter_map(Weak::upgrade).find_map(|taker| taker.give_up(ticket)), effects)
}

/// Serves the ticket of a job that wants to go on with one slot more than the pool has, if all slots of the pool belong
/// to jobs that want to go on, too.
fn exceed(pool: &Inner, ticket: Ticket, effects: &mut Effects) -> bool {
    let takers = pool.blocked_jobs.takers();
    let wants_to_go_on = |taker: &Weak<Taker>| taker.upgrade().is_some_and(|taker| taker.is_resuming());
    let are_all_taken = pool.slots.size() > 0 && pool.slots.running() <= takers.len();
    are_all_taken && takers.iter().all(wants_to_go_on) && note_served(pool.slots.exceed(ticket), effects)
}

/// Returns whether a ticket was served.
fn note_served(served: Option<PoolServed>, effects: &mut Effects) -> bool {
    let is_served = served.is_some();
    effects.served.extend(served);
    is_served
}
