//! Jobs that compute or block run on as many threads as there are, and nothing that blocks keeps the others waiting.
//!
//! Each test blocks threads until something else has happened on another one. If it does not happen, the test hangs,
//! and its deadline fails it.

use std::future::Future;
use std::iter;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, stream};
use greenpool::{GreenMap, GreenPile, GreenPool, green_pool, pile};
use greenpool_tests::{threads, with_deadline};
use tokio::runtime::Builder;
use tokio::task::{block_in_place, yield_now};
use tokio::time::sleep;

/// A job that blocks its thread until `n` of them run.
async fn meet(barrier: Arc<Barrier>) {
    barrier.wait();
}

#[green_pool(size = 16)]
#[expect(clippy::unused_async, reason = "it blocks its thread")]
async fn declared(barrier: Arc<Barrier>) {
    barrier.wait();
}

async fn drain<T>(mut map: GreenMap<T>) {
    while let Some(result) = map.next().await {
        drop(result.expect("no job panics"));
    }
}

type Way = fn(GreenPool, usize, Arc<Barrier>) -> BoxFuture<'static, ()>;

/// The verbs that begin several jobs.
const WAYS: &[(&str, Way)] = &[
    ("imap", |pool, n, barrier| async move { drain(pool.imap(meet, iter::repeat_n(barrier, n))).await }.boxed()),
    ("imap_unordered", |pool, n, barrier| {
        async move { drain(pool.imap_unordered(meet, iter::repeat_n(barrier, n))).await }.boxed()
    }),
    ("starmap", |pool, n, barrier| {
        async move { drain(pool.starmap(meet, iter::repeat_n((barrier,), n))).await }.boxed()
    }),
    ("imap_stream", |pool, n, barrier| {
        async move { drain(pool.imap_stream(meet, stream::iter(iter::repeat_n(barrier, n)))).await }.boxed()
    }),
    ("f::imap", |_, n, barrier| async move { drain(declared::imap(iter::repeat_n(barrier, n))).await }.boxed()),
    ("f::on(&pool).imap", |pool, n, barrier| {
        async move { drain(declared::on(&pool).imap(iter::repeat_n(barrier, n))).await }.boxed()
    }),
    ("spawn", |pool, n, barrier| {
        async move {
            let mut jobs = Vec::new();
            for _ in 0..n {
                jobs.push(pool.spawn(meet(barrier.clone())).await);
            }
            for job in jobs {
                job.await.expect("no job panics");
            }
        }
        .boxed()
    }),
    ("f::spawn", |_, n, barrier| {
        async move {
            let mut jobs = Vec::new();
            for _ in 0..n {
                jobs.push(declared::spawn(barrier.clone()).await);
            }
            for job in jobs {
                job.await.expect("no job panics");
            }
        }
        .boxed()
    }),
    ("spawn_n", |pool, n, barrier| {
        async move {
            for _ in 0..n {
                pool.spawn_n(meet(barrier.clone())).await;
            }
            pool.waitall().await;
        }
        .boxed()
    }),
    ("f::spawn_n", |_, n, barrier| {
        async move {
            for _ in 0..n {
                declared::spawn_n(barrier.clone()).await;
            }
            declared::pool().waitall().await;
        }
        .boxed()
    }),
    ("GreenPile::spawn", |pool, n, barrier| {
        async move {
            let mut pile = GreenPile::on(&pool);
            for _ in 0..n {
                pile.spawn(meet(barrier.clone())).await;
            }
            while let Some(result) = pile.next().await {
                result.expect("no job panics");
            }
        }
        .boxed()
    }),
];

