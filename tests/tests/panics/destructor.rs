//! Panics in destructors: of a job's future, its result, its argument, or a map's source.
#![expect(clippy::unused_async, reason = "they are jobs")]

use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{FutureExt, StreamExt, poll};
use greenpool::{GreenPile, GreenPool, green_pool, pile};
use greenpool_tests::{Gate, paused, until_idle};

use crate::route::{Explosive, Job, SIZE, is_planned, routes, stats_since};

/// A future whose destructor panics, even after it has completed.
struct PanicOnDrop<F> {
    inner: F,
    _explosive: Explosive,
}

impl<F: Future + Unpin> Future for PanicOnDrop<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.inner.poll_unpin(cx)
    }
}

fn panic_on_drop<F: Future>(inner: F) -> PanicOnDrop<F> {
    PanicOnDrop { inner, _explosive: Explosive }
}

/// Runs `action` and returns whether it completed without a panic.
fn completes<T>(action: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(action)).is_ok()
}

#[test]
fn a_job_whose_future_panics_on_drop_counts_as_panicked() {
    let (_lock, routes) = routes();
    paused(async move {
        for route in routes {
            let pool = route.pool();
            let before = pool.stats();
            let jobs: [Job; 3] = [ready(1).boxed(), panic_on_drop(ready(2)).boxed(), ready(3).boxed()];
            let outcomes = route.run(&pool, jobs.into()).await;
            assert_eq!(stats_since(&pool, before), (3, 2, 1, 0), "{}", route.name);
            let errors = outcomes.into_iter().filter_map(Result::err);
            assert_eq!(
                errors.map(is_planned).collect::<Vec<_>>(),
                if route.returns_results() { vec![true] } else { vec![] }
            );
            assert_eq!((pool.running(), pool.free()), (0, SIZE as isize), "{}", route.name);
        }
    });
}

#[test]
fn an_aborted_job_whose_future_panics_on_drop_releases_its_slot() {
    #[green_pool(size = 1)]
    async fn hang(explosive: Option<Explosive>) {
        pending::<()>().await;
        drop(explosive);
    }

    paused(async {
        let pool = GreenPool::new(1);
        for polled in [true, false] {
            let green = pool.spawn(panic_on_drop(pending::<()>())).await;
            if polled {
                until_idle().await;
            }
            green.abort();
            assert!(is_planned(green.await.unwrap_err()));
            assert_eq!(pool.free(), 1);

            let green = hang::spawn(Some(Explosive)).await;
            if polled {
                until_idle().await;
            }
            green.abort();
            assert!(is_planned(green.await.unwrap_err()));
            assert_eq!(hang::pool().free(), 1);
        }
        for pool in [&pool, hang::pool()] {
            let stats = pool.stats();
            assert_eq!((stats.spawned, stats.finished, stats.panicked + stats.aborted), (2, 0, 2));
        }
    });
}

#[test]
fn a_panic_on_drop_in_abort_all_does_not_affect_other_jobs() {
    paused(async {
        let pool = GreenPool::new(4);
        let first = pool.spawn(pending::<()>()).await;
        pool.spawn_n(panic_on_drop(pending::<()>())).await;
        let last = pool.spawn(pending::<()>()).await;
        let mut map = pool.imap(|()| panic_on_drop(pending::<()>()), [()]);
        until_idle().await;
        assert_eq!(pool.abort_all().await, 4);
        assert_eq!(pool.free(), 4);
        assert!(first.await.unwrap_err().is_cancelled() && last.await.unwrap_err().is_cancelled());
        assert!(map.next().await.unwrap().is_err());
        let stats = pool.stats();
        assert_eq!((stats.spawned, stats.finished, stats.panicked + stats.aborted), (4, 0, 4));
    });
}

#[test]
fn a_panic_on_drop_in_a_dropped_map_or_pile_loses_no_slot() {
    paused(async {
        let pool = GreenPool::new(2);
        let hang = || panic_on_drop(pending::<()>());
        let map = pool.imap(move |()| hang(), [(), ()]);
        until_idle().await;
        completes(|| drop(map));
        pool.waitall().await;
        assert_eq!(pool.free(), 2, "a map");

        let map = pool.imap_stream(move |()| hang(), futures::stream::repeat(()));
        until_idle().await;
        completes(|| drop(map));
        pool.waitall().await;
        assert_eq!(pool.free(), 2, "a map over an async source");

        let pile = GreenPile::on(&pool);
        pile.spawn(hang()).await;
        pile.spawn(hang()).await;
        until_idle().await;
        completes(|| drop(pile));
        pool.waitall().await;
        assert_eq!(pool.free(), 2, "a pile");

        let pile = pile![in pool; hang(), hang()];
        until_idle().await;
        completes(|| drop(pile));
        pool.waitall().await;
        assert_eq!(pool.free(), 2, "a `pile!`");
        assert_eq!(pool.spawn(ready(7)).await.await.unwrap(), 7);
    });
}

