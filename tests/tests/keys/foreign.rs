//! Keys whose `Hash`, `Eq`, `Debug` and `Drop` do what they should not.

use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::FutureExt;
use greenpool::GreenPool;
use greenpool_tests::{Gate, paused, threads};
use tokio::task::yield_now;

use crate::{Gauges, keyed};

/// All of these have one hash, and each use of them calls into the pool.
#[derive(Clone)]
struct Nosy(u32, GreenPool);

impl Hash for Nosy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        assert!(self.1.running() <= self.1.size());
        0.hash(state);
    }
}

impl PartialEq for Nosy {
    fn eq(&self, other: &Nosy) -> bool {
        assert!(self.1.keys().len() <= 1000);
        assert_ne!(self.0, 666, "it panics");
        self.0 == other.0
    }
}

impl Eq for Nosy {}

impl std::fmt::Debug for Nosy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.0, self.1.waiting())
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        self.1.queue(async {});
    }
}

#[test]
fn keys_with_one_hash_are_told_apart_and_may_call_the_pool() {
    threads(4, async {
        let (pool, gauges) = (keyed(50, 1), Gauges::default());
        let tasks = (0..400).map(|n| {
            let (pool, key, gauges) = (pool.clone(), n % 20, gauges.clone());
            tokio::spawn(async move {
                let job = async move {
                    let _inside = gauges.enter(key);
                    yield_now().await;
                };
                pool.spawn_keyed(Nosy(key, pool.clone()), job).await.await.unwrap();
            })
        });
        futures::future::try_join_all(tasks.collect::<Vec<_>>()).await.unwrap();
        pool.waitall().await;
        assert_eq!((gauges.peak(), pool.keys().len()), (1, 0));
        assert!((0..20).all(|key| gauges.of(key).total() == 20));
    });
}

#[test]
fn a_panic_in_the_comparison_of_keys_reaches_the_caller_and_leaves_nothing() {
    paused(async {
        let (pool, gate) = (keyed(8, 1), Gate::new());
        pool.queue_keyed(Nosy(1, pool.clone()), gate.clone().opened());
        let bad = Nosy(666, pool.clone());
        let caught = catch_unwind(AssertUnwindSafe(|| pool.queue_keyed(bad.clone(), async {})));
        assert!(caught.is_err());
        assert!(AssertUnwindSafe(pool.spawn_keyed(bad, async {})).catch_unwind().await.is_err());
        let line = pool.keys()[0].to_string();
        assert_eq!(line, "1 0: 1 running, 0 waiting");
        gate.open();
        pool.waitall().await;
        assert!(pool.keys().is_empty());
    });
}

#[test]
fn a_key_that_panics_when_it_is_dropped_harms_nothing() {
    #[derive(PartialEq, Eq, Hash, Debug)]
    struct Bomb(Arc<u32>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    paused(async {
        let (pool, key) = (keyed(8, 1), Arc::new(1));
        for n in 0..3 {
            assert_eq!(pool.spawn_keyed(Bomb(key.clone()), async move { n }).await.await.unwrap(), n);
        }
        assert!(pool.keys().is_empty());
        assert_eq!(Arc::strong_count(&key), 1);
    });
}
