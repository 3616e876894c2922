//! Known hangs and losses of other ways to bound concurrency, and how greenpool handles the same work.
//!
//! A hang is certain: if no task is ready and the work is not done, it never will be.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;

use futures::{StreamExt, poll, stream};
use greenpool::GreenPool;
use greenpool_tests::{Gate, Gauge, paused, until_idle};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::{JoinSet, yield_now};

type Job<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Holds the lock across an await.
async fn hold_lock(lock: Arc<Mutex<()>>) {
    let _held = lock.lock().await;
    yield_now().await;
}

/// Whether `task` completes when spawned.
async fn completes<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> bool {
    let task = tokio::spawn(task);
    until_idle().await;
    let ended = task.is_finished();
    task.abort();
    ended
}

#[test]
fn r1_a_consumer_may_take_a_lock_that_a_job_holds() {
    paused(async {
        let buffered = async {
            let lock = Arc::new(Mutex::new(()));
            let mut work = stream::iter(0..10).map(|_| hold_lock(lock.clone())).buffered(2);
            while work.next().await.is_some() {
                drop(lock.lock().await);
            }
        };
        assert!(!completes(buffered).await, "`buffered` hangs: a future that it does not poll holds the lock");
        let unordered = async {
            let lock = Arc::new(Mutex::new(()));
            let mut work = stream::iter(0..10).map(|_| hold_lock(lock.clone())).buffer_unordered(2);
            while work.next().await.is_some() {
                drop(lock.lock().await);
            }
        };
        assert!(!completes(unordered).await, "`buffer_unordered` hangs for the same reason");
        let pooled = async {
            let lock = Arc::new(Mutex::new(()));
            let jobs = lock.clone();
            let mut map = GreenPool::new(2).imap(move |_| hold_lock(jobs.clone()), 0..10);
            while map.next().await.is_some() {
                drop(lock.lock().await);
            }
        };
        assert!(completes(pooled).await);
        let unordered = async {
            let lock = Arc::new(Mutex::new(()));
            let jobs = lock.clone();
            let mut map = GreenPool::new(2).imap_unordered(move |_| hold_lock(jobs.clone()), 0..10);
            while map.next().await.is_some() {
                drop(lock.lock().await);
            }
        };
        assert!(completes(unordered).await);
    });
}

#[test]
fn r2_the_same_work_on_spawned_jobs_completes() {
    paused(async {
        let work = async {
            let (pool, lock) = (GreenPool::new(2), Arc::new(Mutex::new(())));
            for _ in 0..10 {
                let green = pool.spawn(hold_lock(lock.clone())).await;
                drop(lock.lock().await);
                green.await.unwrap();
            }
        };
        assert!(completes(work).await);
    });
}

#[test]
fn r3_a_limit_of_zero_does_not_hang_forever() {
    paused(async {
        let buffered = async { stream::iter(0..3).map(|n| async move { n }).buffered(0).next().await };
        assert!(!completes(buffered).await, "`buffered(0)` hangs");
        let pool = GreenPool::new(0);
        let mut map = pool.imap(|n: i32| async move { n }, 0..3).window(0);
        assert!(poll!(map.next()).is_pending());
        pool.resize(1);
        for n in 0..3 {
            assert_eq!(map.next().await.unwrap().unwrap(), n, "a window of 0 is one of 1");
        }
        assert!(map.next().await.is_none());
    });
}

#[test]
fn r4_dropping_a_map_leaves_no_job_running() {
    /// The first completes. The others never do.
    fn work(alive: &Gauge, n: i32) -> impl Future<Output = ()> + Send + use<> {
        let inside = alive.enter();
        async move {
            let _inside = inside;
            if n > 0 {
                pending::<()>().await;
            }
        }
    }
    paused(async {
        let alive = Gauge::default();
        let mut spawned = stream::iter(0..10).map(|n| tokio::spawn(work(&alive, n))).buffered(4);
        spawned.next().await;
        drop(spawned);
        until_idle().await;
        assert!(alive.now() > 0, "`map(tokio::spawn)` leaves tasks behind");

        let (pool, alive) = (GreenPool::new(4), Gauge::default());
        let inside = alive.clone();
        let mut map = pool.imap(move |n| work(&inside, n), 0..10);
        map.next().await;
        until_idle().await;
        assert_eq!(alive.now(), 4);
        drop(map);
        until_idle().await;
        assert_eq!((alive.now(), pool.running()), (0, 0));
    });
}

