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

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use slab::Slab;
use tokio::runtime::Handle;

use crate::heart::Core;
use crate::member::{Member, Wait};
use crate::slots::Ticket;
use crate::sync::{Mutex, lock};

/// So many times the verbs that were asked to look again get a turn to do so.
const ROUNDS: usize = 8;

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
    /// A task of its own goes on with the search.
    searching: AtomicBool,
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
#[inline]
pub(crate) fn before_end(core: &Core) {
    if core.awaited.count.load(Ordering::SeqCst) > 0 {
        core.awaited.ends.fetch_add(1, Ordering::SeqCst);
    }
}

/// A job of `core` has ended and given its slot back: those who wait for the pool may have no one left to wait for.
#[inline]
pub(crate) fn after_end(core: &Arc<Core>) {
    if core.awaited.count.load(Ordering::SeqCst) > 0 {
        untie(core);
    }
}

/// Looks for the knots that `core` is part of, or that it keeps tied for those who wait for it, and unties them.
pub(crate) fn untie(core: &Arc<Core>) {
    if search(core, false) {
        search_again(core);
    }
}

/// Some verbs have been asked to look again. When they have had their turn, the search goes on, if they did not do it themselves.
fn search_again(core: &Arc<Core>) {
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    if core.awaited.searching.swap(true, Ordering::SeqCst) {
        return;
    }
    let core = Arc::downgrade(core);
    runtime.spawn(async move {
        for round in 0..=ROUNDS {
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            let Some(core) = core.upgrade() else { return };
            if round == ROUNDS {
                core.awaited.searching.store(false, Ordering::SeqCst);
            }
            // Whoever has not looked by the last round will not: better to lend one slot too early than to wait for ever.
            search(&core, round == ROUNDS);
        }
    });
}

/// Searches from `core` and from those who wait for it. True if somebody was asked to look again.
fn search(core: &Arc<Core>, for_certain: bool) -> bool {
    let mut asked = false;
    let mut pools = vec![core.clone()];
    let mut at = 0;
    while at < pools.len() {
        let pool = pools[at].clone();
        at += 1;
        // Who waits for a pool that can move is in no knot by that.
        if !can_move(&pool) {
            asked |= untie_from(&pool, for_certain);
            for behind in pool.awaited.pools() {
                add(&mut pools, &behind);
            }
        }
    }
    asked
}

fn add(pools: &mut Vec<Arc<Core>>, pool: &Arc<Core>) {
    if !pools.iter().any(|known| Arc::ptr_eq(known, pool)) {
        pools.push(pool.clone());
    }
}

/// Follows what the stalled members of `core` wait for, and unties the knot, if it is one. True if somebody was asked to look again.
fn untie_from(core: &Arc<Core>, for_certain: bool) -> bool {
    if core.stalled.count() == 0 {
        return false;
    }
    let mut pools = vec![core.clone()];
    let mut wanted: Vec<(Arc<Core>, Ticket)> = Vec::new();
    let mut at = 0;
    while at < pools.len() {
        // Most often a single look at anybody is enough to see that something can still move.
        if pools[at].stalled.any_waits().iter().any(|wait| can_move(&wait.core)) {
            return false;
        }
        for member in pools[at].stalled.members() {
            for wait in member.waits() {
                // What it waits for may have come, and it has only not been polled yet.
                if can_move(&wait.core) {
                    return false;
                }
                if !for_certain && wait.ask_again() {
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
            return false;
        }
    }
    false
}
