//! Maps: their workers, their reorder buffer, and their consumers.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use futures_core::Stream;
use greenpool_macros::green_pool;
use tokio::runtime::Runtime;

use super::check::{check, check_part};
use super::world::{Gate, Tally, Value, echo, finish, random_below, random_bool};
use crate::GreenMap;
use crate::GreenPool;

#[green_pool(size = 2)]
async fn work(value: Value) -> Value {
    echo(value).await
}

/// Maps over `many` values.
fn map_over(pool: &GreenPool, tally: &Tally, many: usize) -> GreenMap<Value> {
    let tally = tally.clone();
    pool.imap(move |number| echo(tally.value(number)), 0..many)
}

/// Maps over `many` values from a source without a size hint.
fn map_over_unsized(pool: &GreenPool, tally: &Tally, many: usize) -> GreenMap<Value> {
    let tally = tally.clone();
    let mut next = 0..many;
    pool.imap(move |number| echo(tally.value(number)), std::iter::from_fn(move || next.next()))
}

async fn take_all(mut map: GreenMap<Value>, many: usize) {
    for number in 0..many {
        assert_eq!(map.next().await.expect("a result is missing").unwrap().number, number);
    }
    assert!(map.next().await.is_none());
}

#[test]
fn a_declared_map_yields_each_result_once_in_order() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let given = tally.clone();
        runtime.block_on(async {
            take_all(work::imap((0..5).map(move |number| given.value(number))), 5).await;
        });
        finish(runtime, &[work::pool()], &tally);
        assert_eq!((tally.started(), tally.completed()), (5, 5));
    });
}

#[test]
fn a_result_is_ready_only_after_its_job_has_released_its_slot() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        runtime.block_on(async { take_all(map_over(&pool, &tally, 2), 2).await });
        assert_eq!(pool.running(), 0);
        finish(runtime, &[&pool], &tally);
    });
}

#[test]
fn an_unordered_map_yields_each_result_once() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(2);
        let given = tally.clone();
        let mut seen = runtime.block_on(async {
            let mut map = pool.imap_unordered(move |number| echo(given.value(number)), 0..4);
            let mut seen = Vec::new();
            while let Some(value) = map.next().await {
                seen.push(value.unwrap().number);
            }
            seen
        });
        finish(runtime, &[&pool], &tally);
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3]);
    });
}

/// An async source that is sometimes not ready.
struct Trickle(std::ops::Range<usize>);

impl Stream for Trickle {
    type Item = usize;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        if random_below(3) == 0 {
            let waker = cx.waker().clone();
            thread::spawn(|| waker.wake());
            return Poll::Pending;
        }
        Poll::Ready(self.0.next())
    }
}

#[test]
fn a_map_over_an_async_source_yields_all_in_order_or_is_dropped_midway() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1 + random_below(2));
        let given = tally.clone();
        runtime.block_on(async {
            let mut map = pool.imap_stream(move |number| echo(given.value(number)), Trickle(0..4));
            if random_bool() {
                take_all(map, 4).await;
            } else {
                assert_eq!(map.next().await.unwrap().unwrap().number, 0);
            }
        });
        finish(runtime, &[&pool], &tally);
    });
}

#[test]
fn a_resize_during_a_map_loses_nothing() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1 + random_below(2));
        let other = {
            let pool = pool.clone();
            thread::spawn(move || {
                pool.resize(random_below(3));
                pool.resize(1 + random_below(3));
            })
        };
        runtime.block_on(async {
            let map = if random_bool() { map_over(&pool, &tally, 4) } else { map_over_unsized(&pool, &tally, 4) };
            take_all(map, 4).await;
        });
        other.join().unwrap();
        finish(runtime, &[&pool], &tally);
        assert_eq!((tally.started(), tally.completed()), (4, 4));
    });
}

#[test]
fn a_map_dropped_midway_leaves_nothing_behind() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(2);
        runtime.block_on(async {
            let mut map = if random_bool() { map_over(&pool, &tally, 5) } else { map_over_unsized(&pool, &tally, 5) };
            for number in 0..random_below(4) {
                assert_eq!(map.next().await.unwrap().unwrap().number, number);
            }
        });
        runtime.block_on(pool.waitall());
        let started = tally.started();
        finish(runtime, &[&pool], &tally);
        assert_eq!(tally.started(), started);
    });
}

