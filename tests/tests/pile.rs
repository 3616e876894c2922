//! `GreenPile` and `PileSpawner`.

use futures::stream::FusedStream;
use futures::{StreamExt, poll};
use greenpool::{GreenPile, GreenPool};
use greenpool_tests::{Gate, Gauge, paused, threads, until_idle};

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
