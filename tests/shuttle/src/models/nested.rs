//! Jobs that wait for other jobs of their own full pool, or of a cycle of pools.

use std::thread;

use greenpool_macros::green_pool;
use tokio::runtime::Runtime;

use super::check::check;
use super::world::{Tally, Value, echo, finish, pause, random_below, random_bool};
use crate::GreenPool;

#[green_pool(size = 1)]
async fn leaf(value: Value) -> Value {
    echo(value).await
}

#[green_pool(pool = ONE)]
async fn parent(tally: Tally) -> usize {
    let first = child::spawn(tally.value(1)).await;
    pause().await;
    let second = child::spawn(tally.value(2)).await;
    first.await.unwrap().number + second.await.unwrap().number
}

#[green_pool(pool = ONE)]
async fn child(value: Value) -> Value {
    echo(value).await
}

#[green_pool(size = 2)]
async fn quick(value: Value) -> Value {
    value
}

#[green_pool(size = 1)]
async fn single(value: Value) -> Value {
    value
}

static ONE: GreenPool = GreenPool::const_new(1);

#[green_pool(size = 1)]
async fn ping(depth: usize, value: Value) -> usize {
    if depth == 0 { 0 } else { 1 + pong::spawn(depth - 1, value).await.await.unwrap() }
}

#[green_pool(size = 1)]
async fn pong(depth: usize, value: Value) -> usize {
    if depth == 0 { 0 } else { 1 + ping::spawn(depth - 1, value).await.await.unwrap() }
}

#[test]
fn a_job_can_await_its_children_in_its_own_full_pool() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (handle, given) = (runtime.handle().clone(), tally.clone());
        let other = thread::spawn(move || handle.block_on(async { parent::spawn(given).await.await.unwrap() }));
        let sum = runtime.block_on(async { parent::spawn(tally.clone()).await.await.unwrap() });
        assert_eq!((sum, other.join().unwrap()), (3, 3));
        finish(runtime, &[&ONE], &tally);
        assert_eq!(tally.completed(), 4);
    });
}

#[test]
fn a_job_can_await_its_children_while_its_pool_is_resized() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        let other = {
            let pool = pool.clone();
            thread::spawn(move || {
                pool.resize(random_below(3));
                pool.resize(1 + random_below(2));
            })
        };
        let (inner, given) = (pool.clone(), tally.clone());
        let sum = runtime.block_on(async {
            let green = pool.spawn(async move {
                let first = inner.spawn(echo(given.value(1))).await;
                let second = inner.spawn(echo(given.value(2))).await;
                first.await.unwrap().number + second.await.unwrap().number
            });
            green.await.await.unwrap()
        });
        assert_eq!(sum, 3);
        other.join().unwrap();
        finish(runtime, &[&pool], &tally);
        assert_eq!(tally.completed(), 2);
    });
}

#[test]
fn a_job_can_await_its_child_while_its_pool_is_closed() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        let (inner, given) = (pool.clone(), tally.clone());
        let green = runtime.block_on(pool.spawn(async move {
            let green = inner.spawn(echo(given.value(1))).await;
            match green.await {
                Ok(value) => value.number,
                Err(error) => {
                    assert!(error.is_closed());
                    0
                }
            }
        }));
        let other = {
            let pool = pool.clone();
            thread::spawn(move || pool.close())
        };
        let number = runtime.block_on(green).unwrap();
        assert_eq!(number, tally.completed());
        other.join().unwrap();
        finish(runtime, &[&pool], &tally);
    });
}

#[test]
fn a_job_can_read_a_map_of_its_own_full_pool() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        let (inner, given) = (pool.clone(), tally.clone());
        let sum = runtime.block_on(async {
            let green = pool.spawn(async move {
                let mut map = inner.imap(move |number| echo(given.value(number)), 0..3);
                let mut sum = 0;
                while let Some(value) = map.next().await {
                    sum += value.unwrap().number;
                }
                sum
            });
            let green = green.await;
            pool.spawn(echo(tally.value(5))).await.await.unwrap();
            green.await.unwrap()
        });
        assert_eq!(sum, 3);
        finish(runtime, &[&pool], &tally);
        assert_eq!(tally.completed(), 4);
    });
}

#[test]
fn a_parent_can_be_aborted_while_its_child_has_its_slot() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        let (inner, given) = (pool.clone(), tally.clone());
        let green = runtime.block_on(pool.spawn(async move {
            let green = inner.spawn(echo(given.value(1))).await;
            green.await.unwrap().number
        }));
        let abort = green.abort_handle();
        let other = thread::spawn(move || abort.abort());
        match runtime.block_on(green) {
            Ok(number) => assert_eq!(number, 1),
            Err(error) => assert!(error.is_cancelled()),
        }
        other.join().unwrap();
        finish(runtime, &[&pool], &tally);
    });
}

#[test]
fn pools_that_call_each_other_in_a_cycle_complete() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (handle, given) = (runtime.handle().clone(), tally.clone());
        let other =
            thread::spawn(move || handle.block_on(async { pong::spawn(2, given.value(1)).await.await.unwrap() }));
        let depth = runtime.block_on(async { ping::spawn(3, tally.value(0)).await.await.unwrap() });
        assert_eq!((depth, other.join().unwrap()), (3, 2));
        finish(runtime, &[ping::pool(), pong::pool()], &tally);
    });
}

#[test]
fn a_job_can_await_a_job_of_a_busy_pool() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        let given = tally.clone();
        runtime.block_on(async {
            leaf::spawn_n(tally.value(0)).await;
            let green = pool.spawn(async move {
                let green = leaf::spawn(given.value(1)).await;
                if random_bool() { green.await.unwrap().number } else { 1 }
            });
            assert_eq!(green.await.await.unwrap(), 1);
        });
        finish(runtime, &[&pool, leaf::pool()], &tally);
        assert_eq!(tally.completed(), 2);
    });
}

#[test]
fn awaiting_a_finished_job_is_no_deadlock() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        let number = runtime.block_on(async {
            let first = quick::spawn(tally.value(0)).await;
            let green = pool.spawn(async move { first.await.unwrap().number }).await;
            quick::spawn_n(tally.value(1)).await;
            pool.spawn_n(echo(tally.value(2))).await;
            green.await.unwrap()
        });
        assert_eq!(number, 0);
        finish(runtime, &[quick::pool(), &pool], &tally);
        assert_eq!(pool.stats().overflowed, 0);
    });
}

#[test]
fn awaiting_one_job_after_another_is_no_deadlock() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        let given = tally.clone();
        runtime.block_on(async {
            let green = pool
                .spawn(async move {
                    for number in 0..3 {
                        let green = single::spawn(given.value(number)).await;
                        if random_bool() {
                            assert_eq!(green.await.unwrap().number, number);
                        }
                    }
                })
                .await;
            pool.spawn_n(echo(tally.value(5))).await;
            green.await.unwrap();
        });
        finish(runtime, &[single::pool(), &pool], &tally);
        assert_eq!((single::pool().stats().overflowed, pool.stats().overflowed), (0, 0));
    });
}
