//! `GreenThread`, `AbortHandle` and `JoinError`.

use std::future::pending;
use std::panic::resume_unwind;

use futures::poll;
use greenpool::GreenPool;
use greenpool_tests::{Gate, Gauge, at_rest, paused};

/// A job that panics, past the hook that would print it.
#[expect(clippy::unused_async, reason = "it is a job")]
async fn panics<P: Send + 'static>(payload: P) {
    resume_unwind(Box::new(payload));
}

#[test]
fn a_green_thread_gives_the_jobs_own_output() {
    paused(async {
        let pool = GreenPool::new(2);
        assert_eq!(pool.spawn(async { "done" }).await.await.unwrap(), "done");
        let failed = pool.spawn(async { Err::<(), _>("its own error") }).await;
        assert_eq!(failed.await.unwrap(), Err("its own error"));
    });
}

#[test]
fn a_result_waits_until_it_is_asked_for() {
    paused(async {
        let pool = GreenPool::new(1);
        let green = pool.spawn(async { 5 }).await;
        assert!(!green.is_finished());
        at_rest().await;
        assert!(green.is_finished());
        assert_eq!(pool.running(), 0, "a result holds no slot");
        assert_eq!(green.await.unwrap(), 5);
    });
}

#[test]
fn the_slot_is_free_when_the_result_is_there() {
    paused(async {
        let pool = GreenPool::new(1);
        for _ in 0..100 {
            pool.spawn(async {}).await.await.unwrap();
            assert_eq!(pool.free(), 1);
        }
    });
}

#[test]
fn a_panic_reaches_who_awaits_the_job() {
    paused(async {
        let pool = GreenPool::new(1);
        let error = pool.spawn(panics("boom")).await.await.expect_err("the job panicked");
        assert!(error.is_panic() && !error.is_cancelled() && !error.is_closed());
        assert_eq!(error.to_string(), "the job panicked: boom");
        assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "boom");
        assert_eq!(pool.free(), 1, "its slot is free again");
    });
}

#[test]
fn a_panic_in_spawn_n_takes_nothing_down() {
    paused(async {
        let pool = GreenPool::new(1);
        for _ in 0..10 {
            pool.spawn_n(panics("planned")).await;
        }
        pool.waitall().await;
        assert_eq!(pool.spawn(async { 1 }).await.await.unwrap(), 1);
    });
}

#[test]
fn a_payload_that_panics_when_it_is_dropped_takes_nothing_down() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            resume_unwind(Box::new("the payload panics too"));
        }
    }
    paused(async {
        let pool = GreenPool::new(1);
        let error = pool.spawn(panics(Bomb)).await.await.expect_err("the job panicked");
        std::mem::forget(error.into_panic());
        assert_eq!(pool.spawn(async { 1 }).await.await.unwrap(), 1);
    });
}

#[test]
fn abort_ends_a_running_job_and_frees_its_slot() {
    paused(async {
        let (pool, alive) = (GreenPool::new(1), Gauge::default());
        let inside = alive.enter();
        let green = pool
            .spawn(async move {
                let _inside = inside;
                pending::<()>().await;
            })
            .await;
        at_rest().await;
        green.abort();
        at_rest().await;
        assert!(green.is_finished());
        assert_eq!((alive.now(), pool.free()), (0, 1));
        let error = green.await.expect_err("aborted");
        assert!(error.is_cancelled() && !error.is_panic() && !error.is_closed());
        assert!(error.try_into_panic().is_err());
    });
}

#[test]
fn a_job_that_is_aborted_before_it_starts_never_runs() {
    paused(async {
        let (pool, ran) = (GreenPool::new(1), Gauge::default());
        let inside = ran.clone();
        let green = pool.spawn(async move { drop(inside.enter()) }).await;
        green.abort();
        assert!(green.await.expect_err("aborted").is_cancelled());
        assert_eq!((ran.total(), pool.free()), (0, 1));
    });
}

#[test]
fn a_slot_of_an_aborted_job_goes_to_the_first_waiter() {
    paused(async {
        let pool = GreenPool::new(1);
        let green = pool.spawn(pending::<()>()).await;
        let mut waiter = pool.spawn(async { 2 });
        assert!(poll!(&mut waiter).is_pending());
        green.abort();
        assert_eq!(waiter.await.await.unwrap(), 2);
    });
}

#[test]
fn abort_of_a_finished_job_leaves_its_result() {
    paused(async {
        let pool = GreenPool::new(1);
        let green = pool.spawn(async { 1 }).await;
        at_rest().await;
        green.abort();
        green.abort();
        at_rest().await;
        assert_eq!(green.await.unwrap(), 1);
    });
}

#[test]
fn an_abort_handle_ends_the_job_and_outlives_the_thread() {
    paused(async {
        let pool = GreenPool::new(1);
        let green = pool.spawn(pending::<()>()).await;
        let (handle, other) = (green.abort_handle(), green.abort_handle());
        assert_eq!(handle.id(), green.id());
        drop(green);
        at_rest().await;
        assert!(!handle.is_finished());
        handle.clone().abort();
        at_rest().await;
        assert!(handle.is_finished() && other.is_finished());
        assert_eq!(pool.running(), 0);
    });
}

#[test]
fn jobs_that_live_at_once_have_different_ids_and_errors_say_which() {
    paused(async {
        let pool = GreenPool::new(2);
        let (a, b) = (pool.spawn(pending::<()>()).await, pool.spawn(pending::<()>()).await);
        assert_ne!(a.id(), b.id());
        let id = a.id();
        a.abort();
        assert_eq!(a.await.expect_err("aborted").id(), Some(id));
    });
}

#[test]
fn a_green_thread_that_is_polled_in_a_select_loses_nothing() {
    paused(async {
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        let open = gate.clone();
        let mut green = pool
            .spawn(async move {
                open.passed().await;
                9
            })
            .await;
        tokio::select! {
            biased;
            _ = &mut green => unreachable!("the gate is closed"),
            () = std::future::ready(()) => {}
        }
        gate.open();
        assert_eq!(green.await.unwrap(), 9);
    });
}

#[test]
fn a_join_error_is_an_error_that_can_be_sent() {
    fn check<E: std::error::Error + Send + Sync + 'static>() {}
    check::<greenpool::JoinError>();
    check::<greenpool::TrySpawnError<Gate>>();
}
