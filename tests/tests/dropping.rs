//! One test for each row of the README's table "What dropping does".

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::poll;
use greenpool::{GreenMap, GreenPile, GreenPool};
use greenpool_tests::{Gate, Gauge, paused, until_idle};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// A job that completes when the gate opens. The gauge counts it as long as its future exists.
fn watched(gauge: &Gauge, gate: &Gate) -> impl Future<Output = ()> + Send + use<> {
    let (inside, gate) = (gauge.enter(), gate.clone());
    async move {
        let _inside = inside;
        gate.opened().await;
    }
}

#[test]
fn a_dropped_spawn_leaves_the_queue_at_once() {
    paused(async {
        let (pool, alive) = (GreenPool::new(1), Gauge::default());
        pool.spawn_n(pending::<()>()).await;
        let mut queued = Box::pin(pool.spawn(watched(&alive, &Gate::new())));
        assert!(poll!(&mut queued).is_pending());
        assert_eq!(pool.waiting(), 1);
        drop(queued);
        assert_eq!((pool.waiting(), alive.now()), (0, 0));
    });
}

#[test]
fn a_spawn_dropped_after_its_job_has_begun_aborts_the_job() {
    paused(async {
        let (pool, alive) = (GreenPool::new(0), Gauge::default());
        let mut first = Box::pin(pool.spawn(watched(&alive, &Gate::new())));
        let mut second = Box::pin(pool.spawn_n(watched(&alive, &Gate::new())));
        let mut third = Box::pin(pool.spawn(async { 3 }));
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
        pool.resize(1);
        until_idle().await;
        assert_eq!((pool.running(), pool.waiting(), alive.now()), (1, 2, 2), "the first runs without being polled");
        drop(first);
        until_idle().await;
        assert_eq!((pool.running(), pool.waiting(), alive.now()), (1, 1, 1), "the second runs");
        drop(second);
        assert_eq!(third.await.await.unwrap(), 3);
        pool.waitall().await;
        assert_eq!((pool.stats().aborted, pool.stats().finished, alive.now()), (2, 1, 0));
    });
}

#[test]
fn a_spawn_dropped_in_the_moment_it_is_served_leaves_no_slot_behind() {
    paused(async {
        let pool = GreenPool::new(0);
        let mut only = Box::pin(pool.spawn(pending::<()>()));
        assert!(poll!(&mut only).is_pending());
        pool.resize(1);
        drop(only);
        pool.waitall().await;
        assert_eq!((pool.running(), pool.free()), (0, 1));
        assert!(pool.try_spawn(async {}).is_ok());
    });
}

#[test]
fn a_dropped_green_thread_detaches_its_job() {
    paused(async {
        let (pool, alive, gate) = (GreenPool::new(1), Gauge::default(), Gate::new());
        drop(pool.spawn(watched(&alive, &gate)).await);
        until_idle().await;
        assert_eq!((alive.now(), pool.running()), (1, 1));
        gate.open();
        pool.waitall().await;
        assert_eq!(alive.now(), 0);
    });
}

#[test]
fn a_dropped_map_stops_its_source_and_aborts_its_jobs() {
    paused(async {
        let (pool, alive, gate) = (GreenPool::new(3), Gauge::default(), Gate::new());
        let read = Arc::new(AtomicUsize::new(0));
        let (inside, shut, counter) = (alive.clone(), gate.clone(), read.clone());
        let source = (0..).inspect(move |_: &u64| _ = counter.fetch_add(1, Ordering::SeqCst));
        let map = pool.imap(move |_| watched(&inside, &shut), source);
        until_idle().await;
        assert_eq!((alive.now(), read.load(Ordering::SeqCst), Arc::strong_count(&read)), (3, 3, 2));
        drop(map);
        until_idle().await;
        assert_eq!((alive.now(), pool.running()), (0, 0));
        gate.open();
        until_idle().await;
        assert_eq!(read.load(Ordering::SeqCst), 3);
        assert_eq!(Arc::strong_count(&read), 1, "the source is gone too");
    });
}

