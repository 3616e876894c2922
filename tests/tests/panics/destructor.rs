//! Panics in destructors: of a job's future, of its result, of its argument, of a source.
#![expect(clippy::unused_async, reason = "they are jobs")]

use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{FutureExt, StreamExt, poll};
use greenpool::{GreenPile, GreenPool, green_pool, pile};
use greenpool_tests::{Gate, at_rest, paused};

use crate::way::{Explosive, Job, SIZE, is_planned, since, ways};

/// A future whose destructor panics, also if it has come to its end.
struct Sticky<F> {
    inner: F,
    _explosive: Explosive,
}

impl<F: Future + Unpin> Future for Sticky<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.inner.poll_unpin(cx)
    }
}

fn sticky<F: Future>(inner: F) -> Sticky<F> {
    Sticky { inner, _explosive: Explosive }
}

/// Does something in which a destructor may panic.
fn survive<T>(deed: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(deed)).is_ok()
}

#[test]
fn a_future_whose_destructor_panics_is_a_job_that_panicked_whatever_the_way() {
    let (_turn, ways) = ways();
    paused(async move {
        for way in ways {
            let pool = way.pool();
            let before = pool.stats();
            let jobs: [Job; 3] = [ready(1).boxed(), sticky(ready(2)).boxed(), ready(3).boxed()];
            let outcomes = way.run(&pool, jobs.into()).await;
            assert_eq!(since(&pool, before), (3, 2, 1, 0), "{}", way.name);
            let errors = outcomes.into_iter().filter_map(Result::err);
            assert_eq!(errors.map(is_planned).collect::<Vec<_>>(), if way.tells() { vec![true] } else { vec![] });
            assert_eq!((pool.running(), pool.free()), (0, SIZE as isize), "{}", way.name);
        }
    });
}

