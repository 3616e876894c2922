//! `waitall_or_panic`.

use futures::poll;
use greenpool::{GreenPool, green_pool};
use greenpool_tests::{Gate, paused, threads, until_idle};

use crate::caught::{caught, panics_here};
use crate::{gated, panics};

#[green_pool(size = 2)]
async fn fails(message: &'static str) {
    panics::<()>(message).await;
}

#[test]
fn waitall_or_panic_waits_for_all_jobs_and_then_resumes_the_first_panic() {
    paused(async {
        let (pool, gate) = (GreenPool::new(3), Gate::new());
        pool.spawn_n(panics::<()>("first")).await;
        until_idle().await;
        pool.spawn_n(panics::<()>("second")).await;
        pool.spawn_n(gated(gate.clone(), ())).await;
        until_idle().await;
        let mut wait = Box::pin(caught(pool.waitall_or_panic()));
        assert!(poll!(&mut wait).is_pending(), "one job runs");
        gate.open();
        let caught = wait.await;
        assert_eq!((caught.message.as_str(), caught.location), ("first", None));
        assert_eq!((pool.running(), pool.stats().panicked), (0, 2));
        pool.waitall_or_panic().await;
    });
}

#[test]
fn waitall_or_panic_keeps_a_panic_for_the_next_call() {
    paused(async {
        let (pool, gate) = (GreenPool::new(2), Gate::new());
        pool.spawn_n(panics::<()>("early")).await;
        pool.waitall().await;
        pool.spawn_n(gated(gate.clone(), ())).await;
        let mut wait = Box::pin(pool.waitall_or_panic());
        assert!(poll!(&mut wait).is_pending());
        drop(wait);
        gate.open();
        assert_eq!(caught(pool.waitall_or_panic()).await.message, "early");
        pool.spawn_n(panics::<()>("later")).await;
        assert_eq!(caught(pool.waitall_or_panic()).await.message, "later");
    });
}

#[test]
fn waitall_or_panic_leaves_panics_alone_that_a_handle_or_a_map_reports() {
    paused(async {
        let pool = GreenPool::new(2);
        let green = pool.spawn(panics::<()>("a handle's")).await;
        let mut map = pool.imap(panics::<()>, ["a map's"]);
        assert!(map.next().await.unwrap().unwrap_err().is_panic());
        pool.waitall_or_panic().await;
        assert!(green.await.unwrap_err().is_panic());
        drop(pool.spawn(panics::<()>("detached")).await);
        pool.waitall_or_panic().await;
        assert_eq!(pool.stats().panicked, 3);
    });
}

#[test]
fn waitall_or_panic_covers_declared_functions_and_children_in_a_lent_slot() {
    threads(2, async {
        fails::spawn_n("declared").await;
        assert_eq!(caught(fails::pool().waitall_or_panic()).await.message, "declared");

        let pool = GreenPool::new(1);
        let inner = pool.clone();
        let parent = pool.spawn(async move { inner.spawn_n(panics::<()>("child")).await }).await;
        parent.await.unwrap();
        assert_eq!(caught(pool.waitall_or_panic()).await.message, "child");
    });
}

#[test]
fn waitall_or_panic_panics_inside_a_job_of_the_same_pool() {
    paused(async {
        let pool = GreenPool::new(1);
        let inner = pool.clone();
        let job = async move {
            panics_here!(
                inner.waitall_or_panic(),
                "`waitall` was awaited inside a job of the same pool, so the job would wait for itself"
            );
        };
        pool.spawn(job).await.value().await;
    });
}
