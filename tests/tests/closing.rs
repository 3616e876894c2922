//! `close`, `shutdown` and `abort_all`.
#![expect(clippy::unused_async, reason = "they are jobs")]

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, poll, stream};
use greenpool::{GreenPile, GreenPool, green_pool, lend, pile};
use greenpool_tests::{Gate, Gauge, paused, threads, until_idle};
use tokio::task::yield_now;
use tokio::time::Instant;

/// A job that never completes. The gauge counts it as long as its future exists.
fn hanging(gauge: &Gauge) -> impl Future<Output = ()> + Send + use<> {
    let inside = gauge.enter();
    async move {
        let _inside = inside;
        pending::<()>().await;
    }
}

#[test]
fn a_closed_pool_accepts_no_new_jobs() {
    paused(async {
        let pool = GreenPool::new(2);
        pool.close();
        assert!(pool.is_closed());
        let ran = Gauge::default();
        let job = || {
            let ran = ran.clone();
            async move { drop(ran.enter()) }
        };
        let error = pool.spawn(job()).await.await.expect_err("the pool is closed");
        assert!(error.is_closed() && error.is_cancelled() && !error.is_panic());
        pool.spawn_n(job()).await;
        let refused = pool.try_spawn(job()).expect_err("the pool is closed");
        assert!(refused.is_closed() && !refused.is_full());
        until_idle().await;
        assert_eq!(ran.total(), 0);
        refused.into_inner().await;
        assert_eq!(ran.total(), 1, "`try_spawn` returns the future");
    });
}

#[test]
fn spawns_queued_before_close_still_run() {
    paused(async {
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        let first = pool.spawn(gate.clone().opened()).await;
        let mut queued = pool.spawn(async { 2 });
        assert!(poll!(&mut queued).is_pending());
        pool.close();
        assert_eq!(pool.waiting(), 1);
        gate.open();
        first.await.unwrap();
        assert_eq!(queued.await.await.unwrap(), 2);
    });
}

#[test]
fn a_map_on_a_closed_pool_yields_the_started_jobs_and_ends() {
    paused(async {
        let pool = GreenPool::new(2);
        let gate = Gate::new();
        let open = gate.clone();
        let job = move |n: usize| {
            let open = open.clone();
            async move {
                open.opened().await;
                n
            }
        };
        let mut map = pool.imap(job, 0..);
        until_idle().await;
        pool.close();
        gate.open();
        assert_eq!(map.next().await.expect("the first has started").unwrap(), 0);
        assert_eq!(map.next().await.expect("the second has started").unwrap(), 1);
        while let Some(result) = map.next().await {
            assert!(result.expect_err("nothing starts in a closed pool").is_closed());
        }
    });
}

#[test]
fn shutdown_waits_for_jobs_during_the_grace_period() {
    paused(async {
        let pool = GreenPool::new(3);
        let gate = Gate::new();
        pool.spawn_n(gate.clone().opened()).await;
        pool.spawn_n(gate.clone().opened()).await;
        let down = tokio::spawn(pool.shutdown(Duration::from_secs(30)));
        until_idle().await;
        assert!(pool.is_closed() && !down.is_finished());
        gate.open();
        let report = down.await.unwrap();
        assert_eq!((report.finished, report.aborted), (2, 0));
        assert_eq!((pool.running(), pool.free()), (0, 3));
    });
}

#[test]
fn shutdown_aborts_the_remaining_jobs_after_the_grace_period() {
    paused(async {
        let (pool, alive) = (GreenPool::new(3), Gauge::default());
        pool.spawn_n(hanging(&alive)).await;
        pool.spawn_n(hanging(&alive)).await;
        pool.spawn_n(async {}).await;
        let before = tokio::time::Instant::now();
        let report = pool.shutdown(Duration::from_secs(30)).await;
        assert_eq!((report.finished, report.aborted), (1, 2));
        assert_eq!(before.elapsed().as_secs(), 30);
        assert_eq!((alive.now(), pool.running()), (0, 0), "the futures are gone when it returns");
    });
}

#[test]
fn shutdown_of_an_idle_pool_returns_at_once() {
    paused(async {
        let pool = GreenPool::new(1);
        let before = tokio::time::Instant::now();
        let report = pool.shutdown(Duration::from_secs(30)).await;
        assert_eq!((report.finished, report.aborted), (0, 0));
        assert!(before.elapsed() < Duration::from_secs(1));
    });
}

