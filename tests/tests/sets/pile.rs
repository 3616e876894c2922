//! `next_unordered`, `try_next`, `try_next_unordered`, `len` and `is_empty` of piles.

use std::panic::resume_unwind;
use std::time::Duration;

use futures::stream::FusedStream;
use futures::{Stream, StreamExt, poll};
use greenpool::{GreenPile, GreenPool, green_pool, pile};
use greenpool_tests::{Gate, Gauge, paused, threads, until_idle};

use tokio::task::yield_now;
use tokio::time::sleep;

use crate::gated;

#[green_pool(size = 8)]
async fn wait(gate: Gate, n: u32) -> u32 {
    gated(gate, n).await
}

fn gates<const N: usize>() -> [Gate; N] {
    std::array::from_fn(|_| Gate::new())
}

#[test]
fn results_of_a_green_pile_come_as_they_finish_with_their_number() {
    paused(async {
        let (mut pile, gates) = (GreenPile::new(4), gates::<4>());
        for (n, gate) in gates.iter().enumerate() {
            pile.spawn(gated(gate.clone(), n * 10)).await;
        }
        for n in [2, 0, 3, 1] {
            assert!(poll!(pile.next_unordered()).is_pending());
            gates[n].open();
            let (number, result) = pile.next_unordered().await.unwrap();
            assert_eq!((number, result.unwrap()), (n, n * 10));
        }
        assert!(pile.next_unordered().await.is_none());
        pile.spawn(async { 7 }).await;
        let (number, result) = pile.next_unordered().await.unwrap();
        assert_eq!((number, result.unwrap()), (4, 7), "numbers go on");
    });
}

#[test]
fn a_panic_comes_with_the_number_of_its_job() {
    paused(async {
        let mut pile = GreenPile::new(2);
        for n in 0..3 {
            pile.spawn(async move {
                if n == 1 {
                    resume_unwind(Box::new("one"));
                }
            })
            .await;
        }
        let mut failed = vec![];
        while let Some((number, result)) = pile.next_unordered().await {
            failed.extend(result.is_err().then_some(number));
        }
        assert_eq!(failed, [1]);
    });
}

#[test]
fn ordered_and_unordered_calls_share_the_jobs_of_a_pile() {
    paused(async {
        let (mut pile, gates) = (GreenPile::new(8), gates::<5>());
        for (n, gate) in gates.iter().enumerate() {
            pile.spawn(gated(gate.clone(), n)).await;
        }
        assert!(poll!(pile.next()).is_pending(), "now it waits for job 0");
        gates[3].open();
        assert_eq!(pile.next_unordered().await.unwrap().0, 3);
        assert_eq!((pile.len(), pile.size_hint()), (4, (4, Some(4))));
        gates[0].open();
        gates[2].open();
        assert_eq!(pile.next().await.unwrap().unwrap(), 0);
        assert!(poll!(pile.next()).is_pending(), "now it waits for job 1");
        assert_eq!(pile.next_unordered().await.unwrap().0, 2);
        gates[1].open();
        gates[4].open();
        assert_eq!(pile.next().await.unwrap().unwrap(), 1);
        assert_eq!(pile.next().await.unwrap().unwrap(), 4, "job 3 has been taken");
        assert!(pile.next().await.is_none() && pile.is_terminated());
    });
}

#[test]
fn an_unordered_pile_waits_for_its_spawners() {
    paused(async {
        let mut pile = GreenPile::new(2);
        let spawner = pile.spawner();
        let consumer = tokio::spawn(async move {
            let mut seen = vec![];
            while let Some((number, result)) = pile.next_unordered().await {
                seen.push((number, result.unwrap()));
            }
            seen
        });
        until_idle().await;
        let gate = Gate::new();
        spawner.spawn(gated(gate.clone(), 'a')).await;
        until_idle().await;
        spawner.spawn(async { 'b' }).await;
        until_idle().await;
        gate.open();
        until_idle().await;
        drop(spawner);
        assert_eq!(consumer.await.unwrap(), [(1, 'b'), (0, 'a')]);
    });
}

#[test]
fn ten_thousand_unordered_results_arrive_whatever_wakes_first() {
    threads(2, async {
        let mut pile = GreenPile::new(10_000);
        for n in 0..10_000_usize {
            pile.spawn(async move {
                for _ in 0..n % 3 {
                    tokio::task::yield_now().await;
                }
                n
            })
            .await;
        }
        let mut seen = vec![false; 10_000];
        while let Some((number, result)) = pile.next_unordered().await {
            assert_eq!(result.unwrap(), number);
            assert!(!std::mem::replace(&mut seen[number], true));
        }
        assert!(seen.into_iter().all(|seen| seen));
    });
}

