//! What all handles and jobs of one pool share.

pub(crate) mod blocked;
pub(crate) mod effects;
pub(crate) mod live;
pub(crate) mod member;
pub(crate) mod member_state;
pub(crate) mod tracked;
pub(crate) mod wait;

use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::Waker;

use slab::Slab;

use crate::inner::blocked::{AwaitedBy, BlockedJobs};
use crate::inner::live::LiveJobs;
use crate::inner::member::Member;
use crate::inner::tracked::Tracked;
use crate::sync::slots::Slots;
use crate::sync::wake::wake;
use crate::sync::{Mutex, lock};

/// The shared heart of a pool: its slots, the census of its jobs, and its counters.
pub(crate) struct Inner {
    pub(crate) slots: Slots<Arc<Member>>,
    pub(crate) live: LiveJobs,
    pub(crate) counters: Counters,
    pub(crate) blocked_jobs: BlockedJobs,
    pub(crate) awaited_by: AwaitedBy,
    pub(crate) tracked: Tracked,
    name: Option<&'static str>,
    /// The jobs that wait for something: `abort_all` is to wake them.
    abort_wakers: Mutex<Slab<Waker>>,
    maps: Mutex<Slab<Weak<dyn AttachedMap>>>,
    executors: Mutex<Vec<Arc<dyn ErasedExecutor>>>,
    /// The workers that run futures of any kind, as [`worker`](crate::worker) knows them.
    pub(crate) future_executor: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let executors = std::mem::take(&mut *lock(&self.executors));
        for executor in executors {
            executor.close();
        }
    }
}

/// A map, seen from its pool.
pub(crate) trait AttachedMap: Send + Sync {
    /// The pool has another size.
    fn resized(self: Arc<Self>);
    /// Wakes those who have a job, and are in no roster: it may have been told to end.
    fn wake_busy(&self);
}

/// The workers of one declared function.
pub(crate) trait ErasedExecutor: Send + Sync {
    /// There will be no more jobs: workers go when they have nothing to do.
    fn close(&self);
    /// Drops the jobs that have a slot and no worker yet; gives how many there were.
    fn abort_queued(&self) -> u64;
    /// Wakes the workers that have a job: it may have been told to end.
    fn wake_busy(&self);
    /// The waker of a worker in one of their gangs.
    fn waker(&self, group: u32, worker: u32) -> Option<Waker>;
}

/// What has happened in a pool so far.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) panicked: AtomicU64,
    pub(crate) aborted: AtomicU64,
    pub(crate) overflowed: AtomicU64,
    pub(crate) refused: AtomicU64,
}

impl Inner {
    pub(crate) fn new(size: usize, name: Option<&'static str>) -> Arc<Self> {
        Arc::new(Inner {
            slots: Slots::new(size),
            live: LiveJobs::default(),
            counters: Counters::default(),
            blocked_jobs: BlockedJobs::default(),
            awaited_by: AwaitedBy::default(),
            tracked: Tracked::default(),
            name,
            abort_wakers: Mutex::new(Slab::new()),
            maps: Mutex::new(Slab::new()),
            executors: Mutex::new(Vec::new()),
            future_executor: OnceLock::new(),
        })
    }

    pub(crate) fn resize(&self, size: usize) {
        self.slots.resize(size);
        self.maps().into_iter().for_each(AttachedMap::resized);
    }

    fn maps(&self) -> Vec<Arc<dyn AttachedMap>> {
        lock(&self.maps).iter().filter_map(|(_, map)| map.upgrade()).collect()
    }

    pub(crate) fn attach(&self, map: Weak<dyn AttachedMap>) -> usize {
        lock(&self.maps).insert(map)
    }

    pub(crate) fn detach(&self, key: usize) {
        let map = lock(&self.maps).try_remove(key);
        drop(map);
    }

    /// Whether some job of the pool moves for certain, or is about to begin.
    pub(crate) fn can_move(&self) -> bool {
        let blocked_jobs = &self.blocked_jobs;
        let running = self.slots.running();
        running > blocked_jobs.holders.load(Ordering::SeqCst) + blocked_jobs.suspects.load(Ordering::SeqCst)
            || blocked_jobs.slotless.load(Ordering::SeqCst) > 0
            || self.slots.free() > 0 && self.slots.waiting() > 0
            // All that is left of it waits for a `resize`, which is up to somebody outside.
            || running == 0 && self.slots.size() == 0
    }

    pub(crate) fn name(&self) -> Option<&'static str> {
        self.name
    }

    pub(crate) fn add_executor(&self, executors: Arc<dyn ErasedExecutor>) {
        lock(&self.executors).push(executors);
    }

    /// Wakes one worker: its job may have been told to end.
    pub(crate) fn wake_worker(&self, group: u32, worker: u32) {
        let executors = lock(&self.executors).clone();
        wake(executors.iter().find_map(|executors| executors.waker(group, worker)));
    }

    /// Tells all jobs to end; gives how many there were.
    pub(crate) fn abort_all(&self) -> u64 {
        // Those that no worker has taken are in no census yet. One that is taken after this has come later; one that was taken before is in the
        // census, since it was put there under the lock that its queue has.
        let executors = lock(&self.executors).clone();
        let queued: u64 = executors.iter().map(|executors| executors.abort_queued()).sum();
        let live = self.live.abort_all();
        let wakers: Vec<Waker> = lock(&self.abort_wakers).iter().map(|(_, waker)| waker.clone()).collect();
        wake(wakers);
        // Anew, since a function may have come in between: its first job may be one of those that have just been told.
        let executors = lock(&self.executors).clone();
        for executors in &executors {
            executors.wake_busy();
        }
        for map in self.maps() {
            map.wake_busy();
        }
        queued + live
    }

    /// A job waits for something: `abort_all` is to wake it.
    pub(crate) fn register_abort(&self, waker: &Waker) -> u32 {
        lock(&self.abort_wakers).insert(waker.clone()) as u32
    }

    pub(crate) fn deregister_abort(&self, key: u32) {
        let waker = lock(&self.abort_wakers).try_remove(key as usize);
        drop(waker);
    }
}