#[test]
fn shutdown_completes_although_the_queue_never_gets_a_slot() {
    paused(async {
        let (pool, alive) = (GreenPool::new(1), Gauge::default());
        pool.spawn_n(hanging(&alive)).await;
        let queued = tokio::spawn({
            let job = hanging(&alive);
            let pool = pool.clone();
            async move { pool.spawn(job).await.await }
        });
        until_idle().await;
        assert_eq!(pool.waiting(), 1);
        let _ = pool.shutdown(Duration::from_secs(1)).await;
        let error = queued.await.unwrap().expect_err("the pool was shut down");
        assert!(error.is_cancelled());
        assert_eq!((alive.now(), pool.running(), pool.waiting()), (0, 0, 0));
    });
}

/// What may be queued in a pool of size 0, and is refused at the end.
const REFUSED: [(&str, fn(&GreenPool) -> BoxFuture<'static, bool>); 5] = [
    ("spawn", |pool| {
        let spawn = pool.spawn(async {});
        async move { spawn.await.await.unwrap_err().is_closed() }.boxed()
    }),
    ("spawn_n", |pool| pool.spawn_n(async {}).map(|()| true).boxed()),
    ("slot", |pool| pool.slot().map(|slot| slot.unwrap_err().is_closed()).boxed()),
    ("imap", |pool| {
        let mut map = pool.imap(|n: u32| async move { n }, 0..3);
        async move { map.next().await.unwrap().unwrap_err().is_closed() && map.next().await.is_none() }.boxed()
    }),
    ("queue", |pool| {
        let (pool, before) = (pool.clone(), pool.stats().refused);
        pool.queue(async {});
        async move {
            while pool.stats().refused == before {
                yield_now().await;
            }
            true
        }
        .boxed()
    }),
];

#[test]
fn shutdown_of_a_pool_of_size_0_refuses_what_is_queued() {
    for (queued, start) in REFUSED {
        for resized in [false, true] {
            for grace in [Duration::ZERO, Duration::from_secs(1)] {
                paused(async move {
                    let pool = GreenPool::new(usize::from(resized));
                    pool.resize(0);
                    let mut verb = start(&pool);
                    if queued != "queue" {
                        assert!(poll!(&mut verb).is_pending());
                    }
                    until_idle().await;
                    let begin = Instant::now();
                    pool.shutdown(grace).await;
                    assert!(begin.elapsed() <= grace + Duration::from_millis(2));
                    assert!(verb.await, "{queued}");
                    assert_eq!((pool.waiting(), pool.running(), pool.stats().queued), (0, 0, 0), "{queued}");
                });
            }
        }
    }
}

#[test]
fn shutdown_waits_for_the_queue_of_a_pool_that_gets_a_slot_in_time() {
    paused(async {
        let pool = GreenPool::new(0);
        let spawn = tokio::spawn(pool.spawn(async { 7 }));
        until_idle().await;
        let mut shutdown = Box::pin(pool.shutdown(Duration::from_mins(1)));
        assert!(poll!(&mut shutdown).is_pending());
        until_idle().await;
        let begin = Instant::now();
        pool.resize(1);
        assert_eq!(shutdown.await.finished, 1);
        assert!(begin.elapsed() < Duration::from_secs(1));
        assert_eq!(spawn.await.unwrap().await.unwrap(), 7);
    });
}

#[test]
fn shutdown_completes_although_a_job_that_it_aborts_opens_the_pool_again() {
    struct Reopens(GreenPool);
    impl Drop for Reopens {
        fn drop(&mut self) {
            self.0.reopen();
        }
    }

    for threads_of in [0, 2] {
        let test = async {
            let pool = GreenPool::new(1);
            let opened = pool.clone();
            let map = pool.imap(
                move |_: u32| {
                    let reopens = Reopens(opened.clone());
                    async move {
                        let _reopens = reopens;
                        pending::<()>().await;
                    }
                },
                0..,
            );
            let _map = map.window(10);
            while pool.running() == 0 {
                yield_now().await;
            }
            pool.shutdown(Duration::ZERO).await;
        };
        if threads_of == 0 { paused(test) } else { threads(threads_of, test) }
    }
}

#[test]
fn abort_all_aborts_every_job_and_returns_the_count() {
    paused(async {
        let (pool, alive) = (GreenPool::new(5), Gauge::default());
        let green = pool.spawn(hanging(&alive)).await;
        pool.spawn_n(hanging(&alive)).await;
        let inside = alive.clone();
        let mut map = pool.imap(move |_| hanging(&inside), 0..2);
        until_idle().await;
        assert_eq!(alive.now(), 4);
        assert_eq!(pool.abort_all().await, 4);
        assert_eq!((alive.now(), pool.running()), (0, 0), "the futures are gone when it returns");
        assert!(green.await.expect_err("aborted").is_cancelled());
        assert!(map.next().await.expect("an item").expect_err("aborted").is_cancelled());
    });
}

#[test]
fn abort_all_works_without_being_awaited() {
    paused(async {
        let (pool, alive) = (GreenPool::new(2), Gauge::default());
        pool.spawn_n(hanging(&alive)).await;
        until_idle().await;
        drop(pool.abort_all());
        until_idle().await;
        assert_eq!((alive.now(), pool.running()), (0, 0));
    });
}

#[test]
fn a_pool_keeps_working_after_abort_all_and_serves_its_queue() {
    paused(async {
        let (pool, alive) = (GreenPool::new(1), Gauge::default());
        pool.spawn_n(hanging(&alive)).await;
        let mut queued = pool.spawn(async { 2 });
        assert!(poll!(&mut queued).is_pending());
        assert_eq!(pool.abort_all().await, 1);
        assert_eq!(queued.await.await.unwrap(), 2);
        assert_eq!(pool.spawn(async { 3 }).await.await.unwrap(), 3);
    });
}

/// Two owners of one value, to find out whether a verb drops what it is given.
fn two_owners() -> (Arc<()>, Arc<()>) {
    let two_owners = Arc::new(());
    (two_owners.clone(), two_owners)
}

#[test]
fn every_verb_of_a_closed_pool_reports_closed_and_drops_its_input() {
    paused(async {
        let pool = GreenPool::new(2);
        pool.close();
        let (seen, given) = two_owners();
        let job = |given: &Arc<()>| {
            let given = given.clone();
            async move { drop(given) }
        };
        assert!(pool.spawn(job(&given)).await.await.unwrap_err().is_closed());
        pool.spawn_n(job(&given)).await;
        let refused = pool.try_spawn(job(&given)).unwrap_err();
        assert!(refused.is_closed());
        assert_eq!(Arc::strong_count(&given), 3, "`try_spawn` returns it");
        drop(refused);
        let mut pile = GreenPile::on(&pool);
        pile.spawn(job(&given)).await;
        pile.spawner().spawn(job(&given)).await;
        for _ in 0..2 {
            assert!(pile.next().await.unwrap().unwrap_err().is_closed());
        }
        assert!(pile.next().await.is_none());
        let (first, second) = pile![in pool; job(&given), job(&given)].join().await;
        assert!(first.unwrap_err().is_closed() && second.unwrap_err().is_closed());
        assert!(pile![in pool; job(&given)].try_join().await.unwrap_err().is_closed());
        assert_eq!(Arc::strong_count(&given), 2);

        let (first, second) = (given.clone(), given.clone());
        let maps = [
            pool.imap(drop_later, [given.clone()]),
            pool.imap_unordered(drop_later, [given.clone()]),
            pool.imap(|given, ()| drop_later(given), ([given.clone()], [()])),
            pool.starmap(drop_later, [(first,)]),
            pool.starmap_unordered(drop_later, [(second,)]),
            pool.imap_stream(drop_later, stream::iter([given.clone()])),
            pool.imap_stream_unordered(drop_later, stream::iter([given.clone()])),
        ];
        for mut map in maps {
            assert!(map.next().await.unwrap().unwrap_err().is_closed());
            assert!(map.next().await.is_none());
        }
        until_idle().await;
        drop(given);
        assert_eq!(Arc::strong_count(&seen), 1);
        assert_eq!((pool.stats().spawned, pool.running()), (0, 0));
    });
}

async fn drop_later(given: Arc<()>) {
    drop(given);
}

#[test]
fn every_verb_of_a_declared_function_reports_a_closed_pool() {
    #[green_pool(size = 2)]
    async fn work(given: Arc<()>) {
        drop(given);
    }

    paused(async {
        work::pool().close();
        let (seen, given) = two_owners();
        assert!(work::spawn(given.clone()).await.await.unwrap_err().is_closed());
        work::spawn_n(given.clone()).await;
        let refused = work::try_spawn(given.clone()).unwrap_err();
        assert!(refused.is_closed() && Arc::ptr_eq(&refused.into_inner().0, &given), "it returns the arguments");
        assert!(pile![work(given.clone())].try_join().await.unwrap_err().is_closed());
        let tuple = (given.clone(),);
        let other = (given.clone(),);
        let maps = [
            work::imap([given.clone()]),
            work::imap_unordered([given.clone()]),
            work::starmap([tuple]),
            work::starmap_unordered([other]),
        ];
        for mut map in maps {
            assert!(map.next().await.unwrap().unwrap_err().is_closed());
            assert!(map.next().await.is_none());
        }
        until_idle().await;
        drop(given);
        assert_eq!(Arc::strong_count(&seen), 1);
        let stats = work::pool().stats();
        assert_eq!((stats.spawned, stats.running), (0, 0));
        assert!(stats.refused >= 3);
        // Calling the function directly does not use the pool.
        work(seen).await;
    });
}

#[test]
fn shutdown_ends_a_job_whose_spawn_is_kept_and_not_polled() {
    paused(async {
        let (pool, alive) = (GreenPool::new(0), Gauge::default());
        let mut kept = Box::pin(pool.spawn(hanging(&alive)));
        let mut queued = Box::pin(pool.spawn(hanging(&alive)));
        assert!(poll!(&mut kept).is_pending() && poll!(&mut queued).is_pending());
        pool.resize(1);
        until_idle().await;
        assert_eq!((pool.running(), pool.waiting(), alive.now()), (1, 1, 2), "the first has begun by itself");
        let report = pool.shutdown(Duration::from_secs(1)).await;
        assert_eq!((report.finished, report.aborted), (0, 1));
        assert_eq!((alive.now(), pool.running(), pool.waiting()), (0, 0, 0));
        assert!(kept.await.await.unwrap_err().is_cancelled());
        assert!(queued.await.await.unwrap_err().is_closed());
    });
}

/// The verbs that queue in a full pool. What they return is kept until the end.
type Queues = fn(&GreenPool, Gauge) -> BoxFuture<'static, ()>;

#[rustfmt::skip]
const QUEUES: [(&str, Queues); 9] = [
    ("spawn", |pool, gauge| { let spawn = pool.spawn(hanging(&gauge)); async { drop(spawn.await.await) }.boxed() }),
    ("spawn_n", |pool, gauge| pool.spawn_n(hanging(&gauge)).boxed()),
    ("queue", |pool, gauge| { pool.queue(hanging(&gauge)); pending().boxed() }),
    ("imap", |pool, gauge| { let mut map = pool.imap(move |()| hanging(&gauge), [()]); async move { drop(map.next().await) }.boxed() }),
    ("imap_unordered", |pool, gauge| { let mut map = pool.imap_unordered(move |()| hanging(&gauge), [()]); async move { drop(map.next().await) }.boxed() }),
    ("imap_stream", |pool, gauge| { let mut map = pool.imap_stream(move |()| hanging(&gauge), stream::iter([()])); async move { drop(map.next().await) }.boxed() }),
    ("a map that is kept", |pool, gauge| { let map = pool.imap(move |()| hanging(&gauge), [()]); async move { let _map = map; pending().await }.boxed() }),
    ("a pile", |pool, gauge| { let pile = GreenPile::on(pool); async move { pile.spawn(hanging(&gauge)).await; }.boxed() }),
    ("pile!", |pool, gauge| { let pile = pile![in pool; hanging(&gauge)]; async move { drop(pile.join().await) }.boxed() }),
];

#[test]
fn shutdown_ends_what_has_been_granted_a_slot_and_has_not_begun() {
    paused(async {
        for (verb, queue) in QUEUES {
            let (pool, gauge) = (GreenPool::new(1), Gauge::default());
            let slot = pool.slot().await.unwrap();
            let mut kept = queue(&pool, gauge.clone());
            for _ in 0..10 {
                assert!(poll!(&mut kept).is_pending(), "{verb}");
                yield_now().await;
            }
            assert_eq!(pool.waiting(), 1, "{verb}");
            // From here to the shutdown nothing else is polled.
            drop(slot);
            let report = pool.shutdown(Duration::ZERO).await;
            assert_eq!((report.held, pool.running(), gauge.now()), (0, 0, 0), "{verb}: {report:?}");
        }
    });
}

#[test]
fn shutdown_also_ends_jobs_that_have_released_their_slots() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(1), Gauge::default());
        let grace = Duration::from_secs(1);
        pool.spawn_n(lend(hanging(&gauge))).await;
        pool.spawn_n(lend(tokio::time::sleep(grace / 2))).await;
        until_idle().await;
        assert_eq!((pool.running(), gauge.now()), (0, 1));
        let report = pool.shutdown(grace).await;
        assert_eq!((report.finished, report.aborted), (1, 1));
        assert_eq!((gauge.now(), pool.free()), (0, 1));
    });
}

#[test]
fn a_map_ends_when_all_its_jobs_are_aborted_as_they_start() {
    threads(2, async {
        for round in 0..4000 {
            let pool = GreenPool::new(2 + round % 2);
            let inside = pool.clone();
            let abort = tokio::spawn(async move {
                yield_now().await;
                inside.abort_all().await;
            });
            let mut map = pool.imap(|()| yield_now(), [(); 3]);
            let mut results = 0;
            while map.next().await.is_some() {
                results += 1;
            }
            assert_eq!(results, 3);
            abort.await.unwrap();
        }
    });
}
