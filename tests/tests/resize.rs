//! `GreenPool::resize`, both ways.

use std::future::pending;

use futures::poll;
use greenpool::{GreenPool, GreenThread};
use greenpool_tests::{Gate, Gauge, at_rest, paused};

/// Spawns that many gated jobs from tasks of their own; those without a slot are queued.
fn spawn_gated(pool: &GreenPool, gauge: &Gauge, n: usize) -> Vec<Gate> {
    let gates: Vec<Gate> = (0..n).map(|_| Gate::new()).collect();
    for gate in &gates {
        let (pool, gate, gauge) = (pool.clone(), gate.clone(), gauge.clone());
        tokio::spawn(async move {
            let job = async move {
                let _inside = gauge.enter();
                gate.passed().await;
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
fn resize_changes_what_is_free() {
    let pool = GreenPool::new(2);
    pool.resize(5);
    assert_eq!((pool.size(), pool.free()), (5, 5));
    pool.resize(5);
    assert_eq!((pool.size(), pool.free()), (5, 5));
    pool.resize(1);
    assert_eq!((pool.size(), pool.free()), (1, 1));
}

#[test]
fn resize_upwards_wakes_exactly_the_new_slots_in_order() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(1), Gauge::default());
        let gates = spawn_gated(&pool, &gauge, 6);
        at_rest().await;
        assert_eq!(counters(&pool), (0, 1, 5));
        pool.resize(3);
        assert_eq!(counters(&pool), (0, 3, 3), "the slots are handed over at once");
        at_rest().await;
        assert_eq!(gauge.now(), 3);
        // The first three have them: if these end, the last three have slots.
        gates[..3].iter().for_each(Gate::open);
        at_rest().await;
        assert_eq!((gauge.now(), gauge.total()), (3, 6));
        gates[3..].iter().for_each(Gate::open);
        pool.waitall().await;
    });
}

#[test]
fn resize_downwards_lets_running_jobs_finish_and_leaves_a_debt() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(4), Gauge::default());
        let gates = spawn_gated(&pool, &gauge, 4);
        at_rest().await;
        pool.resize(1);
        assert_eq!(counters(&pool), (-3, 4, 0), "a debt is no waiter");
        let mut next = pool.spawn(async {});
        assert!(poll!(&mut next).is_pending());
        for (n, gate) in gates.iter().enumerate() {
            assert_eq!(counters(&pool), (n.cast_signed() - 3, 4 - n, 1));
            assert!(pool.try_spawn(async {}).is_err());
            gate.open();
            at_rest().await;
        }
        next.await.await.unwrap();
        assert_eq!(counters(&pool), (1, 0, 0));
    });
}

#[test]
fn a_debt_that_is_forgiven_admits_waiters_again() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(3), Gauge::default());
        let gates = spawn_gated(&pool, &gauge, 5);
        at_rest().await;
        pool.resize(1);
        assert_eq!(counters(&pool), (-2, 3, 2));
        gates[0].open();
        at_rest().await;
        assert_eq!(counters(&pool), (-1, 2, 2));
        pool.resize(2);
        assert_eq!(counters(&pool), (0, 2, 2));
        pool.resize(3);
        at_rest().await;
        assert_eq!((counters(&pool), gauge.now()), ((0, 3, 1), 3));
        pool.resize(10);
        at_rest().await;
        assert_eq!((counters(&pool), gauge.now()), ((6, 4, 0), 4));
        gates.iter().for_each(Gate::open);
        pool.waitall().await;
        assert_eq!((gauge.peak(), gauge.total()), (4, 5));
    });
}

#[test]
fn resize_to_0_lets_running_jobs_finish_and_admits_nobody() {
    paused(async {
        let (pool, gauge) = (GreenPool::new(1), Gauge::default());
        let gates = spawn_gated(&pool, &gauge, 2);
        at_rest().await;
        pool.resize(0);
        gates.iter().for_each(Gate::open);
        at_rest().await;
        assert_eq!((counters(&pool), gauge.total()), ((0, 0, 1), 1));
        pool.resize(1);
        at_rest().await;
        assert_eq!((counters(&pool), gauge.total()), ((1, 0, 0), 2));
    });
}

#[test]
fn a_cancelled_waiter_is_not_among_those_that_resize_wakes() {
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
fn resize_reaches_a_map_that_is_under_way() {
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
        at_rest().await;
        assert_eq!(gauge.now(), 1);
        pool.resize(4);
        at_rest().await;
        assert_eq!((gauge.now(), pool.running()), (4, 4));
        drop(map);
    });
}

#[test]
fn a_map_gives_slots_back_when_the_pool_shrinks() {
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
                        open.passed().await;
                    }
                    tokio::task::yield_now().await;
                    inside.now()
                }
            },
            0..50,
        );
        at_rest().await;
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
fn a_map_reads_no_further_than_the_size_that_its_own_job_has_set() {
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
        at_rest().await;
        assert_eq!(read.total(), 1);
        let mut numbers = vec![];
        while let Some(number) = map.next().await {
            numbers.push(number.unwrap());
        }
        assert!(numbers.into_iter().eq(0..50));
    });
}
