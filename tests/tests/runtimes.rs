//! One pool on many runtimes, such as a static pool that all the tests of a program use.

use std::sync::{Arc, Barrier};

use greenpool::GreenPool;
use greenpool_tests::{Gate, Gauge, paused, threads};
use tokio::runtime::{Builder, Handle, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn a_static_pool_serves_one_runtime_after_another() {
    static POOL: GreenPool = GreenPool::const_new(2);
    for round in 0..20 {
        paused(async move {
            for n in 0..10 {
                assert_eq!(POOL.spawn(async move { n + round }).await.await.unwrap(), n + round);
            }
            let mut map = POOL.imap(|n: i32| async move { n }, 0..20);
            for n in 0..20 {
                assert_eq!(map.next().await.unwrap().unwrap(), n);
            }
            // This job is still running when its runtime is dropped.
            POOL.spawn_n(std::future::pending::<()>()).await;
        });
        assert_eq!(POOL.running(), 0, "round {round}");
    }
}

#[test]
fn concurrent_runtimes_share_one_limit() {
    let (pool, gauge) = (GreenPool::new(3), Gauge::default());
    let start = Arc::new(Barrier::new(4));
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let (pool, gauge, start) = (pool.clone(), gauge.clone(), start.clone());
            std::thread::spawn(move || {
                paused(async move {
                    start.wait();
                    for _ in 0..500 {
                        let gauge = gauge.clone();
                        let job = async move {
                            let _inside = gauge.enter();
                            tokio::task::yield_now().await;
                        };
                        pool.spawn(job).await.await.unwrap();
                    }
                });
            })
        })
        .collect();
    for worker in workers {
        worker.join().expect("no runtime starves");
    }
    assert!(gauge.peak() <= 3, "{}", gauge.peak());
    assert_eq!((gauge.total(), pool.running(), pool.waiting()), (2000, 0, 0));
}

#[test]
fn a_job_runs_on_the_runtime_that_spawned_it() {
    let pool = GreenPool::new(1);
    let (first, second) = (runtime(), runtime());
    for runtime in [&first, &second, &first, &second] {
        runtime.block_on(async {
            let own = Handle::current().id();
            let green = pool.spawn(async { Handle::current().id() }).await;
            assert_eq!(green.await.unwrap(), own);
            let mut map = pool.imap(|_| async { Handle::current().id() }, 0..5);
            while let Some(id) = map.next().await {
                assert_eq!(id.unwrap(), own);
            }
        });
    }
}

#[test]
fn a_queued_spawn_runs_on_its_own_runtime_whichever_runtime_frees_the_slot() {
    let (pool, gate) = (GreenPool::new(1), Gate::new());
    let holder = runtime();
    holder.block_on(pool.spawn_n(gate.clone().opened()));
    let waiting = pool.clone();
    let waiter = std::thread::spawn(move || {
        paused(async move {
            let own = Handle::current().id();
            let green = waiting.spawn(async { Handle::current().id() }).await;
            assert_eq!(green.await.unwrap(), own);
        });
    });
    while pool.waiting() == 0 {
        std::thread::yield_now();
    }
    gate.open();
    holder.block_on(async {
        while pool.waiting() > 0 {
            tokio::task::yield_now().await;
        }
    });
    waiter.join().expect("the waiter gets the slot");
}

#[test]
fn a_map_can_be_read_from_another_runtime() {
    let maker = Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let pool = GreenPool::new(2);
    let map = {
        let _inside = maker.enter();
        pool.imap(|n: i32| async move { n }, 0..100)
    };
    threads(1, async move {
        let mut map = map;
        for n in 0..100 {
            assert_eq!(map.next().await.unwrap().unwrap(), n);
        }
        assert!(map.next().await.is_none());
    });
    maker.shutdown_background();
}

#[test]
fn spawning_outside_a_runtime_panics_and_loses_no_slot() {
    let pool = GreenPool::new(1);
    let spawned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        futures::executor::block_on(pool.spawn_n(async {}));
    }));
    assert!(spawned.is_err());
    let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        drop(pool.try_spawn(async {}));
    }));
    assert!(tried.is_err());
    assert_eq!((pool.running(), pool.free()), (0, 1));
}
