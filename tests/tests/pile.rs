//! `GreenPile` and `PileSpawner`.

use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::stream::FusedStream;
use futures::{FutureExt, Stream, StreamExt, poll};
use greenpool::{GreenPile, GreenPool, pile};
use greenpool_tests::{Gate, Gauge, paused, threads, until_idle};
use tokio::task::yield_now;

async fn values<T: Send + 'static>(mut pile: GreenPile<T>) -> Vec<T> {
    let mut values = vec![];
    while let Some(result) = pile.next().await {
        values.push(result.expect("no job fails"));
    }
    values
}

#[test]
fn a_pile_yields_results_in_spawn_order() {
    paused(async {
        let pile = GreenPile::new(3);
        let gates: Vec<Gate> = (0..3).map(|_| Gate::new()).collect();
        for (n, gate) in gates.iter().cloned().enumerate() {
            pile.spawn(async move {
                gate.opened().await;
                n
            })
            .await;
        }
        for gate in gates.iter().rev() {
            gate.open();
            until_idle().await;
        }
        assert_eq!(values(pile).await, [0, 1, 2]);
    });
}

#[test]
fn an_empty_pile_ends_at_once() {
    paused(async {
        let mut pile = GreenPile::<()>::new(4);
        assert!(pile.next().await.is_none());
    });
}

#[test]
fn a_pile_owns_a_pool_or_shares_one() {
    paused(async {
        let own = GreenPile::<()>::new(4);
        assert_eq!(own.pool().size(), 4);
        let pool = GreenPool::new(2);
        let shared = GreenPile::on(&pool);
        shared.spawn(std::future::pending::<()>()).await;
        assert_eq!((pool.running(), shared.pool().running()), (1, 1));
    });
}

#[test]
fn a_pile_waits_for_slots_and_holds_any_number_of_results() {
    paused(async {
        let pile = GreenPile::new(2);
        for n in 0..100 {
            pile.spawn(async move { n }).await;
            assert!(pile.pool().running() <= 2);
        }
        until_idle().await;
        assert_eq!(pile.pool().running(), 0);
        assert_eq!(values(pile).await, (0..100).collect::<Vec<_>>());
    });
}

#[test]
fn two_piles_share_a_pools_limit_and_keep_their_results_separate() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(2), Gauge::default());
        let (left, right) = (GreenPile::on(&pool), GreenPile::on(&pool));
        for n in 0..10 {
            for (pile, sign) in [(&left, 1), (&right, -1)] {
                let gauge = gauge.clone();
                pile.spawn(async move {
                    let _inside = gauge.enter();
                    tokio::task::yield_now().await;
                    sign * n
                })
                .await;
            }
        }
        assert_eq!(values(left).await, (0..10).collect::<Vec<_>>());
        assert_eq!(values(right).await, (0..10).map(|n| -n).collect::<Vec<_>>());
        assert_eq!(gauge.peak(), 2);
    });
}

#[test]
fn the_jobs_before_an_entry_that_panics_keep_running() {
    paused(async {
        let (pool, gate, gauge) = (GreenPool::new(1), Gate::new(), Gauge::default());
        let job = |gate: Gate| {
            let gauge = gauge.clone();
            async move {
                gate.opened().await;
                let _ended = gauge.enter();
            }
        };
        let entry = || -> std::future::Ready<()> { std::panic::resume_unwind(Box::new("entry")) };
        // The second job is still queued.
        let make = || drop(pile![in pool; job(gate.clone()), job(gate.clone()), entry()]);
        assert!(catch_unwind(AssertUnwindSafe(make)).is_err());
        gate.open();
        pool.waitall().await;
        assert_eq!((gauge.total(), pool.stats().finished), (2, 2));
    });
}

#[test]
fn a_panicking_job_keeps_its_place() {
    paused(async {
        let mut pile = GreenPile::new(2);
        for n in 0..3 {
            pile.spawn(async move {
                if n == 1 {
                    std::panic::resume_unwind(Box::new("one"));
                }
                n
            })
            .await;
        }
        assert_eq!(pile.next().await.unwrap().unwrap(), 0);
        assert!(pile.next().await.unwrap().expect_err("it panics").is_panic());
        assert_eq!(pile.next().await.unwrap().unwrap(), 2);
        assert!(pile.next().await.is_none());
    });
}

