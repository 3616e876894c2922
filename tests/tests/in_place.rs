//! Jobs that block their threads with `block_in_place` and call their own pool there.
#![expect(clippy::unused_async, reason = "they are jobs")]

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Barrier};
use std::task::Poll;

use futures::future::{BoxFuture, join, join_all};
use futures::stream::{FuturesUnordered, select};
use futures::{FutureExt, StreamExt, poll, stream};
use greenpool::{GreenMap, GreenPile, GreenPool, GreenThread, green_pool, inherit, lend, pile};
use greenpool_tests::{Gate, block_on, spawn_waiter_for, threads};
use tokio::task::{block_in_place, yield_now};

fn sum(mut map: GreenMap<u32>) -> u32 {
    let mut sum = 0;
    while let Some(n) = block_on(map.next()) {
        sum += n.unwrap();
    }
    sum
}

/// Runs `job` many times in a pool that has no slot for anything else. What the job waits for queues at a different
/// moment each time.
#[track_caller]
fn run_in_full_pool(job: impl Fn(&GreenPool) -> u32 + Copy + Send + 'static) {
    threads(2, async move {
        let pool = GreenPool::new(1);
        for _ in 0..200 {
            let inside = pool.clone();
            assert_eq!(pool.spawn(async move { job(&inside) }).await.await.unwrap(), 6);
        }
        assert_eq!((pool.running(), pool.stats().panicked, pool.stats().aborted), (0, 0, 0));
        assert_eq!(pool.stats().overflowed, 0);
    });
}

async fn same(n: u32) -> u32 {
    yield_now().await;
    n
}

#[test]
fn a_job_can_block_on_a_spawn_in_its_own_pool() {
    run_in_full_pool(|pool| {
        block_on(pool.spawn_n(same(0)));
        let green = block_on(pool.spawn(same(2)));
        block_on(green).unwrap() + block_on(async { pool.spawn(same(4)).await.await.unwrap() })
    });
}

#[test]
fn a_job_can_block_on_a_map_of_its_own_pool() {
    run_in_full_pool(|pool| sum(pool.imap(same, [1, 2, 3])));
    run_in_full_pool(|pool| sum(pool.imap_unordered(same, [1, 2, 3])));
    run_in_full_pool(|pool| sum(pool.starmap(|a, b| same(a + b), [(1, 2), (3, 0)])));
}

#[test]
fn a_job_can_block_on_a_map_over_an_async_source() {
    run_in_full_pool(|pool| sum(pool.imap_stream(same, stream::iter([1, 2, 3]))));
}

#[test]
fn a_job_can_block_on_a_map_that_it_did_not_create() {
    threads(2, async {
        let pool = GreenPool::new(1);
        for _ in 0..200 {
            let hold = pool.spawn(yield_now()).await;
            let map = pool.imap(same, [1, 2, 3]).window(1);
            hold.await.unwrap();
            assert_eq!(pool.spawn(async move { sum(map) }).await.await.unwrap(), 6);
        }
    });
}

#[test]
fn a_job_can_block_on_a_pile_of_its_own_pool() {
    fn drain(mut pile: GreenPile<u32>) -> u32 {
        let mut sum = 0;
        while let Some(n) = block_on(pile.next()) {
            sum += n.unwrap();
        }
        sum
    }
    run_in_full_pool(|pool| {
        let pile = GreenPile::on(pool);
        (1..4).for_each(|n| block_on(pile.spawn(same(n))));
        drain(pile)
    });
    run_in_full_pool(|pool| {
        let pile = GreenPile::on(pool);
        let spawner = pile.spawner();
        let producer = async move {
            for n in 1..4 {
                spawner.spawn(same(n)).await;
            }
        };
        tokio::spawn(inherit(producer));
        drain(pile)
    });
    run_in_full_pool(|pool| {
        let (one, two, three) = block_on(pile![in pool; same(1), same(2), same(3)].join());
        one.unwrap() + two.unwrap() + three.unwrap()
    });
}

