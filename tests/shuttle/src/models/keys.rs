//! Limits by key: calls that step aside and come back into line, keys that are lent, and keys that wait for each other.

use std::future::Future;
use std::pin::Pin;
use std::thread;

use greenpool_macros::green_pool;
use tokio::runtime::Runtime;

use super::check::{check, check_part};
use super::world::{Gauge, Tally, Value, echo, finish, pause, random_bool, try_once};
use crate::GreenPool;

fn keyed(size: usize) -> GreenPool {
    GreenPool::builder(size).per_key(1).build()
}

fn finish_keyed(runtime: Runtime, pools: &[&GreenPool], tally: &Tally) {
    finish(runtime, pools, tally);
    for pool in pools {
        assert!(pool.keys().is_empty(), "{:?}", pool.keys());
    }
}

#[test]
fn jobs_of_one_key_run_one_at_a_time_and_all_of_them_run() {
    check(|| {
        let (runtime, tally, pool) = (Runtime::new(2), Tally::default(), keyed(3));
        let gauges = [Gauge::default(), Gauge::default()];
        let (handle, given, other, shared) = (runtime.handle().clone(), tally.clone(), pool.clone(), gauges.clone());
        let spawner = thread::spawn(move || {
            handle.block_on(async {
                for (number, key) in [0, 1, 0].into_iter().enumerate() {
                    other.spawn_n_keyed(key, shared[key].clone().alone(echo(given.value(number)))).await;
                }
            });
        });
        runtime.block_on(async {
            for (number, key) in [1, 0].into_iter().enumerate() {
                pool.queue_keyed(key, gauges[key].clone().alone(echo(tally.value(number))));
            }
            let green = pool.spawn_keyed(0_usize, gauges[0].clone().alone(echo(tally.value(7)))).await;
            assert_eq!(green.await.unwrap().number, 7);
        });
        spawner.join().unwrap();
        finish_keyed(runtime, &[&pool], &tally);
        assert_eq!((tally.completed(), pool.stats().overflowed), (6, 0));
    });
}

#[test]
fn a_call_that_is_dropped_or_aborted_while_it_waits_for_its_key_passes_it_on() {
    check(|| {
        let (runtime, tally, pool) = (Runtime::new(2), Tally::default(), keyed(2));
        let (handle, given, other) = (runtime.handle().clone(), tally.clone(), pool.clone());
        let dropper = thread::spawn(move || {
            handle.block_on(async {
                drop(try_once(other.spawn_keyed(0, echo(given.value(0)))).await);
                if let Some(green) = try_once(other.spawn_keyed(0, echo(given.value(1)))).await {
                    green.abort();
                }
                if random_bool() {
                    drop(other.abort_all());
                }
            });
        });
        runtime.block_on(async {
            pool.spawn_n_keyed(0, echo(tally.value(2))).await;
            pool.queue_keyed(0, echo(tally.value(3)));
            pool.spawn_n_keyed(1, echo(tally.value(4))).await;
        });
        dropper.join().unwrap();
        finish_keyed(runtime, &[&pool], &tally);
    });
}

/// A job that waits for two jobs of the other key, or of its own.
fn nest(
    pool: GreenPool,
    key: usize,
    crosses: bool,
    depth: usize,
    value: Value,
) -> Pin<Box<dyn Future<Output = usize> + Send>> {
    Box::pin(async move {
        pause().await;
        if depth == 0 {
            return value.number;
        }
        let next = if crosses { 1 - key } else { key };
        let child = nest(pool.clone(), next, crosses, depth - 1, value);
        let handle = pool.spawn_keyed(next, child).await;
        pause().await;
        handle.await.unwrap()
    })
}

#[test]
fn a_key_is_lent_to_a_child_of_the_same_key() {
    check(|| {
        let (runtime, tally, pool) = (Runtime::new(2), Tally::default(), keyed(2));
        runtime.block_on(async {
            let one = pool.spawn_keyed(0, nest(pool.clone(), 0, false, 2, tally.value(1))).await;
            let two = pool.spawn_keyed(0, nest(pool.clone(), 0, false, 1, tally.value(2))).await;
            assert_eq!((one.await.unwrap(), two.await.unwrap()), (1, 2));
        });
        finish_keyed(runtime, &[&pool], &tally);
    });
}

#[test]
fn keys_that_wait_for_each_other_are_found() {
    check(|| {
        let (runtime, tally, pool) = (Runtime::new(2), Tally::default(), keyed(4));
        runtime.block_on(async {
            let one = pool.spawn_keyed(0, nest(pool.clone(), 0, true, 2, tally.value(1))).await;
            let two = pool.spawn_keyed(1, nest(pool.clone(), 1, true, 2, tally.value(2))).await;
            assert_eq!((one.await.unwrap(), two.await.unwrap()), (1, 2));
        });
        finish_keyed(runtime, &[&pool], &tally);
    });
}

#[green_pool(size = 2, key = value.number % 2, per_key = 1)]
async fn work(value: Value) -> Value {
    echo(value).await
}

#[test]
fn a_map_with_keys_yields_every_result_in_order_or_is_dropped() {
    check_part(2, || {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let given = tally.clone();
        runtime.block_on(async {
            let mut map = work::imap((0..4).map(move |number| given.value(2 * (number / 2))));
            let taken = if random_bool() { 4 } else { 1 };
            for at in 0..taken {
                assert_eq!(map.next().await.unwrap().unwrap().number, 2 * (at / 2));
            }
            if taken == 4 {
                assert!(map.next().await.is_none());
            }
        });
        finish_keyed(runtime, &[work::pool()], &tally);
    });
}
