//! Knots: pools that wait for each other in a ring.
//!
//! # Implementation details
//!
//! A job *moves* unless some verb of greenpool is pending in it; then it waits for what the verb waits for, in the verb's pool. It
//! moves again from the moment on when that is there, not only when it has been polled: a [`Wait`](crate::inner::wait::Wait) can tell. What
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
//! | somebody queues, to begin or to go on | `Acquire::begin`; the end of the poll |
//! | a job that moves ends, is aborted, or is dropped with its runtime | [`changed`] |
//! | a slot that is on its way comes to somebody who does not want it any more | `Acquire::drop`, `Member::leave_queue` |
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

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, Weak};
use std::task::Waker;

use slab::Slab;

use crate::inner::Core;
use crate::inner::member::Member;
use crate::inner::wait::Wait;
use crate::sync::lock;
use crate::sync::slots::Ticket;
use crate::sync::wake::wake;

/// What is known of the jobs of one pool that have ever waited.
#[derive(Default)]
pub(crate) struct Stalled {
    /// How many wait, and hold a slot.
    pub(crate) holders: AtomicUsize,
    /// How many hold a slot, and may wait in a poll that is under way.
    pub(crate) suspects: AtomicUsize,
    /// How many move without one.
    pub(crate) drifting: AtomicUsize,
    /// Those that wait, and hold a slot or gave it to nobody.
    members: Mutex<Slab<Arc<Member>>>,
}

impl Stalled {
    pub(crate) fn add(&self, member: Arc<Member>) -> usize {
        lock(&self.members).insert(member)
    }

    pub(crate) fn remove(&self, key: usize) {
        let member = lock(&self.members).try_remove(key);
        drop(member);
    }

    fn first(&self) -> Option<Arc<Member>> {
        lock(&self.members).iter().next().map(|(_, member)| member.clone())
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
    /// How often one that waited began to move.
    moves: AtomicU64,
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

    /// Whether any job waits for something in this pool.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.count.load(Ordering::SeqCst) > 0
    }

    pub(crate) fn ends(&self) -> u64 {
        self.ends.load(Ordering::SeqCst)
    }

    /// A member that waited moves.
    pub(crate) fn note_move(&self) {
        self.moves.fetch_add(1, Ordering::SeqCst);
    }

    fn news(&self) -> u64 {
        self.ends().wrapping_add(self.moves.load(Ordering::SeqCst))
    }

    fn pools(&self) -> Vec<Arc<Core>> {
        lock(&self.by).iter().filter_map(|(weak, _)| weak.upgrade()).collect()
    }
}

/// Whether some job of the pool moves for certain, or is about to begin.
pub(crate) fn can_move(core: &Core) -> bool {
    let stalled = &core.stalled;
    let running = core.slots.running();
    running > stalled.holders.load(Ordering::SeqCst) + stalled.suspects.load(Ordering::SeqCst)
        || stalled.drifting.load(Ordering::SeqCst) > 0
        || core.slots.free() > 0 && core.slots.waiting() > 0
        // All that is left of it waits for a `resize`, which is up to somebody outside.
        || running == 0 && core.slots.size() == 0
}

/// A job of `core` is about to end: who waits for it will have to look again.
#[inline]
pub(crate) fn before_end(core: &Core) {
    if core.awaited.any() {
        core.awaited.ends.fetch_add(1, Ordering::SeqCst);
    }
}

/// Something has changed in `core`, as when a job has ended: those who wait for the pool may have nothing left to wait for.
#[inline]
pub(crate) fn changed(core: &Arc<Core>) {
    if core.awaited.any() {
        untie(core);
    }
}

/// Looks for the knots that `core` is part of, or that it keeps tied for those who wait for it, and unties them.
pub(crate) fn untie(core: &Arc<Core>) {
    // Whoever has changed something does so before this, and looks after it: of two who do it at once, one sees the other.
    fence(Ordering::SeqCst);
    let mut pools = vec![core.clone()];
    let mut at = 0;
    while at < pools.len() {
        let pool = pools[at].clone();
        at += 1;
        // Who waits for a pool that can move is in no knot by that.
        if !can_move(&pool) {
            untie_from(&pool);
            for behind in pool.awaited.pools() {
                add(&mut pools, &behind);
            }
        }
    }
}

