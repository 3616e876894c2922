//! `GreenThread`, `AbortHandle` and `JoinError`.

use std::future::pending;
use std::panic::resume_unwind;

use futures::{TryFutureExt, poll};
use greenpool::GreenPool;
use greenpool_tests::{Gate, Gauge, paused, until_idle};

/// A job that panics without running the panic hook, so that nothing is printed.
#[expect(clippy::unused_async, reason = "it is a job")]
async fn panics<P: Send + 'static>(payload: P) {
    resume_unwind(Box::new(payload));
}

#[test]
fn a_green_thread_returns_the_output_of_its_job() {
    paused(async {
        let pool = GreenPool::new(2);
        assert_eq!(pool.spawn(async { "done" }).await.await.unwrap(), "done");
        let failed = pool.spawn(async { Err::<(), _>("its own error") }).await;
        assert_eq!(failed.await.unwrap(), Err("its own error"));
    });
}

#[test]
fn the_combinators_of_other_crates_work_on_a_handle() {
    paused(async {
        let pool = GreenPool::new(1);
        let failed = pool.spawn(panics("boom")).await.map_err(|error| error.is_panic()).await;
        assert_eq!(failed, Err(true));
        assert_eq!(pool.spawn(async { 5 }).await.unwrap_or_else(|_| 0).await, 5);
    });
}

#[test]
fn a_result_is_kept_until_it_is_awaited() {
    paused(async {
        let pool = GreenPool::new(1);
        let green = pool.spawn(async { 5 }).await;
        assert!(!green.is_finished());
        until_idle().await;
        assert!(green.is_finished());
        assert_eq!(pool.running(), 0, "a result holds no slot");
        assert_eq!(green.await.unwrap(), 5);
    });
}

#[test]
fn the_slot_is_free_once_the_result_is_ready() {
    paused(async {
        let pool = GreenPool::new(1);
        for _ in 0..100 {
            pool.spawn(async {}).await.await.unwrap();
            assert_eq!(pool.free(), 1);
        }
    });
}

#[test]
fn a_panic_reaches_the_task_that_awaits_the_job() {
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
fn a_panic_in_a_spawn_n_job_does_not_affect_the_pool() {
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
fn a_payload_that_panics_on_drop_does_not_affect_the_pool() {
    struct PanicOnDrop;
    impl Drop for PanicOnDrop {
        fn drop(&mut self) {
            resume_unwind(Box::new("the payload panics too"));
        }
    }
    paused(async {
        let pool = GreenPool::new(1);
        let error = pool.spawn(panics(PanicOnDrop)).await.await.expect_err("the job panicked");
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
        until_idle().await;
        green.abort();
        until_idle().await;
        assert!(green.is_finished());
        assert_eq!((alive.now(), pool.free()), (0, 1));
        let error = green.await.expect_err("aborted");
        assert!(error.is_cancelled() && !error.is_panic() && !error.is_closed());
        assert!(error.try_into_panic().is_err());
    });
}

#[test]
fn a_job_aborted_before_it_starts_never_runs() {
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
fn the_slot_of_an_aborted_job_goes_to_the_first_waiter() {
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
fn aborting_a_finished_job_keeps_its_result() {
    paused(async {
        let pool = GreenPool::new(1);
        let green = pool.spawn(async { 1 }).await;
        until_idle().await;
        green.abort();
        green.abort();
        until_idle().await;
        assert_eq!(green.await.unwrap(), 1);
    });
}

#[test]
fn an_abort_handle_outlives_the_green_thread_and_aborts_the_job() {
    paused(async {
        let pool = GreenPool::new(1);
        let green = pool.spawn(pending::<()>()).await;
        let (handle, other) = (green.abort_handle(), green.abort_handle());
        assert_eq!(handle.id(), green.id());
        drop(green);
        until_idle().await;
        assert!(!handle.is_finished());
        handle.clone().abort();
        until_idle().await;
        assert!(handle.is_finished() && other.is_finished());
        assert_eq!(pool.running(), 0);
    });
}

#[test]
fn concurrent_jobs_have_different_ids_and_errors_name_them() {
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
fn a_green_thread_polled_in_a_select_loses_nothing() {
    paused(async {
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        let open = gate.clone();
        let mut green = pool
            .spawn(async move {
                open.opened().await;
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
fn the_error_types_are_send_sync_and_static() {
    fn check<E: std::error::Error + Send + Sync + 'static>() {}
    check::<greenpool::JoinError>();
    check::<greenpool::TrySpawnError<Gate>>();
}