#[test]
fn a_job_can_lend_its_slot_while_it_blocks() {
    run_in_full_pool(|pool| {
        let other = pool.clone();
        block_on(lend(
            async move { tokio::spawn(async move { other.spawn(same(6)).await.await.unwrap() }).await.unwrap() },
        ))
    });
}

#[test]
fn a_job_can_block_on_several_futures_at_once() {
    run_in_full_pool(|pool| {
        let [one, two] = [1, 2].map(|n| pool.imap(same, [n, n]).window(1));
        block_on(async { join(one.map(Result::unwrap).count(), two.map(Result::unwrap).count()).await });
        let (pair, map) = (pool.imap_unordered(same, [1, 2]), pool.imap(same, [3]));
        let all: Vec<_> = block_on(select(pair, map).collect());
        all.into_iter().map(Result::unwrap).sum()
    });
    run_in_full_pool(|pool| {
        let jobs: FuturesUnordered<_> =
            (1..4).map(|n| async move { pool.spawn(same(n)).await.await.unwrap() }).collect();
        block_on(jobs.collect::<Vec<_>>()).into_iter().sum()
    });
}

#[test]
fn a_job_can_block_on_a_job_of_another_pool_that_reads_its_map() {
    threads(2, async {
        let (pool, other) = (GreenPool::new(1), GreenPool::new(1));
        for _ in 0..200 {
            let (inside, other) = (pool.clone(), other.clone());
            let job = async move {
                let map = inside.imap(same, [1, 2, 3]);
                block_on(async {
                    other.spawn(map.map(Result::unwrap).fold(0, async |sum, n| sum + n)).await.await.unwrap()
                })
            };
            assert_eq!(pool.spawn(job).await.await.unwrap(), 6);
        }
        assert_eq!((pool.stats().overflowed, other.stats().overflowed), (0, 0));
    });
}

#[test]
fn a_job_of_a_declared_function_can_block_on_its_own_pool() {
    #[green_pool(size = 1)]
    async fn tree(depth: u32) -> u32 {
        if depth == 0 {
            return 1;
        }
        let green = block_on(tree::spawn(depth - 1));
        block_on(green).unwrap() + sum(tree::imap([depth - 1; 2])) + sum(tree::starmap_unordered([(depth - 1,)]))
    }

    threads(2, async {
        for _ in 0..20 {
            assert_eq!(tree::spawn(3).await.await.unwrap(), 64);
        }
        assert_eq!((tree::pool().running(), tree::pool().stats().overflowed), (0, 0));
    });
}

#[test]
fn jobs_that_block_their_threads_do_not_block_other_jobs() {
    #[green_pool(size = 8)]
    async fn block(all: Arc<Barrier>) {
        block_in_place(|| _ = all.wait());
    }

    threads(2, async {
        // Each job waits for all eight.
        let all = Arc::new(Barrier::new(8));
        let waits: Vec<_> = (0..8).map(|_| all.clone()).collect();
        let mut map = block::imap(waits.clone());
        while let Some(result) = map.next().await {
            result.unwrap();
        }
        for all in waits {
            block::spawn_n(all).await;
        }
        block::pool().waitall().await;
        assert_eq!(block::pool().stats().finished, 16);
    });
}

#[test]
fn a_blocking_job_can_be_part_of_a_deadlock() {
    threads(2, async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        for _ in 0..200 {
            let (a_in, b_in) = (a.clone(), b.clone());
            let job = async move {
                let other = async move { a_in.spawn(same(6)).await.await.unwrap() };
                block_on(async { b_in.spawn(other).await.await.unwrap() })
            };
            assert_eq!(a.spawn(job).await.await.unwrap(), 6);
        }
        assert_eq!((a.stats().overflowed, b.stats().overflowed), (200, 0));
    });
}

