//! One static pool and hundreds of runtimes, which go while jobs are running, queued and finished.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use futures::StreamExt;
use greenpool::{GreenMap, GreenPool, GreenThread, green_pool, pile};
use greenpool_tests::{Gauge, by_hand, paused, threads};
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

/// The two pools are of one test at a time.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[track_caller]
fn all_is_back(alive: &Gauge) {
    assert_eq!(alive.now(), 0, "a future is left");
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

/// A job of the given pool, as [`declared`] is of its own.
fn given(alive: &Gauge, hang: bool) -> impl Future<Output = u32> + Send + use<> {
    declared(alive.clone(), hang)
}

/// What is left behind in a runtime.
#[derive(Default)]
struct Behind {
    handles: Vec<GreenThread<u32>>,
    maps: Vec<GreenMap<u32>>,
    queued: Vec<JoinHandle<u32>>,
}

/// Leaves jobs behind that are finished, that run and that are queued; only if the slots are this runtime's alone.
async fn leave_behind(alive: &Gauge, number: usize) -> Behind {
    let mut behind = Behind::default();
    assert_eq!(GIVEN.spawn(given(alive, false)).await.await.unwrap(), 7);
    assert_eq!(declared::spawn(alive.clone(), false).await.await.unwrap(), 7);
    behind.handles.push(GIVEN.spawn(given(alive, true)).await);
    behind.handles.push(declared::spawn(alive.clone(), true).await);
    GIVEN.spawn_n(given(alive, true)).await;
    declared::spawn_n(alive.clone(), true).await;
    // With results that nobody takes.
    behind.handles.push(GIVEN.spawn(given(alive, false)).await);
    behind.handles.push(declared::spawn(alive.clone(), false).await);
    let inside = alive.clone();
    behind.maps.push(GIVEN.imap(move |n| given(&inside, n % 2 == 1), 0..));
    let gauges: Vec<_> = (0..5).map(|_| alive.clone()).collect();
    behind.maps.push(declared::imap(gauges, [true; 5]));
    for _ in 0..2 {
        let inside = alive.clone();
        behind.queued.push(tokio::spawn(async move { GIVEN.spawn(given(&inside, true)).await.await.unwrap_or(0) }));
        let inside = alive.clone();
        behind.queued.push(tokio::spawn(async move { declared::spawn(inside, true).await.await.unwrap_or(0) }));
    }
    pile![declared(alive.clone(), true), declared(alive.clone(), false)].detach();
    // Some go before their jobs had a turn, some after it.
    for _ in 0..number % 7 {
        yield_now().await;
    }
    behind
}

#[test]
fn hundreds_of_runtimes_in_turn_leave_nothing_behind() {
    let _turn = turn();
    by_hand(|| {
        let alive = Gauge::default();
        for number in 0..300 {
            let runtime = runtime(number);
            let behind = runtime.block_on(leave_behind(&alive, number));
            // What is known of the jobs outlives the runtime, or goes before it.
            if number % 3 == 0 {
                drop(behind);
                drop(runtime);
            } else {
                drop(runtime);
                for handle in &behind.handles {
                    assert!(handle.is_finished(), "{number}");
                }
                drop(behind);
            }
            all_is_back(&alive);
        }
    });
}

#[test]
fn runtimes_at_once_in_several_threads_leave_nothing_behind_and_starve_nobody() {
    let _turn = turn();
    by_hand(|| {
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
                            // These hold a slot until the runtime goes, or wait for one.
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
        // A job of either pool is inside.
        assert!(alive.peak() <= 2 * SIZE, "{}", alive.peak());
        all_is_back(&alive);
    });
}

#[test]
fn a_runtime_that_is_shut_down_in_the_background_gives_its_slots_back() {
    let _turn = turn();
    by_hand(|| {
        let alive = Gauge::default();
        for number in 0..20 {
            let runtime = runtime(number);
            let behind = runtime.block_on(leave_behind(&alive, 3));
            runtime.shutdown_background();
            // Its jobs are dropped by then or soon; who waits for a slot gets it.
            paused({
                let alive = alive.clone();
                async move {
                    assert_eq!(GIVEN.spawn(given(&alive, false)).await.await.unwrap(), 7);
                    assert_eq!(declared::spawn(alive.clone(), false).await.await.unwrap(), 7);
                    drop(behind);
                    GIVEN.waitall().await;
                    declared::pool().waitall().await;
                }
            });
            while alive.now() > 0 {
                thread::yield_now();
            }
            all_is_back(&alive);
        }
    });
}

#[test]
fn waitall_waits_for_the_jobs_of_all_runtimes() {
    by_hand(|| {
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
    let _turn = turn();
    by_hand(|| {
        let (runtime, alive) = (runtime(0), Gauge::default());
        LocalSet::new().block_on(&runtime, async {
            let own = Handle::current().id();
            let tasks: Vec<_> = (0..10)
                .map(|n| {
                    let alive = alive.clone();
                    spawn_local(async move {
                        // What the task holds need not be `Send`; the jobs are.
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
        all_is_back(&alive);
    });
}

#[test]
fn jobs_can_be_spawned_and_awaited_in_a_local_runtime() {
    let _turn = turn();
    by_hand(|| {
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
                leave_behind(&alive, number).await
            });
            drop(local);
            all_is_back(&alive);
        }
    });
}

#[test]
fn on_a_clock_that_stands_still_a_pool_takes_the_time_that_its_size_makes_it_take() {
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
        assert_eq!(pool.running(), 1, "the one who waited has given up, the job has not");
        pool.waitall().await;
        assert_eq!(before.elapsed().as_secs(), 500 + 1000);
    });
}