#[test]
fn a_pile_can_be_refilled_after_it_ends() {
    paused(async {
        let mut pile = GreenPile::new(1);
        for n in 0..3 {
            pile.spawn(async move { n }).await;
            assert_eq!(pile.next().await.unwrap().unwrap(), n);
            assert!(pile.next().await.is_none());
            assert!(pile.is_terminated());
        }
    });
}

#[test]
fn a_pile_is_a_stream() {
    paused(async {
        let pile = GreenPile::new(2);
        for n in 0..5 {
            pile.spawn(async move { n }).await;
        }
        let all: Vec<i32> = pile.map(Result::unwrap).collect().await;
        assert_eq!(all, [0, 1, 2, 3, 4]);
    });
}

#[test]
fn a_pile_does_not_end_while_a_spawner_exists() {
    paused(async {
        let mut pile = GreenPile::new(1);
        let spawner = pile.spawner();
        assert!(poll!(pile.next()).is_pending());
        let other = spawner.clone();
        drop(spawner);
        assert!(poll!(pile.next()).is_pending());
        other.spawn(async { 1 }).await;
        assert_eq!(pile.next().await.unwrap().unwrap(), 1);
        assert!(poll!(pile.next()).is_pending());
        let consumer = tokio::spawn(async move { pile.next().await.is_none() });
        until_idle().await;
        assert!(!consumer.is_finished());
        drop(other);
        assert!(consumer.await.unwrap(), "dropping the last spawner ends the pile");
    });
}

#[test]
fn each_producer_task_keeps_its_order() {
    threads(3, async {
        let pile = GreenPile::new(4);
        for producer in 0..4 {
            let spawner = pile.spawner();
            tokio::spawn(async move {
                for n in 0..500 {
                    spawner.spawn(async move { (producer, n) }).await;
                }
            });
        }
        let mut next = [0; 4];
        for (producer, n) in values(pile).await {
            assert_eq!(n, next[producer]);
            next[producer] += 1;
        }
        assert_eq!(next, [500; 4]);
    });
}

#[test]
fn next_waits_for_a_spawn_that_is_still_queued() {
    paused(async {
        let mut pile = GreenPile::new(1);
        let gate = Gate::new();
        pile.pool().spawn_n(gate.clone().opened()).await;
        let spawner = pile.spawner();
        let producer = tokio::spawn(async move { spawner.spawn(async { 5 }).await });
        until_idle().await;
        assert!(poll!(pile.next()).is_pending());
        gate.open();
        assert_eq!(pile.next().await.unwrap().unwrap(), 5);
        assert!(pile.next().await.is_none());
        producer.await.unwrap();
    });
}

#[test]
fn a_spawn_dropped_in_the_queue_has_no_place_in_the_pile() {
    paused(async {
        let mut pile = GreenPile::new(1);
        let gate = Gate::new();
        let open = gate.clone();
        pile.spawn(async move {
            open.opened().await;
            1
        })
        .await;
        let mut dropped = Box::pin(pile.spawn(async { 2 }));
        assert!(poll!(&mut dropped).is_pending());
        drop(dropped);
        gate.open();
        assert_eq!(pile.next().await.unwrap().unwrap(), 1);
        assert!(pile.next().await.is_none());
    });
}

#[test]
fn a_cancelled_next_takes_nothing() {
    paused(async {
        let mut pile = GreenPile::new(2);
        let gate = Gate::new();
        let open = gate.clone();
        pile.spawn(async move {
            open.opened().await;
            1
        })
        .await;
        let mut next = Box::pin(pile.next());
        assert!(poll!(&mut next).is_pending());
        gate.open();
        until_idle().await;
        drop(next);
        assert_eq!(pile.next().await.unwrap().unwrap(), 1);
        assert!(pile.next().await.is_none());
    });
}

#[test]
fn spawning_into_a_dropped_pile_starts_nothing() {
    paused(async {
        let (pool, ran) = (GreenPool::new(1), Gauge::default());
        let pile = GreenPile::on(&pool);
        let spawner = pile.spawner();
        drop(pile);
        let inside = ran.clone();
        spawner.spawn(async move { drop(inside.enter()) }).await;
        until_idle().await;
        assert_eq!((ran.total(), pool.running()), (0, 0));
    });
}

