//! Waiters for a slot, and for an idle pool: served, dropped, and served ahead of others.

use std::thread;

use greenpool_macros::green_pool;
use tokio::runtime::Runtime;

use super::check::check;
use super::world::{Gate, Tally, Value, echo, finish, try_once};
use crate::{GreenPool, inherit, lend};

#[green_pool(size = 1)]
async fn work(value: Value) -> Value {
    echo(value).await
}

#[test]
fn a_cancelled_spawn_passes_its_slot_on() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (handle, given) = (runtime.handle().clone(), tally.clone());
        let other = thread::spawn(move || {
            handle.block_on(async {
                work::spawn_n(given.value(0)).await;
                let started = try_once(work::spawn(given.value(1))).await.is_some();
                work::spawn_n(given.value(2)).await;
                usize::from(started)
            })
        });
        runtime.block_on(async {
            assert_eq!(work::spawn(tally.value(3)).await.await.unwrap().number, 3);
        });
        let started = other.join().unwrap();
        finish(runtime, &[work::pool()], &tally);
        assert_eq!((tally.started(), tally.completed()), (3 + started, 3 + started));
    });
}

#[test]
fn a_job_that_has_lent_its_slot_reacquires_one() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (pool, gate) = (GreenPool::new(1), Gate::default());
        let (open, value) = (gate.clone(), tally.value(0));
        runtime.block_on(async {
            let green = pool.spawn(async move {
                lend(gate.opened()).await;
                echo(value).await
            });
            let green = green.await;
            pool.spawn_n(echo(tally.value(1))).await;
            pool.spawn_n(async move { open.open() }).await;
            assert_eq!(green.await.unwrap().number, 0);
        });
        finish(runtime, &[&pool], &tally);
        assert_eq!(tally.completed(), 2);
    });
}

#[test]
fn a_task_that_inherits_from_a_job_can_use_its_slot() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        let (inner, given) = (pool.clone(), tally.clone());
        runtime.block_on(async {
            let green = pool.spawn(async move {
                let task = inherit(async move { inner.spawn(echo(given.value(1))).await.await });
                let task = tokio::spawn(task);
                task.await.unwrap().unwrap().number
            });
            let green = green.await;
            pool.spawn_n(echo(tally.value(0))).await;
            assert_eq!(green.await.unwrap(), 1);
        });
        finish(runtime, &[&pool], &tally);
        assert_eq!(tally.completed(), 2);
    });
}

#[test]
fn waitall_returns_only_after_the_earlier_jobs() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (handle, given) = (runtime.handle().clone(), tally.clone());
        runtime.block_on(work::spawn_n(tally.value(0)));
        let other = thread::spawn(move || {
            handle.block_on(async {
                work::spawn_n(given.value(1)).await;
                work::pool().waitall().await;
                assert!(given.completed() >= 2, "an earlier job has not completed");
            });
        });
        runtime.block_on(work::pool().waitall());
        assert!(tally.completed() >= 1, "the earlier job has not completed");
        other.join().unwrap();
        finish(runtime, &[work::pool()], &tally);
    });
}
