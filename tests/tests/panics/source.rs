//! Panics in a map's source and in the function that creates its futures.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt};
use greenpool::{GreenMap, GreenPool, JoinError};
use greenpool_tests::paused;

use crate::route::{is_planned, planned};

/// A source of the numbers from 0. One of its methods panics after the given number of items.
#[derive(Clone)]
struct Numbers {
    given: u32,
    panics_in_next: u32,
    panics_in_size_hint: u32,
}

const NO_PANIC: u32 = u32::MAX;

impl Numbers {
    fn next_panics(after: u32) -> Self {
        Numbers { given: 0, panics_in_next: after, panics_in_size_hint: NO_PANIC }
    }

    fn size_hint_panics(after: u32) -> Self {
        Numbers { given: 0, panics_in_next: NO_PANIC, panics_in_size_hint: after }
    }

    fn advance(&mut self) -> u32 {
        if self.given == self.panics_in_next {
            planned();
        }
        self.given += 1;
        self.given - 1
    }

    fn hint(&self) -> (usize, Option<usize>) {
        if self.given == self.panics_in_size_hint {
            planned();
        }
        (0, None)
    }
}

impl Iterator for Numbers {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        Some(self.advance())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.hint()
    }
}

/// The same, as an async source.
struct Ticks(Numbers);

impl Stream for Ticks {
    type Item = u32;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u32>> {
        Poll::Ready(Some(self.0.advance()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.hint()
    }
}

async fn same(n: u32) -> u32 {
    n
}

/// All kinds of map over clones of `source`, ordered maps first.
fn maps(pool: &GreenPool, source: &Numbers) -> [GreenMap<u32>; 7] {
    let numbers = || source.clone();
    [
        pool.imap(same, numbers()),
        pool.imap(|n, _| same(n), (numbers(), 0..)),
        pool.starmap(|n: u32| same(n), numbers().map(|n| (n,))),
        pool.imap_stream(same, Ticks(numbers())),
        pool.imap_unordered(same, numbers()),
        pool.starmap_unordered(|n: u32| same(n), numbers().map(|n| (n,))),
        pool.imap_stream_unordered(same, Ticks(numbers())),
    ]
}

/// Collects the results of a map, with `None` for the planned panic.
async fn collect(map: GreenMap<u32>) -> Vec<Option<u32>> {
    let value = |result: Result<u32, JoinError>| result.map_err(|error| assert!(is_planned(error))).ok();
    map.map(value).collect().await
}

#[test]
fn a_map_whose_source_panics_yields_earlier_items_then_the_panic_then_ends() {
    paused(async {
        for (at, after) in (0..7).flat_map(|at| [(at, 0), (at, 1), (at, 5)]) {
            let pool = GreenPool::new(2);
            let map = maps(&pool, &Numbers::next_panics(after)).into_iter().nth(at).unwrap();
            let mut found = collect(map).await;
            if at > 3 {
                found.sort_unstable_by_key(|number| number.unwrap_or(NO_PANIC));
            }
            assert_eq!(found, (0..after).map(Some).chain([None]).collect::<Vec<_>>(), "{at}");
            pool.waitall().await;
            assert_eq!(pool.free(), 2, "{at}");
            assert_eq!(pool.spawn(same(1)).await.await.unwrap(), 1);
        }
    });
}

#[test]
fn a_size_hint_that_panics_later_ends_the_map_with_the_panic() {
    paused(async {
        for at in 0..7 {
            let pool = GreenPool::new(2);
            let map = maps(&pool, &Numbers::size_hint_panics(3)).into_iter().nth(at).unwrap();
            let mut found = collect(map).await;
            found.sort_unstable_by_key(|number| number.unwrap_or(NO_PANIC));
            // The map had read the third number before it asked for the hint.
            assert_eq!(found, [Some(0), Some(1), None], "{at}");
            pool.waitall().await;
            assert_eq!(pool.free(), 2, "{at}");
        }
    });
}

#[test]
fn a_size_hint_that_panics_at_the_start_panics_in_the_caller() {
    paused(async {
        let pool = GreenPool::new(2);
        let numbers = || Numbers::size_hint_panics(0);
        assert!(catch_unwind(AssertUnwindSafe(|| pool.imap(same, numbers()))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| pool.imap_stream(same, Ticks(numbers())))).is_err());
        pool.waitall().await;
        assert_eq!((pool.stats().spawned, pool.free()), (0, 2));
    });
}

#[test]
fn a_function_that_panics_when_called_fails_only_one_item() {
    paused(async {
        let make = |n: u32| if n % 3 == 1 { planned() } else { same(n) };
        let pool = GreenPool::new(2);
        let maps = [
            pool.imap(make, 0..6),
            pool.imap(move |n, _| make(n), (0..6, 0..)),
            pool.starmap(move |n: u32| make(n), (0..6).map(|n| (n,))),
            pool.imap_stream(make, futures::stream::iter(0..6)),
            pool.imap_unordered(make, 0..6),
            pool.starmap_unordered(move |n: u32| make(n), (0..6).map(|n| (n,))),
            pool.imap_stream_unordered(make, futures::stream::iter(0..6)),
        ];
        for (at, map) in maps.into_iter().enumerate() {
            let mut found = collect(map).await;
            if at > 3 {
                found.sort_unstable();
                assert_eq!(found, [None, None, Some(0), Some(2), Some(3), Some(5)]);
            } else {
                assert_eq!(found, [Some(0), None, Some(2), Some(3), None, Some(5)]);
            }
        }
        pool.waitall().await;
        let stats = pool.stats();
        assert_eq!((stats.spawned, stats.finished, stats.panicked, stats.running), (42, 28, 14, 0));
    });
}
