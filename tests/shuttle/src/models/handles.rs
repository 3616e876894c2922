//! Handles of successive jobs: operations on one handle must not affect the next job.

use std::thread::{self, JoinHandle};

use greenpool_macros::green_pool;
use tokio::runtime::Runtime;

use super::check::check;
use super::world::{Gate, Tally, Value, echo, finish, random_below, random_bool};
use crate::{AbortHandle, GreenPool, GreenThread};

#[green_pool(size = 1)]
async fn work(value: Value) -> Value {
    if random_bool() { echo(value).await } else { value }
}

#[green_pool(size = 2)]
async fn wait(gate: Gate, value: Value) -> Value {
    gate.opened().await;
    value
}

/// A value that opens a gate when it is dropped.
struct OpenOnDrop(Gate);

impl Drop for OpenOnDrop {
    fn drop(&mut self) {
        self.0.open();
    }
}

#[green_pool(size = 2)]
async fn quick(gate: Gate) -> OpenOnDrop {
    OpenOnDrop(gate)
}

/// Does one of the things that can be done with a handle.
async fn use_handle(
    green: GreenThread<Value>,
    number: usize,
    aborts: &mut Vec<AbortHandle>,
    others: &mut Vec<JoinHandle<()>>,
) {
    match random_below(7) {
        0 => drop(green),
        1 => others.push(thread::spawn(move || drop(green))),
        2 => {
            green.abort();
            match green.await {
                Ok(value) => assert_eq!(value.number, number),
                Err(error) => assert!(error.is_cancelled()),
            }
        }
        3 => {
            green.abort();
            drop(green);
        }
        4 => {
            let mut green = green;
            assert_eq!((&mut green).await.unwrap().number, number);
            green.abort();
        }
        5 => {
            aborts.push(green.abort_handle());
            assert_eq!(green.await.unwrap().number, number);
        }
        _ => assert_eq!(green.await.unwrap().number, number),
    }
}

#[test]
fn operations_on_one_job_do_not_affect_the_next() {
    check(|| {
        let (runtime, tally) = (Runtime::new(1 + random_below(2)), Tally::default());
        let mut others = Vec::new();
        let aborts = runtime.block_on(async {
            let mut aborts = Vec::new();
            for number in 0..3 {
                let green = work::spawn(tally.value(number)).await;
                use_handle(green, number, &mut aborts, &mut others).await;
            }
            aborts
        });
        let over = aborts.clone();
        others.push(thread::spawn(move || over.iter().for_each(AbortHandle::abort)));
        for number in 3..5 {
            let green = runtime.block_on(work::spawn(tally.value(number)));
            assert_eq!(runtime.block_on(green).unwrap().number, number);
        }
        for other in others {
            other.join().unwrap();
        }
        finish(runtime, &[work::pool()], &tally);
        assert!(aborts.iter().all(AbortHandle::is_finished));
    });
}

#[test]
fn abort_reaches_the_right_one_of_several_waiting_jobs() {
    check(|| {
        let (runtime, tally) = (Runtime::new(1 + random_below(2)), Tally::default());
        // So that the memory of the next jobs is reused.
        for number in 0..random_below(3) {
            let gate = Gate::default();
            let green = runtime.block_on(wait::spawn(gate.clone(), tally.value(number)));
            gate.open();
            drop(runtime.block_on(green));
        }
        let gate = Gate::default();
        let [first, second] = [0, 1].map(|number| runtime.block_on(wait::spawn(gate.clone(), tally.value(number))));
        let aborted = random_below(2);
        let (abort, keep) = if aborted == 0 { (first, second) } else { (second, first) };
        let other = thread::spawn(move || {
            abort.abort();
            abort
        });
        let abort = other.join().unwrap();
        assert!(runtime.block_on(abort).is_err_and(|error| error.is_cancelled()));
        gate.open();
        assert_eq!(runtime.block_on(keep).unwrap().number, 1 - aborted);
        finish(runtime, &[wait::pool()], &tally);
    });
}

#[test]
fn a_job_whose_handle_is_dropped_at_any_point_drops_its_value() {
    check(|| {
        let (runtime, tally) = (Runtime::new(1 + random_below(2)), Tally::default());
        let pool = GreenPool::new(1);
        let (green, abort) = runtime.block_on(async {
            let green =
                if random_bool() { work::spawn(tally.value(0)).await } else { pool.spawn(echo(tally.value(0))).await };
            let abort = green.abort_handle();
            (green, abort)
        });
        let other = thread::spawn(move || drop(green));
        if random_bool() {
            abort.abort();
        }
        other.join().unwrap();
        finish(runtime, &[work::pool(), &pool], &tally);
        assert!(abort.is_finished());
    });
}

#[test]
fn a_value_is_dropped_when_its_handle_is_dropped_at_the_last_moment() {
    check(|| {
        let (runtime, gate) = (Runtime::new(1 + random_below(2)), Gate::default());
        let green = runtime.block_on(async {
            let green = quick::spawn(gate.clone()).await;
            quick::spawn_n(Gate::default()).await;
            green
        });
        let other = thread::spawn(move || drop(green));
        runtime.block_on(gate.opened());
        other.join().unwrap();
        finish(runtime, &[quick::pool()], &Tally::default());
    });
}
