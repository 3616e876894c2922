//! `try_next`, `stop` and `indexed` of maps.

use std::panic::resume_unwind;
use std::sync::Arc;

use futures::stream::{self, FusedStream};
use futures::{Stream, StreamExt, poll};
use greenpool::{GreenMap, GreenPool, JoinError};
use greenpool_tests::{Gate, Gauge, paused, threads, until_idle};

use crate::gated;

fn gates(n: usize) -> Arc<Vec<Gate>> {
    Arc::new((0..n).map(|_| Gate::new()).collect())
}

/// A map whose jobs wait for a gate each, in all of its forms.
fn forms(pool: &GreenPool, gates: &Arc<Vec<Gate>>) -> [GreenMap<usize>; 4] {
    let job = || {
        let gates = gates.clone();
        move |n: usize| gated(gates[n].clone(), n)
    };
    let all = 0..gates.len();
    [
        pool.imap(job(), all.clone()),
        pool.imap_unordered(job(), all.clone()),
        pool.imap_stream(job(), stream::iter(all.clone())),
        pool.imap_stream_unordered(job(), stream::iter(all)),
    ]
}

#[test]
fn results_of_an_unordered_map_tell_which_input_they_belong_to() {
    paused(async {
        for stream in [false, true] {
            let (pool, gates) = (GreenPool::new(5), gates(5));
            let [_, unordered, _, from_stream] = forms(&pool, &gates);
            let mut map = if stream { from_stream } else { unordered }.indexed();
            pool.resize(20);
            until_idle().await;
            for n in [3, 0, 4, 1, 2] {
                assert!(poll!(map.next()).is_pending());
                gates[n].open();
                let (index, result) = map.next().await.unwrap();
                assert_eq!((index, result.unwrap()), (n, n));
            }
            assert!(map.next().await.is_none() && map.is_terminated());
        }
    });
}

#[test]
fn results_of_an_ordered_map_are_counted() {
    paused(async {
        let pool = GreenPool::new(2);
        let mut map = pool.imap(|n: usize| async move { n }, 0..10);
        assert_eq!(map.next().await.unwrap().unwrap(), 0);
        let rest: Vec<_> = map.indexed().map(|(index, result)| (index, result.unwrap())).collect().await;
        assert_eq!(rest, (1..10).map(|n| (n, n)).collect::<Vec<_>>());
    });
}

#[test]
fn indices_are_right_whatever_the_batches_and_the_threads() {
    async fn check(size: usize) {
        let pool = GreenPool::new(size);
        let job = |n: usize| async move {
            for _ in 0..n * 7 % 4 {
                tokio::task::yield_now().await;
            }
            n
        };
        let mut map = pool.imap_unordered(job, 0..2000).window(50);
        let mut seen = vec![false; 2000];
        // A map may be read before its results are wanted with an index.
        for _ in 0..30 {
            seen[map.next().await.unwrap().unwrap()] = true;
        }
        let mut map = map.indexed();
        while let Some((index, result)) = map.next().await {
            assert_eq!(result.unwrap(), index);
            assert!(!std::mem::replace(&mut seen[index], true));
        }
        assert!(seen.into_iter().all(|seen| seen));
    }
    for size in [1, 3, 40] {
        paused(check(size));
        threads(2, check(size));
    }
}

#[test]
fn a_panic_has_the_index_of_its_item_and_a_refusal_that_of_the_first_item_that_did_not_run() {
    paused(async {
        let pool = GreenPool::new(2);
        let job = |n: u32| async move {
            tokio::task::yield_now().await;
            if n == 2 {
                resume_unwind(Box::new("two"));
            }
        };
        let failed =
            pool.imap_unordered(job, 0..5).indexed().filter_map(async |(index, result)| result.err().map(|_| index));
        assert_eq!(failed.collect::<Vec<_>>().await, [2]);

        for ordered in [true, false] {
            let (pool, gates) = (GreenPool::new(2), gates(9));
            let jobs = gates.clone();
            let job = move |n: usize| gated(jobs[n].clone(), n);
            let map = if ordered { pool.imap(job, 0..9) } else { pool.imap_unordered(job, 0..9) };
            let mut map = map.indexed();
            until_idle().await;
            pool.close();
            gates.iter().for_each(Gate::open);
            let mut last = None;
            while let Some((index, result)) = map.next().await {
                last = Some((index, result.is_err_and(|error| error.is_closed())));
            }
            assert_eq!(last, Some((2, true)));
        }
    });
}

