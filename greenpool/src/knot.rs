//! Knots: pools that wait for each other in a ring.
//!
//! # Implementation details
//!
//! A member is *stalled* while it has its slot and does not need it: some verb is pending in it, and nothing it waits for wants the
//! slot. A pool all of whose slots are held by stalled members moves only if something in another pool moves. So
//! from such a pool one can follow what its members wait for, from pool to pool. If nowhere on the way a job can move by itself,
//! and somebody is queued for one of these pools, then nothing that greenpool knows of will ever give that one a slot: a
//! knot. It is untied by lending the queued one the idle slot of a stalled member. The limit stays exact;
//! the lender goes on when it has a slot again, ahead of all waiters.
//!
//! A member that looks stalled may only not have been polled yet since what it waits for has come. So each pending verb remembers how many jobs of the
//! awaited pool had ended when it last looked; if there are more now, it is woken to look again, and the search goes on when it has.
//!
//! Every event that can tie a knot looks for one afterwards: a member stalls, somebody queues for a pool that is stalled, or the
//! last job that could move in an awaited pool ends. Whichever is the last of them sees the others. All this costs only those who wait: who takes
//! and gives back free slots meets one load of a counter.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use slab::Slab;

use crate::heart::Core;
use crate::member::{Member, Wait};
use crate::slots::Ticket;
use crate::sync::{Mutex, lock};

/// The members of one pool that have their slots and do not need them.
#[derive(Default)]
pub(crate) struct Stalled {
    count: AtomicUsize,
    members: Mutex<Slab<Arc<Member>>>,
}

impl Stalled {
    pub(crate) fn add(&self, member: Arc<Member>) -> usize {
        let mut members = lock(&self.members);
        let key = members.insert(member);
        self.count.store(members.len(), Ordering::SeqCst);
        key
    }

    pub(crate) fn remove(&self, key: usize) {
        let mut members = lock(&self.members);
        let member = members.try_remove(key);
        self.count.store(members.len(), Ordering::SeqCst);
        drop(members);
        drop(member);
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    fn any_waits(&self) -> Vec<Wait> {
        let member = lock(&self.members).iter().next().map(|(_, member)| member.clone());
        member.map(|member| member.waits()).unwrap_or_default()
    }

    fn members(&self) -> Vec<Arc<Member>> {
        lock(&self.members).iter().map(|(_, member)| member.clone()).collect()
    }
}

/// The pools whose members wait for something in this pool.
#[derive(Default)]
pub(crate) struct Awaited {
    count: AtomicUsize,
    by: Mutex<Vec<(Weak<Core>, usize)>>,
    /// How many jobs have ended while somebody waited.
    ends: AtomicU64,
}

impl Awaited {
    pub(crate) fn add(&self, core: &Arc<Core>) {
        let mut by = lock(&self.by);
        match by.iter_mut().find(|(weak, _)| weak.as_ptr() == Arc::as_ptr(core)) {
            Some((_, waits)) => *waits += 1,
            None => by.push((Arc::downgrade(core), 1)),
        }
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn remove(&self, core: &Arc<Core>) {
        let mut by = lock(&self.by);
        if let Some(at) = by.iter().position(|(weak, _)| weak.as_ptr() == Arc::as_ptr(core)) {
            by[at].1 -= 1;
            if by[at].1 == 0 {
                by.swap_remove(at);
            }
        }
        self.count.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn ends(&self) -> u64 {
        self.ends.load(Ordering::SeqCst)
    }

    fn pools(&self) -> Vec<Arc<Core>> {
        lock(&self.by).iter().filter_map(|(weak, _)| weak.upgrade()).collect()
    }
}

/// Whether some job of the pool can move by itself, or is about to begin.
fn can_move(core: &Core) -> bool {
    let (running, free) = (core.slots.running(), core.slots.free());
    // A pool of size 0 waits for a `resize`, which comes from outside.
    core.slots.size() == 0 || running > core.stalled.count() || free > 0 && core.slots.waiting() > 0
}

/// A job of `core` is about to end: who waits for it will have to look again.
pub(crate) fn before_end(core: &Core) {
    if core.awaited.count.load(Ordering::SeqCst) > 0 {
        core.awaited.ends.fetch_add(1, Ordering::SeqCst);
    }
}

/// A job of `core` has ended and given its slot back: those who wait for the pool may have no one left to wait for.
pub(crate) fn after_end(core: &Arc<Core>) {
    if core.awaited.count.load(Ordering::SeqCst) == 0 {
        return;
    }
    if !can_move(core) {
        for pool in core.awaited.pools() {
            untie(&pool);
        }
    }
}

/// Looks for a knot that `core` is part of, or that it keeps tied for those who wait for it, and unties it.
pub(crate) fn untie(core: &Arc<Core>) {
    if core.stalled.count() == 0 || can_move(core) {
        return;
    }
    let mut pools = vec![core.clone()];
    let mut at = 0;
    while at < pools.len() {
        if untie_from(&pools[at]) {
            return;
        }
        for pool in pools[at].awaited.pools() {
            add(&mut pools, &pool);
        }
        at += 1;
    }
}

fn add(pools: &mut Vec<Arc<Core>>, pool: &Arc<Core>) {
    if !pools.iter().any(|known| Arc::ptr_eq(known, pool)) {
        pools.push(pool.clone());
    }
}

/// Follows what the members of `core` wait for. True if there is nothing more to look for.
fn untie_from(core: &Arc<Core>) -> bool {
    if can_move(core) {
        return true;
    }
    let mut pools = vec![core.clone()];
    let mut wanted: Vec<(Arc<Core>, Ticket)> = Vec::new();
    let mut at = 0;
    while at < pools.len() {
        // Most often a single look at anybody is enough to see that something can still move.
        if pools[at].stalled.any_waits().iter().any(|wait| can_move(&wait.core)) {
            return true;
        }
        for member in pools[at].stalled.members() {
            for wait in member.waits() {
                // What it waits for may have come, and it has only not been polled yet.
                if can_move(&wait.core) || wait.ask_again() {
                    return true;
                }
                add(&mut pools, &wait.core);
                wanted.extend(wait.ticket.map(|ticket| (wait.core, ticket)));
            }
        }
        at += 1;
    }
    // First what a member of the knot waits for itself, then whoever has waited longest.
    let heads = pools.iter().filter_map(|pool| Some((pool.clone(), pool.slots.head()?)));
    for (pool, ticket) in wanted.into_iter().chain(heads) {
        let members = pool.stalled.members();
        if members.iter().any(|member| member.lend_to(ticket)) {
            pool.counters.overflowed.fetch_add(1, Ordering::Relaxed);
            return true;
        }
    }
    false
}