#[test]
fn a_job_waits_for_any_of_its_children_in_its_own_full_pool() {
    paused(async {
        for size in 1..4 {
            let pool = GreenPool::new(size);
            let inner = pool.clone();
            let parent = async move {
                let mut pile = GreenPile::on(&inner);
                let spawner = pile.spawner();
                for n in 0..3 {
                    spawner.spawn(async move { n }).await;
                }
                drop(spawner);
                let mut sum = 0;
                while let Some((_, result)) = pile.next_unordered().await {
                    sum += result.unwrap();
                }
                let mut pile = pile![in inner; async { 1 }, async { 2 }, async { 3 }];
                while let Some((index, result)) = pile.next_unordered().await {
                    assert_eq!(result.unwrap(), index + 1);
                    sum += index;
                }
                sum
            };
            assert_eq!(pool.spawn(parent).await.value().await, 6);
        }
    });
}

#[test]
fn jobs_of_two_pools_that_wait_for_any_result_of_each_other_do_not_deadlock() {
    fn tree(pools: [GreenPool; 2], depth: u32) -> std::pin::Pin<Box<dyn Future<Output = u32> + Send>> {
        Box::pin(async move {
            if depth == 0 {
                return 1;
            }
            let mut pile = GreenPile::on(&pools[1]);
            let others = [pools[1].clone(), pools[0].clone()];
            for _ in 0..2 {
                pile.spawn(tree(others.clone(), depth - 1)).await;
            }
            let mut sum = 0;
            while let Some((_, result)) = pile.next_unordered().await {
                sum += result.unwrap();
            }
            sum
        })
    }
    for workers in [1, 2] {
        threads(workers, async {
            let pools = [GreenPool::new(2), GreenPool::new(1)];
            assert_eq!(pools[0].spawn(tree(pools.clone(), 6)).await.value().await, 64);
        });
    }
}

#[test]
fn a_cancelled_next_unordered_takes_nothing_and_a_dropped_pile_aborts_all() {
    paused(async {
        let (pool, alive, gate) = (GreenPool::new(3), Gauge::default(), Gate::new());
        let mut pile = GreenPile::on(&pool);
        for _ in 0..3 {
            let (inside, gate) = (alive.enter(), gate.clone());
            pile.spawn(async move {
                let _inside = inside;
                gate.opened().await;
            })
            .await;
        }
        let mut next = Box::pin(pile.next_unordered());
        assert!(poll!(&mut next).is_pending());
        drop(next);
        assert!(poll!(pile.next()).is_pending());
        assert_eq!((pile.len(), alive.now()), (3, 3));
        assert!(poll!(pile.next_unordered()).is_pending());
        drop(pile);
        pool.waitall().await;
        assert_eq!(alive.now(), 0);
    });
}

#[test]
fn entries_of_a_fixed_pile_come_as_they_finish() {
    paused(async {
        let gates = gates::<3>();
        let [a, b, c] = gates.clone();
        let mut pile = pile![wait(a, 0), wait(b, 1), wait(c, 2)];
        assert!(poll!(pile.next_unordered()).is_pending());
        gates[1].open();
        let (index, result) = pile.next_unordered().await.unwrap();
        assert_eq!((index, result.unwrap(), pile.len()), (1, 1, 2));
        gates[0].open();
        assert_eq!(pile.next().await.unwrap().unwrap(), 0);
        gates[2].open();
        assert_eq!(pile.next().await.unwrap().unwrap(), 2, "entry 1 has been taken");
        assert!(pile.next().await.is_none() && pile.next_unordered().await.is_none());
        assert!(pile.is_empty() && pile.is_terminated());
    });
}

#[test]
fn a_fixed_pile_of_32_is_taken_in_any_order() {
    paused(async {
        let pool = GreenPool::new(32);
        let e = |n: usize| async move { n };
        let mut pile = pile![in pool; e(0), e(1), e(2), e(3), e(4), e(5), e(6), e(7), e(8), e(9), e(10), e(11), e(12),
            e(13), e(14), e(15), e(16), e(17), e(18), e(19), e(20), e(21), e(22), e(23), e(24), e(25), e(26), e(27),
            e(28), e(29), e(30), e(31)];
        let mut seen = 0;
        while let Some((index, result)) = pile.next_unordered().await {
            assert_eq!(result.unwrap(), index);
            seen += 1;
        }
        assert_eq!((seen, pile.len()), (32, 0));
        assert!(pile.next().await.is_none());
    });
}