#[test]
fn blocking_jobs_of_two_pools_can_deadlock() {
    fn descend(depth: u32, here: &GreenPool, there: &GreenPool) -> u32 {
        if depth == 0 {
            return 0;
        }
        let (back, next) = (here.clone(), there.clone());
        block_on(async { there.spawn(async move { descend(depth - 1, &next, &back) }).await.await.unwrap() }) + 1
    }

    threads(2, async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        for _ in 0..50 {
            let (here, there) = (a.clone(), b.clone());
            assert_eq!(a.spawn(async move { descend(6, &here, &there) }).await.await.unwrap(), 6);
        }
        assert_eq!((a.running(), b.running()), (0, 0));
    });
}

#[test]
fn a_job_that_blocks_in_place_lends_no_slot_while_another_branch_is_being_polled() {
    threads(3, async {
        let pool = GreenPool::new(1);
        for round in 0..100 {
            let (outer, begun) = (pool.clone(), Arc::new(AtomicBool::new(false)));
            let job = async move {
                let (inner, seen) = (outer.clone(), begun.clone());
                let branch = tokio::spawn(inherit(async move {
                    let mut child = pin!(inner.spawn(async move { begun.store(true, SeqCst) }));
                    if poll!(&mut child).is_pending() {
                        // A long poll.
                        for _ in 0..200 {
                            assert!(!seen.load(SeqCst), "the child is polled beside this branch in round {round}");
                            std::thread::yield_now();
                        }
                    }
                    child.await.await.unwrap();
                }));
                block_on(async { outer.spawn(same(6)).await.await.unwrap() });
                branch.await.unwrap();
            };
            pool.spawn(job).await.await.unwrap();
        }
    });
}

/// Where a job polls the verb that it keeps, and where it waits for its own pool then.
#[derive(Clone, Copy, Debug)]
enum Keeps {
    TaskThenPlace,
    PlaceThenTask,
    PlaceThenOtherPlace,
    SamePlace,
    Task,
}

impl Keeps {
    async fn run(self, mut kept: BoxFuture<'static, GreenThread<u32>>, deadlock: impl Future<Output = u32>) -> u32 {
        match self {
            Keeps::Task | Keeps::TaskThenPlace => assert!(poll!(&mut kept).is_pending()),
            Keeps::PlaceThenTask | Keeps::PlaceThenOtherPlace => {
                block_on(async { assert!(poll!(&mut kept).is_pending()) });
            }
            Keeps::SamePlace => {}
        }
        let sum = match self {
            Keeps::Task | Keeps::PlaceThenTask => deadlock.await,
            Keeps::TaskThenPlace | Keeps::PlaceThenOtherPlace => block_on(deadlock),
            Keeps::SamePlace => block_on(async {
                assert!(poll!(&mut kept).is_pending());
                deadlock.await
            }),
        };
        sum + kept.await.await.unwrap()
    }
}

#[test]
fn a_ready_verb_that_the_job_does_not_poll_hides_no_deadlock() {
    use Keeps::{PlaceThenOtherPlace, PlaceThenTask, SamePlace, Task, TaskThenPlace};

    threads(2, async {
        for keeps in [Task, TaskThenPlace, PlaceThenTask, PlaceThenOtherPlace, SamePlace] {
            for (round, ready_at_once) in (1..).zip([true, false].repeat(20)) {
                let [a, b, c] = [1, 1, 1].map(GreenPool::new);
                let gate = Gate::new();
                c.spawn_n(gate.clone().opened()).await;
                let kept = Box::pin(c.spawn(same(1)));
                let (a_in, b_in, opens) = (a.clone(), b.clone(), gate.clone());
                let deadlock = async move {
                    if ready_at_once {
                        opens.open();
                    }
                    b_in.spawn(async move { a_in.spawn(same(5)).await.await.unwrap() }).await.await.unwrap()
                };
                let job = a.spawn(keeps.run(kept, deadlock)).await;
                while b.stats().spawned == 0 {
                    yield_now().await;
                }
                gate.open();
                assert_eq!(job.await.unwrap(), 6, "{keeps:?}, round {round}");
            }
        }
    });
}

