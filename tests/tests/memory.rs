//! Memory that returns: after any burst, at most 1 MiB stays, and a handle that is kept keeps little beside its result.

use std::future::pending;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, join_all};
use futures::poll;
use greenpool::{GreenPile, GreenPool, green_pool};
use greenpool_tests::{Gate, with_deadline};
use peak_alloc::PeakAlloc;
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// The number of calls of a burst.
const MANY: usize = 10_000;

/// The bytes that may stay.
const MOST: usize = 1 << 20;

#[green_pool(size = 1)]
async fn declared(gate: Gate, result: usize) -> usize {
    gate.opened().await;
    result
}

/// Makes that many calls, and gives them up or lets them end.
type Burst = fn(GreenPool, usize) -> BoxFuture<'static, ()>;

const BURSTS: &[(&str, Burst)] = &[
    ("tasks that wait for a slot", |pool, many| {
        async move {
            let tasks = (0..many).map(|_| tokio::spawn(pool.clone().spawn(async {})));
            for task in join_all(tasks).await {
                task.unwrap().await.unwrap();
            }
        }
        .boxed()
    }),
    ("spawns that are dropped in the queue", |pool, many| {
        async move {
            let held = pool.slot().await.unwrap();
            let mut spawns: Vec<_> = (0..many).map(|_| Box::pin(pool.spawn(async {}))).collect();
            for spawn in &mut spawns {
                assert!(poll!(spawn).is_pending());
            }
            drop(spawns);
            drop(held);
        }
        .boxed()
    }),
    ("spawns that are dropped in any order", |pool, many| {
        async move {
            let held = pool.slot().await.unwrap();
            let mut spawns: Vec<_> = (0..many).map(|_| Some(Box::pin(pool.spawn_n(async {})))).collect();
            for spawn in spawns.iter_mut().flatten() {
                assert!(poll!(spawn).is_pending());
            }
            for at in 0..many {
                spawns[at * 7919 % many] = None;
            }
            drop(held);
        }
        .boxed()
    }),
    ("jobs that wait, and finish", |pool, many| {
        async move {
            let gate = Gate::new();
            pool.resize(many);
            let jobs = join_all((0..many).map(|_| pool.spawn(gate.clone().opened()))).await;
            gate.open();
            for green in jobs {
                green.await.unwrap();
            }
            pool.resize(1);
        }
        .boxed()
    }),
    ("jobs that wait, and are aborted", |pool, many| {
        async move {
            pool.resize(many);
            let jobs = join_all((0..many).map(|_| pool.spawn(pending::<()>()))).await;
            let aborts: Vec<_> = jobs.iter().map(greenpool::GreenThread::abort_handle).collect();
            drop(jobs);
            aborts.iter().for_each(greenpool::AbortHandle::abort);
            pool.waitall().await;
            pool.resize(1);
        }
        .boxed()
    }),
    ("jobs that wait for another pool", |pool, many| {
        async move {
            let inner = GreenPool::new(1);
            pool.resize(many);
            let job = |inner: GreenPool| async move { inner.spawn(async { 1 }).await.await.unwrap() };
            let jobs = join_all((0..many).map(|_| pool.spawn(job(inner.clone())))).await;
            for green in jobs {
                assert_eq!(green.await.unwrap(), 1);
            }
            pool.resize(1);
        }
        .boxed()
    }),
    ("a job that awaits many handles at once", |pool, many| {
        async move {
            let outer = GreenPool::new(1);
            let sum = outer.spawn(async move {
                let handles: Vec<_> = join_all((0..many).map(|_| pool.spawn(async { 1 }))).await;
                join_all(handles).await.into_iter().map(Result::unwrap).sum::<usize>()
            });
            assert_eq!(sum.await.await.unwrap(), many);
        }
        .boxed()
    }),
    ("a job that keeps many spawns, and gives them up", |pool, many| {
        async move {
            let outer = GreenPool::new(1);
            let held = pool.slot().await.unwrap();
            let inner = pool.clone();
            let job = outer.spawn(async move {
                let mut spawns: Vec<_> = (0..many).map(|_| Box::pin(inner.spawn(async {}))).collect();
                for spawn in &mut spawns {
                    assert!(poll!(spawn).is_pending());
                }
            });
            job.await.await.unwrap();
            drop(held);
        }
        .boxed()
    }),
    ("queued calls", |pool, many| {
        async move {
            for number in 0..many {
                pool.queue(async {});
                declared::queue(opened(), number);
            }
            pool.waitall().await;
            declared::pool().waitall().await;
        }
        .boxed()
    }),
    ("calls of a declared function", |_, many| {
        async move {
            let gate = Gate::new();
            declared::pool().resize(many);
            let jobs = join_all((0..many).map(|number| declared::spawn(gate.clone(), number))).await;
            gate.open();
            for (number, green) in jobs.into_iter().enumerate() {
                assert_eq!(green.await.unwrap(), number);
            }
            declared::pool().resize(1);
        }
        .boxed()
    }),
    ("calls with as many keys", |_, many| {
        async move {
            let keyed = GreenPool::builder(1).per_key(1).build();
            for number in 0..many {
                keyed.queue_keyed(number % (many / 2), async {});
            }
            keyed.waitall().await;
            assert!(keyed.keys().is_empty());
            std::mem::forget(keyed);
        }
        .boxed()
    }),
    ("a map that is dropped", |pool, many| {
        async move {
            pool.resize(many);
            let mut map = pool.imap(|_| pending::<()>(), 0..);
            while pool.running() < many {
                assert!(poll!(map.next()).is_pending());
                tokio::task::yield_now().await;
            }
            drop(map);
            pool.waitall().await;
            pool.resize(1);
        }
        .boxed()
    }),
    ("a pile that is dropped", |pool, many| {
        async move {
            let mut pile = GreenPile::on(&pool);
            let held = pool.slot().await.unwrap();
            let mut spawns: Vec<_> = (0..many).map(|_| Box::pin(pile.spawn(async { 1 }))).collect();
            for spawn in &mut spawns {
                assert!(poll!(spawn).is_pending());
            }
            drop(held);
            assert_eq!(pile.next().await.unwrap().unwrap(), 1);
            drop(pile);
            drop(spawns);
        }
        .boxed()
    }),
    ("waits for a slot, and for all jobs", |pool, many| {
        async move {
            let held = pool.slot().await.unwrap();
            let mut waits: Vec<_> = (0..many).map(|_| Box::pin(pool.waitall())).collect();
            for wait in &mut waits {
                assert!(poll!(wait).is_pending());
            }
            let mut slots: Vec<_> = (0..many).map(|_| Box::pin(pool.slot())).collect();
            for slot in &mut slots {
                assert!(poll!(slot).is_pending());
            }
            drop((waits, slots));
            drop(held);
        }
        .boxed()
    }),
    ("a shutdown", |_, many| {
        async move {
            let pool = GreenPool::new(many);
            for _ in 0..many {
                pool.spawn_n(pending::<()>()).await;
            }
            pool.queue(async {});
            pool.shutdown(Duration::ZERO).await;
            std::mem::forget(pool);
        }
        .boxed()
    }),
];

