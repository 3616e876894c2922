//! What all handles and jobs of one pool share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::Waker;

use slab::Slab;

use crate::frame::Job;
use crate::knot::{Awaited, Stalled};
use crate::member::Member;
use crate::slots::Slots;
use crate::sync::{Mutex, lock};
use crate::tracked::Tracked;
use crate::wake::wake;
use crate::workers::Workers;

/// The shared heart of a pool: its slots, the census of its jobs, and its counters.
///
/// # Implementation details
///
/// The census is one word, `epoch << 40 | live`. A job joins it when it begins and leaves it when its future is gone.
/// [`Core::abort_all`] starts a new epoch and so knows exactly how many jobs belong to an older one; such a job
/// finds out at its next poll, and those that wait for something are in the roster and are woken for it.
pub(crate) struct Core {
    pub(crate) slots: Slots<Arc<Member>>,
    pub(crate) counters: Counters,
    pub(crate) stalled: Stalled,
    pub(crate) awaited: Awaited,
    pub(crate) tracked: Tracked,
    name: Option<&'static str>,
    census: AtomicU64,
    roster: Mutex<Slab<Waker>>,
    outdated: Mutex<Outdated>,
    maps: Mutex<Slab<Weak<dyn Attached>>>,
    workers: Mutex<Vec<Arc<dyn Abortable>>>,
    /// Those who run futures of any kind.
    errands: OnceLock<Arc<Workers<dyn Job>>>,
}

impl Drop for Core {
    fn drop(&mut self) {
        if let Some(workers) = self.errands.get() {
            workers.close();
        }
    }
}

/// A map, seen from its pool.
pub(crate) trait Attached: Send + Sync {
    /// The pool has another size.
    fn resized(self: Arc<Self>);
    /// Wakes those who have a job, and are in no roster: it may have been told to end.
    fn rouse(&self);
}

/// The workers of one declared function.
pub(crate) trait Abortable: Send + Sync {
    /// Drops the jobs that have a slot and no worker yet; gives how many there were.
    fn abort_queued(&self) -> u64;
    /// Wakes the workers that have a job: it may have been told to end.
    fn rouse(&self);
    /// The waker of a worker in one of their gangs.
    fn waker(&self, gang: u32, worker: u32) -> Option<Waker>;
}

/// What has happened in a pool so far.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) spawned: AtomicU64,
    pub(crate) panicked: AtomicU64,
    pub(crate) aborted: AtomicU64,
    pub(crate) overflowed: AtomicU64,
    pub(crate) refused: AtomicU64,
}

/// The jobs that `abort_all` has condemned and that are not gone yet, and who waits for that.
#[derive(Default)]
struct Outdated {
    left: u64,
    wakers: Vec<Waker>,
}

const EPOCH_SHIFT: u32 = 40;
const LIVE: u64 = (1 << EPOCH_SHIFT) - 1;

impl Core {
    pub(crate) fn new(size: usize, name: Option<&'static str>) -> Arc<Self> {
        Arc::new(Core {
            slots: Slots::new(size),
            counters: Counters::default(),
            stalled: Stalled::default(),
            awaited: Awaited::default(),
            tracked: Tracked::default(),
            name,
            census: AtomicU64::new(0),
            roster: Mutex::new(Slab::new()),
            outdated: Mutex::new(Outdated::default()),
            maps: Mutex::new(Slab::new()),
            workers: Mutex::new(Vec::new()),
            errands: OnceLock::new(),
        })
    }

    pub(crate) fn resize(&self, size: usize) {
        self.slots.resize(size);
        self.maps().into_iter().for_each(Attached::resized);
    }

    fn maps(&self) -> Vec<Arc<dyn Attached>> {
        lock(&self.maps).iter().filter_map(|(_, map)| map.upgrade()).collect()
    }

    pub(crate) fn attach(&self, map: Weak<dyn Attached>) -> usize {
        lock(&self.maps).insert(map)
    }

    pub(crate) fn detach(&self, key: usize) {
        let map = lock(&self.maps).try_remove(key);
        drop(map);
    }

    pub(crate) fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// How many jobs there are, whether they hold a slot or have lent it.
    pub(crate) fn live(&self) -> u64 {
        let current = self.census.load(Ordering::Acquire) & LIVE;
        current + lock(&self.outdated).left
    }

