//! Which jobs of a pool are blocked, and which pools have jobs that wait for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use crate::inner::Inner;
use crate::inner::bag::{Bag, Place};
use crate::inner::member::Member;
use crate::inner::taker::Taker;
use crate::sync::{Mutex, lock};

/// What a pool knows of those of its jobs that have ever waited. Written by `MemberState::publish`.
#[derive(Default)]
pub(crate) struct BlockedJobs {
    /// Blocked jobs that hold a slot.
    pub(crate) holders: AtomicUsize,
    /// Suspects: jobs that hold a slot, and may be blocked in a poll that is in progress.
    pub(crate) suspects: AtomicUsize,
    /// Jobs that move without a slot.
    pub(crate) slotless: AtomicUsize,
    /// The blocked jobs and suspects whose slot no other job has.
    members: Mutex<Bag<Arc<Member>>>,
    /// How many slots of the pool were taken by jobs, of this pool or another, that began no job in them.
    taken: AtomicUsize,
    /// These jobs.
    takers: Mutex<Bag<Weak<Taker>>>,
}

impl BlockedJobs {
    /// The number of jobs that wait for greenpool, if so many have no slot.
    pub(crate) fn suspended(&self, absent: usize) -> usize {
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        absent.saturating_sub(count(&self.slotless)) + count(&self.holders)
    }

    pub(crate) fn add(&self, member: Arc<Member>) -> usize {
        lock(&self.members).insert(member)
    }

    /// That job has a slot of the pool, in which it has begun no job.
    pub(crate) fn add_taker(&self, taker: Weak<Taker>) -> usize {
        let mut takers = lock(&self.takers);
        let key = takers.insert(taker);
        // SeqCst pairs with the load in `taken`.
        self.taken.fetch_add(1, Ordering::SeqCst);
        key
    }

    /// That slot is about to be released, or a job to begin in it. Call [`AwaitedBy::count_move`] first.
    pub(crate) fn remove_taker(&self, key: usize) {
        let mut takers = lock(&self.takers);
        // SeqCst as in `add_taker`.
        self.taken.fetch_sub(1, Ordering::SeqCst);
        let taker = takers.remove(key);
        drop(takers);
        drop(taker);
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }

    /// The job that took a slot last or, with the place of one, the one that took a slot last before that.
    pub(crate) fn newest_taker(&self, before: Option<Place>) -> Option<(Place, Weak<Taker>)> {
        if self.taken() == 0 {
            return None;
        }
        lock(&self.takers).newest(before).map(|(place, taker)| (place, taker.clone()))
    }

    /// All of them, the newest first.
    pub(crate) fn takers(&self) -> Vec<Weak<Taker>> {
        lock(&self.takers).iter_back().map(|(_, taker)| taker.clone()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.members).len()
    }

    pub(crate) fn remove(&self, key: usize) {
        let member = lock(&self.members).remove(key);
        drop(member);
    }

    /// The one that was listed last or, with the place of one, the one that was listed last before that.
    pub(crate) fn newest(&self, before: Option<Place>) -> Option<(Place, Arc<Member>)> {
        lock(&self.members).newest(before).map(|(place, member)| (place, member.clone()))
    }

    /// All of them, the newest first.
    pub(crate) fn members(&self) -> Vec<Arc<Member>> {
        lock(&self.members).iter_back().map(|(_, member)| member.clone()).collect()
    }
}

/// The pools whose jobs wait for something in this pool.
#[derive(Default)]
pub(crate) struct AwaitedBy {
    count: AtomicUsize,
    /// Each pool by its address, with the number of its pending verbs.
    by: Mutex<HashMap<usize, (Weak<Inner>, usize)>>,
    /// How many jobs have ended while a verb waited for the pool.
    ends: AtomicU64,
    /// How often a blocked job of the pool began to move.
    moves: AtomicU64,
}

impl AwaitedBy {
    pub(crate) fn add(&self, inner: &Arc<Inner>) {
        let address = Arc::as_ptr(inner).addr();
        lock(&self.by).entry(address).or_insert_with(|| (Arc::downgrade(inner), 0)).1 += 1;
        // SeqCst pairs with the load in `any`, and with `Slots::release_deferred`, which comes before that.
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn remove(&self, inner: &Arc<Inner>) {
        let address = Arc::as_ptr(inner).addr();
        let mut by = lock(&self.by);
        if let Some((_, waits)) = by.get_mut(&address) {
            *waits -= 1;
            if *waits == 0 {
                by.remove(&address);
            }
        }
        drop(by);
        // SeqCst pairs with the load in `any`.
        self.count.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether any job waits for something in this pool.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        // SeqCst pairs with `add`: a job that changes the pool and finds no waiter here changed it before the waiter
        // searches, since the waiter registers first.
        self.count.load(Ordering::SeqCst) > 0
    }

    /// A job of the pool is about to release its slot and end, so what waits for it must be polled again.
    #[inline]
    pub(crate) fn count_end(&self) {
        if self.any() {
            // SeqCst pairs with the load in `ends`: it precedes the release of the slot, so a search that finds the
            // slot released finds this count too.
            self.ends.fetch_add(1, Ordering::SeqCst);
        }
    }

    pub(crate) fn ends(&self) -> u64 {
        // SeqCst pairs with `count_end`.
        self.ends.load(Ordering::SeqCst)
    }

    /// A blocked job of the pool begins to move.
    pub(crate) fn count_move(&self) {
        // SeqCst pairs with the load in `version`.
        self.moves.fetch_add(1, Ordering::SeqCst);
    }

    /// Changes when a job of the pool ends or begins to move. A search that reads it twice and finds it unchanged has
    /// seen one state of the pool.
    pub(crate) fn version(&self) -> u64 {
        // SeqCst pairs with `count_move` and `count_end`.
        self.ends().wrapping_add(self.moves.load(Ordering::SeqCst))
    }

    pub(crate) fn pools(&self) -> Vec<Arc<Inner>> {
        lock(&self.by).values().filter_map(|(weak, _)| weak.upgrade()).collect()
    }
}
