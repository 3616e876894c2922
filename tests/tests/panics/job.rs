//! Panics in jobs.

use futures::{FutureExt, StreamExt};
use greenpool::GreenPool;
use greenpool_tests::{Gate, paused, threads, until_idle};
use tokio::task::yield_now;

use crate::route::{Job, Route, SIZE, is_planned, planned, routes, stats_since};

fn succeeds(n: u32) -> Job {
    async move { n }.boxed()
}

fn panics_at_once() -> Job {
    async { planned() }.boxed()
}

fn panics_later() -> Job {
    async {
        yield_now().await;
        planned()
    }
    .boxed()
}

/// Checks that the route's pool is idle and still works.
async fn assert_usable(route: Route, pool: &GreenPool) {
    assert_eq!((pool.running(), pool.waiting(), pool.free()), (0, 0, SIZE as isize), "{}", route.name);
    let outcomes = route.run(pool, vec![succeeds(1), succeeds(2), succeeds(3)]).await;
    let mut values: Vec<u32> = outcomes.into_iter().map(Result::unwrap).collect();
    values.sort_unstable();
    assert_eq!(values, if route.returns_results() { vec![1, 2, 3] } else { vec![] }, "{}", route.name);
}

async fn one_of_three_panics(route: Route, panics: fn() -> Job) {
    let pool = route.pool();
    let before = pool.stats();
    let outcomes = route.run(&pool, vec![succeeds(1), panics(), succeeds(3)]).await;
    assert_eq!(stats_since(&pool, before), (3, 2, 1, 0), "{}", route.name);
    let (values, errors): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    let mut values: Vec<u32> = values.into_iter().map(Result::unwrap).collect();
    values.sort_unstable();
    if route.returns_results() {
        assert_eq!((values, errors.len()), (vec![1, 3], 1), "{}", route.name);
    }
    for error in errors {
        assert!(is_planned(error.unwrap_err()), "{}", route.name);
    }
    assert_usable(route, &pool).await;
}

#[test]
fn a_panic_in_the_first_poll_affects_only_that_job() {
    let (_lock, routes) = routes();
    paused(async move {
        for route in routes {
            one_of_three_panics(route, panics_at_once).await;
        }
    });
}

#[test]
fn a_panic_in_a_later_poll_affects_only_that_job() {
    let (_lock, routes) = routes();
    paused(async move {
        for route in routes {
            one_of_three_panics(route, panics_later).await;
        }
    });
}

#[test]
fn more_panics_than_slots_on_two_threads_lose_no_slot() {
    let (_lock, routes) = routes();
    threads(2, async move {
        for route in routes {
            let pool = route.pool();
            let before = pool.stats();
            let jobs = (0..99).map(|n| if n % 2 == 0 { panics_at_once() } else { panics_later() });
            let outcomes = route.run(&pool, jobs.collect()).await;
            assert_eq!(stats_since(&pool, before), (99, 0, 99, 0), "{}", route.name);
            assert_eq!(outcomes.len(), if route.returns_results() { 99 } else { 0 }, "{}", route.name);
            assert!(outcomes.into_iter().all(|outcome| is_planned(outcome.unwrap_err())), "{}", route.name);
            assert_usable(route, &pool).await;
        }
    });
}

#[test]
fn concurrent_jobs_continue_after_one_panics() {
    let (_lock, routes) = routes();
    // Only routes that submit all their jobs before they await any.
    let routes = routes.into_iter().filter(|route| !route.name.ends_with("try_spawn"));
    paused(async move {
        for route in routes {
            let (pool, gate) = (route.pool(), Gate::new());
            let before = pool.stats();
            let beside = gate.clone().opened().map(|()| 1).boxed();
            let (run, inside) = (route, pool.clone());
            let outcomes =
                tokio::spawn(async move { run.run(&inside, vec![beside, panics_later(), succeeds(3)]).await });
            until_idle().await;
            assert_eq!((pool.running(), stats_since(&pool, before).2), (1, 1), "{}", route.name);
            gate.open();
            let succeeded = outcomes.await.unwrap().into_iter().flatten().count();
            assert_eq!(succeeded, if route.returns_results() { 2 } else { 0 }, "{}", route.name);
            assert_usable(route, &pool).await;
        }
    });
}

#[test]
fn a_child_that_panics_in_its_parents_slot_returns_it() {
    paused(async {
        let pool = GreenPool::new(1);
        let inside = pool.clone();
        let parent = pool.spawn(async move {
            let at_once = inside.spawn(panics_at_once()).await.await;
            let later = inside.spawn(panics_later()).await.await;
            inside.spawn_n(panics_later()).await;
            let mut map = inside.imap(|()| panics_at_once(), [(), ()]);
            let mapped: Vec<_> = map.by_ref().collect().await;
            [at_once, later].into_iter().chain(mapped).map(|result| is_planned(result.unwrap_err())).collect::<Vec<_>>()
        });
        assert_eq!(parent.await.await.unwrap(), [true; 4]);
        let stats = pool.stats();
        assert_eq!((stats.spawned, stats.finished, stats.panicked, stats.aborted), (6, 1, 5, 0));
        assert_eq!(pool.free(), 1);
    });
}

#[test]
fn a_parent_that_panics_with_a_pending_child_loses_no_slot() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        let (inside, open) = (pool.clone(), gate.clone());
        let parent = pool.spawn(async move {
            let mut child = Box::pin(inside.spawn(open.opened()));
            assert!(futures::poll!(&mut child).is_pending());
            // The child gets the slot, and the parent goes on when it has it back.
            yield_now().await;
            assert_eq!(inside.stats().finished, 1);
            planned()
        });
        let parent = parent.await;
        until_idle().await;
        assert!(!parent.is_finished(), "a job is not polled without a slot");
        gate.open();
        let parent: Result<(), _> = parent.await;
        assert!(is_planned(parent.unwrap_err()));
        pool.waitall().await;
        let stats = pool.stats();
        assert_eq!((stats.running, stats.panicked, stats.finished), (0, 1, 1));
        assert_eq!(pool.spawn(async { 7 }).await.await.unwrap(), 7);
    });
}

#[test]
fn a_panic_payload_that_is_not_a_string_is_kept() {
    paused(async {
        let pool = GreenPool::new(1);
        let green = pool.spawn(async { std::panic::resume_unwind(Box::new(42_u64)) }).await;
        let error: greenpool::JoinError = Result::<(), _>::unwrap_err(green.await);
        assert_eq!(error.to_string(), "the job panicked");
        assert_eq!(error.into_panic().downcast_ref::<u64>(), Some(&42));
    });
}

#[test]
fn try_join_returns_the_panic_and_aborts_the_other_jobs() {
    paused(async {
        let (pool, gate) = (GreenPool::new(3), Gate::new());
        let joined = greenpool::pile![in pool; gate.clone().opened(), panics_later(), gate.clone().opened()].try_join();
        assert!(is_planned(joined.await.unwrap_err()));
        let stats = pool.stats();
        assert_eq!((stats.running, stats.panicked, stats.aborted), (0, 1, 2));
    });
}
