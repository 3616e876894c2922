//! `GreenPool::resize`: growing and shrinking.

use std::future::pending;

use futures::poll;
use greenpool::{GreenPool, GreenThread};
use greenpool_tests::{Gate, Gauge, paused, until_idle};

/// Spawns `n` gated jobs, each from its own task. Spawns that get no slot are queued.
fn spawn_gated(pool: &GreenPool, gauge: &Gauge, n: usize) -> Vec<Gate> {
    let gates: Vec<Gate> = (0..n).map(|_| Gate::new()).collect();
    for gate in &gates {
        let (pool, gate, gauge) = (pool.clone(), gate.clone(), gauge.clone());
        tokio::spawn(async move {
            let job = async move {
                let _inside = gauge.enter();
                gate.opened().await;
            };
            pool.spawn_n(job).await;
        });
    }
    gates
}

fn counters(pool: &GreenPool) -> (isize, usize, usize) {
    (pool.free(), pool.running(), pool.waiting())
}

#[test]
fn resize_changes_the_number_of_free_slots() {
    let pool = GreenPool::new(2);
    pool.resize(5);
    assert_eq!((pool.size(), pool.free()), (5, 5));
    pool.resize(5);
    assert_eq!((pool.size(), pool.free()), (5, 5));
    pool.resize(1);
    assert_eq!((pool.size(), pool.free()), (1, 1));
}

#[test]
fn growing_serves_one_waiter_per_new_slot_in_order() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(1), Gauge::default());
        let gates = spawn_gated(&pool, &gauge, 6);
        until_idle().await;
        assert_eq!(counters(&pool), (0, 1, 5));
        pool.resize(3);
        assert_eq!(counters(&pool), (0, 3, 3), "the slots are handed over at once");
        until_idle().await;
        assert_eq!(gauge.now(), 3);
        // The first three jobs have the slots. When they complete, the last three get them.
        gates[..3].iter().for_each(Gate::open);
        until_idle().await;
        assert_eq!((gauge.now(), gauge.total()), (3, 6));
        gates[3..].iter().for_each(Gate::open);
        pool.waitall().await;
    });
}

#[test]
fn shrinking_lets_running_jobs_finish_and_leaves_a_debt() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(4), Gauge::default());
        let gates = spawn_gated(&pool, &gauge, 4);
        until_idle().await;
        pool.resize(1);
        assert_eq!(counters(&pool), (-3, 4, 0), "a debt does not count as a waiter");
        let mut next = pool.spawn(async {});
        assert!(poll!(&mut next).is_pending());
        for (n, gate) in gates.iter().enumerate() {
            assert_eq!(counters(&pool), (n.cast_signed() - 3, 4 - n, 1));
            assert!(pool.try_spawn(async {}).is_err());
            gate.open();
            until_idle().await;
        }
        next.await.await.unwrap();
        assert_eq!(counters(&pool), (1, 0, 0));
    });
}

#[test]
fn growing_again_cancels_a_debt_and_admits_waiters() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(3), Gauge::default());
        let gates = spawn_gated(&pool, &gauge, 5);
        until_idle().await;
        pool.resize(1);
        assert_eq!(counters(&pool), (-2, 3, 2));
        gates[0].open();
        until_idle().await;
        assert_eq!(counters(&pool), (-1, 2, 2));
        pool.resize(2);
        assert_eq!(counters(&pool), (0, 2, 2));
        pool.resize(3);
        until_idle().await;
        assert_eq!((counters(&pool), gauge.now()), ((0, 3, 1), 3));
        pool.resize(10);
        until_idle().await;
        assert_eq!((counters(&pool), gauge.now()), ((6, 4, 0), 4));
        gates.iter().for_each(Gate::open);
        pool.waitall().await;
        assert_eq!((gauge.peak(), gauge.total()), (4, 5));
    });
}

#[test]
fn resize_to_0_lets_running_jobs_finish_and_admits_no_waiters() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(1), Gauge::default());
        let gates = spawn_gated(&pool, &gauge, 2);
        until_idle().await;
        pool.resize(0);
        gates.iter().for_each(Gate::open);
        until_idle().await;
        assert_eq!((counters(&pool), gauge.total()), ((0, 0, 1), 1));
        pool.resize(1);
        until_idle().await;
        assert_eq!((counters(&pool), gauge.total()), ((1, 0, 0), 2));
    });
}

#[test]
fn resize_skips_a_cancelled_waiter() {
    paused(async {
        let pool = GreenPool::new(0);
        let mut waiters: Vec<_> = (0..3).map(|n| Box::pin(pool.spawn(async move { n }))).collect();
        for waiter in &mut waiters {
            assert!(poll!(waiter).is_pending());
        }
        drop(waiters.remove(1));
        assert_eq!(pool.waiting(), 2);
        pool.resize(2);
        assert_eq!(counters(&pool), (0, 2, 0));
        let greens: Vec<GreenThread<i32>> = futures::future::join_all(waiters).await;
        let values = futures::future::join_all(greens).await;
        assert_eq!(values.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [0, 2]);
    });
}

#[test]
fn growing_applies_to_a_running_map() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(1), Gauge::default());
        let inside = gauge.clone();
        let map = pool.imap(
            move |()| {
                let inside = inside.enter();
                async move {
                    let _inside = inside;
                    pending::<()>().await;
                }
            },
            std::iter::repeat(()),
        );
        let map = map.window(10);
        until_idle().await;
        assert_eq!(gauge.now(), 1);
        pool.resize(4);
        until_idle().await;
        assert_eq!((gauge.now(), pool.running()), (4, 4));
        drop(map);
    });
}

#[test]
fn a_running_map_releases_slots_when_the_pool_shrinks() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(4), Gauge::default());
        let gate = Gate::new();
        let (inside, open) = (gauge.clone(), gate.clone());
        let mut map = pool.imap(
            move |n: usize| {
                let (inside, open) = (inside.clone(), open.clone());
                async move {
                    let _inside = inside.enter();
                    if n < 4 {
                        open.opened().await;
                    }
                    tokio::task::yield_now().await;
                    inside.now()
                }
            },
            0..50,
        );
        until_idle().await;
        pool.resize(1);
        assert_eq!(pool.free(), -3);
        gate.open();
        let mut at_once = vec![];
        while let Some(result) = map.next().await {
            at_once.push(result.unwrap());
        }
        assert_eq!(at_once.len(), 50);
        assert!(at_once[4..].iter().all(|now| *now == 1), "{at_once:?}");
        assert_eq!(counters(&pool), (1, 0, 0));
    });
}

#[test]
fn a_map_respects_a_resize_by_its_own_job_before_it_reads_on() {
    paused(async {
        let (pool, read) = (GreenPool::new(8), Gauge::default());
        let (own, items) = (pool.clone(), read.clone());
        let job = move |n: usize| {
            let own = own.clone();
            async move {
                if n == 0 {
                    own.resize(1);
                }
                n
            }
        };
        let mut map = pool.imap(job, (0..50).inspect(move |_| drop(items.enter())));
        until_idle().await;
        assert_eq!(read.total(), 1);
        let mut numbers = vec![];
        while let Some(number) = map.next().await {
            numbers.push(number.unwrap());
        }
        assert!(numbers.into_iter().eq(0..50));
    });
}
