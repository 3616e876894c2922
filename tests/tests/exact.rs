//! The limit is exact: a job is polled only while it has a slot, and in a task of its own.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{StreamExt, future, poll};
use greenpool::{GreenPool, green_pool, inherit, lend};
use greenpool_tests::{Gate, Log, paused, threads, until_idle};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

/// How many jobs of a pool are being polled now, and at most.
#[derive(Clone, Default)]
struct Polls(Arc<(AtomicUsize, AtomicUsize)>);

impl Polls {
    /// A job that is counted while it is polled.
    fn of<F: Future>(&self, job: F) -> Counted<F> {
        Counted { polls: self.clone(), job: Box::pin(job) }
    }

    fn peak(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

struct Counted<F> {
    polls: Polls,
    job: Pin<Box<F>>,
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let (now, most) = &*self.polls.0.clone();
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let polled = self.job.as_mut().poll(cx);
        now.fetch_sub(1, Ordering::SeqCst);
        polled
    }
}

/// Blocks its thread for a moment, so that an overlap is seen.
fn compute() {
    std::thread::sleep(Duration::from_micros(200));
}

#[test]
fn a_job_that_keeps_a_pending_spawn_and_goes_on_never_runs_beside_the_child() {
    threads(4, async {
        let (pool, polls) = (GreenPool::new(1), Polls::default());
        for _ in 0..50 {
            let (inside, gauge) = (pool.clone(), polls.clone());
            let parent = async move {
                let child = gauge.of(async {
                    for _ in 0..5 {
                        compute();
                        yield_now().await;
                    }
                });
                let mut child = Box::pin(inside.spawn(child));
                assert!(poll!(&mut child).is_pending());
                compute();
                // Sleeps, selects and computes while the spawn is pending.
                for _ in 0..5 {
                    tokio::select! {
                        _ = &mut child => break,
                        () = sleep(Duration::from_micros(50)) => compute(),
                        () = yield_now() => compute(),
                    }
                }
            };
            pool.spawn(polls.of(parent)).await.await.unwrap();
        }
        pool.waitall().await;
        assert_eq!((polls.peak(), pool.stats().overflowed), (1, 0));
    });
}

#[test]
fn a_job_that_gives_up_a_spawn_does_not_run_beside_the_child() {
    threads(4, async {
        let (pool, polls) = (GreenPool::new(1), Polls::default());
        for _ in 0..50 {
            let (inside, gauge) = (pool.clone(), polls.clone());
            let parent = async move {
                let child = gauge.of(async {
                    for _ in 0..20 {
                        compute();
                        yield_now().await;
                    }
                });
                let _ = timeout(Duration::from_micros(100), inside.spawn(child)).await;
                compute();
                yield_now().await;
                compute();
            };
            pool.spawn(polls.of(parent)).await.await.unwrap();
        }
        pool.waitall().await;
        assert_eq!(polls.peak(), 1);
    });
}

#[test]
fn resolving_a_deadlock_does_not_run_two_jobs_of_a_pool_of_one() {
    threads(4, async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        let (in_a, in_b) = (Polls::default(), Polls::default());
        for _ in 0..50 {
            let call = |first: &GreenPool, second: &GreenPool, one: &Polls, two: &Polls| {
                let (first, second, one, two) = (first.clone(), second.clone(), one.clone(), two.clone());
                async move {
                    let (back, again) = (first.clone(), one.clone());
                    let job = two.of(async move {
                        compute();
                        let leaf = again.of(async { compute() });
                        let mut leaf = Box::pin(back.spawn(leaf));
                        let _ = poll!(&mut leaf);
                        sleep(Duration::from_micros(100)).await;
                        compute();
                        leaf.await.await.unwrap();
                    });
                    first.spawn(one.of(async move { second.spawn(job).await.await.unwrap() })).await.await.unwrap();
                }
            };
            future::join(call(&a, &b, &in_a, &in_b), call(&b, &a, &in_b, &in_a)).await;
        }
        assert_eq!((in_a.peak(), in_b.peak()), (1, 1));
    });
}

#[test]
fn an_inherited_task_is_not_polled_while_its_job_has_no_slot() {
    threads(4, async {
        let (pool, polls) = (GreenPool::new(1), Polls::default());
        for _ in 0..50 {
            let (inside, gauge) = (pool.clone(), polls.clone());
            // The job itself does nothing but wait for its tasks, so only they are counted.
            let parent = async move {
                let task = |gauge: Polls, inside: GreenPool| async move {
                    let child = gauge.of(async {
                        compute();
                        yield_now().await;
                        compute();
                    });
                    inside.spawn(child).await.await.unwrap();
                };
                let computing = gauge.of(async {
                    for _ in 0..5 {
                        compute();
                        sleep(Duration::from_micros(50)).await;
                    }
                });
                let tasks =
                    [tokio::spawn(inherit(task(gauge.clone(), inside.clone()))), tokio::spawn(inherit(computing))];
                future::try_join_all(tasks).await.unwrap();
            };
            pool.spawn(parent).await.await.unwrap();
        }
        assert_eq!(polls.peak(), 1);
    });
}

