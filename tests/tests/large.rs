//! Jobs that are large: they need no larger stack than with `tokio::spawn`.

#![allow(clippy::large_stack_arrays, reason = "that is what is tested")]

use std::hint::black_box;
use std::thread;

use futures::future::{BoxFuture, FutureExt};
use greenpool::{GreenPile, GreenPool, green_pool, pile};
use greenpool_tests::with_deadline;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

const LARGE: usize = 600 << 10;

/// Holds 600 KiB while it waits.
#[green_pool(size = 2)]
async fn large(number: u8) -> usize {
    let held = [black_box(number); LARGE];
    yield_now().await;
    held.iter().map(|byte| usize::from(*byte)).sum()
}

/// The same with a key.
#[green_pool(size = 2, key = number, per_key = 1)]
async fn keyed(number: u8) -> usize {
    let held = [black_box(number); LARGE];
    yield_now().await;
    held.iter().map(|byte| usize::from(*byte)).sum()
}

type Verb = fn(GreenPool) -> BoxFuture<'static, usize>;

const VERBS: &[(&str, Verb)] = &[
    ("tokio::spawn", |_| async { tokio::spawn(large(1)).await.unwrap() }.boxed()),
    ("spawn", |pool| async move { pool.spawn(large(1)).await.await.unwrap() }.boxed()),
    ("spawn in a full pool", |pool| {
        async move {
            let slots = (pool.slot().await.unwrap(), pool.slot().await.unwrap());
            let mut spawn = pool.spawn(large(1));
            assert!((&mut spawn).now_or_never().is_none());
            drop(slots);
            spawn.await.await.unwrap()
        }
        .boxed()
    }),
    ("spawn_n", |pool| {
        async move {
            pool.spawn_n(large(1)).await;
            all_done(&pool).await
        }
        .boxed()
    }),
    ("try_spawn", |pool| {
        async move {
            let Ok(green) = pool.try_spawn(large(1)) else { panic!("the pool is not full") };
            green.await.unwrap()
        }
        .boxed()
    }),
    ("queue", |pool| {
        async move {
            pool.queue(large(1));
            all_done(&pool).await
        }
        .boxed()
    }),
    ("try_spawn_keyed", |pool| {
        async move {
            let Ok(green) = pool.try_spawn_keyed("key", large(1)) else { panic!("the pool is not full") };
            green.await.unwrap()
        }
        .boxed()
    }),
    ("spawn_keyed", |pool| async move { pool.spawn_keyed("key", large(1)).await.await.unwrap() }.boxed()),
    ("imap", |pool| async move { pool.imap(large, [1]).next().await.unwrap().unwrap() }.boxed()),
    ("imap_unordered", |pool| async move { pool.imap_unordered(large, [1]).next().await.unwrap().unwrap() }.boxed()),
    ("starmap", |pool| async move { pool.starmap(large, [(1,)]).next().await.unwrap().unwrap() }.boxed()),
    ("try_imap", |pool| async move { pool.try_imap(large, [Ok::<_, ()>(1)]).next().await.unwrap().unwrap() }.boxed()),
    ("imap_stream", |pool| {
        async move { pool.imap_stream(large, futures::stream::iter([1])).next().await.unwrap().unwrap() }.boxed()
    }),
    ("a source with a wrong size hint", |pool| {
        async move { pool.imap(large, ClaimsToBeOver(1)).next().await.unwrap().unwrap() }.boxed()
    }),
    ("a slot's spawn", |pool| async move { pool.slot().await.unwrap().spawn(large(1)).await.unwrap() }.boxed()),
    ("a slot's spawn_n", |pool| {
        async move {
            pool.slot().await.unwrap().spawn_n(large(1));
            all_done(&pool).await
        }
        .boxed()
    }),
    ("a pile's spawn", |pool| {
        async move {
            let mut pile = GreenPile::on(&pool);
            pile.spawn(large(1)).await;
            pile.next().await.unwrap().unwrap()
        }
        .boxed()
    }),
    ("f::spawn", |_| async { large::spawn(1).await.await.unwrap() }.boxed()),
    ("f::spawn_n", |_| {
        async {
            large::spawn_n(1).await;
            all_done(large::pool()).await
        }
        .boxed()
    }),
    ("f::try_spawn", |_| async { large::try_spawn(1).unwrap().await.unwrap() }.boxed()),
    ("f::queue", |_| {
        async {
            large::queue(1);
            all_done(large::pool()).await
        }
        .boxed()
    }),
    ("f::imap", |_| async { large::imap([1]).next().await.unwrap().unwrap() }.boxed()),
    ("f::imap_stream", |_| {
        async { large::imap_stream(futures::stream::iter([1])).next().await.unwrap().unwrap() }.boxed()
    }),
    ("f::spawn with a key", |_| async { keyed::spawn(1).await.await.unwrap() }.boxed()),
    ("f::imap with a key", |_| async { keyed::imap([1]).next().await.unwrap().unwrap() }.boxed()),
    ("f::on(..).spawn", |pool| async move { large::on(&pool).spawn(1).await.await.unwrap() }.boxed()),
    ("f::on(..).queue", |pool| {
        async move {
            large::on(&pool).queue(1);
            all_done(&pool).await
        }
        .boxed()
    }),
    ("f::on(..).imap", |pool| async move { large::on(&pool).imap([1]).next().await.unwrap().unwrap() }.boxed()),
    ("pile!", |_| async { pile![large(1)].join().await.0.unwrap() }.boxed()),
    ("pile![in ..]", |pool| async move { pile![in pool; large(1)].join().await.0.unwrap() }.boxed()),
];

/// Says that it has no item, and has one.
struct ClaimsToBeOver(u8);

impl Iterator for ClaimsToBeOver {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        self.0.checked_sub(1).inspect(|left| self.0 = *left).map(|_| 1)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(0))
    }
}

/// Waits until the job in the pool, the only one, has finished.
async fn all_done(pool: &GreenPool) -> usize {
    pool.waitall().await;
    LARGE
}

fn runtime(threads: usize) -> Runtime {
    let mut builder = if threads == 0 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.worker_threads(threads.max(1)).enable_all().build().unwrap()
}

/// On threads with the stack that every thread of a program has, 2 MiB.
#[test]
fn large_jobs_run_where_tokio_spawn_runs_them() {
    with_deadline(|| {
        for (name, verb) in VERBS {
            for threads in [0, 2] {
                let run = move || {
                    let runtime = runtime(threads);
                    let pool = GreenPool::builder(2).per_key(1).build();
                    let in_main = runtime.block_on(verb(pool.clone()));
                    let in_task = runtime.block_on(runtime.spawn(verb(pool.clone()))).unwrap();
                    let outer = GreenPool::new(1);
                    let in_job = runtime.block_on(async { outer.spawn(verb(pool)).await.await.unwrap() });
                    assert_eq!([in_main, in_task, in_job], [LARGE; 3], "{name}");
                };
                // A stack overflow ends the process, and prints this name.
                thread::Builder::new().name((*name).into()).spawn(run).unwrap().join().unwrap();
            }
        }
    });
}
