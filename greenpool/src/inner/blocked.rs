//! Which jobs of a pool wait, and which pools wait for it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use slab::Slab;

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::sync::lock;

/// What is known of the jobs of one pool that have ever waited.
#[derive(Default)]
pub(crate) struct BlockedJobs {
    /// How many wait, and hold a slot.
    pub(crate) holders: AtomicUsize,
    /// How many hold a slot, and may wait in a poll that is under way.
    pub(crate) suspects: AtomicUsize,
    /// How many move without one.
    pub(crate) slotless: AtomicUsize,
    /// Those that wait, and hold a slot or gave it to nobody.
    members: Mutex<Slab<Arc<Member>>>,
}

impl BlockedJobs {
    pub(crate) fn add(&self, member: Arc<Member>) -> usize {
        lock(&self.members).insert(member)
    }

    pub(crate) fn remove(&self, key: usize) {
        let member = lock(&self.members).try_remove(key);
        drop(member);
    }

    pub(crate) fn first(&self) -> Option<Arc<Member>> {
        lock(&self.members).iter().next().map(|(_, member)| member.clone())
    }

    pub(crate) fn members(&self) -> Vec<Arc<Member>> {
        lock(&self.members).iter().map(|(_, member)| member.clone()).collect()
    }
}

/// The pools whose members wait for something in this pool.
#[derive(Default)]
pub(crate) struct AwaitedBy {
    count: AtomicUsize,
    by: Mutex<Vec<(Weak<Inner>, usize)>>,
    /// How many jobs have ended while somebody waited.
    ends: AtomicU64,
    /// How often one that waited began to move.
    moves: AtomicU64,
}

impl AwaitedBy {
    pub(crate) fn add(&self, inner: &Arc<Inner>) {
        let mut by = lock(&self.by);
        match by.iter_mut().find(|(weak, _)| weak.as_ptr() == Arc::as_ptr(inner)) {
            Some((_, waits)) => *waits += 1,
            None => by.push((Arc::downgrade(inner), 1)),
        }
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn remove(&self, inner: &Arc<Inner>) {
        let mut by = lock(&self.by);
        if let Some(at) = by.iter().position(|(weak, _)| weak.as_ptr() == Arc::as_ptr(inner)) {
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

    /// A job of the pool is about to end: who waits for it will have to look again.
    #[inline]
    pub(crate) fn count_end(&self) {
        if self.any() {
            self.ends.fetch_add(1, Ordering::SeqCst);
        }
    }

    pub(crate) fn ends(&self) -> u64 {
        self.ends.load(Ordering::SeqCst)
    }

    /// A member that waited moves.
    pub(crate) fn count_move(&self) {
        self.moves.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn version(&self) -> u64 {
        self.ends().wrapping_add(self.moves.load(Ordering::SeqCst))
    }

    pub(crate) fn pools(&self) -> Vec<Arc<Inner>> {
        lock(&self.by).iter().filter_map(|(weak, _)| weak.upgrade()).collect()
    }
}
