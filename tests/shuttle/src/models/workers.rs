//! The workers of declared functions: woken, busy, idle, retired.

use std::thread;

use greenpool_macros::green_pool;
use tokio::runtime::Runtime;

use super::check::{check, check_part};
use super::world::{Gate, Tally, Value, echo, finish, pause};

#[green_pool(size = 2)]
async fn work(value: Value) -> Value {
    echo(value).await
}

#[green_pool(size = 2)]
async fn pass(gate: Gate) {
    gate.opened().await;
}

#[green_pool(size = 2)]
async fn open(gate: Gate) {
    pause().await;
    gate.open();
}

/// Enough jobs to leave more idle workers than are kept.
const BURST: usize = 36;

#[green_pool(size = 40)]
async fn burst(gate: Gate, value: Value) -> Value {
    gate.opened().await;
    echo(value).await
}

#[test]
fn each_job_of_two_producers_runs_once() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (handle, given) = (runtime.handle().clone(), tally.clone());
        let other = thread::spawn(move || {
            handle.block_on(async {
                for number in 0..3 {
                    work::spawn_n(given.value(number)).await;
                }
            });
        });
        runtime.block_on(async {
            for number in 10..12 {
                let green = work::spawn(tally.value(number)).await;
                assert_eq!(green.await.unwrap().number, number);
            }
        });
        other.join().unwrap();
        finish(runtime, &[work::pool()], &tally);
        assert_eq!((tally.started(), tally.completed()), (5, 5));
    });
}

#[test]
fn each_job_spawned_by_a_task_of_the_runtime_runs_once() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let producers = [0, 10].map(|from| {
            let given = tally.clone();
            runtime.handle().spawn(async move {
                work::spawn_n(given.value(from)).await;
                let green = work::spawn(given.value(from + 1)).await;
                assert_eq!(green.await.unwrap().number, from + 1);
                work::spawn_n(given.value(from + 2)).await;
            })
        });
        for producer in producers {
            runtime.block_on(producer).unwrap();
        }
        finish(runtime, &[work::pool()], &tally);
        assert_eq!((tally.started(), tally.completed()), (6, 6));
    });
}

#[test]
fn a_pending_job_lets_the_next_one_start() {
    check(|| {
        let runtime = Runtime::new(1 + super::world::random_below(2));
        let gate = Gate::default();
        runtime.block_on(async {
            pass::spawn_n(gate.clone()).await;
            open::spawn_n(gate.clone()).await;
            pass::spawn(gate.clone()).await.await.unwrap();
        });
        finish(runtime, &[pass::pool(), open::pool()], &Tally::default());
    });
}

#[test]
fn retired_workers_lose_no_job() {
    check_part(20, || {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let gate = Gate::default();
        runtime.block_on(async {
            for number in 0..BURST {
                burst::spawn_n(gate.clone(), tally.value(number)).await;
            }
        });
        gate.open();
        let (handle, gate2, given) = (runtime.handle().clone(), gate.clone(), tally.clone());
        let other = thread::spawn(move || {
            handle.block_on(async {
                for number in 0..4 {
                    burst::spawn(gate2.clone(), given.value(number)).await.await.unwrap();
                }
            });
        });
        runtime.block_on(async {
            for number in 0..4 {
                burst::spawn(gate.clone(), tally.value(number)).await.await.unwrap();
            }
        });
        other.join().unwrap();
        finish(runtime, &[burst::pool()], &tally);
        assert_eq!(tally.completed(), BURST + 8);
    });
}
