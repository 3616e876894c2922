//! Jobs that take slots with `slot`, and need slots of their own pools to go on and give them back.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, join, join_all};
use greenpool::{GreenPool, GreenThread, Slot, lend};
use greenpool_tests::{Gate, Gauge, paused, threads, until_idle};
use tokio::runtime::Handle;
use tokio::sync::Barrier;
use tokio::task::{block_in_place, yield_now};
use tokio::time::{sleep, timeout};

/// A pool, and how many work under its limit.
#[derive(Clone)]
struct Limited {
    pool: GreenPool,
    gauge: Gauge,
}

impl Limited {
    fn new(size: usize) -> Self {
        Limited { pool: GreenPool::new(size), gauge: Gauge::default() }
    }

    /// Works for a few turns.
    async fn work(&self) {
        let _working = self.gauge.enter();
        for _ in 0..3 {
            yield_now().await;
        }
    }

    async fn work_in_slot(&self) {
        let slot = self.pool.slot().await.unwrap();
        self.work().await;
        drop(slot);
    }

    fn assert_idle(&self, case: &str) {
        let stats = self.pool.stats();
        assert_eq!((stats.running, stats.waiting, stats.held), (0, 0, 0), "{case}");
    }
}

/// Each of these jobs gives its slot back until its gate opens, and is granted the slot of the next job meanwhile. So
/// all slots of these pools belong to jobs that have none of their own pool.
async fn ring(pools: &[Limited], in_place: bool) -> Vec<(Gate, GreenThread<()>)> {
    let begin = Gate::new();
    let jobs = pools.iter().enumerate().map(async |(at, own)| {
        let (own, other, gate) = (own.clone(), pools[(at + 1) % pools.len()].clone(), Gate::new());
        let (pool, begin, opened) = (own.pool.clone(), begin.clone().opened(), gate.clone().opened());
        let job = async move {
            begin.await;
            let lends = async {
                lend(opened).await;
                own.work().await;
            };
            let both = join(lends, other.work_in_slot());
            if in_place {
                block_in_place(|| Handle::current().block_on(both));
            } else {
                both.await;
            }
        };
        (gate, pool.spawn(job).await)
    });
    let jobs = join_all(jobs).await;
    begin.open();
    until_idle().await;
    jobs
}

/// The jobs end. In each pool, two have worked, one after the other.
async fn end(jobs: impl IntoIterator<Item = GreenThread<()>>, pools: &[Limited], case: &str) {
    for job in jobs {
        job.await.unwrap();
    }
    for pool in pools {
        assert_eq!((pool.gauge.peak(), pool.gauge.total()), (1, 2), "{case}");
        pool.assert_idle(case);
    }
}

#[test]
fn jobs_that_were_granted_each_others_slots_go_on() {
    for pools in 2..5 {
        for first in 0..pools {
            paused(async move {
                let case = format!("{pools} pools, the gate of {first} opens first");
                let pools: Vec<_> = (0..pools).map(|_| Limited::new(1)).collect();
                let mut jobs = ring(&pools, false).await;
                jobs.rotate_left(first);
                for (gate, _) in &jobs {
                    gate.open();
                    until_idle().await;
                }
                end(jobs.into_iter().map(|(_, job)| job), &pools, &case).await;
            });
        }
    }
}

#[test]
fn so_do_those_on_several_threads_and_those_that_wait_in_place() {
    for round in 0..200 {
        for in_place in [false, true] {
            threads(4, async move {
                let case = format!("round {round}, in place: {in_place}");
                let pools = [(); 2].map(|()| Limited::new(1));
                let jobs = ring(&pools, in_place).await;
                for (gate, _) in &jobs {
                    gate.open();
                }
                end(jobs.into_iter().map(|(_, job)| job), &pools, &case).await;
            });
        }
    }
}

#[test]
fn a_slot_that_is_given_up_while_another_job_has_it_goes_on_to_the_next() {
    paused(async {
        let (pools, gate) = ([(); 2].map(|()| Limited::new(1)), Gate::new());
        let jobs = [0, 1].map(|at| {
            let (own, other, opened) = (pools[at].clone(), pools[1 - at].pool.clone(), gate.clone().opened());
            pools[at].pool.spawn(async move {
                let mut slot = Box::pin(other.slot());
                // The second job gets the slot that the first one has given back.
                let taken = futures::poll!(&mut slot);
                lend(opened).await;
                own.work().await;
                // Not polled again.
                drop((taken, slot));
            })
        });
        let jobs = join_all(jobs).await;
        until_idle().await;
        gate.open();
        for job in jobs {
            job.await.unwrap();
        }
        for pool in &pools {
            assert_eq!(pool.gauge.peak(), 1);
            pool.assert_idle("given up");
        }
    });
}

/// Takes slots of `other`, holds them until both gates have opened, and gives its own slot back between these.
async fn hold(other: GreenPool, slots: usize, [taken, resumes]: [Gate; 2]) {
    let slots = join_all((0..slots).map(|_| other.slot())).await;
    taken.opened().await;
    lend(resumes.opened()).await;
    yield_now().await;
    drop(slots);
}

#[test]
fn a_job_whose_slots_are_all_that_is_left_of_its_pool_goes_on() {
    paused(async {
        for (size, slots) in [(2, 1), (3, 1), (3, 2), (5, 4)] {
            for shrunk in 1..=slots {
                let (pool, gates) = (GreenPool::new(size), [Gate::new(), Gate::new()]);
                let job = pool.spawn(hold(pool.clone(), slots, gates.clone())).await;
                until_idle().await;
                assert_eq!(pool.running(), slots + 1);
                pool.resize(shrunk);
                gates[0].open();
                until_idle().await;
                assert_eq!((pool.running(), pool.stats().held), (slots, slots));
                gates[1].open();
                job.await.unwrap();
                let stats = pool.stats();
                assert_eq!((stats.running, stats.held, stats.size), (0, 0, shrunk), "{size}, {slots}, {shrunk}");
                pool.spawn(async {}).await.await.unwrap();
            }
        }
    });
}

