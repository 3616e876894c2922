//! `close`, `shutdown` and `abort_all`.

use std::future::pending;
use std::time::Duration;

use futures::poll;
use greenpool::GreenPool;
use greenpool_tests::{Gate, Gauge, at_rest, paused};

/// A job that is inside the gauge as long as its future exists.
fn hanging(gauge: &Gauge) -> impl Future<Output = ()> + Send + use<> {
    let inside = gauge.enter();
    async move {
        let _inside = inside;
        pending::<()>().await;
    }
}

#[test]
fn a_closed_pool_takes_no_new_job() {
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
        at_rest().await;
        assert_eq!(ran.total(), 0);
        refused.into_inner().await;
        assert_eq!(ran.total(), 1, "`try_spawn` gives the future back");
    });
}

#[test]
fn spawners_that_were_queued_before_close_keep_their_turn() {
    paused(async {
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        let first = pool.spawn(gate.clone().passed()).await;
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
fn a_map_on_a_pool_that_closes_gives_what_has_begun_and_ends() {
    paused(async {
        let pool = GreenPool::new(2);
        let gate = Gate::new();
        let open = gate.clone();
        let job = move |n: usize| {
            let open = open.clone();
            async move {
                open.passed().await;
                n
            }
        };
        let mut map = pool.imap(job, 0..);
        at_rest().await;
        pool.close();
        gate.open();
        assert_eq!(map.next().await.expect("the first has begun").unwrap(), 0);
        assert_eq!(map.next().await.expect("the second has begun").unwrap(), 1);
        while let Some(result) = map.next().await {
            assert!(result.expect_err("nothing begins in a closed pool").is_closed());
        }
    });
}

#[test]
fn shutdown_waits_for_jobs_within_the_grace() {
    paused(async {
        let pool = GreenPool::new(3);
        let gate = Gate::new();
        pool.spawn_n(gate.clone().passed()).await;
        pool.spawn_n(gate.clone().passed()).await;
        let down = tokio::spawn(pool.shutdown(Duration::from_secs(30)));
        at_rest().await;
        assert!(pool.is_closed() && !down.is_finished());
        gate.open();
        let report = down.await.unwrap();
        assert_eq!((report.finished, report.aborted), (2, 0));
        assert_eq!((pool.running(), pool.free()), (0, 3));
    });
}

#[test]
fn shutdown_aborts_what_is_left_after_the_grace() {
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
fn shutdown_ends_with_a_queue_that_never_gets_a_turn() {
    paused(async {
        let (pool, alive) = (GreenPool::new(1), Gauge::default());
        pool.spawn_n(hanging(&alive)).await;
        let queued = tokio::spawn({
            let job = hanging(&alive);
            let pool = pool.clone();
            async move { pool.spawn(job).await.await }
        });
        at_rest().await;
        assert_eq!(pool.waiting(), 1);
        let _ = pool.shutdown(Duration::from_secs(1)).await;
        let error = queued.await.unwrap().expect_err("the pool went down");
        assert!(error.is_cancelled());
        assert_eq!((alive.now(), pool.running(), pool.waiting()), (0, 0, 0));
    });
}

#[test]
fn abort_all_ends_every_job_and_says_how_many() {
    paused(async {
        let (pool, alive) = (GreenPool::new(5), Gauge::default());
        let green = pool.spawn(hanging(&alive)).await;
        pool.spawn_n(hanging(&alive)).await;
        let inside = alive.clone();
        let mut map = pool.imap(move |_| hanging(&inside), 0..2);
        at_rest().await;
        assert_eq!(alive.now(), 4);
        assert_eq!(pool.abort_all().await, 4);
        assert_eq!((alive.now(), pool.running()), (0, 0), "they are gone when it returns");
        assert!(green.await.expect_err("aborted").is_cancelled());
        assert!(map.next().await.expect("an item").expect_err("aborted").is_cancelled());
    });
}

#[test]
fn abort_all_acts_also_if_it_is_not_awaited() {
    paused(async {
        let (pool, alive) = (GreenPool::new(2), Gauge::default());
        pool.spawn_n(hanging(&alive)).await;
        at_rest().await;
        drop(pool.abort_all());
        at_rest().await;
        assert_eq!((alive.now(), pool.running()), (0, 0));
    });
}

#[test]
fn a_pool_goes_on_after_abort_all_and_its_queue_moves_up() {
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
