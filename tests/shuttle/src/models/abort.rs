//! Aborting a job at any moment of its life.

use std::thread;

use greenpool_macros::green_pool;
use tokio::runtime::Runtime;

use super::check::check;
use super::world::{Gate, Tally, Value, any, any_below, at_rest, carry, finish};
use crate::GreenPool;
use crate::GreenThread;

#[green_pool(size = 1)]
async fn work(value: Value) -> Value {
    carry(value).await
}

#[green_pool(size = 1)]
async fn stay(value: Value) -> Value {
    Gate::default().pass().await;
    value
}

#[green_pool(size = 2)]
async fn both(ends: bool, value: Value) -> Value {
    if !ends {
        Gate::default().pass().await;
    }
    carry(value).await
}

/// Aborts a job while it is awaited; when that ends, the job is gone, and its slot is free.
fn abort_one(runtime: Runtime, pool: &GreenPool, tally: &Tally, green: GreenThread<Value>) {
    let abort = green.abort_handle();
    let other = thread::spawn(move || abort.abort());
    let result = runtime.block_on(green);
    assert_eq!(pool.free(), 1, "the slot of a job that is over is not free");
    match result {
        Ok(value) => drop(value),
        Err(error) => assert!(error.is_cancelled()),
    }
    assert_eq!(tally.alive(), 0, "the future of a job that is over is still there");
    other.join().unwrap();
    finish(runtime, &[pool], tally);
}

#[test]
fn a_declared_job_is_either_aborted_or_done() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let green = runtime.block_on(work::spawn(tally.value(1)));
        abort_one(runtime, work::pool(), &tally, green);
    });
}

#[test]
fn any_job_is_either_aborted_or_done() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        let green = runtime.block_on(pool.spawn(carry(tally.value(1))));
        abort_one(runtime, &pool, &tally, green);
    });
}

#[test]
fn a_job_that_waits_for_ever_ends_when_it_is_aborted() {
    check(|| {
        let (runtime, tally) = (Runtime::new(1), Tally::default());
        if any() {
            let green = runtime.block_on(stay::spawn(tally.value(1)));
            abort_one(runtime, stay::pool(), &tally, green);
        } else {
            let pool = GreenPool::new(1);
            let value = tally.value(1);
            let green = runtime.block_on(pool.spawn(async {
                Gate::default().pass().await;
                value
            }));
            abort_one(runtime, &pool, &tally, green);
        }
    });
}

#[test]
fn abort_all_ends_every_job_that_it_counts() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (handle, given) = (runtime.handle().clone(), tally.clone());
        let producer = thread::spawn(move || {
            handle.block_on(async {
                stay::spawn_n(given.value(0)).await;
                drop(stay::spawn(given.value(1)).await);
            });
        });
        // Whether or not the job is there already, and also if nobody had ever called its function when this began.
        runtime.block_on(stay::pool().abort_all());
        drop(runtime);
        producer.join().unwrap();
        at_rest(&[stay::pool()], &tally);
    });
}

#[test]
fn abort_all_overlooks_no_job_that_was_there_before() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (handle, given) = (runtime.handle().clone(), tally.clone());
        let producer = thread::spawn(move || {
            handle.block_on(async {
                both::spawn_n(false, given.value(0)).await;
                Some(both::spawn(true, given.value(1)).await)
            })
        });
        runtime.block_on(both::pool().abort_all());
        match runtime.block_on(producer.join().unwrap().unwrap()) {
            Ok(value) => assert_eq!(value.number, 1),
            Err(error) => assert!(error.is_cancelled()),
        }
        // The other one is there now, wherever on its way to a worker it is, and never ends by itself.
        runtime.block_on(both::pool().abort_all());
        finish(runtime, &[both::pool()], &tally);
        assert_eq!(both::pool().stats().aborted as usize, 2 - tally.done());
    });
}

#[test]
fn abort_all_finds_a_job_that_no_worker_has_looked_at() {
    check(|| {
        let (runtime, tally) = (Runtime::new(1 + any_below(2)), Tally::default());
        runtime.block_on(async {
            both::spawn_n(false, tally.value(0)).await;
            both::spawn_n(false, tally.value(1)).await;
            both::pool().abort_all().await;
        });
        // Neither of them ever ends by itself.
        finish(runtime, &[both::pool()], &tally);
        assert_eq!(both::pool().stats().aborted, 2);
    });
}