#[test]
fn a_detached_map_finishes_its_jobs_and_starts_no_more() {
    paused(async {
        let (pool, alive, gate) = (GreenPool::new(2), Gauge::default(), Gate::new());
        let (inside, shut) = (alive.clone(), gate.clone());
        let map = pool.imap(move |_| watched(&inside, &shut), 0..10);
        until_idle().await;
        map.detach();
        until_idle().await;
        assert_eq!(alive.now(), 2);
        gate.open();
        pool.waitall().await;
        until_idle().await;
        assert_eq!((alive.now(), alive.total(), pool.running()), (0, 2, 0));
    });
}

#[test]
fn a_result_of_a_detached_map_is_dropped_while_other_jobs_run() {
    paused(async {
        let pool = GreenPool::new(2);
        for kind in 0..3 {
            let gate = Gate::new();
            let (give, take) = oneshot::channel::<()>();
            let (mut give, mut take, shut) = (Some(give), Some(take), gate.clone());
            // The first job returns what the second one waits for the end of.
            let jobs = move |n: u32| {
                let opened = shut.clone().opened();
                let (give, take) = if n == 0 { (give.take(), None) } else { (None, take.take()) };
                async move {
                    opened.await;
                    if let Some(take) = take {
                        take.await.expect_err("it is dropped");
                    }
                    give
                }
            };
            let map = match kind {
                0 => pool.imap(jobs, 0..2),
                1 => pool.imap_unordered(jobs, 0..2),
                _ => pool.imap_stream(jobs, futures::stream::iter(0..2)),
            };
            until_idle().await;
            assert_eq!(pool.running(), 2);
            map.detach();
            gate.open();
            until_idle().await;
            assert_eq!(pool.running(), 0, "kind {kind}");
        }
    });
}

#[test]
fn a_detached_map_drops_its_async_source_even_if_it_is_not_ready() {
    paused(async {
        let (pool, alive, gate) = (GreenPool::new(2), Gauge::default(), Gate::new());
        let (give, mut take) = tokio::sync::mpsc::channel::<()>(1);
        let (inside, shut) = (alive.clone(), gate.clone());
        let source = futures::stream::poll_fn(move |cx| take.poll_recv(cx));
        let map = pool.imap_stream(move |()| watched(&inside, &shut), source);
        give.send(()).await.unwrap();
        until_idle().await;
        assert!(!give.is_closed());
        map.detach();
        until_idle().await;
        assert!(give.is_closed(), "the source has been dropped");
        assert_eq!(alive.now(), 1, "the job has not");
        gate.open();
        pool.waitall().await;
        assert_eq!((alive.now(), alive.total(), pool.free()), (0, 1, 2));
    });
}

#[test]
fn a_map_that_is_dropped_while_it_waits_for_a_slot_leaves_the_queue() {
    paused(async {
        let pool = GreenPool::new(1);
        pool.spawn_n(pending::<()>()).await;
        let map = pool.imap(|n: i32| async move { n }, 0..3);
        until_idle().await;
        drop(map);
        until_idle().await;
        assert_eq!((pool.waiting(), pool.running()), (0, 1));
    });
}

#[test]
fn a_dropped_map_drops_results_that_were_not_taken() {
    paused(async {
        let (pool, alive) = (GreenPool::new(3), Gauge::default());
        let inside = alive.clone();
        let map = pool.imap(
            move |_| {
                let result = inside.enter();
                async move { result }
            },
            0..10,
        );
        until_idle().await;
        assert_eq!(alive.now(), 3);
        drop(map);
        until_idle().await;
        assert_eq!(alive.now(), 0);
    });
}

/// A result that panics when it is dropped.
struct Bomb(Gauge);

impl Drop for Bomb {
    fn drop(&mut self) {
        drop(self.0.enter());
        resume_unwind(Box::new("bomb"));
    }
}

