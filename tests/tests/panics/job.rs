//! Panics in jobs.

use futures::{FutureExt, StreamExt};
use greenpool::GreenPool;
use greenpool_tests::{Gate, at_rest, paused, threads};
use tokio::task::yield_now;

use crate::way::{Job, SIZE, Way, is_planned, planned, since, ways};

fn fine(n: u32) -> Job {
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

/// The pool of that way is as good as new.
async fn works_on(way: Way, pool: &GreenPool) {
    assert_eq!((pool.running(), pool.waiting(), pool.free()), (0, 0, SIZE as isize), "{}", way.name);
    let outcomes = way.run(pool, vec![fine(1), fine(2), fine(3)]).await;
    let mut values: Vec<u32> = outcomes.into_iter().map(Result::unwrap).collect();
    values.sort_unstable();
    assert_eq!(values, if way.tells() { vec![1, 2, 3] } else { vec![] }, "{}", way.name);
}

async fn one_of_three_panics(way: Way, panics: fn() -> Job) {
    let pool = way.pool();
    let before = pool.stats();
    let outcomes = way.run(&pool, vec![fine(1), panics(), fine(3)]).await;
    assert_eq!(since(&pool, before), (3, 2, 1, 0), "{}", way.name);
    let (values, errors): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    let mut values: Vec<u32> = values.into_iter().map(Result::unwrap).collect();
    values.sort_unstable();
    if way.tells() {
        assert_eq!((values, errors.len()), (vec![1, 3], 1), "{}", way.name);
    }
    for error in errors {
        assert!(is_planned(error.unwrap_err()), "{}", way.name);
    }
    works_on(way, &pool).await;
}

#[test]
fn a_panic_at_the_first_poll_is_that_jobs_own_whatever_the_way() {
    let (_turn, ways) = ways();
    paused(async move {
        for way in ways {
            one_of_three_panics(way, panics_at_once).await;
        }
    });
}

#[test]
fn a_panic_at_a_later_poll_is_that_jobs_own_whatever_the_way() {
    let (_turn, ways) = ways();
    paused(async move {
        for way in ways {
            one_of_three_panics(way, panics_later).await;
        }
    });
}

#[test]
fn more_panics_than_slots_on_two_threads_lose_no_slot_whatever_the_way() {
    let (_turn, ways) = ways();
    threads(2, async move {
        for way in ways {
            let pool = way.pool();
            let before = pool.stats();
            let jobs = (0..99).map(|n| if n % 2 == 0 { panics_at_once() } else { panics_later() });
            let outcomes = way.run(&pool, jobs.collect()).await;
            assert_eq!(since(&pool, before), (99, 0, 99, 0), "{}", way.name);
            assert_eq!(outcomes.len(), if way.tells() { 99 } else { 0 }, "{}", way.name);
            assert!(outcomes.into_iter().all(|outcome| is_planned(outcome.unwrap_err())), "{}", way.name);
            works_on(way, &pool).await;
        }
    });
}

#[test]
fn the_jobs_beside_one_that_panics_run_on_whatever_the_way() {
    let (_turn, ways) = ways();
    // Those that put all their jobs into the pool before they wait for any.
    let ways = ways.into_iter().filter(|way| !way.name.ends_with("try_spawn"));
    paused(async move {
        for way in ways {
            let (pool, gate) = (way.pool(), Gate::new());
            let before = pool.stats();
            let beside = gate.clone().passed().map(|()| 1).boxed();
            let (run, inside) = (way, pool.clone());
            let outcomes = tokio::spawn(async move { run.run(&inside, vec![beside, panics_later(), fine(3)]).await });
            at_rest().await;
            assert_eq!((pool.running(), since(&pool, before).2), (1, 1), "{}", way.name);
            gate.open();
            let fine = outcomes.await.unwrap().into_iter().flatten().count();
            assert_eq!(fine, if way.tells() { 2 } else { 0 }, "{}", way.name);
            works_on(way, &pool).await;
        }
    });
}

#[test]
fn a_child_that_panics_in_its_parents_slot_gives_it_back() {
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
fn a_parent_that_panics_while_its_slot_is_lent_loses_no_slot() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        let (inside, open) = (pool.clone(), gate.clone());
        let parent = pool.spawn(async move {
            // The child has the slot when the parent panics.
            let mut child = Box::pin(inside.spawn(open.passed()));
            assert!(futures::poll!(&mut child).is_pending());
            yield_now().await;
            assert_eq!(inside.running(), 1);
            planned()
        });
        let parent: Result<(), _> = parent.await.await;
        assert!(is_planned(parent.unwrap_err()));
        pool.waitall().await;
        let stats = pool.stats();
        assert_eq!((stats.running, stats.panicked, stats.finished + stats.aborted), (0, 1, 1));
        gate.open();
        assert_eq!(pool.spawn(async { 7 }).await.await.unwrap(), 7);
    });
}

#[test]
fn a_panic_that_is_no_text_comes_through_as_it_is() {
    paused(async {
        let pool = GreenPool::new(1);
        let green = pool.spawn(async { std::panic::resume_unwind(Box::new(42_u64)) }).await;
        let error: greenpool::JoinError = Result::<(), _>::unwrap_err(green.await);
        assert_eq!(error.to_string(), "the job panicked");
        assert_eq!(error.into_panic().downcast_ref::<u64>(), Some(&42));
    });
}

#[test]
fn try_join_gives_the_panic_and_aborts_the_others() {
    paused(async {
        let (pool, gate) = (GreenPool::new(3), Gate::new());
        let joined = greenpool::pile![in pool; gate.clone().passed(), panics_later(), gate.clone().passed()].try_join();
        assert!(is_planned(joined.await.unwrap_err()));
        let stats = pool.stats();
        assert_eq!((stats.running, stats.panicked, stats.aborted), (0, 1, 2));
    });
}