#[test]
fn a_job_in_a_set_of_futures_never_runs_beside_its_children() {
    threads(4, async {
        let (pool, polls) = (GreenPool::new(2), Polls::default());
        let parent = |pool: GreenPool, gauge: Polls| async move {
            let child = |n: u64| {
                let (pool, gauge) = (pool.clone(), gauge.clone());
                async move {
                    sleep(Duration::from_micros(20 * n)).await;
                    pool.spawn(gauge.of(async { compute() })).await.await.unwrap();
                    lend(sleep(Duration::from_micros(20))).await;
                    compute();
                }
            };
            let mut set: FuturesUnordered<_> = (0..6).map(child).collect();
            while set.next().await.is_some() {
                compute();
            }
        };
        for _ in 0..20 {
            pool.imap(
                {
                    let (pool, polls) = (pool.clone(), polls.clone());
                    move |_| polls.of(parent(pool.clone(), polls.clone()))
                },
                0..4,
            )
            .for_each(|result| {
                let () = result.unwrap();
                future::ready(())
            })
            .await;
        }
        assert!(polls.peak() <= 2, "{}", polls.peak());
    });
}

#[test]
fn a_lending_job_is_polled_only_with_a_slot() {
    threads(4, async {
        let (pool, polls) = (GreenPool::new(1), Polls::default());
        let lending = || {
            polls.of(async {
                for _ in 0..10 {
                    lend(async {
                        sleep(Duration::from_micros(20)).await;
                        compute();
                        yield_now().await;
                        compute();
                    })
                    .await;
                    compute();
                }
            })
        };
        for _ in 0..4 {
            pool.spawn_n(lending()).await;
        }
        pool.waitall().await;
        assert_eq!(polls.peak(), 1);
    });
}

#[test]
fn a_job_that_wants_to_go_on_comes_before_new_ones() {
    paused(async {
        let (pool, gate, order) = (GreenPool::new(1), Gate::new(), Log::new());
        let (open, log) = (gate.clone(), order.clone());
        pool.spawn_n(async move {
            lend(open.opened()).await;
            log.push("resumed");
        })
        .await;
        let log = order.clone();
        pool.spawn_n(async move {
            gate.open();
            yield_now().await;
            log.push("second");
        })
        .await;
        let log = order.clone();
        pool.spawn_n(async move { log.push("third") }).await;
        pool.waitall().await;
        assert_eq!(order.take(), ["second", "resumed", "third"]);
    });
}

tokio::task_local! {
    static LOCAL: Cell<u32>;
}

#[green_pool(size = 1)]
async fn nested(depth: u32) -> Vec<Option<tokio::task::Id>> {
    assert!(LOCAL.try_with(Cell::get).is_err(), "a job sees a task-local of the job that spawned it");
    let mut ids = match depth {
        0 => vec![],
        _ => LOCAL.scope(Cell::new(depth), nested::spawn(depth - 1)).await.await.unwrap(),
    };
    ids.push(tokio::task::try_id());
    ids
}

#[test]
fn a_job_never_sees_the_task_of_its_spawner() {
    paused(async {
        for _ in 0..2 {
            let mut ids = LOCAL.scope(Cell::new(0), nested::spawn(10)).await.await.unwrap();
            ids.push(tokio::task::try_id());
            let count = ids.len();
            ids.sort_unstable_by_key(|id| id.map(|id| id.to_string()));
            ids.dedup();
            assert_eq!((count, ids.len()), (12, 12), "two of these share a task");
        }
    });
}

#[test]
fn recursion_of_large_futures_grows_no_stack() {
    #[green_pool(size = 2)]
    #[allow(clippy::large_stack_arrays, reason = "the future is to be large")]
    async fn deep(depth: u32) -> u32 {
        let buffer = [depth as u8; 64 << 10];
        let below = if depth == 0 { 0 } else { deep::spawn(depth - 1).await.await.unwrap() };
        below + u32::from(std::hint::black_box(&buffer)[depth as usize % buffer.len()] == depth as u8)
    }

    // A thread with the stack that tokio's workers have.
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(|| {
        paused(async { assert_eq!(deep::spawn(5_000).await.await.unwrap(), 5_001) });
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn a_nest_can_be_cut_off_at_any_level() {
    paused(async {
        fn nest(pool: GreenPool, level: Arc<AtomicUsize>) -> future::BoxFuture<'static, ()> {
            Box::pin(async move {
                level.fetch_add(1, Ordering::SeqCst);
                if level.load(Ordering::SeqCst) < 2_000 {
                    let child = nest(pool.clone(), level);
                    let _ = pool.spawn(child).await.await;
                } else {
                    lend(std::future::pending::<()>()).await;
                }
            })
        }
        let (pool, level) = (GreenPool::new(1), Arc::new(AtomicUsize::new(0)));
        let green = pool.spawn(nest(pool.clone(), level.clone())).await;
        until_idle().await;
        assert_eq!(level.load(Ordering::SeqCst), 2_000);
        green.abort();
        assert!(green.await.unwrap_err().is_cancelled());
        pool.waitall().await;
        assert_eq!((pool.running(), pool.waiting(), pool.stats().aborted), (0, 0, 2_000));
    });
}