#[test]
fn results_that_panic_when_they_are_dropped_do_not_meet() {
    paused(async {
        let pool = GreenPool::new(2);
        for detaches in [false, true] {
            // Results that have not been fetched, and those of a detached map.
            let (dropped, gate) = (Gauge::default(), Gate::new());
            let (bombs, shut) = (dropped.clone(), gate.clone());
            let jobs = move |_| {
                let (bomb, opened) = (bombs.clone(), shut.clone().opened());
                async move {
                    opened.await;
                    Bomb(bomb)
                }
            };
            let map = pool.imap_unordered(jobs, 0..2);
            until_idle().await;
            if detaches {
                map.detach();
                gate.open();
                until_idle().await;
            } else {
                gate.open();
                until_idle().await;
                drop(map);
            }
            assert_eq!((dropped.total(), pool.running(), pool.free()), (2, 0, 2));
        }
    });
}

#[test]
fn fetched_results_that_panic_when_they_are_dropped_do_not_meet() {
    paused(async {
        let dropped = Gauge::default();
        let bombs = dropped.clone();
        let bomb = move |_| {
            let bomb = Bomb(bombs.clone());
            async { bomb }
        };
        let mut map = GreenPool::new(4).imap(bomb, 0..9);
        until_idle().await;
        // This fetches all that are ready.
        std::mem::forget(map.next().await);
        until_idle().await;
        drop(map);
        assert_eq!(dropped.total(), 4);
    });
}

#[test]
fn a_job_that_drops_its_own_map_drops_results_that_panic() {
    paused(async {
        for detaches in [false, true] {
            let (pool, dropped) = (GreenPool::new(1), Gauge::default());
            let own: Arc<Mutex<Option<GreenMap<Bomb>>>> = Arc::default();
            let (bombs, inside) = (dropped.clone(), own.clone());
            let jobs = move |n: usize| {
                let (bomb, own) = (Bomb(bombs.clone()), inside.clone());
                async move {
                    let map = if n == 30 { own.lock().unwrap().take() } else { None };
                    match map {
                        Some(map) if detaches => map.detach(),
                        map => drop(map),
                    }
                    bomb
                }
            };
            *own.lock().unwrap() = Some(pool.imap(jobs, 0..).window(100));
            until_idle().await;
            assert_eq!((dropped.total(), pool.running()), (31, 0), "detaches: {detaches}");
        }
    });
}

#[test]
fn what_a_source_leaves_when_it_panics_is_dropped_with_its_map() {
    paused(async {
        let dropped = Gauge::default();
        let bombs = dropped.clone();
        let items = std::iter::from_fn(move || -> Option<u32> { resume_unwind(Box::new(Bomb(bombs.clone()))) });
        let map = GreenPool::new(1).imap(|n: u32| async move { n }, items);
        until_idle().await;
        assert_eq!(dropped.total(), 0);
        drop(map);
        assert_eq!(dropped.total(), 1);
    });
}

#[test]
fn a_dropped_pile_aborts_its_jobs() {
    paused(async {
        let (pool, alive, gate) = (GreenPool::new(2), Gauge::default(), Gate::new());
        let pile = GreenPile::on(&pool);
        pile.spawn(watched(&alive, &gate)).await;
        pile.spawn(watched(&alive, &gate)).await;
        pool.resize(3);
        pool.spawn_n(watched(&alive, &gate)).await;
        until_idle().await;
        assert_eq!(alive.now(), 3);
        drop(pile);
        until_idle().await;
        assert_eq!((alive.now(), pool.running()), (1, 1), "only the pile's jobs are aborted");
    });
}

