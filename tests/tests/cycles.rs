//! Cycles of pools complete, whatever the jobs wait for. So do tasks that inherit from a job, and jobs that released
//! their slots.

use std::pin::Pin;

use greenpool::{GreenPile, GreenPool, inherit, lend, pile};
use greenpool_tests::{Gate, Gauge, paused, threads, until_idle};

type Job = Pin<Box<dyn Future<Output = usize> + Send>>;

/// What a job waits for.
#[derive(Clone, Copy, Debug)]
enum WaitFor {
    Spawn,
    Result,
    Map,
    StreamMap,
    Pile,
    Fan,
}

const ALL: [WaitFor; 6] =
    [WaitFor::Spawn, WaitFor::Result, WaitFor::Map, WaitFor::StreamMap, WaitFor::Pile, WaitFor::Fan];

/// A job that counts down. Each step runs in the next pool of the cycle and waits in the next of the ways in `waits`.
fn count_down(pools: Vec<GreenPool>, waits: Vec<WaitFor>, left: usize) -> Job {
    Box::pin(async move {
        if left == 0 {
            return 0;
        }
        let next = pools[left % pools.len()].clone();
        let what = waits[left % waits.len()];
        let inner = count_down(pools, waits, left - 1);
        let below = match what {
            WaitFor::Spawn => {
                drop(next.spawn(inner).await);
                left - 1
            }
            WaitFor::Result => next.spawn(inner).await.await.unwrap(),
            WaitFor::Map => next.imap(|job| job, [inner]).next().await.unwrap().unwrap(),
            WaitFor::StreamMap => {
                next.imap_stream(|job| job, futures::stream::iter([inner])).next().await.unwrap().unwrap()
            }
            WaitFor::Pile => {
                let mut pile = GreenPile::on(&next);
                pile.spawn(inner).await;
                pile.next().await.unwrap().unwrap()
            }
            WaitFor::Fan => pile![in next; inner].join().await.0.unwrap(),
        };
        below + 1
    })
}

async fn every_cycle_completes() {
    for length in 1..=3 {
        for first in ALL {
            for second in ALL {
                let pools: Vec<_> = (0..length).map(|_| GreenPool::new(1)).collect();
                let green = pools[0].spawn(count_down(pools.clone(), vec![first, second], 24)).await;
                assert_eq!(green.await.unwrap(), 24, "{first:?}, {second:?}");
                // Jobs that were only spawned keep running, and spawn more jobs in the next pool.
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
fn cycles_of_up_to_three_pools_of_size_one_complete() {
    paused(every_cycle_completes());
}

#[test]
fn cycles_of_up_to_three_pools_of_size_one_complete_on_two_threads() {
    threads(2, every_cycle_completes());
}

#[test]
fn inheriting_tasks_use_the_slot_of_the_job_that_awaits_them() {
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
fn a_job_that_released_its_slot_resumes_before_new_jobs_and_within_the_limit() {
    paused(async {
        let (pool, gauge, gate) = (GreenPool::new(1), Gauge::default(), Gate::new());
        let (wait_gate, counts) = (gate.clone(), gauge.clone());
        let lender = pool.spawn(async move {
            lend(wait_gate.opened()).await;
            let _inside = counts.enter();
            tokio::task::yield_now().await;
            counts.total()
        });
        let lender = lender.await;
        until_idle().await;
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
        // The first of the other jobs had started. The lender came next.
        assert_eq!(lender.await.unwrap(), 2);
        pool.waitall().await;
        assert_eq!((gauge.peak(), gauge.total(), pool.stats().overflowed), (1, 4, 0));
    });
}