#[test]
fn a_stopped_map_delivers_what_has_begun() {
    paused(async {
        for form in 0..2 {
            let (pool, gates) = (GreenPool::new(3), gates(100));
            let mut map = forms(&pool, &gates).into_iter().nth(form).unwrap();
            until_idle().await;
            assert_eq!(pool.running(), 3);
            map.stop();
            assert_eq!(map.size_hint(), (3, Some(3)));
            gates.iter().for_each(Gate::open);
            let mut results: Vec<_> = map.map(Result::unwrap).collect().await;
            results.sort_unstable();
            assert_eq!(results, [0, 1, 2]);
            assert_eq!((pool.stats().spawned, pool.running()), (3, 0));
        }
    });
}

#[test]
fn a_stopped_map_over_a_stream_delivers_what_has_begun() {
    paused(async {
        // With a window, the reader waits for room; without a slot, it waits with an item.
        for (window, given_up) in [(3, 0), (9, 1)] {
            let (pool, gates) = (GreenPool::new(3), gates(100));
            let [_, _, map, _] = forms(&pool, &gates);
            let mut map = map.window(window);
            until_idle().await;
            assert_eq!(pool.running(), 3);
            map.stop();
            until_idle().await;
            gates.iter().for_each(Gate::open);
            let results: Vec<_> = map.collect().await;
            let cancelled = results.iter().filter(|result| result.as_ref().is_err_and(JoinError::is_cancelled)).count();
            assert_eq!((results.len(), cancelled), (3 + given_up, given_up));
            assert_eq!(results.into_iter().flatten().collect::<Vec<_>>(), [0, 1, 2]);
            assert_eq!((pool.running(), pool.waiting()), (0, 0));
        }
    });
}

#[test]
fn a_map_stopped_while_it_is_queued_or_at_its_end_ends() {
    paused(async {
        let pool = GreenPool::new(0);
        let mut map = pool.imap(|n: u32| async move { n }, 0..);
        until_idle().await;
        assert_eq!(pool.waiting(), 1);
        map.stop();
        assert!(map.next().await.is_none());
        assert_eq!(pool.waiting(), 0);
        map.stop();
        assert!(map.next().await.is_none());
        pool.resize(1);
        pool.waitall().await;
        assert_eq!(pool.stats().spawned, 0);
    });
}

#[test]
fn a_stopped_map_drops_its_source() {
    paused(async {
        let (pool, alive) = (GreenPool::new(2), Gauge::default());
        let inside = alive.enter();
        let source = (0..).inspect(move |_| {
            let _ = &inside;
        });
        let mut map = pool.imap(|n: u32| async move { n }, source);
        until_idle().await;
        map.stop();
        assert_eq!(alive.now(), 0);
        assert_eq!(map.map(Result::unwrap).collect::<Vec<_>>().await, [0, 1]);
    });
}

#[test]
fn try_next_of_a_map_takes_all_that_is_ready() {
    paused(async {
        for ordered in [true, false] {
            let (pool, gate) = (GreenPool::new(1000), Gate::new());
            let job = {
                let gate = gate.clone();
                move |n: u32| {
                    let gate = (n == 999).then(|| gate.clone());
                    async move {
                        if let Some(gate) = gate {
                            gate.opened().await;
                        }
                        n
                    }
                }
            };
            let mut map = if ordered { pool.imap(job, 0..1000) } else { pool.imap_unordered(job, 0..1000) };
            assert!(map.try_next().is_none());
            until_idle().await;
            let mut seen = vec![];
            while let Some(result) = map.try_next() {
                seen.push(result.unwrap());
            }
            assert_eq!(seen, (0..999).collect::<Vec<_>>(), "more than tokio's budget allows");
            assert!(!map.is_terminated());
            gate.open();
            until_idle().await;
            assert_eq!(map.try_next().unwrap().unwrap(), 999);
            assert!(map.try_next().is_none() && map.is_terminated());
            assert!(map.next().await.is_none());
        }
    });
}

#[test]
fn try_next_makes_room_for_further_items() {
    paused(async {
        let pool = GreenPool::new(2);
        let mut map = pool.imap_unordered(|n: u32| async move { n }, 0..100).indexed();
        let mut seen = vec![];
        while seen.len() < 100 {
            until_idle().await;
            let before = seen.len();
            while let Some((index, result)) = map.try_next() {
                assert_eq!(index, result.unwrap() as usize);
                seen.push(index);
            }
            assert!(seen.len() - before <= 2 && seen.len() > before, "a window of items at a time");
        }
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
        assert!(map.try_next().is_none());
    });
}

#[test]
fn try_next_of_a_closed_pool_returns_its_error_once() {
    paused(async {
        let pool = GreenPool::new(1);
        pool.close();
        let mut map = pool.imap(|n: u32| async move { n }, 0..3);
        until_idle().await;
        assert!(map.try_next().unwrap().unwrap_err().is_closed());
        assert!(map.try_next().is_none() && map.is_terminated());
    });
}
