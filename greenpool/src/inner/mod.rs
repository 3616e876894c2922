//! The state that all handles and jobs of one pool share.
//!
//! # The import circle
//!
//! `inner`, `blocked`, `effects`, `member`, `member_state`, `offers`, `queued`, `taker`, `verbs` and `wait` import each
//! other. This is the only circle in the crate, and the data has the same shape: an [`Inner`] lists its blocked jobs
//! and lends their slots, so it holds [`Member`]s; a member belongs to an `Inner`, and its
//! [`MemberState`](member_state::MemberState) holds the [`WaitEdge`](wait::WaitEdge)s of its pending verbs; each of
//! these points to the `Inner` of another pool. A search for deadlocks follows this graph from pool to pool. Cutting it
//! would take a trait with a single implementation.
//!
//! Nothing in this folder acts on what it finds: methods that may have to wake others or search return
//! [`Effects`](effects::Effects), which the code in [`lending`](crate::lending) runs with no lock held.

pub(crate) mod bag;
pub(crate) mod blocked;
pub(crate) mod effects;
pub(crate) mod first_panic;
pub(crate) mod in_place;
pub(crate) mod live;
pub(crate) mod member;
pub(crate) mod member_state;
pub(crate) mod offers;
pub(crate) mod queued;
pub(crate) mod taker;
#[cfg(feature = "metrics")]
pub(crate) mod times;
pub(crate) mod tracked;
pub(crate) mod verbs;
pub(crate) mod wait;

use std::any::Any;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::Waker;

use slab::Slab;

use crate::inner::blocked::{AwaitedBy, BlockedJobs};
use crate::inner::first_panic::FirstPanic;
use crate::inner::live::LiveJobs;
use crate::inner::member::Member;
use crate::inner::queued::PoolJob;
use crate::inner::tracked::Tracked;
use crate::sync::slots::gates::Hold;
use crate::sync::slots::keyed::Entry;
use crate::sync::slots::{Served, Slots};
use crate::sync::wake::wake;
use crate::sync::{Mutex, lock};

/// The shared state of a pool: its slots, the count of its live jobs, the jobs that wait, and its counters.
pub(crate) struct Inner {
    pub(crate) slots: PoolSlots,
    pub(crate) live: LiveJobs,
    pub(crate) counters: Counters,
    pub(crate) blocked_jobs: BlockedJobs,
    pub(crate) awaited_by: AwaitedBy,
    pub(crate) tracked: Tracked,
    #[cfg(feature = "metrics")]
    pub(crate) times: times::Times,
    pub(crate) first_panic: FirstPanic,
    name: Option<&'static str>,
    maps: Mutex<Slab<Weak<dyn AttachedMap>>>,
    executors: Mutex<Vec<Arc<dyn ErasedExecutor>>>,
    /// The executor for futures of any type. [`worker`](crate::worker) knows its type.
    pub(crate) future_executor: OnceLock<Arc<dyn Any + Send + Sync>>,
}

/// The slots of a pool. A lender is one of its jobs.
pub(crate) type PoolSlots = Slots<Arc<Member>, PoolJob>;

/// A caller that has found the gate of its key in a pool.
pub(crate) type PoolEntry<'a> = Entry<'a, Arc<Member>, PoolJob>;

/// What has to be done for served tickets of a pool.
pub(crate) type PoolServed = Served<Arc<Member>, PoolJob>;

/// A job that is queued for a slot, whatever its type.
pub(crate) trait ErasedJob: Send {
    /// The job begins, in one of the pool's own slots or in that of a lender.
    fn begin(self: Box<Self>, lender: Option<Arc<Member>>, key: Option<Hold>);

    /// The pool refuses the job.
    fn refuse(self: Box<Self>);

    /// Whether the workers of that group will run it.
    fn is_of(&self, group: u32) -> bool;
}

/// A map, as its pool sees it.
pub(crate) trait AttachedMap: Send + Sync {
    /// The size of the pool has changed, or a job has given its slot back.
    fn look_again(self: Arc<Self>);
    /// Wakes the workers that run a job: `abort_all` may have aborted it.
    fn wake_busy(&self);
}

