//! `GreenPool::track` and `jobs`: the list of running jobs.

use std::future::pending;
use std::time::Duration;

use greenpool::{GreenPool, JobInfo, green_pool, lend};
use greenpool_tests::{Gate, paused, threads, until_idle, with_deadline};
use tokio::time::sleep;

#[green_pool(size = 2)]
async fn declared(gate: Gate) {
    gate.opened().await;
}

fn tracked(size: usize) -> GreenPool {
    let pool = GreenPool::new(size);
    pool.track(true);
    pool
}

fn numbers(pool: &GreenPool) -> Vec<u64> {
    pool.jobs().iter().map(|job| job.number).collect()
}

/// Whether the job is polled, waits, lends.
fn state(job: JobInfo) -> (bool, bool, bool) {
    (job.polled, job.waits, job.lends)
}

#[test]
fn jobs_are_listed_with_their_age_oldest_first() {
    paused(async {
        let pool = tracked(3);
        for seconds in [100, 10, 1] {
            pool.spawn_n(sleep(Duration::from_secs(seconds))).await;
            sleep(Duration::from_secs(2)).await;
        }
        // The last job has completed.
        let ages: Vec<_> = pool.jobs().iter().map(|job| (job.number, job.age.as_secs())).collect();
        assert_eq!(ages, [(0, 6), (1, 4)]);
        pool.waitall().await;
        assert_eq!(pool.jobs(), []);
    });
}

#[test]
fn only_jobs_started_while_tracking_is_on_are_listed() {
    paused(async {
        let (pool, gate) = (GreenPool::new(3), Gate::new());
        pool.spawn_n(gate.clone().opened()).await;
        until_idle().await;
        assert_eq!(pool.jobs(), []);
        pool.track(true);
        pool.spawn_n(gate.clone().opened()).await;
        until_idle().await;
        pool.track(false);
        pool.spawn_n(gate.clone().opened()).await;
        until_idle().await;
        assert_eq!(numbers(&pool), [0]);
        gate.open();
        pool.waitall().await;
        assert_eq!(pool.jobs(), []);
    });
}

#[test]
fn jobs_of_every_verb_are_listed() {
    paused(async {
        let (pool, gate) = (tracked(8), Gate::new());
        let opened = || gate.clone().opened();
        let spawned = pool.spawn(opened()).await;
        pool.spawn_n(opened()).await;
        let tried = pool.try_spawn(opened()).unwrap();
        let job = gate.clone();
        let map = pool.imap(move |()| job.clone().opened(), [(); 2]);
        let pile = greenpool::pile![in pool; opened(), opened()];
        until_idle().await;
        assert_eq!(numbers(&pool).len(), 7);
        gate.open();
        spawned.await.unwrap();
        tried.await.unwrap();
        map.detach();
        pile.detach();
        pool.waitall().await;
        assert_eq!(pool.jobs(), []);
    });
}

#[test]
fn jobs_of_a_declared_function_are_listed_separately_although_they_share_tasks() {
    paused(async {
        let pool = declared::pool();
        pool.track(true);
        let gate = Gate::new();
        let one = declared::spawn(gate.clone()).await;
        until_idle().await;
        assert_eq!(numbers(pool), [0]);
        gate.open();
        one.await.unwrap();
        assert_eq!(pool.jobs(), []);
        let gates = [gate.clone(), gate.clone(), Gate::new()];
        let mut map = declared::imap_unordered(gates);
        for _ in 0..2 {
            map.next().await.unwrap().unwrap();
        }
        until_idle().await;
        assert_eq!(numbers(pool), [3]);
        drop(map);
        pool.waitall().await;
        assert_eq!(pool.jobs(), []);
    });
}

#[test]
fn the_list_shows_which_jobs_wait_and_which_have_lent_their_slots() {
    paused(async {
        let (pool, gate) = (tracked(1), Gate::new());
        let (inner, opened) = (pool.clone(), gate.clone().opened());
        let parent = pool.spawn(async move { inner.spawn(opened).await.await.unwrap() }).await;
        until_idle().await;
        let state: Vec<_> = pool.jobs().into_iter().map(state).collect();
        // The child waits for the gate, which does not belong to greenpool.
        assert_eq!(state, [(false, true, true), (false, false, false)]);
        gate.open();
        parent.await.unwrap();
        assert_eq!(pool.jobs(), []);
    });
}

#[test]
fn a_job_that_has_released_its_slot_is_listed() {
    paused(async {
        let (pool, gate) = (tracked(1), Gate::new());
        pool.spawn_n(lend(gate.clone().opened())).await;
        until_idle().await;
        assert_eq!(pool.running(), 0);
        assert_eq!(pool.jobs().into_iter().map(state).collect::<Vec<_>>(), [(false, false, true)]);
        gate.open();
        pool.waitall().await;
        assert_eq!(pool.jobs(), []);
    });
}

#[test]
fn a_job_that_is_being_polled_is_listed_as_polled() {
    paused(async {
        let pool = tracked(1);
        let inner = pool.clone();
        let seen = pool.spawn(async move { inner.jobs() }).await.await.unwrap();
        assert_eq!(seen.into_iter().map(state).collect::<Vec<_>>(), [(true, false, false)]);
    });
}

#[test]
fn aborted_and_panicked_jobs_leave_the_list() {
    paused(async {
        let pool = tracked(4);
        let aborted = pool.spawn(pending::<()>()).await;
        let panicked = pool.spawn(async { std::panic::resume_unwind(Box::new("planned")) }).await;
        pool.spawn_n(pending::<()>()).await;
        until_idle().await;
        assert_eq!(numbers(&pool), [0, 2]);
        aborted.abort();
        assert!(aborted.await.unwrap_err().is_cancelled());
        let panicked: Result<(), _> = panicked.await;
        assert!(panicked.unwrap_err().is_panic());
        assert_eq!(numbers(&pool), [2]);
        pool.abort_all().await;
        assert_eq!(pool.jobs(), []);
    });
}

#[test]
fn jobs_dropped_with_their_runtime_leave_the_list() {
    with_deadline(|| {
        let pool = tracked(2);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            pool.spawn_n(pending::<()>()).await;
            pool.spawn(pending::<()>()).await.abort_handle();
            tokio::task::yield_now().await;
        });
        assert_eq!(numbers(&pool), [0, 1]);
        drop(runtime);
        assert_eq!(pool.jobs(), []);
    });
}

#[test]
fn the_list_is_never_longer_than_the_pool_size() {
    threads(2, async {
        let pool = tracked(4);
        let reader = pool.clone();
        let read = tokio::spawn(async move {
            while reader.stats().spawned < 2000 {
                assert!(reader.jobs().len() <= 4);
                tokio::task::yield_now().await;
            }
        });
        let mut map = pool.imap(|n| async move { n }, 0..1000);
        while map.next().await.is_some() {}
        for _ in 0..1000 {
            pool.spawn_n(async {}).await;
        }
        pool.waitall().await;
        read.await.unwrap();
        assert_eq!(pool.jobs(), []);
    });
}