fn each_way(threads: usize, jobs: usize, run: fn(usize, BoxFuture<'static, ()>)) {
    for (name, way) in WAYS {
        println!("{name}: {jobs} jobs on {threads} threads");
        run(threads, way(GreenPool::new(16), jobs, Arc::new(Barrier::new(jobs.min(threads)))));
    }
}

/// Runs it as a task, so that one of the threads is the spawner's until it waits.
fn in_a_task(n: usize, test: BoxFuture<'static, ()>) {
    threads(n, async move { tokio::spawn(test).await.expect("no job panics") });
}

/// Runs it as the future of `block_on`.
fn in_main(n: usize, test: BoxFuture<'static, ()>) {
    threads(n, test);
}

#[test]
fn two_jobs_meet_on_two_threads() {
    each_way(2, 2, in_a_task);
    each_way(2, 2, in_main);
}

#[test]
fn four_jobs_meet_on_four_threads() {
    each_way(4, 4, in_a_task);
    each_way(4, 4, in_main);
}

#[test]
fn many_jobs_meet_again_and_again() {
    each_way(3, 60, in_a_task);
}

#[test]
fn entries_of_a_pile_meet() {
    threads(2, async {
        let barrier = Arc::new(Barrier::new(2));
        let (a, b) = pile![declared(barrier.clone()), declared(barrier)].join().await;
        a.and(b).expect("no job panics");
    });
}

/// Blocks the thread until the other side is dropped or sends.
fn wait_for<T>(other: &Receiver<T>) {
    let _ = other.recv();
}

/// An iterator of two items. Reading the second one blocks until `done` is dropped.
fn slow_source(done: Receiver<()>, block: fn(&Receiver<()>)) -> impl Iterator<Item = u32> + Send {
    let mut n = 0;
    iter::from_fn(move || {
        n += 1;
        if n == 2 {
            block(&done);
        }
        (n <= 2).then_some(n)
    })
}

/// The first job of a map over a source whose second item needs that job to end.
async fn first_job(done: Sender<()>) {
    sleep(Duration::from_millis(1)).await;
    drop(done);
}

fn a_job_ends_while_the_source_blocks(block: fn(&Receiver<()>)) {
    threads(2, async move {
        let (done, wait) = channel();
        let mut done = Some(done);
        let first = move |_| {
            let done = done.take();
            async move {
                if let Some(done) = done {
                    first_job(done).await;
                }
            }
        };
        let map = GreenPool::new(16).imap(first, slow_source(wait, block));
        tokio::spawn(drain(map)).await.expect("no job panics");
    });
}

#[test]
fn a_source_that_blocks_its_thread_keeps_only_that_one() {
    a_job_ends_while_the_source_blocks(wait_for);
}

#[test]
fn a_source_that_blocks_in_place_keeps_only_its_thread() {
    a_job_ends_while_the_source_blocks(|done| block_in_place(|| wait_for(done)));
}

#[test]
fn a_function_that_computes_before_its_future_exists_keeps_only_its_thread() {
    threads(2, async {
        let (done, wait) = channel();
        let (mut done, wait) = (Some(done), wait);
        let mut n = 0;
        let function = move |_: u32| {
            n += 1;
            if n == 2 {
                wait_for(&wait);
            }
            let done = done.take();
            async move {
                if let Some(done) = done {
                    first_job(done).await;
                }
            }
        };
        let map = GreenPool::new(16).imap(function, 0..2);
        tokio::spawn(drain(map)).await.expect("no job panics");
    });
}

#[test]
fn a_source_reads_on_while_another_thread_runs_what_it_gave() {
    // The first job blocks until the source has given a second item, and that job has run.
    threads(2, async {
        let (done, wait) = channel::<()>();
        let mut done = Some(done);
        let mut wait = Some(wait);
        let jobs = move |n: u32| {
            let (done, wait) = if n == 0 { (None, wait.take()) } else { (done.take(), None) };
            async move {
                if let Some(wait) = wait {
                    wait_for(&wait);
                }
                drop(done);
            }
        };
        drain(GreenPool::new(16).imap(jobs, 0..2)).await;
    });
}

/// Spawns two jobs of one pool and then blocks its thread until a third job, spawned by another task, has run.
fn a_spawner_that_blocks<F, S>(spawn: F)
where
    F: Fn(Box<dyn FnOnce() + Send>) -> S + Clone + Send + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    threads(2, async move {
        let (done, wait) = channel::<()>();
        let blocks = Arc::new(AtomicBool::new(false));
        let (spawns, blocking) = (spawn.clone(), blocks.clone());
        let blocked = tokio::spawn(async move {
            spawns(Box::new(|| {})).await;
            spawns(Box::new(|| {})).await;
            // It wakes nothing: what it woke here, only its own thread could run.
            blocking.store(true, Ordering::SeqCst);
            wait_for(&wait);
        });
        let third = tokio::spawn(async move {
            while !blocks.load(Ordering::SeqCst) {
                yield_now().await;
            }
            spawn(Box::new(move || drop(done))).await;
        });
        third.await.expect("no job panics");
        blocked.await.expect("no job panics");
    });
}

#[green_pool(size = 16)]
#[expect(clippy::unused_async, reason = "it may block its thread")]
async fn call(f: Box<dyn FnOnce() + Send>) {
    f();
}