/// The executor of one job type, as its pool sees it.
pub(crate) trait ErasedExecutor: Send + Sync {
    /// No more jobs will come: idle workers exit.
    fn close(&self);
    /// Wakes the workers that run a job: `abort_all` may have aborted it.
    fn wake_busy(&self);
    /// The waker of a worker, by the numbers of its group and of itself, if it is one of this executor's.
    fn waker(&self, group: u32, worker: u32) -> Option<Waker>;
}

/// The counters behind [`PoolStats`](crate::PoolStats).
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) panicked: AtomicU64,
    pub(crate) aborted: AtomicU64,
    pub(crate) overflowed: AtomicU64,
    pub(crate) refused: AtomicU64,
    /// The number of slots that are held without a job.
    pub(crate) held: AtomicU64,
}

impl Inner {
    #[cfg(test)]
    pub(crate) fn new(size: usize, name: Option<&'static str>) -> Arc<Self> {
        Self::with_keys(size, None, name)
    }

    /// The state of a pool with `size` slots, in which at most `per_key` jobs of each key run at once.
    pub(crate) fn with_keys(size: usize, per_key: Option<usize>, name: Option<&'static str>) -> Arc<Self> {
        Arc::new(Inner {
            slots: Slots::with_keys(size, per_key),
            live: LiveJobs::default(),
            counters: Counters::default(),
            blocked_jobs: BlockedJobs::default(),
            awaited_by: AwaitedBy::default(),
            tracked: Tracked::default(),
            #[cfg(feature = "metrics")]
            times: times::Times::default(),
            first_panic: FirstPanic::default(),
            name,
            maps: Mutex::new(Slab::new()),
            executors: Mutex::new(Vec::new()),
            future_executor: OnceLock::new(),
        })
    }

    pub(crate) fn resize(&self, size: usize) {
        self.slots.resize(size);
        self.tell_maps();
    }

    /// There may be a slot for another job of a map, although its workers seem to have them all.
    pub(crate) fn tell_maps(&self) {
        self.maps().into_iter().for_each(AttachedMap::look_again);
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

    /// Whether some job of the pool certainly moves, or is about to begin.
    ///
    /// The loads pair with the `SeqCst` updates in `MemberState::publish` and with the fence in `deadlock::resolve`.
    pub(crate) fn can_move(&self) -> bool {
        let blocked_jobs = &self.blocked_jobs;
        let (holders, suspects) = (&blocked_jobs.holders, &blocked_jobs.suspects);
        let idle = holders.load(Ordering::SeqCst) + suspects.load(Ordering::SeqCst) + blocked_jobs.taken();
        // Read after the others: a job that began in between makes the pool seem to move. One that has ended in between
        // has changed the version.
        let running = self.slots.running();
        running > idle
            || blocked_jobs.slotless.load(Ordering::SeqCst) > 0
            || self.slots.free() > 0 && self.slots.has_queued()
            // Everything left in it waits for a `resize`, which must come from outside.
            || running == 0 && self.slots.size() == 0
    }

    /// Whether it measures how long its jobs wait and run.
    #[inline]
    #[cfg_attr(not(feature = "metrics"), expect(clippy::unused_self, reason = "only `metrics` measures times"))]
    pub(crate) fn measures_times(&self) -> bool {
        #[cfg(feature = "metrics")]
        return self.times.is_on();
        #[cfg(not(feature = "metrics"))]
        return false;
    }

    pub(crate) fn name(&self) -> Option<&'static str> {
        self.name
    }

    pub(crate) fn add_executor(&self, executor: Arc<dyn ErasedExecutor>) {
        lock(&self.executors).push(executor);
    }

    /// Wakes one worker: its job may have been aborted.
    pub(crate) fn wake_worker(&self, group: u32, worker: u32) {
        let executors = lock(&self.executors).clone();
        wake(executors.iter().find_map(|executor| executor.waker(group, worker)));
    }

    /// Aborts all jobs that have a slot or lent it, and refuses all queued calls. Returns the number of jobs.
    pub(crate) fn abort_all(&self) -> u64 {
        // First, so that none of them begins in a slot that comes back.
        self.slots.refuse_calls();
        let live = self.live.abort_all();
        // Read after that: the first job of a new executor may be among those just aborted.
        let executors = lock(&self.executors).clone();
        for executor in &executors {
            executor.wake_busy();
        }
        for map in self.maps() {
            map.wake_busy();
        }
        live
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let executors = std::mem::take(&mut *lock(&self.executors));
        for executor in executors {
            executor.close();
        }
    }
}
