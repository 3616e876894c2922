//! Pools that call each other in a ring end, whatever they wait for; and so do tasks that belong to a job, and jobs that gave their
//! slots away.

use std::pin::Pin;

use greenpool::{GreenPile, GreenPool, inherit, lend, pile};
use greenpool_tests::{Gate, Gauge, at_rest, paused, threads};

type Job = Pin<Box<dyn Future<Output = usize> + Send>>;

/// What a job waits for.
#[derive(Clone, Copy, Debug)]
enum For {
    Spawn,
    Result,
    Map,
    StreamMap,
    Pile,
    Fan,
}

const ALL: [For; 6] = [For::Spawn, For::Result, For::Map, For::StreamMap, For::Pile, For::Fan];

/// A job that counts down, each step in the next pool of the ring, and waits for one thing after the other.
fn round(pools: Vec<GreenPool>, waits: Vec<For>, left: usize) -> Job {
    Box::pin(async move {
        if left == 0 {
            return 0;
        }
        let next = pools[left % pools.len()].clone();
        let what = waits[left % waits.len()];
        let inner = round(pools, waits, left - 1);
        let below = match what {
            For::Spawn => {
                drop(next.spawn(inner).await);
                left - 1
            }
            For::Result => next.spawn(inner).await.await.unwrap(),
            For::Map => next.imap(|job| job, [inner]).next().await.unwrap().unwrap(),
            For::StreamMap => {
                next.imap_stream(|job| job, futures::stream::iter([inner])).next().await.unwrap().unwrap()
            }
            For::Pile => {
                let mut pile = GreenPile::on(&next);
                pile.spawn(inner).await;
                pile.next().await.unwrap().unwrap()
            }
            For::Fan => pile![in next; inner].join().await.0.unwrap(),
        };
        below + 1
    })
}

async fn every_ring_ends() {
    for length in 1..=3 {
        for first in ALL {
            for second in ALL {
                let pools: Vec<_> = (0..length).map(|_| GreenPool::new(1)).collect();
                let green = pools[0].spawn(round(pools.clone(), vec![first, second], 24)).await;
                assert_eq!(green.await.unwrap(), 24, "{first:?}, {second:?}");
                // Where only the spawn was awaited, jobs run on, and go on to spawn in the next pool.
                while pools.iter().map(|pool| pool.stats().finished).sum::<u64>() < 25 {
                    tokio::task::yield_now().await;
                }
                for pool in &pools {
                    pool.waitall().await;
                    assert_eq!((pool.free(), pool.waiting()), (1, 0));
                }
            }
        }
    }
}

#[test]
fn rings_of_one_two_and_three_pools_of_one_end() {
    paused(every_ring_ends());
}

#[test]
fn rings_of_one_two_and_three_pools_of_one_end_on_two_threads() {
    threads(2, every_ring_ends());
}

#[test]
fn tasks_that_inherit_use_the_slot_of_the_job_that_waits_for_them() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        let (a_in, b_in) = (a.clone(), b.clone());
        let job = a.spawn(async move {
            let part = |pool: GreenPool| inherit(async move { pool.spawn(async { 1 }).await.await.unwrap() });
            let back = a_in.clone();
            let over_b =
                inherit(
                    async move { b_in.spawn(async move { back.spawn(async { 5 }).await.await.unwrap() }).await.await },
                );
            let (one, two, over) =
                tokio::join!(tokio::spawn(part(a_in.clone())), tokio::spawn(part(a_in.clone())), tokio::spawn(over_b));
            one.unwrap() + two.unwrap() + over.unwrap().unwrap()
        });
        assert_eq!(job.await.await.unwrap(), 7);
        assert_eq!((a.free(), b.free()), (1, 1));
    });
}

#[test]
fn a_job_that_gave_its_slot_away_goes_on_ahead_of_new_work_and_never_over_the_limit() {
    paused(async {
        let (pool, gauge, gate) = (GreenPool::new(1), Gauge::default(), Gate::new());
        let (told, counts) = (gate.clone(), gauge.clone());
        let lender = pool.spawn(async move {
            lend(told.passed()).await;
            let _inside = counts.enter();
            tokio::task::yield_now().await;
            counts.total()
        });
        let lender = lender.await;
        at_rest().await;
        let mut later = vec![];
        for _ in 0..3 {
            let (counts, gate) = (gauge.clone(), gate.clone());
            later.push(pool.spawn(async move {
                let _inside = counts.enter();
                gate.open();
                tokio::task::yield_now().await;
            }));
        }
        futures::future::join_all(later).await;
        // The first of the others had begun, the lender came next.
        assert_eq!(lender.await.unwrap(), 2);
        pool.waitall().await;
        assert_eq!((gauge.peak(), gauge.total(), pool.stats().overflowed), (1, 4, 0));
    });
}