fn opened() -> Gate {
    let gate = Gate::new();
    gate.open();
    gate
}

/// What stays of `before`, once everything that ends has ended.
fn stays(before: usize, runtime: &Runtime) -> usize {
    let left = || HEAP.current_usage().saturating_sub(before);
    for _ in 0..500 {
        if left() <= MOST {
            break;
        }
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(10)).await });
    }
    left()
}

// One test, since others would allocate at the same time.
#[test]
fn memory_comes_back() {
    with_deadline(|| bursts(&Builder::new_current_thread().enable_all().build().unwrap()));
    with_deadline(|| bursts(&Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()));
    with_deadline(many_runtimes);
    with_deadline(kept_handles);
    with_deadline(a_kept_pile);
}

fn bursts(runtime: &Runtime) {
    for (name, burst) in BURSTS {
        let pool = GreenPool::new(1);
        // The first calls of all make what stays for the next ones.
        runtime.block_on(burst(pool.clone(), 16));
        let before = HEAP.current_usage();
        HEAP.reset_peak_usage();
        runtime.block_on(burst(pool.clone(), MANY));
        assert!(HEAP.peak_usage() > before + MANY, "{name}: the burst takes memory");
        let left = stays(before, runtime);
        assert!(left <= MOST, "{name}: {left} bytes stay");
        runtime.block_on(async { assert_eq!(pool.spawn(async { 7 }).await.await.unwrap(), 7) });
    }
}

/// A pool outlives its runtimes, and keeps nothing of them.
fn many_runtimes() {
    let burst = |many| {
        for number in 0..many {
            let runtime = Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                assert_eq!(declared::spawn(opened(), number).await.await.unwrap(), number);
                declared::spawn_n(Gate::new(), number).await;
            });
        }
    };
    burst(16);
    let before = HEAP.current_usage();
    burst(MANY);
    let left = HEAP.current_usage().saturating_sub(before);
    assert!(left <= MOST, "10,000 runtimes: {left} bytes stay");
    assert_eq!(declared::pool().running(), 0);
}

/// Of many jobs, the handles of a few are kept.
fn kept_handles() {
    kept_handles_of::<1>();
    kept_handles_of::<100>();
    kept_handles_of::<700>();
    kept_handles_of::<5000>();
}

/// A pile keeps nothing of spawns that are dropped after their results have been taken.
fn a_kept_pile() {
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let pool = GreenPool::new(1);
        let mut pile = GreenPile::<u32>::on(&pool);
        let mut burst = async |many| {
            for _ in 0..many {
                let gate = Gate::new();
                pool.spawn_n(gate.clone().opened()).await;
                let mut spawn = Box::pin(pile.spawn(async { 1 }));
                assert!(poll!(&mut spawn).is_pending() && poll!(pile.next()).is_pending());
                gate.open();
                assert_eq!(pile.next().await.unwrap().unwrap(), 1);
            }
        };
        burst(1000).await;
        let before = HEAP.current_usage();
        burst(MANY).await;
        let left = HEAP.current_usage().saturating_sub(before);
        assert!(left < MANY, "a pile: {left} bytes stay");
    });
}

fn kept_handles_of<const BYTES: usize>() {
    const KEPT: usize = 64;
    let runtime = Builder::new_current_thread().build().unwrap();
    let pool = GreenPool::new(1 << 20);
    runtime.block_on(async {
        for run in 0..2 {
            let before = HEAP.current_usage();
            let mut kept = Vec::new();
            for number in 0..KEPT * 64 {
                let green = pool.spawn(async { [7_u8; BYTES] }).await;
                if number % 64 == 0 {
                    kept.push(green);
                } else if number % 64 == 32 {
                    pool.waitall().await;
                }
            }
            pool.waitall().await;
            let each = HEAP.current_usage().saturating_sub(before) / KEPT;
            assert!(run == 0 || each <= BYTES + 1024, "a handle on {BYTES} bytes keeps {each}");
            for green in kept {
                assert_eq!(green.await.unwrap(), [7; BYTES]);
            }
        }
    });
}