#[test]
fn a_job_that_blocks_on_other_work_keeps_its_slot_while_a_spawn_is_pending() {
    threads(2, async {
        let (a, b, gate) = (GreenPool::new(1), GreenPool::new(1), Gate::new());
        let (a_in, b_in, opened) = (a.clone(), b.clone(), gate.clone().opened());
        let job = async move {
            let other = async move { a_in.spawn(same(6)).await.await.unwrap() };
            let mut pending = Box::pin(async { b_in.spawn(other).await.await.unwrap() });
            assert!(poll!(&mut pending).is_pending());
            // In the same poll, the job blocks on something other than greenpool.
            block_on(opened);
            pending.await
        };
        let job = a.spawn(job).await;
        while a.waiting() == 0 {
            yield_now().await;
        }
        for _ in 0..100 {
            yield_now().await;
        }
        assert_eq!((a.waiting(), a.stats().overflowed), (1, 0));
        gate.open();
        assert_eq!((job.await.unwrap(), a.stats().overflowed), (6, 1));
    });
}

#[test]
fn a_blocking_job_reacquires_the_slot_of_the_job_that_awaits_it() {
    threads(2, async {
        let pool = GreenPool::new(1);
        for _ in 0..200 {
            pool.resize(2);
            let inside = pool.clone();
            let job = async move {
                let shrink = inside.clone();
                let child = async move {
                    shrink.resize(1);
                    block_on(lend(same(6)))
                };
                inside.spawn(child).await.await.unwrap()
            };
            assert_eq!(pool.spawn(job).await.await.unwrap(), 6);
        }
        assert_eq!((pool.running(), pool.stats().overflowed), (0, 0));
    });
}

#[test]
fn a_blocking_job_can_deadlock_after_one_of_its_waits_completes() {
    threads(2, async {
        let [a, b, c] = [1, 1, 1].map(GreenPool::new);
        for round in 1..=50 {
            let gate = Gate::new();
            let (a_in, b_in, c_in, opened) = (a.clone(), b.clone(), c.clone(), gate.clone().opened());
            let job = async move {
                let other = async move { a_in.spawn(same(6)).await.await.unwrap() };
                let cyclic = async { b_in.spawn(other).await.await.unwrap() };
                block_on(join(cyclic, async { c_in.spawn(opened).await.await.unwrap() })).0
            };
            let job = a.spawn(job).await;
            while a.waiting() == 0 {
                yield_now().await;
            }
            gate.open();
            assert_eq!(job.await.unwrap(), 6);
            assert_eq!((a.stats().overflowed, b.stats().overflowed), (round, 0));
        }
    });
}

#[test]
fn a_blocking_job_whose_slot_is_away_can_be_part_of_a_deadlock() {
    threads(2, async {
        let pool = GreenPool::new(2);
        let (drops, ends, dropped) = (Gate::new(), Gate::new(), Arc::new(AtomicBool::new(false)));
        let (inside, outside, is_dropped) = (pool.clone(), pool.clone(), dropped.clone());
        let (drop_it, end_it) = (drops.clone().opened(), ends.clone().opened());
        let blocking = async move {
            // From now on, a job that awaits this one says so, and does not wait for the pool.
            assert_eq!(inside.spawn(same(5)).await.await.unwrap(), 5);
            let mut pile = GreenPile::<u32>::on(&inside);
            let _spawner = pile.spawner();
            let child = async { inside.spawn(lend(end_it)).await.await.unwrap() };
            // Once a verb has been dropped in this poll, it is unknown again whether it blocks its thread.
            let next = async {
                tokio::select! { _ = pile.next() => {}, () = drop_it => {} }
                is_dropped.store(true, SeqCst);
            };
            block_on(join(child, next));
            6
        };
        let job = pool.spawn(async move { outside.spawn(blocking).await.await.unwrap() }).await;
        while pool.stats().spawned < 4 || pool.running() > 1 {
            yield_now().await;
        }
        pool.resize(1);
        drops.open();
        while !dropped.load(SeqCst) {
            yield_now().await;
        }
        // The child wants to go on. The job with the only slot waits for the job that waits for the child.
        ends.open();
        assert_eq!((job.await.unwrap(), pool.stats().overflowed), (6, 0));
    });
}

