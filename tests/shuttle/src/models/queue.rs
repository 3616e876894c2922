//! Those who wait for a slot, or for all of them: served, dropped, ahead of others.

use std::thread;

use greenpool_macros::green_pool;
use tokio::runtime::Runtime;

use super::check::check;
use super::world::{Gate, Tally, Value, carry, finish, try_once};
use crate::{GreenPool, inherit, lend};

#[green_pool(size = 1)]
async fn work(value: Value) -> Value {
    carry(value).await
}

#[test]
fn a_spawn_that_is_given_up_gives_its_turn_on() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (handle, given) = (runtime.handle().clone(), tally.clone());
        let other = thread::spawn(move || {
            handle.block_on(async {
                work::spawn_n(given.value(0)).await;
                let begun = try_once(work::spawn(given.value(1))).await.is_some();
                work::spawn_n(given.value(2)).await;
                usize::from(begun)
            })
        });
        runtime.block_on(async {
            assert_eq!(work::spawn(tally.value(3)).await.await.unwrap().number, 3);
        });
        let begun = other.join().unwrap();
        finish(runtime, &[work::pool()], &tally);
        assert_eq!((tally.begun(), tally.done()), (3 + begun, 3 + begun));
    });
}

#[test]
fn a_job_that_has_lent_its_slot_gets_one_again() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (pool, gate) = (GreenPool::new(1), Gate::default());
        let (open, value) = (gate.clone(), tally.value(0));
        runtime.block_on(async {
            let green = pool.spawn(async move {
                lend(gate.pass()).await;
                carry(value).await
            });
            let green = green.await;
            pool.spawn_n(carry(tally.value(1))).await;
            pool.spawn_n(async move { open.open() }).await;
            assert_eq!(green.await.unwrap().number, 0);
        });
        finish(runtime, &[&pool], &tally);
        assert_eq!(tally.done(), 2);
    });
}

#[test]
fn a_task_that_belongs_to_a_job_may_use_its_slot() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        let (inner, given) = (pool.clone(), tally.clone());
        runtime.block_on(async {
            let green = pool.spawn(async move {
                let task = inherit(async move { inner.spawn(carry(given.value(1))).await.await });
                let task = tokio::spawn(task);
                task.await.unwrap().unwrap().number
            });
            let green = green.await;
            pool.spawn_n(carry(tally.value(0))).await;
            assert_eq!(green.await.unwrap(), 1);
        });
        finish(runtime, &[&pool], &tally);
        assert_eq!(tally.done(), 2);
    });
}

#[test]
fn waitall_ends_and_not_before_the_jobs_that_were_there() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (handle, given) = (runtime.handle().clone(), tally.clone());
        runtime.block_on(work::spawn_n(tally.value(0)));
        let other = thread::spawn(move || {
            handle.block_on(async {
                work::spawn_n(given.value(1)).await;
                work::pool().waitall().await;
                assert!(given.done() >= 2, "a job that was there is not done");
            });
        });
        runtime.block_on(work::pool().waitall());
        assert!(tally.done() >= 1, "the job that was there is not done");
        other.join().unwrap();
        finish(runtime, &[work::pool()], &tally);
    });
}
