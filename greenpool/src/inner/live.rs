//! The number of jobs in a pool, and how `abort_all` reaches them.
//!
//! # Implementation details
//!
//! One word holds `epoch << 40 | live`. A job enters when it has its slot and leaves when its future has been dropped.
//! [`LiveJobs::abort_all`] starts a new epoch with no live jobs, and moves the jobs of the old epoch to a second count,
//! behind a lock. An aborted job finds out at its next poll, since its epoch is not the current one, and leaves that
//! second count when it is gone. A pool that is being shut down aborts new jobs as they enter: see
//! [`LiveJobs::abort_new`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use crate::sync::wake::wake;
use crate::sync::{Mutex, lock};

/// The live jobs of one pool. It has a cache line to itself: workers write these words for each job, spawning code does
/// not.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct LiveJobs {
    word: AtomicU64,
    begun: AtomicU64,
    aborted: Mutex<Aborted>,
}

/// The aborted jobs that are not gone yet, and the wakers of those that wait for that.
#[derive(Default)]
struct Aborted {
    left: u64,
    /// Those of them that are not live, but may still have a slot.
    ended: u64,
    wakers: Vec<Waker>,
}

const EPOCH_SHIFT: u32 = 40;
const EPOCHS: u32 = (1 << 24) - 1;
/// New jobs are aborted at once.
const ABORTS_NEW: u64 = 1 << 39;
const LIVE: u64 = ABORTS_NEW - 1;

fn epoch(word: u64) -> u32 {
    (word >> EPOCH_SHIFT) as u32
}

impl LiveJobs {
    /// The number of jobs that have begun so far.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// The number of live jobs, whether or not they hold a slot.
    pub(crate) fn count(&self) -> u64 {
        // Behind the lock, so that an `abort_all` in progress does not count jobs twice. Acquire pairs with the Release
        // in `leave_many`: a thread that counts no job sees what all jobs did.
        let aborted = lock(&self.aborted);
        let current = self.word.load(Ordering::Acquire) & LIVE;
        current + aborted.left - aborted.ended
    }

    /// `jobs` jobs begin. Returns their epoch.
    #[inline]
    pub(crate) fn enter(&self, jobs: u64) -> u32 {
        self.count_begun(jobs);
        // Acquire pairs with the Release in `abort_all`: a job that begins after it sees what came before it.
        let word = self.word.fetch_add(jobs, Ordering::Acquire);
        if word & ABORTS_NEW == 0 { epoch(word) } else { self.enter_aborted(epoch(word), jobs) }
    }

    /// `jobs` jobs that have entered in this epoch are aborted at once. Returns their epoch, a past one.
    #[cold]
    fn enter_aborted(&self, epoch: u32, jobs: u64) -> u32 {
        let mut aborted = lock(&self.aborted);
        if self.leave_many(epoch, jobs) {
            aborted.left += jobs;
        }
        epoch.wrapping_sub(1) & EPOCHS
    }

    /// Whether jobs are aborted as they enter, from now on.
    pub(crate) fn abort_new(&self, on: bool) {
        // AcqRel as for every change of the word.
        if on {
            self.word.fetch_or(ABORTS_NEW, Ordering::AcqRel);
        } else {
            self.word.fetch_and(!ABORTS_NEW, Ordering::AcqRel);
        }
    }

    /// `jobs` jobs begin, each in the place of one that ended and does not leave.
    #[inline]
    pub(crate) fn count_begun(&self, jobs: u64) {
        self.begun.fetch_add(jobs, Ordering::Relaxed);
    }

    /// `jobs` jobs that have entered did not begin after all.
    pub(crate) fn uncount_begun(&self, jobs: u64) {
        self.begun.fetch_sub(jobs, Ordering::Relaxed);
    }

    /// A job of that epoch is no longer live. Returns false if it was aborted by [`abort_all`](Self::abort_all); then
    /// the caller must release its slot, and call [`leave_aborted`](Self::leave_aborted).
    #[inline]
    pub(crate) fn leave(&self, epoch: u32) -> bool {
        self.leave_many(epoch, 1) || self.end_aborted()
    }

    #[cold]
    fn end_aborted(&self) -> bool {
        lock(&self.aborted).ended += 1;
        false
    }

    #[inline]
    fn leave_many(&self, job_epoch: u32, jobs: u64) -> bool {
        // Release pairs with the Acquire in `count` and `abort_all`.
        let left = self
            .word
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |word| (epoch(word) == job_epoch).then(|| word - jobs));
        left.is_ok()
    }

    /// Whether a job of that epoch has been aborted.
    #[inline]
    pub(crate) fn is_aborted(&self, job_epoch: u32) -> bool {
        // Acquire pairs with the Release in `abort_all`.
        epoch(self.word.load(Ordering::Acquire)) != job_epoch
    }

    /// Aborts all live jobs. Returns their number.
    pub(crate) fn abort_all(&self) -> u64 {
        let mut aborted = lock(&self.aborted);
        let next = |word: u64| Some((word >> EPOCH_SHIFT).wrapping_add(1) << EPOCH_SHIFT | word & ABORTS_NEW);
        // Release pairs with the Acquire in `enter` and `is_aborted`, Acquire with the Release in `leave_many`.
        let before = self.word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, next);
        let live = before.unwrap_or_default() & LIVE;
        aborted.left += live;
        live
    }

    /// An aborted job, which has [left](Self::leave), has released its slot.
    pub(crate) fn leave_aborted(&self) {
        let mut aborted = lock(&self.aborted);
        aborted.left -= 1;
        aborted.ended -= 1;
        if aborted.left == 0 {
            let wakers = std::mem::take(&mut aborted.wakers);
            drop(aborted);
            wake(wakers);
        }
    }

    /// Whether all aborted jobs are gone. If not, `waker` is woken when they are.
    pub(crate) fn poll_aborted(&self, waker: &Waker) -> bool {
        let mut clone = None;
        loop {
            let mut aborted = lock(&self.aborted);
            if aborted.left == 0 || aborted.wakers.iter().any(|old| old.will_wake(waker)) {
                return aborted.left == 0;
            }
            if let Some(clone) = clone.take() {
                aborted.wakers.push(clone);
                return false;
            }
            // A waker is foreign code, so it is cloned without the lock.
            drop(aborted);
            clone = Some(waker.clone());
        }
    }
}

#[cfg(all(test, not(loom), not(shuttle)))]
mod tests;
