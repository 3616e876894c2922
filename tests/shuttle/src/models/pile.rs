//! Piles: spawned on one thread, read on another, dropped midway.

use std::thread;

use tokio::runtime::Runtime;

use super::check::check;
use super::world::{Tally, any, any_below, carry, finish};
use crate::GreenPile;

#[test]
fn the_results_of_a_pile_come_in_order_while_others_are_spawned() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let mut pile = GreenPile::new(1 + any_below(2));
        let producers = [0, 10].map(|from| {
            let (handle, spawner, tally) = (runtime.handle().clone(), pile.spawner(), tally.clone());
            thread::spawn(move || {
                handle.block_on(async {
                    for number in from..from + 2 {
                        spawner.spawn(carry(tally.value(number))).await;
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
        assert_eq!(tally.done(), 4);
    });
}

#[test]
fn a_pile_that_is_dropped_midway_leaves_nothing_behind() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let mut pile = GreenPile::new(1 + any_below(2));
        let pool = pile.pool().clone();
        let (handle, spawner, given) = (runtime.handle().clone(), pile.spawner(), tally.clone());
        let producer = thread::spawn(move || {
            handle.block_on(async {
                for number in 0..3 {
                    spawner.spawn(carry(given.value(number))).await;
                }
            });
        });
        runtime.block_on(async {
            for number in 0..any_below(3) {
                assert_eq!(pile.next().await.unwrap().unwrap().number, number);
            }
        });
        if any() {
            drop(pile);
        } else {
            pile.detach();
        }
        producer.join().unwrap();
        finish(runtime, &[&pool], &tally);
    });
}
