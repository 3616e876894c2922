//! Jobs of a map that give their slots back with `lend`, or lend them to other jobs.

use std::sync::Arc;

use futures::stream::{BoxStream, iter};
use futures::{FutureExt, StreamExt};
use greenpool::{GreenPool, inherit, lend};
use greenpool_tests::{paused, threads};
use tokio::runtime::Handle;
use tokio::sync::Barrier;
use tokio::task::block_in_place;

const JOBS: usize = 5;

type Verb = fn(&GreenPool, Job) -> BoxStream<'static, usize>;
type Job = Arc<dyn Fn() -> futures::future::BoxFuture<'static, ()> + Send + Sync>;

/// Maps over `JOBS` items, with a window of as many.
const VERBS: [(&str, Verb); 4] = [
    ("imap", |pool, job| {
        pool.imap(move |n: usize| job().map(move |()| n), 0..JOBS).window(JOBS).map(Result::unwrap).boxed()
    }),
    ("imap_unordered", |pool, job| {
        pool.imap_unordered(move |n: usize| job().map(move |()| n), 0..JOBS).window(JOBS).map(Result::unwrap).boxed()
    }),
    ("imap_stream", |pool, job| {
        let items = iter(0..JOBS);
        pool.imap_stream(move |n: usize| job().map(move |()| n), items).window(JOBS).map(Result::unwrap).boxed()
    }),
    ("try_imap", |pool, job| {
        let items = (0..JOBS).map(Ok::<_, ()>);
        let apply = move |n: usize| job().map(move |()| n);
        pool.try_imap(apply, items).window(JOBS).map(|result| result.unwrap()).boxed()
    }),
];

/// Each job waits for all of them, so each has to begin.
async fn all_begin(size: usize, ways: &[(&str, fn(Arc<Barrier>) -> Job)]) {
    for (verb, map) in VERBS {
        for (how, job) in ways {
            let pool = GreenPool::new(size);
            let mut results: Vec<_> = map(&pool, job(Arc::new(Barrier::new(JOBS)))).collect().await;
            results.sort_unstable();
            assert_eq!(results, [0, 1, 2, 3, 4], "{verb}, {how}, {size}");
            pool.waitall().await;
            assert_eq!((pool.running(), pool.waiting()), (0, 0));
        }
    }
}

const LENDS: (&str, fn(Arc<Barrier>) -> Job) = ("lend", |barrier| {
    Arc::new(move || {
        let barrier = barrier.clone();
        lend(async move {
            let _ = barrier.wait().await;
        })
        .boxed()
    })
});

const LENDS_IN_A_BRANCH: (&str, fn(Arc<Barrier>) -> Job) = ("lend in a branch", |barrier| {
    Arc::new(move || {
        let barrier = barrier.clone();
        let lends = lend(async move {
            let _ = barrier.wait().await;
        });
        async move { tokio::spawn(inherit(lends)).await.unwrap() }.boxed()
    })
});

const LENDS_IN_PLACE: (&str, fn(Arc<Barrier>) -> Job) = ("lend in place", |barrier| {
    Arc::new(move || {
        let barrier = barrier.clone();
        let lends = lend(async move {
            let _ = barrier.wait().await;
        });
        async move { block_in_place(|| Handle::current().block_on(lends)) }.boxed()
    })
});

#[test]
fn the_next_jobs_of_a_map_begin_in_slots_that_its_jobs_have_given_back() {
    for size in [1, 2, 4] {
        paused(async move { all_begin(size, &[LENDS, LENDS_IN_A_BRANCH]).await });
    }
}

#[test]
fn so_they_do_on_several_threads() {
    for size in [1, 2, 4] {
        for _ in 0..20 {
            threads(4, async move { all_begin(size, &[LENDS, LENDS_IN_A_BRANCH, LENDS_IN_PLACE]).await });
        }
    }
}

#[test]
fn a_map_goes_on_behind_jobs_that_have_given_their_slots_back() {
    // Room comes only when a result is taken, and the first job still waits without its slot.
    paused(async {
        let (pool, barrier) = (GreenPool::new(1), Arc::new(Barrier::new(2)));
        let job = move |n: u32| {
            let barrier = barrier.clone();
            async move {
                if n == 0 || n == 4 {
                    lend(barrier.wait()).await;
                }
                n
            }
        };
        let mut map = pool.imap_unordered(job, 0..6).window(2);
        let mut results = Vec::new();
        while let Some(result) = map.next().await {
            results.push(result.unwrap());
        }
        results.sort_unstable();
        assert_eq!(results, [0, 1, 2, 3, 4, 5]);
        assert_eq!(pool.running(), 0);
    });
}
