//! Static pools and hundreds of runtimes, which are dropped while jobs are running, queued and finished.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use futures::StreamExt;
use greenpool::{GreenMap, GreenPool, GreenThread, green_pool, pile};
use greenpool_tests::{Gauge, paused, threads, with_deadline};
use tokio::runtime::{Builder, Handle, LocalOptions, Runtime};
use tokio::task::{JoinHandle, LocalSet, spawn_local, yield_now};
use tokio::time::{Instant, sleep, timeout};

const SIZE: usize = 3;

static GIVEN: GreenPool = GreenPool::const_new(SIZE);

#[green_pool(size = 3)]
async fn declared(alive: Gauge, hang: bool) -> u32 {
    let _inside = alive.enter();
    if hang {
        pending::<()>().await;
    }
    7
}

/// Serializes the tests, which share the two pools.
fn lock() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

#[track_caller]
fn assert_all_released(alive: &Gauge) {
    assert_eq!(alive.now(), 0, "a future is still alive");
    for pool in [&GIVEN, declared::pool()] {
        let stats = pool.stats();
        assert_eq!((stats.running, stats.waiting, pool.free()), (0, 0, SIZE as isize), "{pool:?}");
        assert_eq!(stats.finished + stats.panicked + stats.aborted, stats.spawned, "{pool:?}");
    }
}

fn runtime(number: usize) -> Runtime {
    match number % 2 {
        0 => Builder::new_current_thread().enable_all().build(),
        _ => Builder::new_multi_thread().worker_threads(1 + number % 3).enable_all().build(),
    }
    .expect("a runtime")
}

/// A job for [`GIVEN`], the counterpart of [`declared`].
fn given(alive: &Gauge, hang: bool) -> impl Future<Output = u32> + Send + use<> {
    declared(alive.clone(), hang)
}

/// Jobs left in a runtime when it is dropped.
#[derive(Default)]
struct Remains {
    handles: Vec<GreenThread<u32>>,
    maps: Vec<GreenMap<u32>>,
    queued: Vec<JoinHandle<u32>>,
}

/// Spawns jobs that end up finished, running and queued. Needs a runtime that has all the slots to itself.
async fn spawn_remains(alive: &Gauge, number: usize) -> Remains {
    let mut remains = Remains::default();
    assert_eq!(GIVEN.spawn(given(alive, false)).await.await.unwrap(), 7);
    assert_eq!(declared::spawn(alive.clone(), false).await.await.unwrap(), 7);
    remains.handles.push(GIVEN.spawn(given(alive, true)).await);
    remains.handles.push(declared::spawn(alive.clone(), true).await);
    GIVEN.spawn_n(given(alive, true)).await;
    declared::spawn_n(alive.clone(), true).await;
    // The results of these are never taken.
    remains.handles.push(GIVEN.spawn(given(alive, false)).await);
    remains.handles.push(declared::spawn(alive.clone(), false).await);
    let inside = alive.clone();
    remains.maps.push(GIVEN.imap(move |n| given(&inside, n % 2 == 1), 0..));
    let gauges: Vec<_> = (0..5).map(|_| alive.clone()).collect();
    remains.maps.push(declared::imap(gauges, [true; 5]));
    for _ in 0..2 {
        let inside = alive.clone();
        remains.queued.push(tokio::spawn(async move { GIVEN.spawn(given(&inside, true)).await.await.unwrap_or(0) }));
        let inside = alive.clone();
        remains.queued.push(tokio::spawn(async move { declared::spawn(inside, true).await.await.unwrap_or(0) }));
    }
    pile![declared(alive.clone(), true), declared(alive.clone(), false)].detach();
    // Some runtimes are dropped before their jobs are polled, some after.
    for _ in 0..number % 7 {
        yield_now().await;
    }
    remains
}

#[test]
fn hundreds_of_sequential_runtimes_leave_nothing_behind() {
    let _lock = lock();
    with_deadline(|| {
        let alive = Gauge::default();
        for number in 0..300 {
            let runtime = runtime(number);
            let remains = runtime.block_on(spawn_remains(&alive, number));
            // The handles are dropped before the runtime or after it.
            if number % 3 == 0 {
                drop(remains);
                drop(runtime);
            } else {
                drop(runtime);
                for handle in &remains.handles {
                    assert!(handle.is_finished(), "{number}");
                }
                drop(remains);
            }
            assert_all_released(&alive);
        }
    });
}