#[test]
fn r5_nested_spawns_in_a_pool_of_size_one_complete() {
    paused(async {
        let nested = async {
            let slots = Arc::new(Semaphore::new(1));
            let _outer = slots.acquire().await;
            drop(slots.acquire().await);
        };
        assert!(!completes(nested).await, "a semaphore does not know which task holds a permit");
        let pool = GreenPool::new(1);
        let inner = pool.clone();
        let job = async move { inner.spawn(async { 1 }).await.await.unwrap() + 1 };
        assert_eq!(pool.spawn(job).await.await.unwrap(), 2);
    });
}

#[test]
fn r6_a_pool_can_shrink_below_the_number_of_running_jobs() {
    paused(async {
        let slots = Semaphore::new(4);
        let taken = slots.acquire_many(4).await.unwrap();
        assert_eq!(slots.forget_permits(3), 0, "a semaphore cannot forget permits that are in use");
        drop(taken);
        assert_eq!(slots.available_permits(), 4);

        let (pool, gate) = (GreenPool::new(4), Gate::new());
        for _ in 0..4 {
            pool.spawn_n(gate.clone().opened()).await;
        }
        pool.resize(1);
        assert_eq!((pool.size(), pool.free()), (1, -3));
        gate.open();
        pool.waitall().await;
        assert_eq!(pool.free(), 1);
    });
}

#[test]
fn r7_ten_thousand_spawns_stay_within_the_limit() {
    async fn work(gauge: Gauge) {
        let _inside = gauge.enter();
        yield_now().await;
    }
    paused(async {
        let (mut set, gauge) = (JoinSet::new(), Gauge::default());
        for _ in 0..10_000 {
            set.spawn(work(gauge.clone()));
        }
        while set.join_next().await.is_some() {}
        assert!(gauge.peak() > 1000, "a `JoinSet` has no limit");

        let (pool, gauge) = (GreenPool::new(10), Gauge::default());
        for _ in 0..10_000 {
            pool.spawn_n(work(gauge.clone())).await;
        }
        pool.waitall().await;
        assert_eq!((gauge.peak(), gauge.total()), (10, 10_000));
    });
}

#[test]
fn r9_jobs_make_progress_while_the_consumer_is_busy() {
    async fn work(done: Gauge) {
        yield_now().await;
        drop(done.enter());
    }
    paused(async {
        let done = Gauge::default();
        let mut buffered = stream::iter(0..100).map(|_| work(done.clone())).buffered(8);
        buffered.next().await;
        let before = done.total();
        until_idle().await;
        assert_eq!(done.total(), before, "`buffered` makes no progress while it is not polled");
        drop(buffered);

        let done = Gauge::default();
        let jobs = done.clone();
        let mut map = GreenPool::new(8).imap(move |_| work(jobs.clone()), 0..100);
        map.next().await;
        until_idle().await;
        assert_eq!(done.total(), 9, "every job that fits in the window has run");
    });
}

/// Each job waits for a job of the other pool.
fn ping_pong(near: GreenPool, far: GreenPool, left: usize) -> Job<usize> {
    Box::pin(async move {
        if left == 0 {
            return 0;
        }
        let other = far.clone();
        far.spawn(ping_pong(other, near, left - 1)).await.await.unwrap() + 1
    })
}

#[test]
fn r10_pools_that_call_each_other_complete() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        assert_eq!(ping_pong(a.clone(), b.clone(), 100).await, 100);
        assert_eq!((a.running(), a.waiting(), b.running(), b.waiting()), (0, 0, 0, 0));
    });
}

#[test]
fn r10_jobs_that_wait_for_each_others_slots_complete() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        let both_run = Gate::new();
        let needs = |other: &GreenPool| {
            let (other, both_run) = (other.clone(), both_run.clone());
            async move {
                both_run.opened().await;
                other.spawn(async { 1 }).await.await.unwrap()
            }
        };
        let (left, right) = (a.spawn(needs(&b)).await, b.spawn(needs(&a)).await);
        until_idle().await;
        both_run.open();
        assert_eq!((left.await.unwrap(), right.await.unwrap()), (1, 1), "neither job spawned the other");
        assert_eq!((a.running(), a.free(), b.running(), b.free()), (0, 1, 0, 1));
    });
}

#[test]
fn r11_reentrant_work_does_not_grow_the_stack() {
    fn dive(pool: GreenPool, depth: usize) -> Job<usize> {
        Box::pin(async move {
            if depth == 0 {
                return 0;
            }
            pool.spawn(dive(pool.clone(), depth - 1)).await.await.unwrap() + 1
        })
    }
    paused(async {
        let pool = GreenPool::new(1);
        assert_eq!(dive(pool.clone(), 40_000).await, 40_000);
        assert_eq!(pool.running(), 0);
    });
}