#[test]
fn a_job_can_block_on_a_part_of_itself() {
    run_in_full_pool(|pool| {
        let spawn = |n| async move { pool.spawn(same(n)).await.await.unwrap() };
        block_on(inherit(spawn(2)))
            + block_on(join(inherit(spawn(1)), async { 0 })).0
            + block_on(inherit(inherit(spawn(3))))
    });
}

/// A job whose slot its child has waits in place for the result of a job of another pool, and then for its slot. It
/// gives up before that comes back.
async fn give_up_on_the_slot(pool: GreenPool, other: GreenPool, keeps: bool) {
    let gate = Gate::new();
    let mut child = Box::pin(pool.spawn(std::future::pending::<()>()));
    let mut handle = other.spawn(gate.clone().opened()).await;
    block_on(std::future::poll_fn(|cx| {
        assert!(child.as_mut().poll(cx).is_pending());
        if pool.stats().spawned > 1 {
            gate.open();
        }
        if handle.is_finished() {
            assert!(handle.poll_unpin(cx).is_pending(), "the child has the slot");
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    }));
    drop(child);
    if keeps {
        // The handle is awaited after a job for which this one has to lend its slot.
        yield_now().await;
        pool.spawn(async {}).await.await.unwrap();
        handle.await.unwrap();
    } else {
        drop(handle);
        block_on(async { pool.spawn(async {}).await.await }).unwrap();
    }
}

#[test]
fn a_verb_that_waits_in_place_for_the_slot_can_be_given_up() {
    threads(3, async {
        for keeps in [true, false].into_iter().cycle().take(20) {
            let (pool, other) = (GreenPool::new(1), GreenPool::new(1));
            let job = pool.spawn(give_up_on_the_slot(pool.clone(), other, keeps)).await;
            job.await.unwrap();
            pool.waitall().await;
            assert_eq!((pool.running(), pool.free(), pool.stats().overflowed), (0, 1, 0));
        }
    });
}

/// A job waits in place for a map of its own pool, and from the round `registers` on of its `block_on` also for a job
/// of another pool. A search looks at it in the round `searches`. All the rest is in a deadlock already.
fn wait_in_place_for_two(registers: u32, searches: u32) {
    threads(3, async move {
        let (a, b, go) = (GreenPool::new(2), GreenPool::new(1), Gate::new());
        let (other, a_in) = (spawn_waiter_for(&a, &b, &go).await, a.clone());
        let job = a.spawn(async move {
            let work = {
                let b = b.clone();
                move |n| {
                    let (b, go) = (b.clone(), go.clone());
                    async move {
                        if n == 0 {
                            go.open();
                            b.spawn(async {}).await.await.unwrap();
                        }
                    }
                }
            };
            let mut map = a_in.imap(work, 0..2);
            while a_in.waiting() < 2 || b.waiting() < 1 {
                yield_now().await;
            }
            let mut spawn = pin!(async { b.spawn(async {}).await.await.unwrap() });
            let mut round = 0;
            let second = poll_fn(|cx| {
                round += 1;
                if round == searches {
                    a_in.resize(2);
                }
                if round < registers { Poll::Pending } else { spawn.as_mut().poll(cx) }
            });
            block_on(join(async { map.next().await.unwrap().unwrap() }, second));
        });
        job.await.await.unwrap();
        other.await.unwrap();
    });
}

#[test]
fn a_job_that_waits_in_place_for_two_verbs_can_be_part_of_a_deadlock() {
    // The job is found to wait in place in round 16.
    for registers in 1..=16 {
        (registers..=16).for_each(|searches| wait_in_place_for_two(registers, searches));
    }
}

/// Where a job polls the verbs of a set before it waits for them in place.
#[derive(Clone, Copy, Debug)]
enum Polled {
    Task,
    OtherPlace,
    /// And a search looks at it then.
    TaskAndProbed,
}

#[test]
fn a_job_can_wait_in_place_for_verbs_that_it_has_polled_before() {
    for polled in [Polled::Task, Polled::OtherPlace, Polled::TaskAndProbed] {
        for (many, is_set) in [(1, false), (1, true), (3, true)] {
            threads(2, async move {
                let (a, b, go) = (GreenPool::new(1), GreenPool::new(1), Gate::new());
                let (other, a_in, b_in) = (spawn_waiter_for(&a, &b, &go).await, a.clone(), b.clone());
                let job = a.spawn(async move {
                    let spawn = || async { b_in.spawn(async {}).await.await.unwrap() }.boxed();
                    let mut set: FuturesUnordered<_> = (0..many).map(|_| spawn()).collect();
                    let mut one = spawn();
                    let mut wait = async || if is_set { set.next().await.unwrap() } else { (&mut one).await };
                    match polled {
                        Polled::Task => assert!(poll!(pin!(wait())).is_pending()),
                        Polled::OtherPlace => block_on(async { assert!(poll!(pin!(wait())).is_pending()) }),
                        Polled::TaskAndProbed => {
                            assert!(poll!(pin!(wait())).is_pending());
                            a_in.resize(1);
                        }
                    }
                    yield_now().await;
                    yield_now().await;
                    go.open();
                    block_on(wait());
                });
                job.await.await.unwrap();
                other.await.unwrap();
            });
        }
    }
}

/// Runs `jobs` jobs in a pool of `size` slots. Each gets a future that returns a second pool, which is full: its job
/// waits for the first pool once `many` of these futures have been awaited.
fn jobs_in_a_deadlock<F>(size: usize, jobs: u32, many: usize, job: fn(GreenPool, BoxFuture<'static, GreenPool>) -> F)
where
    F: Future<Output = u32> + Send + 'static,
{
    threads(16, async move {
        for _ in 0..100 {
            let (pool, other, gate) = (GreenPool::new(size), GreenPool::new(1), Gate::new());
            let waits = spawn_waiter_for(&pool, &other, &gate).await;
            let begun = Arc::new(AtomicUsize::new(0));
            let jobs = (0..jobs).map(|_| {
                let (other, gate, begun) = (other.clone(), gate.clone(), begun.clone());
                let full = async move {
                    yield_now().await;
                    if begun.fetch_add(1, SeqCst) + 1 == many {
                        gate.open();
                    }
                    other
                };
                pool.spawn(job(pool.clone(), full.boxed()))
            });
            for job in join_all(jobs.collect::<Vec<_>>()).await {
                assert_eq!(job.value().await, 6);
            }
            waits.value().await;
            pool.waitall().await;
        }
    });
}

#[test]
fn jobs_that_join_piles_in_place_can_be_part_of_a_deadlock() {
    async fn job(pool: GreenPool, full: BoxFuture<'static, GreenPool>) -> u32 {
        let part = async { lend(full.await.spawn(same(2))).await.await.unwrap() };
        let pile = pile![in &pool; same(1), part, same(3)];
        let (one, two, three) = block_in_place(|| block_on(pile.join()));
        one.unwrap() + two.unwrap() + three.unwrap()
    }

    for (size, jobs) in [(1, 1), (1, 3), (2, 4), (2, 5)] {
        jobs_in_a_deadlock(size, jobs, jobs as usize, job);
    }
}

/// Searches for a deadlock must not wake these jobs in turns for ever, in the hope that they move.
#[test]
fn jobs_of_a_set_can_wait_in_place_and_be_part_of_a_deadlock() {
    async fn job(pool: GreenPool, full: BoxFuture<'static, GreenPool>) -> u32 {
        let part = async {
            let full = full.await;
            block_in_place(|| block_on(async { full.spawn(same(6)).await.await.unwrap() }))
        };
        let set: FuturesUnordered<_> = [async { pool.spawn(part).await.value().await }].into_iter().collect();
        set.collect::<Vec<_>>().await[0]
    }

    // More parts than these may not get a slot before the deadlock.
    for (size, jobs, many) in [(1, 3, 1), (2, 3, 1), (2, 5, 1), (3, 9, 2), (4, 16, 2)] {
        jobs_in_a_deadlock(size, jobs, many, job);
    }
}