#[test]
fn jobs_that_hold_all_that_is_left_of_each_others_pools_go_on_one_by_one() {
    paused(async {
        for open_first in [0, 1] {
            let pools = [2, 2].map(GreenPool::new);
            let gates = [(); 2].map(|()| [Gate::new(), Gate::new()]);
            let jobs = [0, 1].map(|at| pools[at].spawn(hold(pools[1 - at].clone(), 1, gates[at].clone())));
            let jobs = join_all(jobs).await;
            until_idle().await;
            for pool in &pools {
                pool.resize(1);
            }
            for [taken, _] in &gates {
                taken.open();
            }
            until_idle().await;
            assert_eq!(pools.each_ref().map(GreenPool::running), [1, 1]);
            gates[open_first][1].open();
            until_idle().await;
            gates[1 - open_first][1].open();
            for job in jobs {
                job.await.unwrap();
            }
            assert_eq!(pools.each_ref().map(GreenPool::running), [0, 0]);
        }
    });
}

/// How a job that has taken the only slot of a pool may wait for a job of that pool, and give the slot back all the same.
type WaitsAndHolds = fn(Slot, GreenThread<()>, Gauge) -> BoxFuture<'static, ()>;
const WAITS_AND_HOLDS: [(&str, WaitsAndHolds); 3] = [
    ("beside other work", |slot, job, gauge| {
        let work = async move {
            let _working = gauge.enter();
            sleep(Duration::from_secs(1)).await;
            drop(slot);
        };
        join(work, job).map(|_| ()).boxed()
    }),
    ("for a while", |slot, mut job, gauge| {
        let waits = async move {
            let _working = gauge.enter();
            assert!(timeout(Duration::from_secs(1), &mut job).await.is_err());
            drop(slot);
        };
        waits.boxed()
    }),
    ("while another task works", |slot, job, gauge| {
        let waits = async move {
            tokio::spawn(async move {
                let _working = gauge.enter();
                sleep(Duration::from_secs(1)).await;
                drop(slot);
            });
            job.await.unwrap();
        };
        waits.boxed()
    }),
];

#[test]
fn the_limit_is_kept_if_a_job_with_the_last_slot_waits_for_a_job_of_that_pool() {
    paused(async {
        for (how, waits_and_holds) in WAITS_AND_HOLDS {
            let ([a, b], gate, gauge) = ([1, 1].map(GreenPool::new), Gate::new(), Gauge::default());
            let (opened, working) = (gate.clone().opened(), gauge.clone());
            let lends = async move {
                lend(opened).await;
                let _working = working.enter();
                sleep(Duration::from_secs(1)).await;
            };
            let lends = a.spawn(lends).await;
            until_idle().await;
            let (a_in, working) = (a.clone(), gauge.clone());
            let holds = b.spawn(async move {
                let slot = a_in.slot().await.unwrap();
                waits_and_holds(slot, lends, working).await;
            });
            let holds = holds.await;
            until_idle().await;
            gate.open();
            holds.await.unwrap();
            a.waitall().await;
            assert_eq!((gauge.peak(), gauge.total(), a.running(), a.stats().held), (1, 2, 0, 0), "{how}");
        }
    });
}

#[test]
fn jobs_in_place_that_take_each_others_slots_at_the_same_moment_keep_the_limit() {
    for round in 0..200 {
        threads(4, async move {
            let (pools, barrier) = ([(); 2].map(|()| Limited::new(1)), Arc::new(Barrier::new(2)));
            let jobs = [0, 1].map(|at| {
                let (own, other, barrier) = (pools[at].clone(), pools[1 - at].clone(), barrier.clone());
                own.pool.clone().spawn(async move {
                    let lends = async {
                        lend(async {
                            for _ in 0..3 {
                                yield_now().await;
                            }
                        })
                        .await;
                        own.work().await;
                    };
                    let takes = async {
                        barrier.wait().await;
                        other.work_in_slot().await;
                    };
                    block_in_place(|| Handle::current().block_on(join(lends, takes)));
                })
            });
            end(join_all(jobs).await, &pools, &format!("round {round}")).await;
        });
    }
}

#[test]
fn the_end_of_another_job_of_a_pool_that_was_shrunk_is_noticed() {
    paused(async {
        let (pool, gates, other) = (GreenPool::new(3), [Gate::new(), Gate::new()], Gate::new());
        let job = pool.spawn(hold(pool.clone(), 1, gates.clone())).await;
        until_idle().await;
        let last = pool.spawn(other.clone().opened()).await;
        gates[0].open();
        until_idle().await;
        pool.resize(1);
        gates[1].open();
        until_idle().await;
        assert_eq!((job.is_finished(), pool.running()), (false, 2));
        other.open();
        last.await.unwrap();
        job.await.unwrap();
        assert_eq!(pool.running(), 0);
    });
}

#[test]
fn a_pool_that_was_shrunk_to_nothing_waits_for_a_resize() {
    paused(async {
        let (pool, gates) = (GreenPool::new(2), [Gate::new(), Gate::new()]);
        let job = pool.spawn(hold(pool.clone(), 1, gates.clone())).await;
        until_idle().await;
        gates[0].open();
        until_idle().await;
        pool.resize(0);
        gates[1].open();
        until_idle().await;
        assert_eq!((job.is_finished(), pool.running()), (false, 1));
        pool.resize(1);
        job.await.unwrap();
        assert_eq!(pool.running(), 0);
    });
}
