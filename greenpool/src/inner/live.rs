//! How many jobs a pool has, and which of them have been told to end.
//!
//! # Implementation details
//!
//! The census is one word, `epoch << 40 | live`. A job joins it when it begins and leaves it when its future is gone.
//! [`Census::condemn`] starts a new epoch, and so knows exactly how many jobs belong to an older one; such a job
//! finds out at its next poll, and is counted by itself from then on until it is gone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use crate::sync::wake::wake;
use crate::sync::{Mutex, lock};

/// The jobs of one pool. It begins a line of memory: workers write these two words for each job, those who spawn do not.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct Census {
    word: AtomicU64,
    begun: AtomicU64,
    outdated: Mutex<Outdated>,
}

/// The jobs that have been told to end and that are not gone yet, and who waits for that.
#[derive(Default)]
struct Outdated {
    left: u64,
    wakers: Vec<Waker>,
}

const EPOCH_SHIFT: u32 = 40;
const LIVE: u64 = (1 << EPOCH_SHIFT) - 1;

fn epoch(word: u64) -> u32 {
    (word >> EPOCH_SHIFT) as u32
}

impl Census {
    /// How many jobs have begun so far.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// How many jobs there are, whether they hold a slot or have lent it.
    pub(crate) fn live(&self) -> u64 {
        let current = self.word.load(Ordering::Acquire) & LIVE;
        current + lock(&self.outdated).left
    }

    /// So many jobs begin; gives their epoch.
    #[inline]
    pub(crate) fn join(&self, jobs: u64) -> u32 {
        self.follow(jobs);
        // Acquire: a job that begins after `condemn` sees what came before that.
        epoch(self.word.fetch_add(jobs, Ordering::Acquire))
    }

    /// So many jobs have each followed another in its place.
    #[inline]
    pub(crate) fn follow(&self, jobs: u64) {
        self.begun.fetch_add(jobs, Ordering::Relaxed);
    }

    /// So many jobs that have joined had nothing to do.
    pub(crate) fn withdraw(&self, jobs: u64) {
        self.begun.fetch_sub(jobs, Ordering::Relaxed);
    }

    /// A job of that epoch is gone. False: it had been told to end, and is to [leave the outdated](Self::leave_outdated).
    #[inline]
    pub(crate) fn leave(&self, epoch: u32) -> bool {
        self.leave_many(epoch, 1)
    }

    #[inline]
    fn leave_many(&self, of: u32, jobs: u64) -> bool {
        // Release pairs with the Acquire in `live`: who counts no job sees all that they did.
        let left = self
            .word
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |word| (epoch(word) == of).then(|| word - jobs));
        left.is_ok()
    }

    /// So many jobs of that epoch have not begun after all. False: they had been told to end.
    pub(crate) fn unjoin(&self, epoch: u32, jobs: u64) -> bool {
        let left = self.leave_many(epoch, jobs);
        if left {
            self.withdraw(jobs);
        }
        left
    }

    /// Whether a job of that epoch has been told to end.
    #[inline]
    pub(crate) fn is_outdated(&self, of: u32) -> bool {
        // Acquire pairs with the update in `condemn`.
        epoch(self.word.load(Ordering::Acquire)) != of
    }

    /// Tells all jobs to end; gives how many there were.
    pub(crate) fn condemn(&self) -> u64 {
        let mut outdated = lock(&self.outdated);
        let next = |word: u64| Some(((word >> EPOCH_SHIFT) + 1) << EPOCH_SHIFT);
        let before = self.word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, next);
        let live = before.unwrap_or_default() & LIVE;
        outdated.left += live;
        live
    }

    /// One of the outdated is gone.
    pub(crate) fn leave_outdated(&self) {
        let mut outdated = lock(&self.outdated);
        outdated.left -= 1;
        if outdated.left == 0 {
            let wakers = std::mem::take(&mut outdated.wakers);
            drop(outdated);
            wake(wakers);
        }
    }

    /// Whether all that were told to end are gone; if not, wakes `waker` when it is so.
    pub(crate) fn poll_outdated(&self, waker: &Waker) -> bool {
        let mut outdated = lock(&self.outdated);
        if outdated.left > 0 && !outdated.wakers.iter().any(|old| old.will_wake(waker)) {
            outdated.wakers.push(waker.clone());
        }
        outdated.left == 0
    }
}
