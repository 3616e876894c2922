//! The pools of a running program, and the counts that the program itself keeps for them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use greenpool::{GreenPool, PoolStats};

use crate::declared::left;
use crate::program::{Pool, Program};

/// The state of a running program. Clones share it.
#[derive(Clone)]
pub(crate) struct World(Arc<Shared>);

pub(crate) struct Shared {
    pools: Vec<Watched>,
    declared: bool,
    may_block: bool,
    /// No job waits for one of its own key, so none lends its key.
    keeps_keys: bool,
    /// Number of values that have not been dropped yet.
    values: AtomicUsize,
    /// Number of tasks that perform acts but are not jobs.
    tasks: AtomicUsize,
    /// A pool was closed or a runtime shut down, so started work may never complete.
    cut_short: AtomicBool,
    faults: Mutex<Vec<String>>,
}

/// A pool and what the program knows about it.
struct Watched {
    pool: GreenPool,
    /// The stats before this program. A declared pool is shared by successive programs.
    before: PoolStats,
    size: usize,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Jobs that are being polled.
    active: usize,
    limit: usize,
    finished: u64,
    /// The same for each key.
    active_of: [usize; 3],
    per_key: usize,
}

/// A counted argument or result.
pub(crate) struct Value(World);

/// Counts a task that performs acts but is not a job.
pub(crate) struct Task(World);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.0.tasks.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.0.0.values.fetch_sub(1, Ordering::SeqCst);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn new(program: &Program) -> Self {
        let last = program.sizes.len() - 1;
        let watch = |(at, size): (usize, &usize)| {
            let declared = program.declared && at == last;
            let pool = match program.per_key {
                _ if declared => left::pool().clone(),
                Some(per_key) => GreenPool::builder(*size).per_key(per_key).build(),
                None => GreenPool::new(*size),
            };
            let before = pool.stats();
            // Do not blame this program for slots that a failed one has lost.
            let size = before.running + size;
            pool.resize(size);
            let per_key = pool.per_key().unwrap_or(usize::MAX);
            let seen = Seen { limit: size - before.running, per_key, ..Seen::default() };
            Watched { pool, before, size, seen: Mutex::new(seen) }
        };
        let pools = program.sizes.iter().enumerate().map(watch).collect();
        World(Arc::new(Shared {
            pools,
            declared: program.declared,
            may_block: program.grace.is_none() && program.phases.iter().all(|phase| phase.cut.is_none()),
            keeps_keys: !program.may_lend_keys(),
            values: AtomicUsize::new(0),
            tasks: AtomicUsize::new(0),
            cut_short: AtomicBool::new(false),
            faults: Mutex::default(),
        }))
    }

    pub(crate) fn pool(&self, pool: Pool) -> &GreenPool {
        &self.0.pools[pool].pool
    }

    pub(crate) fn is_declared(&self, pool: Pool) -> bool {
        self.0.declared && pool + 1 == self.0.pools.len()
    }

    /// Whether no runtime and no pool of the program is shut down.
    pub(crate) fn may_block(&self) -> bool {
        self.0.may_block
    }

    pub(crate) fn value(&self) -> Value {
        self.0.values.fetch_add(1, Ordering::SeqCst);
        Value(self.clone())
    }

    /// Counts a task that is not a job until the guard is dropped.
    pub(crate) fn task(&self) -> Task {
        self.0.tasks.fetch_add(1, Ordering::SeqCst);
        Task(self.clone())
    }

    pub(crate) fn report(&self, what: String) {
        lock(&self.0.faults).push(what);
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        lock(&self.0.faults).clone()
    }

    /// Counts a job that is being polled.
    pub(crate) fn activate(&self, pool: Pool) {
        let mut seen = lock(&self.0.pools[pool].seen);
        seen.active += 1;
        if seen.active > seen.limit {
            let (active, limit) = (seen.active, seen.limit);
            drop(seen);
            self.report(format!(
                "{active} jobs are polled at once in pool {pool}, which never had more than {limit} slots"
            ));
        }
    }

    pub(crate) fn deactivate(&self, pool: Pool) {
        lock(&self.0.pools[pool].seen).active -= 1;
    }

    /// Counts a job with a key that is being polled.
    pub(crate) fn activate_key(&self, pool: Pool, key: u8) {
        let watched = &self.0.pools[pool];
        let mut seen = lock(&watched.seen);
        let active = &mut seen.active_of[usize::from(key)];
        *active += 1;
        let (active, limit) = (*active, seen.per_key);
        drop(seen);
        let over = (watched.pool.stats().overflowed - watched.before.overflowed) as usize;
        if self.0.keeps_keys && active > limit.saturating_add(over) {
            self.report(format!("{active} jobs of key {key} are polled at once in pool {pool}, of at most {limit}"));
        }
    }

    pub(crate) fn deactivate_key(&self, pool: Pool, key: u8) {
        lock(&self.0.pools[pool].seen).active_of[usize::from(key)] -= 1;
    }

    pub(crate) fn resize_per_key(&self, pool: Pool, limit: usize) {
        let watched = &self.0.pools[pool];
        let mut seen = lock(&watched.seen);
        seen.per_key = seen.per_key.max(limit);
        drop(seen);
        watched.pool.resize_per_key(limit);
    }

    pub(crate) fn finished(&self, pool: Pool) {
        lock(&self.0.pools[pool].seen).finished += 1;
    }

    pub(crate) fn close(&self, pool: Pool) {
        self.cut_short();
        self.pool(pool).close();
    }

    /// Allows results to be missing from now on.
    pub(crate) fn cut_short(&self) {
        self.0.cut_short.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_cut_short(&self) -> bool {
        self.0.cut_short.load(Ordering::SeqCst)
    }

    pub(crate) fn resize(&self, pool: Pool, size: usize) {
        let watched = &self.0.pools[pool];
        let mut seen = lock(&watched.seen);
        seen.limit = seen.limit.max(size);
        drop(seen);
        watched.pool.resize(watched.before.running + size);
    }

    /// Restores the initial size of pools that have no slots. Returns false if there are none.
    pub(crate) fn restore_sizes(&self) -> bool {
        let mut any = false;
        for watched in &self.0.pools {
            if watched.pool.size() == watched.before.running {
                watched.pool.resize(watched.size);
                any = true;
            }
        }
        any
    }

    /// Whether no job is left, including jobs that have lent their slots, and nothing that could start one.
    pub(crate) fn is_idle(&self) -> bool {
        let left = |stats: &PoolStats| stats.spawned.saturating_sub(stats.finished + stats.panicked + stats.aborted);
        let pool_is_idle = |watched: &Watched| {
            let (now, before) = (watched.pool.stats(), &watched.before);
            now.running == before.running && now.waiting == 0 && left(&now) == left(before)
        };
        let spawned = || self.0.pools.iter().map(|watched| watched.pool.stats().spawned).sum::<u64>();
        let seen = spawned();
        // Check the tasks first, since one may be between two jobs. Compare the spawn counts, since a job of a pool
        // that has not been checked yet may spawn into one that has.
        self.0.tasks.load(Ordering::SeqCst) == 0 && self.0.pools.iter().all(pool_is_idle) && spawned() == seen
    }

    /// The pools that were created for this program.
    pub(crate) fn own_pools(&self) -> impl Iterator<Item = &GreenPool> {
        self.0.pools.iter().enumerate().filter(|(at, _)| !self.is_declared(*at)).map(|(_, watched)| &watched.pool)
    }

    /// Checks what must hold when everything is over.
    pub(crate) fn check_the_end(&self, program: &Program) {
        let values = self.0.values.load(Ordering::SeqCst);
        if values > 0 {
            self.report(format!("{values} values were not dropped"));
        }
        for (at, watched) in self.0.pools.iter().enumerate() {
            let (now, before) = (watched.pool.stats(), &watched.before);
            let differ = |what: &str, is: u64, should_be: u64| {
                if is != should_be {
                    self.report(format!("pool {at}: {what} is {is}, expected {should_be}"));
                }
            };
            differ("running", now.running as u64, before.running as u64);
            differ("waiting", now.waiting as u64, 0);
            let (finished, panicked) = (now.finished - before.finished, now.panicked - before.panicked);
            let ended = finished + panicked + now.aborted - before.aborted;
            differ("spawned", now.spawned - before.spawned, ended);
            if !watched.pool.keys().is_empty() {
                self.report(format!("pool {at}: {:?} are still in use", watched.pool.keys()));
            }
            if program.is_layered() {
                differ("overflowed", now.overflowed - before.overflowed, 0);
            }
            if !program.panics_in_drop() {
                differ("finished", finished, lock(&watched.seen).finished);
            }
            let free = watched.pool.free() + before.running as isize;
            if free != watched.pool.size() as isize {
                self.report(format!("pool {at}: {free} of {} slots are free", watched.pool.size()));
            }
        }
    }

    /// The state of the pools, for the report of a hang.
    pub(crate) fn state(&self) -> String {
        let state =
            |watched: &Watched| format!("{:?} {:?} {:?}", watched.pool, watched.pool.stats(), watched.pool.keys());
        self.0.pools.iter().map(state).collect::<Vec<_>>().join("\n")
    }
}
