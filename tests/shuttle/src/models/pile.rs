//! Piles: spawned into from one thread, read on another, dropped midway.

use std::thread;

use greenpool_macros::green_pool;
use tokio::runtime::Runtime;

use super::check::check;
use super::world::{Gate, Tally, Value, echo, finish, pause, random_below, random_bool};
use crate::GreenPile;

#[green_pool(size = 1)]
async fn work(value: Value) -> Value {
    echo(value).await
}

#[green_pool(size = 1)]
async fn fail(_value: Value) -> usize {
    pause().await;
    // Skip the panic hook, which would print the schedule.
    std::panic::resume_unwind(Box::new("on purpose"))
}

#[test]
fn a_pile_yields_results_in_order_while_jobs_are_spawned() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let mut pile = GreenPile::new(1 + random_below(2));
        let producers = [0, 10].map(|from| {
            let (handle, spawner, tally) = (runtime.handle().clone(), pile.spawner(), tally.clone());
            thread::spawn(move || {
                handle.block_on(async {
                    for number in from..from + 2 {
                        spawner.spawn(echo(tally.value(number))).await;
                    }
                });
            })
        });
        let mut seen: Vec<usize> = Vec::new();
        runtime.block_on(async {
            while let Some(result) = pile.next().await {
                seen.push(result.unwrap().number);
            }
        });
        for producer in producers {
            producer.join().unwrap();
        }
        let of = |part: std::ops::Range<usize>| seen.iter().copied().filter(|n| part.contains(n)).collect::<Vec<_>>();
        assert_eq!((of(0..10), of(10..20)), (vec![0, 1], vec![10, 11]));
        finish(runtime, &[pile.pool()], &tally);
        assert_eq!(tally.completed(), 4);
    });
}

#[test]
fn a_pile_dropped_midway_leaves_nothing_behind() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let mut pile = GreenPile::new(1 + random_below(2));
        let pool = pile.pool().clone();
        let (handle, spawner, given) = (runtime.handle().clone(), pile.spawner(), tally.clone());
        let producer = thread::spawn(move || {
            handle.block_on(async {
                for number in 0..3 {
                    spawner.spawn(echo(given.value(number))).await;
                }
            });
        });
        runtime.block_on(async {
            for number in 0..random_below(3) {
                assert_eq!(pile.next().await.unwrap().unwrap().number, number);
            }
        });
        if random_bool() {
            drop(pile);
        } else {
            pile.detach();
        }
        producer.join().unwrap();
        finish(runtime, &[&pool], &tally);
    });
}

#[test]
fn a_job_spawned_while_its_pile_is_dropped_ends() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pile = GreenPile::new(1);
        let pool = pile.pool().clone();
        let (handle, spawner, value) = (runtime.handle().clone(), pile.spawner(), tally.value(0));
        let producer = thread::spawn(move || {
            // It never completes by itself.
            handle.block_on(spawner.spawn(async {
                Gate::default().opened().await;
                value
            }));
        });
        drop(pile);
        producer.join().unwrap();
        finish(runtime, &[&pool], &tally);
    });
}

#[test]
fn after_try_join_fails_the_other_jobs_are_gone() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        runtime.block_on(async {
            work::spawn_n(tally.value(0)).await;
            let both = pile![work(tally.value(1)), fail(tally.value(2))].try_join();
            assert!(both.await.err().unwrap().is_panic());
            // The job that was spawned before the pile may still be running.
            assert!(tally.alive() <= 1, "a value of the pile is still alive");
        });
        finish(runtime, &[work::pool(), fail::pool()], &tally);
        assert_eq!(fail::pool().stats().panicked, 1);
    });
}

#[test]
fn try_join_returns_all_results() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (handle, given) = (runtime.handle().clone(), tally.clone());
        let other = thread::spawn(move || handle.block_on(work::spawn_n(given.value(5))));
        runtime.block_on(async {
            let both = pile![work(tally.value(1)), work(tally.value(2))].try_join();
            let (one, two) = both.await.unwrap();
            assert_eq!((one.number, two.number), (1, 2));
        });
        other.join().unwrap();
        finish(runtime, &[work::pool()], &tally);
        assert_eq!(tally.completed(), 3);
    });
}