    /// So many jobs begin; gives their epoch.
    #[inline]
    pub(crate) fn join(&self, jobs: u64) -> u32 {
        self.counters.spawned.fetch_add(jobs, Ordering::Relaxed);
        // Acquire: a job that begins after `abort_all` sees what came before that.
        (self.census.fetch_add(jobs, Ordering::Acquire) >> EPOCH_SHIFT) as u32
    }

    /// A job of that epoch is gone. False: it had been told to end, and is counted with the outdated.
    #[inline]
    pub(crate) fn leave(&self, epoch: u32) -> bool {
        self.leave_many(epoch, 1)
    }

    #[inline]
    fn leave_many(&self, epoch: u32, jobs: u64) -> bool {
        // Release pairs with the Acquire in `live`: who counts no job sees all that they did.
        let left = self.census.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |census| {
            ((census >> EPOCH_SHIFT) as u32 == epoch).then(|| census - jobs)
        });
        left.is_ok()
    }

    /// So many jobs of that epoch have not begun after all. False: they had been told to end.
    pub(crate) fn unjoin(&self, epoch: u32, jobs: u64) -> bool {
        let left = self.leave_many(epoch, jobs);
        if left {
            self.counters.spawned.fetch_sub(jobs, Ordering::Relaxed);
        }
        left
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

    /// Whether a job of that epoch has been told to end.
    #[inline]
    pub(crate) fn is_outdated(&self, epoch: u32) -> bool {
        // Acquire pairs with the update in `abort_all`.
        (self.census.load(Ordering::Acquire) >> EPOCH_SHIFT) as u32 != epoch
    }

    pub(crate) fn employ(&self, workers: Arc<dyn Abortable>) {
        lock(&self.workers).push(workers);
    }

    /// Wakes one worker: its job may have been told to end.
    pub(crate) fn rouse(&self, gang: u32, worker: u32) {
        let workers = lock(&self.workers).clone();
        wake(workers.iter().find_map(|workers| workers.waker(gang, worker)));
    }

    /// Those who run futures of any kind.
    #[inline]
    pub(crate) fn errands(&self) -> &Workers<dyn Job> {
        self.errands.get_or_init(|| {
            let workers = Workers::new(false);
            self.employ(workers.clone());
            workers
        })
    }

    /// Tells all jobs to end; gives how many there were.
    pub(crate) fn abort_all(&self) -> u64 {
        // Those that no worker has taken are in no census yet. One that is taken after this has come later; one that was taken before is in the
        // census, since it was put there under the lock that its queue has.
        let workers = lock(&self.workers).clone();
        let queued: u64 = workers.iter().map(|workers| workers.abort_queued()).sum();
        let mut outdated = lock(&self.outdated);
        let mut census = self.census.load(Ordering::Relaxed);
        loop {
            let next = ((census >> EPOCH_SHIFT) + 1) << EPOCH_SHIFT;
            match self.census.compare_exchange_weak(census, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => census = now,
            }
        }
        outdated.left += census & LIVE;
        drop(outdated);
        let wakers: Vec<Waker> = lock(&self.roster).iter().map(|(_, waker)| waker.clone()).collect();
        wake(wakers);
        // Anew, since a function may have come in between: its first job may be one of those that have just been told.
        let workers = lock(&self.workers).clone();
        for workers in &workers {
            workers.rouse();
        }
        for map in self.maps() {
            map.rouse();
        }
        queued + (census & LIVE)
    }

    /// Whether every job that `abort_all` told to end is gone; if not, wakes `waker` when it is so.
    pub(crate) fn poll_outdated(&self, waker: &Waker) -> bool {
        let mut outdated = lock(&self.outdated);
        if outdated.left > 0 && !outdated.wakers.iter().any(|old| old.will_wake(waker)) {
            outdated.wakers.push(waker.clone());
        }
        outdated.left == 0
    }

    /// A job waits for something: `abort_all` is to wake it.
    pub(crate) fn enrol(&self, waker: &Waker) -> u32 {
        lock(&self.roster).insert(waker.clone()) as u32
    }

    pub(crate) fn strike(&self, key: u32) {
        let waker = lock(&self.roster).try_remove(key as usize);
        drop(waker);
    }
}