#[test]
fn a_detached_pile_lets_its_jobs_finish() {
    paused(async {
        let (alive, gate) = (Gauge::default(), Gate::new());
        let pile = GreenPile::new(2);
        let pool = pile.pool().clone();
        pile.spawn(watched(&alive, &gate)).await;
        pile.detach();
        until_idle().await;
        assert_eq!((alive.now(), pool.running()), (1, 1));
        gate.open();
        pool.waitall().await;
        assert_eq!(alive.now(), 0);
    });
}

#[test]
fn running_and_queued_jobs_outlive_the_last_pool_handle() {
    paused(async {
        let (alive, gate) = (Gauge::default(), Gate::new());
        let pool = GreenPool::new(1);
        let running = pool.spawn(watched(&alive, &gate)).await;
        let mut queued = Box::pin(pool.spawn(async { 2 }));
        assert!(poll!(&mut queued).is_pending());
        let mut map = pool.imap(|n: i32| async move { n }, 0..3);
        drop(pool);
        until_idle().await;
        assert_eq!(alive.now(), 1);
        gate.open();
        running.await.unwrap();
        assert_eq!(queued.await.await.unwrap(), 2);
        for n in 0..3 {
            assert_eq!(map.next().await.unwrap().unwrap(), n);
        }
        assert!(map.next().await.is_none());
    });
}

#[test]
fn a_dropped_runtime_drops_its_jobs_and_releases_their_slots() {
    let (pool, alive, gate) = (GreenPool::new(2), Gauge::default(), Gate::new());
    let runtime = Builder::new_current_thread().build().unwrap();
    let green = runtime.block_on(pool.spawn(watched(&alive, &gate)));
    runtime.block_on(async {
        pool.spawn_n(watched(&alive, &gate)).await;
        tokio::task::yield_now().await;
    });
    assert_eq!((alive.now(), pool.running()), (2, 2));
    drop(runtime);
    assert_eq!((alive.now(), pool.running(), pool.free()), (0, 0, 2));
    paused(async move {
        assert!(green.await.expect_err("its runtime is gone").is_cancelled());
        assert_eq!(pool.spawn(async { 1 }).await.await.unwrap(), 1, "the pool still works on another runtime");
    });
}

#[test]
fn a_dropped_runtime_cancels_its_maps() {
    let (pool, alive, gate) = (GreenPool::new(2), Gauge::default(), Gate::new());
    let runtime = Builder::new_current_thread().build().unwrap();
    let (inside, shut) = (alive.clone(), gate.clone());
    let map = runtime.block_on(async {
        let map = pool.imap(move |_| watched(&inside, &shut), 0..10);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        map
    });
    assert_eq!(alive.now(), 2);
    drop(runtime);
    assert_eq!((alive.now(), pool.running()), (0, 0));
    paused(async move {
        let mut map = map;
        // The started jobs were cancelled. The map has no runtime to start more on, so it ends.
        let mut cancelled = 0;
        while let Some(result) = map.next().await {
            assert!(result.expect_err("its runtime is gone").is_cancelled());
            cancelled += 1;
        }
        assert!(cancelled >= 2, "{cancelled}");
    });
}

#[test]
fn a_waiter_on_another_runtime_gets_the_slots_of_a_dropped_runtime() {
    let pool = GreenPool::new(1);
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(pool.spawn_n(pending::<()>()));
    let waiting = pool.clone();
    let other = std::thread::spawn(move || {
        paused(async move { waiting.spawn(async {}).await.await.unwrap() });
    });
    while pool.waiting() == 0 {
        std::thread::yield_now();
    }
    drop(runtime);
    other.join().expect("the waiter gets the slot");
}

#[test]
fn a_slot_that_is_dropped_goes_to_the_next_in_line() {
    paused(async {
        let pool = GreenPool::new(1);
        let slot = pool.slot().await.unwrap();
        let mut next = pool.spawn(async { 7 });
        assert!(poll!(&mut next).is_pending());
        drop(slot);
        assert_eq!((pool.running(), pool.waiting()), (1, 0));
        assert_eq!(next.await.await.unwrap(), 7);
    });
}