fn add(pools: &mut Vec<Arc<Core>>, pool: &Arc<Core>) {
    if !pools.iter().any(|known| Arc::ptr_eq(known, pool)) {
        pools.push(pool.clone());
    }
}

/// One looks at a time, where it matters.
static LOOKING: Mutex<()> = Mutex::new(());

/// What must not happen under a lock: others are woken, and the last reference on something may be dropped.
#[derive(Default)]
pub(crate) struct Later {
    pub(crate) wakers: Vec<Waker>,
    pub(crate) waits: Vec<Wait>,
}

impl Later {
    fn happen(self) {
        wake(self.wakers);
    }
}

fn untie_from(core: &Arc<Core>) {
    let mut later = Later::default();
    let knot = Stuck::look(core, &mut later).filter(Stuck::is_knot);
    if knot.is_some_and(|knot| knot.is_certain(&mut later)) {
        let _looking = lock(&LOOKING);
        while let Some(stuck) = Stuck::look(core, &mut later) {
            let Some(again) = Stuck::look(core, &mut later) else {
                break;
            };
            if stuck.news == again.news {
                if again.is_certain(&mut later) {
                    again.lend(&mut later);
                }
                break;
            }
        }
    }
    later.happen();
}

/// Pools that are stuck: one, and all that its jobs wait for.
struct Stuck {
    pools: Vec<Arc<Core>>,
    /// Tickets that the jobs wait for themselves.
    wanted: Vec<(Arc<Core>, Ticket)>,
    /// Jobs that wait, or are about to go on with a poll.
    suspects: Vec<Arc<Member>>,
    news: u64,
}

impl Stuck {
    /// Follows what the jobs of `core` wait for. `None`: something can move.
    fn look(core: &Arc<Core>, later: &mut Later) -> Option<Self> {
        let mut stuck = Stuck { pools: vec![core.clone()], wanted: Vec::new(), suspects: Vec::new(), news: 0 };
        let mut at = 0;
        while at < stuck.pools.len() {
            let pool = stuck.pools[at].clone();
            at += 1;
            if can_move(&pool) {
                return None;
            }
            // Most often a single look at anybody is enough to see that something can still move.
            if let Some(first) = pool.stalled.first() {
                stuck.follow(&first, later)?;
            }
            for member in pool.stalled.members().iter().skip(1) {
                stuck.follow(member, later)?;
            }
        }
        stuck.news = stuck.pools.iter().fold(0, |news, pool| news.wrapping_add(pool.awaited.news()));
        Some(stuck)
    }

    fn follow(&mut self, member: &Arc<Member>, later: &mut Later) -> Option<()> {
        let from = later.waits.len();
        if member.moves(later) {
            return None;
        }
        if member.is_suspect() {
            self.suspects.push(member.clone());
        }
        for wait in &later.waits[from..] {
            if can_move(&wait.core) {
                return None;
            }
            add(&mut self.pools, &wait.core);
            self.wanted.extend(wait.ticket.map(|ticket| (wait.core.clone(), ticket)));
        }
        Some(())
    }

    /// Whether none of these jobs is being polled in the ordinary way. Those that may be are asked.
    fn is_certain(&self, later: &mut Later) -> bool {
        self.suspects.iter().for_each(|suspect| suspect.probe(later));
        self.suspects.is_empty()
    }

    fn is_knot(&self) -> bool {
        self.pools.iter().any(|pool| pool.slots.head().is_some())
    }

    /// First to what a member waits for itself, then to whoever has waited longest.
    fn lend(&self, later: &mut Later) {
        let heads = self.pools.iter().filter_map(|pool| Some((pool.clone(), pool.slots.head()?)));
        for (pool, ticket) in self.wanted.iter().cloned().chain(heads) {
            let begins = !pool.slots.is_resumer(ticket);
            if begins && pool.slots.size() == 0 {
                continue;
            }
            if pool.stalled.members().iter().any(|member| member.lend_to(ticket, later)) {
                pool.counters.overflowed.fetch_add(u64::from(begins), Ordering::Relaxed);
                return;
            }
        }
    }
}
