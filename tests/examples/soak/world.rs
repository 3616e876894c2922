//! The pools, and what the soak knows about them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenpool::{GreenPool, GreenPoolBuilder, PoolStats};
use greenpool_tests::Gauge;

use crate::hostile::Token;
use crate::job::declared;

pub(crate) const POOLS: usize = 5;

/// The largest number of jobs that may be active in each pool. The last pool is that of the declared function, the
/// one before it has a limit by key.
pub(crate) const SIZES: [usize; POOLS] = [3, 1, 4, 3, 2];

/// The pool that is resized, up to its entry in [`SIZES`].
pub(crate) const RESIZED: usize = 2;

pub(crate) struct World {
    pools: [GreenPool; POOLS],
    tallies: [Tally; POOLS],
    /// Live futures and results.
    pub(crate) alive: Gauge,
    on: AtomicBool,
    progress: AtomicU64,
    verbs: Mutex<BTreeMap<&'static str, u64>>,
    ids: AtomicU64,
    /// The pending verbs, to be printed if one hangs.
    pending_verbs: Mutex<BTreeMap<u64, String>>,
}

/// What the jobs of one pool count themselves.
#[derive(Default)]
struct Tally {
    active: AtomicUsize,
    finished: AtomicU64,
    panicked: AtomicU64,
    /// Calls of `queue`.
    queued: AtomicU64,
}

impl World {
    pub(crate) fn new() -> Arc<Self> {
        let [a, b, c, keyed, _] = SIZES.map(GreenPool::builder);
        let [a, b, c, keyed] = [a, b, c, keyed.per_key(1)].map(GreenPoolBuilder::build);
        Arc::new(World {
            pools: [a, b, c, keyed, declared::pool().clone()],
            tallies: Default::default(),
            alive: Gauge::default(),
            on: AtomicBool::new(false),
            progress: AtomicU64::new(0),
            verbs: Mutex::default(),
            ids: AtomicU64::new(0),
            pending_verbs: Mutex::default(),
        })
    }

    pub(crate) fn pool(&self, at: usize) -> GreenPool {
        self.pools[at].clone()
    }

    pub(crate) fn start(&self) {
        self.on.store(true, SeqCst);
    }

    pub(crate) fn stop(&self) {
        self.on.store(false, SeqCst);
    }

    pub(crate) fn is_running(&self) -> bool {
        self.on.load(SeqCst)
    }

    /// Counts a verb that has completed.
    pub(crate) fn completed(&self, verb: &'static str) {
        self.progress.fetch_add(1, SeqCst);
        *self.verbs.lock().unwrap().entry(verb).or_default() += 1;
    }

    pub(crate) fn id(&self) -> u64 {
        self.ids.fetch_add(1, SeqCst)
    }

    /// Records a verb that is called on pool `at`, at this nesting depth.
    pub(crate) fn begin(&self, id: u64, verb: &'static str, at: usize, depth: u32) {
        self.pending_verbs.lock().unwrap().insert(id, format!("{verb} on pool {at}, {depth} deep"));
    }

    pub(crate) fn ends(&self, id: u64) {
        self.pending_verbs.lock().unwrap().remove(&id);
    }

    pub(crate) fn pending_verbs(&self) -> Vec<String> {
        self.pending_verbs.lock().unwrap().values().cloned().collect()
    }

    pub(crate) fn progress(&self) -> u64 {
        self.progress.load(SeqCst)
    }

    pub(crate) fn verbs(&self) -> BTreeMap<&'static str, u64> {
        self.verbs.lock().unwrap().clone()
    }

    pub(crate) fn stats(&self) -> [PoolStats; POOLS] {
        std::array::from_fn(|at| self.pools[at].stats())
    }

    /// A guard for a future or a result, which must be dropped by the end of the round.
    pub(crate) fn token(self: &Arc<Self>) -> Token {
        Token::new(self)
    }

    pub(crate) fn finished(&self, at: usize) {
        self.tallies[at].finished.fetch_add(1, SeqCst);
    }

    pub(crate) fn queued(&self, at: usize) {
        self.tallies[at].queued.fetch_add(1, SeqCst);
    }

    pub(crate) fn panicked(&self, at: usize) {
        self.tallies[at].panicked.fetch_add(1, SeqCst);
    }

    /// Waits until all work has completed, and checks that nothing is left. The drivers must have stopped.
    pub(crate) async fn check_idle(&self) {
        // Started work completes by itself, even if nothing waits for it.
        while self.alive.now() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        for (at, pool) in self.pools.iter().enumerate() {
            pool.waitall().await;
            let (stats, tally) = (pool.stats(), &self.tallies[at]);
            assert_eq!((stats.running, stats.waiting), (0, 0), "pool {at} is not idle: {stats:?}");
            assert_eq!(pool.free(), SIZES[at] as isize, "pool {at} has lost a slot");
            assert_eq!(stats.finished, tally.finished.load(SeqCst), "pool {at} has wrong counts: {stats:?}");
            assert_eq!(stats.panicked, tally.panicked.load(SeqCst), "pool {at} has wrong counts: {stats:?}");
            assert_eq!(stats.spawned, stats.finished + stats.panicked + stats.aborted, "pool {at}: {stats:?}");
            assert_eq!(tally.active.load(SeqCst), 0);
            // `abort_all` refuses what `queue` has queued.
            assert!(stats.refused <= tally.queued.load(SeqCst), "pool {at}: {stats:?}");
        }
        self.completed("check_idle");
    }
}

/// Counts a job as active, so it has a slot.
pub(crate) struct Active {
    world: Arc<World>,
    at: usize,
}

impl Active {
    pub(crate) fn start(world: &Arc<World>, at: usize) -> Self {
        let before = world.tallies[at].active.fetch_add(1, SeqCst);
        assert!(before < SIZES[at], "pool {at} of size {} has {} active jobs", SIZES[at], before + 1);
        Active { world: world.clone(), at }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.world.tallies[self.at].active.fetch_sub(1, SeqCst);
    }
}