#[test]
fn a_pile_on_a_closed_pool_reports_it_for_each_spawn() {
    paused(async {
        let pool = GreenPool::new(1);
        let mut pile = GreenPile::on(&pool);
        pile.spawn(async { 1 }).await;
        pool.close();
        pile.spawn(async { 2 }).await;
        assert_eq!(pile.next().await.unwrap().unwrap(), 1);
        assert!(pile.next().await.unwrap().expect_err("closed").is_closed());
        assert!(pile.next().await.is_none());
    });
}

#[test]
fn next_unordered_waits_for_no_spawner_that_is_gone() {
    for has_spawner in [false, true] {
        paused(async move {
            let (a, b, gate) = (GreenPool::new(1), GreenPool::new(2), Gate::new());
            // It moves, and has nothing to do with the others.
            b.spawn_n(gate.clone().opened()).await;
            let a_in = a.clone();
            let job = a.spawn(async move {
                let mut pile = GreenPile::on(&b);
                let spawner = has_spawner.then(|| pile.spawner());
                pile.spawn(async move { a_in.spawn(async {}).await.await.unwrap() }).await;
                let mut next = pile.next_unordered();
                assert!(poll!(&mut next).is_pending());
                drop(spawner);
                next.await.unwrap().1.unwrap();
            });
            job.await.await.unwrap();
        });
    }
}

/// Calls `act` with a number, again and again, while a task spawns into a pile and drops what it has spawned.
fn beside_dropped_spawns(act: impl Fn(&mut GreenPile<u32>, usize) + Send + 'static) {
    threads(3, async move {
        let pool = GreenPool::new(1);
        pool.spawn_n(std::future::pending::<()>()).await;
        let mut pile = GreenPile::<u32>::on(&pool);
        let spawner = pile.spawner();
        let task = tokio::spawn(async move {
            for round in 0..200_000 {
                let mut spawn = Box::pin(spawner.spawn(ready(1)));
                assert!(poll!(&mut spawn).is_pending());
                (0..round % 500).for_each(|_| std::hint::spin_loop());
                drop(spawn);
                if round % 100 == 0 {
                    yield_now().await;
                }
            }
        });
        let mut round = 0;
        while !task.is_finished() {
            act(&mut pile, round);
            round += 1;
        }
        task.await.unwrap();
    });
}

#[test]
fn the_size_hint_of_a_pile_counts_no_pending_spawn() {
    beside_dropped_spawns(|pile, _| assert_eq!(pile.size_hint().0, 0));
}

#[test]
fn a_spawn_that_is_dropped_in_the_queue_yields_nothing() {
    beside_dropped_spawns(|pile, round| {
        if round % 2 == 0 {
            assert!(pile.try_next().is_none());
        } else {
            assert!(pile.next().now_or_never().is_none());
        }
    });
}

#[test]
fn a_pile_does_not_end_while_a_spawn_resolves() {
    threads(3, async {
        let pool = GreenPool::new(1);
        for round in 0..10_000 {
            let mut pile = GreenPile::<u32>::on(&pool);
            pile.spawn(async {
                yield_now().await;
                1
            })
            .await;
            let mut second = Box::pin(pile.spawn(async { 2 }));
            let was_queued = poll!(&mut second).is_pending();
            let task = tokio::spawn(async move {
                if was_queued {
                    second.await;
                }
            });
            assert_eq!(pile.next().await.unwrap().unwrap(), 1);
            assert_eq!((pile.len(), pile.is_terminated()), (1, false), "in round {round}");
            assert_eq!(pile.next().await.unwrap().unwrap(), 2, "in round {round}");
            task.await.unwrap();
        }
    });
}

#[test]
fn a_pile_is_not_terminated_while_its_last_spawner_spawns_and_goes() {
    threads(3, async {
        let pool = GreenPool::new(10_000);
        for round in 0..10_000 {
            let pile = GreenPile::<u32>::on(&pool);
            let spawner = pile.spawner();
            let task = tokio::spawn(async move { spawner.spawn(ready(1)).await });
            while !task.is_finished() {
                assert!(!pile.is_terminated(), "in round {round}");
            }
            task.await.unwrap();
        }
    });
}
