//! Maps over sources that can fail: the first error of the source comes after the results of what has begun, and ends
//! the map.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream::{self, FusedStream};
use futures::{Stream, StreamExt, TryStreamExt, poll};
use greenpool::{GreenPool, TryGreenMap, TryMapError, green_pool};
use greenpool_tests::{Gate, paused, until_idle};

/// Numbers below `n`, then an error, then a number that nothing may read.
fn rows(n: u32) -> impl Iterator<Item = Result<u32, String>> + Send + 'static {
    (0..n).map(Ok).chain([Err("row".to_owned()), Ok(99)])
}

async fn double(n: u32) -> u32 {
    tokio::task::yield_now().await;
    n * 2
}

#[green_pool(size = 2)]
async fn add(a: u32, b: u32) -> u32 {
    double(a).await + b
}

#[green_pool(size = 2)]
async fn twice(n: u32) -> u32 {
    double(n).await
}

#[green_pool(size = 2)]
async fn tick() -> u32 {
    double(1).await
}

/// Each map over `rows(n)`.
fn maps(pool: &GreenPool, n: u32) -> [TryGreenMap<u32, String>; 8] {
    [
        pool.try_imap(double, rows(n)),
        pool.try_imap_unordered(double, rows(n)),
        pool.try_imap_stream(double, stream::iter(rows(n))),
        pool.try_imap_stream_unordered(double, stream::iter(rows(n))),
        twice::try_imap(rows(n)),
        twice::try_imap_unordered(rows(n)),
        twice::try_imap_stream(stream::iter(rows(n))),
        twice::try_imap_stream_unordered(stream::iter(rows(n))),
    ]
}

async fn all<T, E>(mut map: TryGreenMap<T, E>) -> (Vec<T>, Option<TryMapError<E>>) {
    let mut values = Vec::new();
    while let Some(result) = map.next().await {
        match result {
            Ok(value) => values.push(value),
            Err(error) => {
                assert!(map.next().await.is_none(), "the error is the last");
                assert!(map.next().await.is_none() && map.is_terminated(), "the end stays the end");
                return (values, Some(error));
            }
        }
    }
    (values, None)
}

#[test]
fn the_error_of_the_source_comes_after_the_results_and_ends_the_map() {
    paused(async {
        let pool = GreenPool::new(2);
        for map in maps(&pool, 5) {
            let (mut values, error) = all(map).await;
            values.sort_unstable();
            assert_eq!(values, [0, 2, 4, 6, 8]);
            assert!(matches!(error, Some(TryMapError::Source(error)) if error == "row"));
        }
        for map in maps(&pool, 0) {
            let (values, error) = all(map).await;
            assert!(values.is_empty() && matches!(error, Some(TryMapError::Source(_))));
        }
    });
}

#[test]
fn a_source_without_an_error_gives_all_results() {
    paused(async {
        let pool = GreenPool::new(2);
        let fine = || (0..3).map(Ok::<_, io::Error>);
        for map in [
            pool.try_imap(double, fine()),
            pool.try_imap_stream(double, stream::iter(fine())),
            twice::try_imap(fine()),
            twice::try_imap_stream(stream::iter(fine())),
        ] {
            let (values, error) = all(map).await;
            assert_eq!(values, [0, 2, 4]);
            assert!(error.is_none());
        }
    });
}