#[test]
fn a_future_whose_destructor_panics_when_it_is_aborted_gives_its_slot_back() {
    #[green_pool(size = 1)]
    async fn hang(explosive: Option<Explosive>) {
        pending::<()>().await;
        drop(explosive);
    }

    paused(async {
        let pool = GreenPool::new(1);
        for polled in [true, false] {
            let green = pool.spawn(sticky(pending::<()>())).await;
            if polled {
                at_rest().await;
            }
            green.abort();
            assert!(is_planned(green.await.unwrap_err()));
            assert_eq!(pool.free(), 1);

            let green = hang::spawn(Some(Explosive)).await;
            if polled {
                at_rest().await;
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
fn destructors_that_panic_in_abort_all_spare_the_others() {
    paused(async {
        let pool = GreenPool::new(4);
        let first = pool.spawn(pending::<()>()).await;
        pool.spawn_n(sticky(pending::<()>())).await;
        let last = pool.spawn(pending::<()>()).await;
        let mut map = pool.imap(|()| sticky(pending::<()>()), [()]);
        at_rest().await;
        assert_eq!(pool.abort_all().await, 4);
        assert_eq!(pool.free(), 4);
        assert!(first.await.unwrap_err().is_cancelled() && last.await.unwrap_err().is_cancelled());
        assert!(map.next().await.unwrap().is_err());
        let stats = pool.stats();
        assert_eq!((stats.spawned, stats.finished, stats.panicked + stats.aborted), (4, 0, 4));
    });
}

#[test]
fn destructors_that_panic_in_a_map_or_pile_that_is_dropped_lose_no_slot() {
    paused(async {
        let pool = GreenPool::new(2);
        let hang = || sticky(pending::<()>());
        let map = pool.imap(move |()| hang(), [(), ()]);
        at_rest().await;
        survive(|| drop(map));
        pool.waitall().await;
        assert_eq!(pool.free(), 2, "a map");

        let map = pool.imap_stream(move |()| hang(), futures::stream::repeat(()));
        at_rest().await;
        survive(|| drop(map));
        pool.waitall().await;
        assert_eq!(pool.free(), 2, "a map over an async source");

        let pile = GreenPile::on(&pool);
        pile.spawn(hang()).await;
        pile.spawn(hang()).await;
        at_rest().await;
        survive(|| drop(pile));
        pool.waitall().await;
        assert_eq!(pool.free(), 2, "a pile");

        let pile = pile![in pool; hang(), hang()];
        at_rest().await;
        survive(|| drop(pile));
        pool.waitall().await;
        assert_eq!(pool.free(), 2, "a `pile!`");
        assert_eq!(pool.spawn(ready(7)).await.await.unwrap(), 7);
    });
}

#[test]
fn a_result_that_nobody_takes_and_whose_destructor_panics_loses_no_slot() {
    #[green_pool(size = 2)]
    async fn make() -> Explosive {
        Explosive
    }

    paused(async {
        let pool = GreenPool::new(2);
        let make_one = || async { Explosive };
        pool.spawn_n(make_one()).await;
        make::spawn_n().await;
        survive({
            let green = pool.spawn(make_one()).await;
            || drop(green)
        });
        survive({
            let green = make::spawn().await;
            || drop(green)
        });
        let (green, made) = (pool.spawn(make_one()).await, make::spawn().await);
        at_rest().await;
        survive(|| drop(green));
        survive(|| drop(made));
        let map = pool.imap(move |()| make_one(), [()]);
        at_rest().await;
        survive(|| drop(map));
        pool.imap(move |()| make_one(), [()]).detach();
        let pile = GreenPile::on(&pool);
        pile.spawn(make_one()).await;
        at_rest().await;
        survive(|| drop(pile));
        let pile = pile![make()];
        at_rest().await;
        survive(|| drop(pile));
        for pool in [&pool, make::pool()] {
            pool.waitall().await;
            at_rest().await;
            let stats = pool.stats();
            assert_eq!(stats.finished + stats.panicked + stats.aborted, stats.spawned, "{pool:?}");
            assert_eq!((pool.running(), pool.free()), (0, 2), "{pool:?}");
        }
        assert_eq!(pool.spawn(ready(7)).await.await.unwrap(), 7);
    });
}

#[test]
fn an_argument_whose_destructor_panics_is_a_job_that_panicked() {
    #[green_pool(size = 1)]
    async fn ignore(_explosive: Explosive) {}

    paused(async {
        assert!(is_planned(ignore::spawn(Explosive).await.await.unwrap_err()));
        ignore::spawn_n(Explosive).await;
        at_rest().await;
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
fn an_argument_whose_destructor_panics_leaves_the_queue_with_its_spawn() {
    #[green_pool(size = 1)]
    async fn hold(gate: Gate, _explosive: Option<Explosive>) {
        gate.passed().await;
    }

    paused(async {
        let gate = Gate::new();
        hold::spawn_n(gate.clone(), None).await;
        let mut queued = Box::pin(hold::spawn(gate.clone(), Some(Explosive)));
        assert!(poll!(&mut queued).is_pending());
        assert!(!survive(|| drop(queued)));
        assert_eq!(hold::pool().waiting(), 0);

        let pool = hold::pool();
        let mut queued = Box::pin(pool.spawn(sticky(ready(()))));
        assert!(poll!(&mut queued).is_pending());
        assert!(!survive(|| drop(queued)));
        assert_eq!(pool.waiting(), 0);
        gate.open();
        pool.waitall().await;
        assert_eq!((pool.running(), pool.free()), (0, 1));
    });
}

#[test]
fn a_source_whose_destructor_panics_at_its_end_ends_the_map_with_that_panic() {
    struct Source(std::ops::Range<u32>, #[allow(dead_code, reason = "it is there to be dropped")] Explosive);

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
        // Where the map is dropped before the source is at its end, the panic is that of whoever drops it.
        let map = pool.imap(|_| pending::<()>(), source());
        at_rest().await;
        assert!(!survive(|| drop(map)));
        pool.waitall().await;
        assert_eq!(pool.free(), 2);
    });
}
