//! The pools, and what is known about them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenpool::{GreenPool, PoolStats};
use greenpool_tests::{Gauge, GaugeGuard};

use crate::job::declared;

pub(crate) const POOLS: usize = 4;

/// How many jobs a pool may have at work, at any time. The last one is the declared function's.
pub(crate) const SIZES: [usize; POOLS] = [3, 1, 4, 2];

/// The pool whose size changes, up to that.
pub(crate) const RESIZED: usize = 2;

pub(crate) struct World {
    pools: [GreenPool; POOLS],
    tallies: [Tally; POOLS],
    /// The futures and results that there are.
    pub(crate) alive: Gauge,
    on: AtomicBool,
    moves: AtomicU64,
    verbs: Mutex<BTreeMap<&'static str, u64>>,
    ids: AtomicU64,
    /// The verbs that are pending, for the day when one hangs.
    open: Mutex<BTreeMap<u64, String>>,
}

/// What the jobs of one pool say about themselves.
#[derive(Default)]
struct Tally {
    at_work: AtomicUsize,
    finished: AtomicU64,
    panicked: AtomicU64,
}

impl World {
    pub(crate) fn new() -> Arc<Self> {
        let [a, b, c, _] = SIZES.map(GreenPool::new);
        Arc::new(World {
            pools: [a, b, c, declared::pool().clone()],
            tallies: Default::default(),
            alive: Gauge::default(),
            on: AtomicBool::new(false),
            moves: AtomicU64::new(0),
            verbs: Mutex::default(),
            ids: AtomicU64::new(0),
            open: Mutex::default(),
        })
    }

    pub(crate) fn pool(&self, at: usize) -> GreenPool {
        self.pools[at].clone()
    }

    pub(crate) fn go_on(&self) {
        self.on.store(true, SeqCst);
    }

    pub(crate) fn stop(&self) {
        self.on.store(false, SeqCst);
    }

    pub(crate) fn is_on(&self) -> bool {
        self.on.load(SeqCst)
    }

    /// A verb has come to its end.
    pub(crate) fn did(&self, verb: &'static str) {
        self.moves.fetch_add(1, SeqCst);
        *self.verbs.lock().unwrap().entry(verb).or_default() += 1;
    }

    pub(crate) fn id(&self) -> u64 {
        self.ids.fetch_add(1, SeqCst)
    }

    /// A verb is begun on pool `at`, so deep in jobs.
    pub(crate) fn begins(&self, id: u64, verb: &'static str, at: usize, depth: u32) {
        self.open.lock().unwrap().insert(id, format!("{verb} on pool {at}, {depth} deep"));
    }

    pub(crate) fn ends(&self, id: u64) {
        self.open.lock().unwrap().remove(&id);
    }

    pub(crate) fn open(&self) -> Vec<String> {
        self.open.lock().unwrap().values().cloned().collect()
    }

    pub(crate) fn moves(&self) -> u64 {
        self.moves.load(SeqCst)
    }

    pub(crate) fn verbs(&self) -> BTreeMap<&'static str, u64> {
        self.verbs.lock().unwrap().clone()
    }

    pub(crate) fn stats(&self) -> [PoolStats; POOLS] {
        std::array::from_fn(|at| self.pools[at].stats())
    }

    /// A future, or a result, that has to be gone in the end.
    pub(crate) fn token(&self) -> GaugeGuard {
        self.alive.enter()
    }

    pub(crate) fn finished(&self, at: usize) {
        self.tallies[at].finished.fetch_add(1, SeqCst);
    }

    pub(crate) fn panicked(&self, at: usize) {
        self.tallies[at].panicked.fetch_add(1, SeqCst);
    }

    /// Nobody drives any more: all that was begun comes to its end, and nothing is left.
    pub(crate) async fn comes_to_rest(&self) {
        // Whatever has begun ends by itself, also what nobody waits for.
        while self.alive.now() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        for (at, pool) in self.pools.iter().enumerate() {
            pool.waitall().await;
            let (stats, tally) = (pool.stats(), &self.tallies[at]);
            assert_eq!((stats.running, stats.waiting), (0, 0), "pool {at} has not come to rest: {stats:?}");
            assert_eq!(pool.free(), SIZES[at] as isize, "pool {at} has lost a slot");
            assert_eq!(stats.finished, tally.finished.load(SeqCst), "pool {at} has counted wrongly: {stats:?}");
            assert_eq!(stats.panicked, tally.panicked.load(SeqCst), "pool {at} has counted wrongly: {stats:?}");
            assert_eq!(stats.spawned, stats.finished + stats.panicked + stats.aborted, "pool {at}: {stats:?}");
            assert_eq!((tally.at_work.load(SeqCst), stats.refused), (0, 0));
        }
        self.did("rest");
    }
}

/// A job that is at work: it has a slot.
pub(crate) struct AtWork {
    world: Arc<World>,
    at: usize,
}

impl AtWork {
    pub(crate) fn begin(world: &Arc<World>, at: usize) -> Self {
        let before = world.tallies[at].at_work.fetch_add(1, SeqCst);
        assert!(before < SIZES[at], "pool {at} of size {} has {} jobs at work", SIZES[at], before + 1);
        AtWork { world: world.clone(), at }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.world.tallies[self.at].at_work.fetch_sub(1, SeqCst);
    }
}