#[test]
fn nothing_is_read_after_the_error_and_what_has_begun_ends_first() {
    paused(async {
        let pool = GreenPool::new(3);
        let (gate, read) = (Gate::new(), Arc::new(AtomicUsize::new(0)));
        let counter = read.clone();
        let source = rows(2).inspect(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        let opened = gate.clone();
        let mut map = pool.try_imap(
            move |n| {
                let gate = opened.clone();
                async move {
                    gate.opened().await;
                    n
                }
            },
            source,
        );
        until_idle().await;
        assert_eq!(read.load(Ordering::SeqCst), 3);
        assert!(poll!(std::pin::pin!(map.next())).is_pending());
        assert_eq!(pool.running(), 2);
        gate.open();
        assert_eq!(map.next().await.unwrap().unwrap(), 0);
        assert_eq!(map.next().await.unwrap().unwrap(), 1);
        assert!(matches!(map.next().await, Some(Err(TryMapError::Source(error))) if error == "row"));
        assert!(map.next().await.is_none());
        assert_eq!(read.load(Ordering::SeqCst), 3);
    });
}

#[test]
fn a_job_that_panics_has_its_place_and_the_others_continue() {
    paused(async {
        let pool = GreenPool::new(2);
        let job = |n: u32| async move { if n == 1 { panic!("a fault") } else { n } };
        let mut map = pool.try_imap(job, rows(3));
        assert_eq!(map.next().await.unwrap().unwrap(), 0);
        assert!(matches!(map.next().await, Some(Err(TryMapError::Job(error))) if error.is_panic()));
        assert_eq!(map.next().await.unwrap().unwrap(), 2);
        assert!(matches!(map.next().await, Some(Err(TryMapError::Source(_)))));
    });
}

#[test]
fn a_closed_pool_is_an_error_of_the_job() {
    paused(async {
        let pool = GreenPool::new(2);
        pool.close();
        for mut map in [pool.try_imap(double, rows(3)), pool.try_imap_stream(double, stream::iter(rows(3)))] {
            assert!(matches!(map.next().await, Some(Err(TryMapError::Job(error))) if error.is_closed()));
            assert!(map.next().await.is_none());
        }
    });
}

#[test]
fn a_next_that_is_dropped_loses_neither_a_result_nor_the_error() {
    paused(async {
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        let opened = gate.clone();
        let mut map = pool.try_imap(move |()| opened.clone().opened(), [Ok(()), Err("row")]);
        assert!(poll!(std::pin::pin!(map.next())).is_pending());
        gate.open();
        until_idle().await;
        assert!(map.next().await.unwrap().is_ok());
        assert!(!map.is_terminated());
        assert!(matches!(map.next().await, Some(Err(TryMapError::Source("row")))));
        assert!(map.is_terminated());
    });
}

#[test]
fn size_hint_counts_the_error_as_a_result() {
    paused(async {
        let pool = GreenPool::new(2);
        let mut map = pool.try_imap(double, vec![Ok(1), Err("row"), Ok(2)]);
        assert_eq!(map.size_hint(), (0, Some(3)));
        until_idle().await;
        assert_eq!(map.size_hint(), (2, Some(2)));
        assert!(map.next().await.unwrap().is_ok());
        assert_eq!(map.size_hint(), (1, Some(1)));
        assert!(map.next().await.unwrap().is_err());
        assert_eq!(map.size_hint(), (0, Some(0)));
    });
}

#[test]
fn a_window_bounds_what_is_read_of_a_source_that_can_fail() {
    paused(async {
        let pool = GreenPool::new(4);
        let mut map = pool.try_imap(double, rows(9)).window(1);
        until_idle().await;
        assert_eq!(pool.stats().finished, 1);
        while let Some(Ok(_)) = map.next().await {}
        assert_eq!(pool.stats().finished, 9);
    });
}

#[test]
fn dropping_the_map_aborts_its_jobs_and_drops_the_error() {
    paused(async {
        let pool = GreenPool::new(2);
        let held = Arc::new(());
        let error = held.clone();
        let mut map = pool.try_imap(|()| std::future::pending::<()>(), [Ok(()), Err(error)]);
        assert!(poll!(std::pin::pin!(map.next())).is_pending());
        until_idle().await;
        assert_eq!(Arc::strong_count(&held), 2);
        drop(map);
        pool.waitall().await;
        assert_eq!(pool.stats().aborted, 1);
        assert_eq!(Arc::strong_count(&held), 1);
    });
}

#[test]
fn a_detached_map_finishes_its_jobs() {
    paused(async {
        let pool = GreenPool::new(2);
        let map = pool.try_imap(double, rows(2));
        until_idle().await;
        map.detach();
        pool.waitall().await;
        assert_eq!((pool.stats().aborted, pool.stats().finished), (0, 2));
    });
}

#[test]
fn errors_convert_for_the_question_mark() {
    paused(async {
        async fn sum(rows: Vec<io::Result<u32>>) -> io::Result<u32> {
            let mut sum = 0;
            let mut map = twice::try_imap(rows);
            while let Some(row) = map.next().await {
                sum += row?;
            }
            Ok(sum)
        }
        assert_eq!(sum(vec![Ok(1), Ok(2)]).await.unwrap(), 6);
        let error = sum(vec![Ok(1), Err(io::ErrorKind::TimedOut.into())]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let all: Result<Vec<_>, _> = twice::try_imap(vec![Ok::<_, io::Error>(1)]).try_collect().await;
        assert_eq!(all.unwrap(), [2]);
    });
}

#[test]
fn a_declared_function_reads_a_stream_of_its_argument() {
    paused(async {
        let doubles: Vec<_> = twice::imap_stream(stream::iter(0..5)).map(Result::unwrap).collect().await;
        assert_eq!(doubles, [0, 2, 4, 6, 8]);
        let mut doubles: Vec<_> = twice::imap_stream_unordered(stream::iter(0..5)).map(Result::unwrap).collect().await;
        doubles.sort_unstable();
        assert_eq!(doubles, [0, 2, 4, 6, 8]);
        assert!(twice::pool().stats().finished >= 10);
    });
}

#[test]
fn a_declared_function_of_several_parameters_reads_a_stream_of_tuples() {
    paused(async {
        let sums: Vec<_> = add::imap_stream(stream::iter([(1, 2), (3, 4)])).map(Result::unwrap).collect().await;
        assert_eq!(sums, [4, 10]);
        let (sums, error) = all(add::try_imap_stream(stream::iter([Ok((1, 2)), Err("row")]))).await;
        assert!(sums == [4] && matches!(error, Some(TryMapError::Source("row"))));
        let (sums, error) = all(add::try_imap([Ok((1, 2)), Err("row")])).await;
        assert!(sums == [4] && matches!(error, Some(TryMapError::Source("row"))));
    });
}

#[test]
fn a_declared_function_without_parameters_reads_a_stream_of_units() {
    paused(async {
        let ticks: Vec<_> = tick::imap_stream(stream::iter([(), ()])).map(Result::unwrap).collect().await;
        assert_eq!(ticks, [2, 2]);
    });
}