#[test]
fn concurrent_runtimes_leave_nothing_behind_and_none_starves() {
    let _lock = lock();
    with_deadline(|| {
        let (alive, start) = (Gauge::default(), Arc::new(Barrier::new(4)));
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let (alive, start) = (alive.clone(), start.clone());
                thread::spawn(move || {
                    start.wait();
                    for number in 0..60 {
                        let runtime = runtime(worker + number);
                        let inside = alive.clone();
                        runtime.block_on(async move {
                            assert_eq!(declared::spawn(inside.clone(), false).await.await.unwrap(), 7);
                            assert_eq!(GIVEN.spawn(given(&inside, false)).await.await.unwrap(), 7);
                            let map = declared::imap([inside.clone(), inside.clone()], [false; 2]);
                            assert_eq!(map.map(Result::unwrap).collect::<Vec<_>>().await, [7, 7]);
                            // These hold a slot until the runtime is dropped, or wait for one.
                            for _ in 0..2 {
                                let (one, other) = (inside.clone(), inside.clone());
                                tokio::spawn(async move { declared::spawn_n(one, true).await });
                                tokio::spawn(async move { GIVEN.spawn_n(given(&other, true)).await });
                            }
                            yield_now().await;
                        });
                        drop(runtime);
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.join().expect("no runtime starves");
        }
        // The gauge counts the jobs of both pools.
        assert!(alive.peak() <= 2 * SIZE, "{}", alive.peak());
        assert_all_released(&alive);
    });
}

#[test]
fn a_runtime_shut_down_in_the_background_releases_its_slots() {
    let _lock = lock();
    with_deadline(|| {
        let alive = Gauge::default();
        for number in 0..20 {
            let runtime = runtime(number);
            let remains = runtime.block_on(spawn_remains(&alive, 3));
            runtime.shutdown_background();
            // The runtime's jobs are dropped now or soon, so these spawns get their slots.
            paused({
                let alive = alive.clone();
                async move {
                    assert_eq!(GIVEN.spawn(given(&alive, false)).await.await.unwrap(), 7);
                    assert_eq!(declared::spawn(alive.clone(), false).await.await.unwrap(), 7);
                    drop(remains);
                    GIVEN.waitall().await;
                    declared::pool().waitall().await;
                }
            });
            while alive.now() > 0 {
                thread::yield_now();
            }
            assert_all_released(&alive);
        }
    });
}

#[test]
fn waitall_waits_for_jobs_of_all_runtimes() {
    with_deadline(|| {
        let pool = GreenPool::new(2);
        let (one, other) = (runtime(0), runtime(1));
        let end = Arc::new(AtomicUsize::new(0));
        for runtime in [&one, &other] {
            let ended = end.clone();
            runtime.block_on(pool.spawn_n(async move {
                yield_now().await;
                ended.fetch_add(1, Ordering::SeqCst);
            }));
        }
        let waiting = pool.clone();
        let waiter = thread::spawn(move || threads(1, async move { waiting.waitall().await }));
        one.block_on(async {
            while end.load(Ordering::SeqCst) < 2 {
                yield_now().await;
            }
        });
        waiter.join().unwrap();
        assert_eq!((pool.running(), pool.stats().finished), (0, 2));
    });
}

#[test]
fn jobs_can_be_spawned_and_awaited_in_a_local_set() {
    let _lock = lock();
    with_deadline(|| {
        let (runtime, alive) = (runtime(0), Gauge::default());
        LocalSet::new().block_on(&runtime, async {
            let own = Handle::current().id();
            let tasks: Vec<_> = (0..10)
                .map(|n| {
                    let alive = alive.clone();
                    spawn_local(async move {
                        // The task is not `Send`. Its jobs are.
                        let sum = std::rc::Rc::new(std::cell::Cell::new(0));
                        sum.set(declared::spawn(alive.clone(), false).await.await.unwrap());
                        sum.set(sum.get() + GIVEN.spawn(async move { n }).await.await.unwrap());
                        let mut map = GIVEN.imap(|()| async { Handle::current().id() }, [(); 3]);
                        while let Some(id) = map.next().await {
                            assert_eq!(id.unwrap(), own);
                        }
                        let (one, two) = pile![declared(alive.clone(), false), declared(alive, false)].join().await;
                        sum.get() + one.unwrap() + two.unwrap()
                    })
                })
                .collect();
            for (n, task) in (0..).zip(tasks) {
                assert_eq!(task.await.unwrap(), 21 + n);
            }
        });
        drop(runtime);
        assert_all_released(&alive);
    });
}

#[test]
fn jobs_can_be_spawned_and_awaited_in_a_local_runtime() {
    let _lock = lock();
    with_deadline(|| {
        let alive = Gauge::default();
        for number in 0..10 {
            let local = Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap();
            local.block_on(async {
                let inside = alive.clone();
                let task = spawn_local(async move {
                    let seven = std::rc::Rc::new(declared::spawn(inside.clone(), false).await.await.unwrap());
                    let mut map = GIVEN.imap(move |n| given(&inside, n == u32::MAX), 0..10);
                    while let Some(result) = map.next().await {
                        assert_eq!(result.unwrap(), *seven);
                    }
                });
                task.await.unwrap();
                spawn_remains(&alive, number).await
            });
            drop(local);
            assert_all_released(&alive);
        }
    });
}

#[test]
fn with_a_paused_clock_the_pool_size_determines_the_elapsed_time() {
    paused(async {
        let pool = GreenPool::new(5);
        let before = Instant::now();
        let job = |n: u64| async move {
            sleep(Duration::from_secs(50)).await;
            n
        };
        let mut map = pool.imap(job, 0..50);
        let mut sum = 0;
        while let Some(n) = map.next().await {
            sum += n.unwrap();
        }
        assert_eq!((sum, before.elapsed().as_secs()), (1225, 500));

        let long = pool.spawn(sleep(Duration::from_secs(1000))).await;
        assert!(timeout(Duration::from_secs(50), long).await.is_err());
        assert_eq!(pool.running(), 1, "the timeout drops the handle, not the job");
        pool.waitall().await;
        assert_eq!(before.elapsed().as_secs(), 500 + 1000);
    });
}