#[test]
fn try_next_takes_what_is_ready_and_nothing_else() {
    paused(async {
        let (pool, gate) = (GreenPool::new(2000), Gate::new());
        let mut pile = GreenPile::on(&pool);
        for n in 0..1000 {
            pile.spawn(async move { n }).await;
        }
        pile.spawn(gated(gate.clone(), 1000)).await;
        assert!(pile.try_next().is_none(), "no job has run yet");
        until_idle().await;
        let mut seen = vec![];
        while let Some(result) = pile.try_next() {
            seen.push(result.unwrap());
        }
        assert_eq!(seen, (0..1000).collect::<Vec<_>>(), "more than tokio's budget allows");
        assert_eq!((pile.len(), pile.is_empty()), (1, false));
        gate.open();
        until_idle().await;
        assert_eq!(pile.try_next().unwrap().unwrap(), 1000);
        assert!(pile.try_next().is_none() && pile.is_empty());
        assert!(pile.next().await.is_none());
    });
}

#[test]
fn try_next_of_a_fixed_pile_takes_results_in_order() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        // The second and third entry have to queue, so they are jobs of another kind.
        let mut pile = pile![in pool; gated(gate.clone(), 1), async { 2 }, async { 3 }];
        assert!(pile.try_next().is_none());
        gate.open();
        until_idle().await;
        for n in 1..4 {
            assert_eq!(pile.try_next().unwrap().unwrap(), n);
        }
        assert!(pile.try_next().is_none());
        assert_eq!(pile.next().await.map(Result::unwrap), None);
    });
}

#[test]
fn a_consumer_that_awaits_finds_what_try_next_left() {
    paused(async {
        let (pool, gate) = (GreenPool::new(2), Gate::new());
        let mut pile = GreenPile::on(&pool);
        pile.spawn(gated(gate.clone(), 1)).await;
        assert!(poll!(pile.next()).is_pending());
        assert!(pile.try_next().is_none());
        let consumer = tokio::spawn(async move { pile.map(Result::unwrap).collect::<Vec<_>>().await });
        until_idle().await;
        gate.open();
        assert_eq!(consumer.await.unwrap(), [1]);
    });
}

#[test]
fn try_next_unordered_takes_what_is_ready_and_mixes_with_the_other_verbs() {
    paused(async {
        let mut pile = GreenPile::new(1000);
        assert!(pile.try_next_unordered().is_none());
        let gates = [Gate::new(), Gate::new(), Gate::new()];
        for (n, gate) in gates.iter().enumerate() {
            let gate = gate.clone();
            pile.spawn(async move {
                gate.opened().await;
                n
            })
            .await;
        }
        for n in 3..500 {
            pile.spawn(async move { n }).await;
        }
        assert!(pile.try_next_unordered().is_none(), "none has run");
        until_idle().await;
        // More than tokio's budget allows to await at once.
        let mut numbers = Vec::new();
        while let Some((number, result)) = pile.try_next_unordered() {
            assert_eq!(result.unwrap(), number);
            numbers.push(number);
        }
        numbers.sort_unstable();
        assert_eq!((numbers, pile.len()), ((3..500).collect(), 3));

        // One that was looked at in vain wakes the other verbs, and is found again.
        gates[1].open();
        assert_eq!(pile.next_unordered().await.unwrap().0, 1);
        assert!(poll!(pile.next_unordered()).is_pending());
        gates[2].open();
        until_idle().await;
        assert_eq!(pile.try_next_unordered().unwrap().0, 2);
        assert!(pile.try_next_unordered().is_none());
        gates[0].open();
        assert_eq!(pile.next().await.unwrap().unwrap(), 0);
        assert!(pile.is_empty() && pile.try_next_unordered().is_none());
    });
}

#[test]
fn try_next_unordered_in_a_job_does_not_wait() {
    paused(async {
        let (pool, gate) = (GreenPool::new(2), Gate::new());
        let (inside, opened) = (pool.clone(), gate.clone());
        let job = async move {
            let mut pile = GreenPile::on(&inside);
            pile.spawn(gated(opened, 7)).await;
            assert!(pile.try_next_unordered().is_none());
            // The job that looked waits for something else.
            sleep(Duration::from_millis(1)).await;
            pile.next().await.unwrap().unwrap()
        };
        let job = pool.spawn(job).await;
        yield_now().await;
        assert_eq!((pool.running(), pool.stats().suspended), (2, 0));
        sleep(Duration::from_millis(2)).await;
        assert_eq!((pool.running(), pool.stats().suspended), (2, 1));
        gate.open();
        assert_eq!(job.await.unwrap(), 7);
    });
}

#[test]
fn try_next_unordered_of_a_pile_macro_gives_the_index() {
    paused(async {
        let mut pile = pile![sleepy(30), sleepy(10), sleepy(20)];
        let mut order = Vec::new();
        for _ in 0..5 {
            while let Some((index, result)) = pile.try_next_unordered() {
                order.push((index, result.unwrap()));
            }
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!((order, pile.is_empty()), (vec![(1, 10), (2, 20), (0, 30)], true));
    });
}

#[green_pool(size = 3)]
async fn sleepy(ms: u64) -> u64 {
    sleep(Duration::from_millis(ms)).await;
    ms
}
