//! How many jobs a pool has, and which of them have been told to end.
//!
//! # Implementation details
//!
//! The census is one word, `epoch << 40 | live`. A job joins it when it begins and leaves it when its future is gone.
//! [`LiveJobs::abort_all`] starts a new epoch, and so knows exactly how many jobs belong to an older one; such a job
//! finds out at its next poll, and is counted by itself from then on until it is gone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use crate::sync::wake::wake;
use crate::sync::{Mutex, lock};

/// The jobs of one pool. It begins a line of memory: workers write these two words for each job, those who spawn do not.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct LiveJobs {
    word: AtomicU64,
    begun: AtomicU64,
    aborted: Mutex<Aborted>,
}

/// The jobs that have been told to end and that are not gone yet, and who waits for that.
#[derive(Default)]
struct Aborted {
    left: u64,
    wakers: Vec<Waker>,
}

const EPOCH_SHIFT: u32 = 40;
const LIVE: u64 = (1 << EPOCH_SHIFT) - 1;

fn epoch(word: u64) -> u32 {
    (word >> EPOCH_SHIFT) as u32
}

impl LiveJobs {
    /// How many jobs have begun so far.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// How many jobs there are, whether they hold a slot or have lent it.
    pub(crate) fn count(&self) -> u64 {
        let current = self.word.load(Ordering::Acquire) & LIVE;
        current + lock(&self.aborted).left
    }

    /// So many jobs begin; gives their epoch.
    #[inline]
    pub(crate) fn enter(&self, jobs: u64) -> u32 {
        self.count_begun(jobs);
        // Acquire: a job that begins after `abort_all` sees what came before that.
        epoch(self.word.fetch_add(jobs, Ordering::Acquire))
    }

    /// So many jobs have each followed another in its place.
    #[inline]
    pub(crate) fn count_begun(&self, jobs: u64) {
        self.begun.fetch_add(jobs, Ordering::Relaxed);
    }

    /// So many jobs that have joined had nothing to do.
    pub(crate) fn uncount_begun(&self, jobs: u64) {
        self.begun.fetch_sub(jobs, Ordering::Relaxed);
    }

    /// A job of that epoch is gone. False: it had been told to end, and is to [leave the outdated](Self::leave_aborted).
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
    pub(crate) fn cancel_enter(&self, epoch: u32, jobs: u64) -> bool {
        let left = self.leave_many(epoch, jobs);
        if left {
            self.uncount_begun(jobs);
        }
        left
    }

    /// Whether a job of that epoch has been told to end.
    #[inline]
    pub(crate) fn is_aborted(&self, of: u32) -> bool {
        // Acquire pairs with the update in `abort_all`.
        epoch(self.word.load(Ordering::Acquire)) != of
    }

    /// Tells all jobs to end; gives how many there were.
    pub(crate) fn abort_all(&self) -> u64 {
        let mut aborted = lock(&self.aborted);
        let next = |word: u64| Some(((word >> EPOCH_SHIFT) + 1) << EPOCH_SHIFT);
        let before = self.word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, next);
        let live = before.unwrap_or_default() & LIVE;
        aborted.left += live;
        live
    }

    /// One of the outdated is gone.
    pub(crate) fn leave_aborted(&self) {
        let mut aborted = lock(&self.aborted);
        aborted.left -= 1;
        if aborted.left == 0 {
            let wakers = std::mem::take(&mut aborted.wakers);
            drop(aborted);
            wake(wakers);
        }
    }

    /// Whether all that were told to end are gone; if not, wakes `waker` when it is so.
    pub(crate) fn poll_aborted(&self, waker: &Waker) -> bool {
        let mut aborted = lock(&self.aborted);
        if aborted.left > 0 && !aborted.wakers.iter().any(|old| old.will_wake(waker)) {
            aborted.wakers.push(waker.clone());
        }
        aborted.left == 0
    }
}
