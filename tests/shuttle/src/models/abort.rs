//! Aborts a job at any point of its life.

use std::thread;

use greenpool_macros::green_pool;
use tokio::runtime::Runtime;

use super::check::check;
use super::world::{Gate, Tally, Value, assert_idle, echo, finish, random_below, random_bool};
use crate::GreenPool;
use crate::GreenThread;

#[green_pool(size = 1)]
async fn work(value: Value) -> Value {
    echo(value).await
}

#[green_pool(size = 1)]
async fn hang(value: Value) -> Value {
    Gate::default().opened().await;
    value
}

#[green_pool(size = 2)]
async fn both(completes: bool, value: Value) -> Value {
    if !completes {
        Gate::default().opened().await;
    }
    echo(value).await
}

/// Aborts a job while it is awaited. When the await returns, the job's future is gone and its slot is free.
fn abort_one(runtime: Runtime, pool: &GreenPool, tally: &Tally, green: GreenThread<Value>) {
    let abort = green.abort_handle();
    let other = thread::spawn(move || abort.abort());
    let result = runtime.block_on(green);
    assert_eq!(pool.free(), 1, "the slot of a finished job is not free");
    match result {
        Ok(value) => drop(value),
        Err(error) => assert!(error.is_cancelled()),
    }
    assert_eq!(tally.alive(), 0, "the future of a finished job is still alive");
    other.join().unwrap();
    finish(runtime, &[pool], tally);
}

#[test]
fn a_declared_job_is_either_aborted_or_completed() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let green = runtime.block_on(work::spawn(tally.value(1)));
        abort_one(runtime, work::pool(), &tally, green);
    });
}

#[test]
fn a_pool_job_is_either_aborted_or_completed() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        let green = runtime.block_on(pool.spawn(echo(tally.value(1))));
        abort_one(runtime, &pool, &tally, green);
    });
}

#[test]
fn aborting_a_job_that_waits_forever_ends_it() {
    check(|| {
        let (runtime, tally) = (Runtime::new(1), Tally::default());
        if random_bool() {
            let green = runtime.block_on(hang::spawn(tally.value(1)));
            abort_one(runtime, hang::pool(), &tally, green);
        } else {
            let pool = GreenPool::new(1);
            let value = tally.value(1);
            let green = runtime.block_on(pool.spawn(async {
                Gate::default().opened().await;
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
                hang::spawn_n(given.value(0)).await;
                drop(hang::spawn(given.value(1)).await);
            });
        });
        // This also works if the jobs do not exist yet, and if the function has never been called.
        runtime.block_on(hang::pool().abort_all());
        drop(runtime);
        producer.join().unwrap();
        assert_idle(&[hang::pool()], &tally);
    });
}

#[test]
fn abort_all_misses_no_earlier_job() {
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
        // The other job exists by now, however far it is on its way to a worker. It never completes by itself.
        runtime.block_on(both::pool().abort_all());
        finish(runtime, &[both::pool()], &tally);
        assert_eq!(both::pool().stats().aborted as usize, 2 - tally.completed());
    });
}

#[test]
fn abort_all_aborts_a_job_that_no_worker_has_polled() {
    check(|| {
        let (runtime, tally) = (Runtime::new(1 + random_below(2)), Tally::default());
        runtime.block_on(async {
            both::spawn_n(false, tally.value(0)).await;
            both::spawn_n(false, tally.value(1)).await;
            both::pool().abort_all().await;
        });
        // Neither job completes by itself.
        finish(runtime, &[both::pool()], &tally);
        assert_eq!(both::pool().stats().aborted, 2);
    });
}
