//! `GreenThread::value`, and a `JoinError` as an `io::Error`.

use std::io;

use futures::poll;
use greenpool::{GreenPool, JoinError};
use greenpool_tests::{Gate, Gauge, paused, until_idle};

use crate::caught::{caught, panics_here};
use crate::{gated, never, panics};

#[test]
fn value_returns_the_output_of_the_job() {
    paused(async {
        let pool = GreenPool::new(1);
        assert_eq!(pool.spawn(async { "done" }).await.value().await, "done");
        assert_eq!(pool.spawn(async { Err::<(), _>("its own") }).await.value().await, Err("its own"));
    });
}

#[test]
fn value_resumes_the_panic_of_the_job() {
    paused(async {
        let pool = GreenPool::new(1);
        let green = pool.spawn(panics::<()>("boom")).await;
        let caught = caught(green.value()).await;
        assert_eq!((caught.message.as_str(), caught.location), ("boom", None), "it resumes; it is not raised again");
        assert_eq!(pool.free(), 1);
    });
}

#[test]
fn value_panics_at_the_callers_line_if_the_job_was_aborted_or_refused() {
    paused(async {
        let (pool, alive) = (GreenPool::new(1), Gauge::default());
        let green = pool.spawn(never::<()>(&alive)).await;
        green.abort();
        panics_here!(green.value(), "the job was cancelled");
        assert_eq!(alive.now(), 0);
        pool.close();
        panics_here!(pool.spawn(async {}).await.value(), "the job never began because the pool is closed");
    });
}

#[test]
fn value_keeps_the_output_until_it_is_taken_and_detaches_when_dropped() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        let mut value = pool.spawn(gated(gate.clone(), 7)).await.value();
        assert!(poll!(&mut value).is_pending());
        gate.open();
        until_idle().await;
        assert_eq!((&mut value).await, 7);

        let (gate, alive) = (Gate::new(), Gauge::default());
        let (inside, job_gate) = (alive.enter(), gate.clone());
        let job = async move {
            let _inside = inside;
            job_gate.opened().await;
        };
        drop(pool.spawn(job).await.value());
        until_idle().await;
        assert_eq!(alive.now(), 1, "the job runs on");
        gate.open();
        pool.waitall().await;
        assert_eq!((alive.now(), pool.stats().finished), (0, 2));
    });
}

#[test]
fn value_inside_a_job_of_the_same_full_pool_gives_the_slot_to_the_child() {
    paused(async {
        let pool = GreenPool::new(1);
        let inner = pool.clone();
        let green = pool.spawn(async move { inner.spawn(async { 7 }).await.value().await + 1 }).await;
        assert_eq!(green.value().await, 8);
    });
}

#[test]
fn question_mark_turns_a_join_error_into_an_io_error() {
    async fn read(pool: &GreenPool) -> io::Result<()> {
        pool.spawn(panics("boom")).await.await?;
        Ok(())
    }
    paused(async {
        let error = read(&GreenPool::new(1)).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::Other, "the job panicked: boom"));
        let inner = error.into_inner().expect("it has an inner error").downcast::<JoinError>();
        assert!(inner.expect("it is the `JoinError`").is_panic());
    });
}