#[test]
fn an_untaken_result_that_panics_on_drop_loses_no_slot() {
    #[green_pool(size = 2)]
    async fn make() -> Explosive {
        Explosive
    }

    paused(async {
        let pool = GreenPool::new(2);
        let make_one = || async { Explosive };
        pool.spawn_n(make_one()).await;
        make::spawn_n().await;
        completes({
            let green = pool.spawn(make_one()).await;
            || drop(green)
        });
        completes({
            let green = make::spawn().await;
            || drop(green)
        });
        let (green, made) = (pool.spawn(make_one()).await, make::spawn().await);
        until_idle().await;
        completes(|| drop(green));
        completes(|| drop(made));
        let map = pool.imap(move |()| make_one(), [()]);
        until_idle().await;
        completes(|| drop(map));
        pool.imap(move |()| make_one(), [()]).detach();
        let pile = GreenPile::on(&pool);
        pile.spawn(make_one()).await;
        until_idle().await;
        completes(|| drop(pile));
        let pile = pile![make()];
        until_idle().await;
        completes(|| drop(pile));
        for pool in [&pool, make::pool()] {
            pool.waitall().await;
            until_idle().await;
            let stats = pool.stats();
            assert_eq!(stats.finished + stats.panicked + stats.aborted, stats.spawned, "{pool:?}");
            assert_eq!((pool.running(), pool.free()), (0, 2), "{pool:?}");
        }
        assert_eq!(pool.spawn(ready(7)).await.await.unwrap(), 7);
    });
}

#[test]
fn a_job_whose_argument_panics_on_drop_counts_as_panicked() {
    #[green_pool(size = 1)]
    async fn ignore(_explosive: Explosive) {}

    paused(async {
        assert!(is_planned(ignore::spawn(Explosive).await.await.unwrap_err()));
        ignore::spawn_n(Explosive).await;
        until_idle().await;
        let Ok(tried) = ignore::try_spawn(Explosive) else { panic!("a slot is free") };
        assert!(is_planned(tried.await.unwrap_err()));
        let mut map = ignore::imap([Explosive]);
        assert!(is_planned(map.next().await.unwrap().unwrap_err()));
        assert!(map.next().await.is_none());
        assert!(is_planned(pile![ignore(Explosive)].try_join().await.unwrap_err()));
        ignore::pool().waitall().await;
        let stats = ignore::pool().stats();
        assert_eq!((stats.spawned, stats.finished, stats.panicked, stats.running), (5, 0, 5, 0));
    });
}

#[test]
fn a_queued_spawn_whose_argument_panics_on_drop_leaves_the_queue_quietly() {
    #[green_pool(size = 1)]
    async fn hold(gate: Gate, _explosive: Option<Explosive>) {
        gate.opened().await;
    }

    paused(async {
        let gate = Gate::new();
        hold::spawn_n(gate.clone(), None).await;
        let mut queued = Box::pin(hold::spawn(gate.clone(), Some(Explosive)));
        assert!(poll!(&mut queued).is_pending());
        assert!(completes(|| drop(queued)));
        assert_eq!(hold::pool().waiting(), 0);

        let pool = hold::pool();
        let mut queued = Box::pin(pool.spawn(panic_on_drop(ready(()))));
        assert!(poll!(&mut queued).is_pending());
        assert!(completes(|| drop(queued)));
        assert_eq!(pool.waiting(), 0);
        gate.open();
        pool.waitall().await;
        assert_eq!((pool.running(), pool.free()), (0, 1));
    });
}

#[test]
fn a_source_that_panics_on_drop_ends_the_map_with_that_panic() {
    struct Source(std::ops::Range<u32>, #[allow(dead_code, reason = "held only to be dropped")] Explosive);

    impl Iterator for Source {
        type Item = u32;

        fn next(&mut self) -> Option<u32> {
            self.0.next()
        }
    }

    paused(async {
        let pool = GreenPool::new(2);
        let source = || Source(0..3, Explosive);
        let maps = [
            pool.imap(ready, source()),
            pool.imap_unordered(ready, source()),
            pool.imap(|n, ()| ready(n), (source(), [(); 3])),
            pool.imap_stream(ready, futures::stream::iter(source())),
        ];
        for map in maps {
            let found: Vec<_> =
                map.map(|result| result.map_err(|error| assert!(is_planned(error))).ok()).collect().await;
            assert_eq!(found, [Some(0), Some(1), Some(2), None]);
        }
        pool.waitall().await;
        let stats = pool.stats();
        assert_eq!((stats.finished, stats.running), (12, 0));
        // If the map is dropped before its source ends, the drop of the map panics.
        let map = pool.imap(|_| pending::<()>(), source());
        until_idle().await;
        assert!(!completes(|| drop(map)));
        pool.waitall().await;
        assert_eq!(pool.free(), 2);
    });
}
