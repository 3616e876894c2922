//! The end of a runtime or a pool while others continue.

use std::thread;
use std::time::Duration;

use greenpool_macros::green_pool;
use tokio::runtime::Runtime;

use super::check::check;
use super::world::{Gate, Tally, Value, echo, finish, random_bool};
use crate::GreenPool;

#[green_pool(size = 1)]
async fn work(value: Value) -> Value {
    echo(value).await
}

#[green_pool(size = 2)]
async fn hang(value: Value) -> Value {
    Gate::default().opened().await;
    value
}

#[test]
fn a_runtime_dropped_while_jobs_are_spawned_releases_everything() {
    check(|| {
        let (runtime, rest, tally) = (Runtime::new(1), Runtime::new(1), Tally::default());
        let (handle, given) = (runtime.handle().clone(), tally.clone());
        let producer = thread::spawn(move || {
            handle.block_on(async {
                let green = work::spawn(given.value(0)).await;
                work::spawn_n(given.value(1)).await;
                Some(green)
            })
        });
        drop(runtime);
        match rest.block_on(producer.join().unwrap().unwrap()) {
            Ok(value) => assert_eq!(value.number, 0),
            Err(error) => assert!(error.is_cancelled()),
        }
        // The pool still works.
        assert_eq!(rest.block_on(async { work::spawn(tally.value(2)).await.await }).unwrap().number, 2);
        finish(rest, &[work::pool()], &tally);
    });
}

#[test]
fn dropping_a_runtime_lets_jobs_of_another_continue() {
    check(|| {
        let (ending, runtime, tally) = (Runtime::new(1), Runtime::new(1), Tally::default());
        let pool = GreenPool::new(1);
        ending.block_on(async {
            if random_bool() {
                hang::spawn_n(tally.value(0)).await;
                hang::spawn_n(tally.value(1)).await;
            } else {
                hang::spawn_n(tally.value(0)).await;
            }
            let value = tally.value(2);
            pool.spawn_n(async {
                Gate::default().opened().await;
                drop(value);
            })
            .await;
        });
        let end = thread::spawn(move || drop(ending));
        runtime.block_on(async {
            let value = pool.spawn(echo(tally.value(3))).await.await.unwrap();
            assert_eq!(value.number, 3);
        });
        end.join().unwrap();
        finish(runtime, &[hang::pool(), &pool], &tally);
    });
}

#[test]
fn a_map_ends_with_its_runtime() {
    check(|| {
        let (runtime, rest, tally) = (Runtime::new(1), Runtime::new(1), Tally::default());
        let pool = GreenPool::new(2);
        let given = tally.clone();
        let mut map = runtime.block_on(async { pool.imap(move |number| echo(given.value(number)), 0..4) });
        let end = thread::spawn(move || drop(runtime));
        rest.block_on(async {
            let mut number = 0;
            while let Some(result) = map.next().await {
                match result {
                    Ok(value) => assert_eq!(value.number, number),
                    Err(error) => assert!(error.is_cancelled()),
                }
                number += 1;
            }
        });
        end.join().unwrap();
        finish(rest, &[&pool], &tally);
        drop(map);
    });
}

#[test]
fn a_pool_shut_down_while_jobs_are_spawned_is_empty() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        let (handle, inner, given) = (runtime.handle().clone(), pool.clone(), tally.clone());
        let producer = thread::spawn(move || {
            handle.block_on(async {
                inner.spawn_n(echo(given.value(0))).await;
                let green = inner.spawn(echo(given.value(1))).await;
                match green.await {
                    Ok(value) => assert_eq!(value.number, 1),
                    Err(error) => assert!(error.is_cancelled() || error.is_closed()),
                }
            });
        });
        runtime.block_on(pool.shutdown(Duration::from_millis(1)));
        assert_eq!(pool.running(), 0);
        producer.join().unwrap();
        finish(runtime, &[&pool], &tally);
    });
}