#[test]
fn a_spawner_that_blocks_does_not_keep_later_jobs_from_a_free_thread() {
    a_spawner_that_blocks(|f| async { call::spawn_n(f).await });
    let pool = GreenPool::new(16);
    a_spawner_that_blocks(move |f| {
        let pool = pool.clone();
        async move { pool.spawn_n(async { f() }).await }
    });
}

/// The second job blocks until the consumer has the result of the first.
fn results_arrive_while_the_next_job_blocks(make: fn(GreenPool, Receiver<()>) -> GreenMap<u32>) {
    threads(2, async move {
        let consumer = tokio::spawn(async move {
            let (taken, wait) = channel::<()>();
            let mut map = make(GreenPool::new(16), wait);
            assert_eq!(map.next().await.expect("a result").expect("no job panics"), 0);
            drop(taken);
            assert_eq!(map.next().await.expect("a result").expect("no job panics"), 1);
            assert!(map.next().await.is_none());
        });
        consumer.await.expect("it gets its results");
    });
}

fn second_blocks(wait: Receiver<()>) -> impl FnMut(u32) -> BoxFuture<'static, u32> + Send + 'static {
    let mut wait = Some(wait);
    move |n| {
        let wait = if n == 1 { wait.take() } else { None };
        async move {
            if let Some(wait) = wait {
                wait_for(&wait);
            }
            n
        }
        .boxed()
    }
}

#[test]
fn a_result_reaches_its_consumer_while_the_next_job_blocks() {
    results_arrive_while_the_next_job_blocks(|pool, wait| pool.imap(second_blocks(wait), 0..2));
    results_arrive_while_the_next_job_blocks(|pool, wait| pool.imap_unordered(second_blocks(wait), 0..2));
    results_arrive_while_the_next_job_blocks(|pool, wait| pool.imap_stream(second_blocks(wait), stream::iter(0..2)));
    // With one slot, the same worker runs both jobs.
    results_arrive_while_the_next_job_blocks(|_, wait| GreenPool::new(1).imap(second_blocks(wait), 0..2).window(8));
}

#[test]
fn a_panic_reaches_its_consumer_while_the_next_job_blocks() {
    // A job that panics ends outside of the loop that runs one job after the other in the same slot.
    threads(2, async {
        let consumer = tokio::spawn(async {
            for pool in [GreenPool::new(1), GreenPool::new(16)] {
                let (taken, wait) = channel::<()>();
                let mut wait = Some(wait);
                let job = move |n: u32| {
                    let wait = if n == 1 { wait.take() } else { None };
                    async move {
                        assert!(n > 0, "planned");
                        if let Some(wait) = wait {
                            wait_for(&wait);
                        }
                    }
                };
                let mut map = pool.imap(job, 0..2).window(8);
                assert!(map.next().await.expect("a result").expect_err("it panics").is_panic());
                drop(taken);
                map.next().await.expect("a result").expect("no job panics");
            }
        });
        consumer.await.expect("it gets its results");
    });
}

#[test]
fn a_handle_is_ready_while_the_next_job_blocks() {
    threads(2, async {
        let spawner = tokio::spawn(async {
            let pool = GreenPool::new(16);
            let (taken, wait) = channel::<()>();
            let first = pool.spawn(async {}).await;
            let second = pool.spawn(async move { wait_for(&wait) }).await;
            first.await.expect("no job panics");
            drop(taken);
            second.await.expect("no job panics");
        });
        spawner.await.expect("no job panics");
    });
}

#[test]
fn a_map_starts_while_its_maker_blocks() {
    threads(2, async {
        let maker = tokio::spawn(async {
            let (done, wait) = channel::<()>();
            let mut done = Some(done);
            let map = GreenPool::new(16).imap(
                move |_| {
                    let done = done.take();
                    async move { drop(done) }
                },
                0..3,
            );
            wait_for(&wait);
            drain(map).await;
        });
        maker.await.expect("no job panics");
    });
}

#[test]
fn a_blocked_source_does_not_keep_the_map_from_being_dropped() {
    with_deadline(|| {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let (done, wait) = channel();
        runtime.block_on(async move {
            let map = GreenPool::new(16).imap(|n| async move { n }, slow_source(wait, wait_for));
            sleep(Duration::from_millis(1)).await;
            drop(map);
            thread::yield_now();
            drop(done);
        });
    });
}