/// Even if one of its workers was reading, or about to queue.
#[test]
fn a_map_that_was_dropped_takes_no_slot_any_more() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        runtime.block_on(async {
            let given = tally.clone();
            let of_iterator = random_bool();
            let job = if of_iterator { Some(pool.spawn(std::future::ready(())).await) } else { None };
            let map = if of_iterator {
                map_over(&pool, &tally, 2)
            } else {
                pool.imap_stream(move |number| echo(given.value(number)), Trickle(0..2))
            };
            drop(map);
            drop(job);
            pool.waitall().await;
        });
        // Tasks of the map may go on.
        for _ in 0..4 {
            let stats = pool.stats();
            assert_eq!((stats.running, stats.waiting, stats.spawned - stats.aborted - stats.finished), (0, 0, 0));
            thread::yield_now();
        }
        finish(runtime, &[&pool], &tally);
    });
}

#[test]
fn a_dropped_map_ends_jobs_that_never_complete() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(2);
        let given = tally.clone();
        let hang = move |number| {
            let value = given.value(number);
            async move {
                Gate::default().opened().await;
                value
            }
        };
        let map = runtime.block_on(async { pool.imap(hang, 0..3) });
        drop(map);
        finish(runtime, &[&pool], &tally);
    });
}

#[test]
fn a_detached_map_finishes_its_started_jobs() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(2);
        runtime.block_on(async {
            let mut map = map_over(&pool, &tally, 5);
            if random_bool() {
                map.next().await.unwrap().unwrap();
            }
            map.detach();
        });
        finish(runtime, &[&pool], &tally);
        assert_eq!(tally.started(), tally.completed());
    });
}

#[test]
fn growing_the_pool_lets_more_jobs_of_a_map_run_at_once() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (pool, gate) = (GreenPool::new(1), Gate::default());
        let given = tally.clone();
        let mut map = runtime.block_on(async {
            pool.imap(
                move |number| {
                    let (gate, value) = (gate.clone(), given.value(number));
                    async move {
                        // The first job completes only if the second one runs concurrently.
                        if number == 0 {
                            gate.opened().await;
                        } else {
                            gate.open();
                        }
                        value
                    }
                },
                0..2,
            )
        });
        pool.resize(2);
        for number in 0..2 {
            assert_eq!(runtime.block_on(map.next()).unwrap().unwrap().number, number);
        }
        finish(runtime, &[&pool], &tally);
    });
}

/// A source whose drop takes many steps.
struct SlowDrop(std::ops::Range<usize>);

/// How often that drop lets other threads run.
const SWITCHES: usize = 2_000;

impl Iterator for SlowDrop {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if random_bool() { self.0.size_hint() } else { (0, None) }
    }
}

impl Drop for SlowDrop {
    fn drop(&mut self) {
        for _ in 0..SWITCHES {
            std::model::switch();
        }
    }
}

#[test]
fn no_worker_looks_for_items_while_the_source_is_dropped() {
    check_part(10, || {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(3);
        let given = tally.clone();
        let map = runtime.block_on(async { pool.imap(move |number| echo(given.value(number)), SlowDrop(0..2)) });
        runtime.block_on(take_all(map, 2));
        finish(runtime, &[&pool], &tally);
        let switches = shuttle::current::context_switches();
        assert!(switches < SWITCHES + SWITCHES / 2, "a worker was busy: {switches} switches");
    });
}

#[test]
fn two_maps_and_a_spawner_share_one_slot() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        let consumers = [3, 2].map(|many| {
            let (handle, pool, tally) = (runtime.handle().clone(), pool.clone(), tally.clone());
            thread::spawn(move || handle.block_on(async { take_all(map_over(&pool, &tally, many), many).await }))
        });
        runtime.block_on(async {
            for number in 0..2 {
                pool.spawn(echo(tally.value(number))).await.await.unwrap();
            }
        });
        for consumer in consumers {
            consumer.join().unwrap();
        }
        finish(runtime, &[&pool], &tally);
        assert_eq!(tally.completed(), 7);
    });
}

#[test]
fn a_map_ends_when_its_pool_is_closed() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        let other = {
            let pool = pool.clone();
            thread::spawn(move || pool.close())
        };
        runtime.block_on(async {
            let mut map = map_over_unsized(&pool, &tally, 3);
            let mut number = 0;
            while let Some(result) = map.next().await {
                match result {
                    Ok(value) => assert_eq!(value.number, number),
                    Err(error) => assert!(error.is_closed()),
                }
                number += 1;
            }
        });
        other.join().unwrap();
        finish(runtime, &[&pool], &tally);
        assert_eq!(tally.started(), tally.completed());
    });
}
