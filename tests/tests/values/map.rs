//! `values`, `try_collect` and `try_for_each` of maps over iterators.

use std::collections::{BTreeMap, HashSet};
use std::num::ParseIntError;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::stream::FusedStream;
use futures::{Stream, StreamExt, poll};
use greenpool::{GreenMap, GreenPool, green_pool};
use greenpool_tests::{Gate, Gauge, Log, paused, threads, until_idle};

use crate::caught::{caught, panics_here};
use crate::{gated, never, panics};

#[green_pool(size = 4)]
async fn parse(text: &'static str) -> Result<u32, ParseIntError> {
    text.parse()
}

/// Job 0 fails when the gate opens, all others never finish.
fn one_fails(
    alive: &Gauge,
    gate: &Gate,
) -> impl FnMut(u32) -> std::pin::Pin<Box<dyn Future<Output = Result<u32, u32>> + Send>> + Send + 'static {
    let (alive, gate) = (alive.clone(), gate.clone());
    move |n| match n {
        0 => Box::pin(gated(gate.clone(), Err(0))),
        _ => Box::pin(never(&alive)),
    }
}

#[test]
fn values_are_outputs_in_order() {
    paused(async {
        let pool = GreenPool::new(3);
        let values = pool.imap(|n: u32| async move { n * 2 }, 0..100).window(7).values();
        assert_eq!(values.size_hint(), (100, Some(100)));
        assert_eq!(values.collect::<Vec<_>>().await, (0..100).map(|n| n * 2).collect::<Vec<_>>());
        let mut none = parse::imap([]).values();
        assert_eq!((none.next().await, none.next().await), (None, None));
        assert!(none.is_terminated());
    });
}

#[test]
fn values_resume_the_panic_of_a_job_and_end_the_map() {
    paused(async {
        let (pool, alive) = (GreenPool::new(2), Gauge::default());
        let jobs = alive.clone();
        let job = move |n: u32| {
            let never = (n > 1).then(|| never::<u32>(&jobs));
            async move {
                match never {
                    Some(never) => never.await,
                    None if n == 1 => resume_unwind(Box::new("one")),
                    None => n,
                }
            }
        };
        let mut values = pool.imap(job, 0..).values();
        assert_eq!(values.next().await, Some(0));
        let caught = caught(values.next()).await;
        assert_eq!((caught.message.as_str(), caught.location), ("one", None));
        assert!(values.is_terminated());
        assert_eq!(values.size_hint(), (0, Some(0)));
        assert_eq!(values.next().await, None);
        pool.waitall().await;
        assert_eq!(alive.now(), 0, "the other jobs were aborted");
    });
}

#[test]
fn values_panic_at_the_callers_line_if_the_pool_is_closed() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        let open = gate.clone();
        let mut values = pool.imap(move |n: u32| gated(gate.clone(), n), 0..).values();
        until_idle().await;
        pool.close();
        open.open();
        assert_eq!(values.next().await, Some(0));
        panics_here!(values.next(), "the job never began because the pool is closed");
        assert_eq!(values.next().await, None);
    });
}

#[test]
fn a_value_that_nobody_waits_for_any_longer_is_not_lost() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        let open = gate.clone();
        let mut values = pool.imap(move |n: u32| gated(gate.clone(), n), 0..3).values();
        assert!(poll!(values.next()).is_pending());
        open.open();
        until_idle().await;
        assert_eq!(values.collect::<Vec<_>>().await, [0, 1, 2]);
    });
}

#[test]
fn dropped_values_stop_the_map() {
    paused(async {
        let (pool, alive) = (GreenPool::new(2), Gauge::default());
        let jobs = alive.clone();
        let values = pool.imap(move |_: u32| never::<()>(&jobs), 0..).values();
        until_idle().await;
        assert_eq!(alive.now(), 2);
        drop(values);
        pool.waitall().await;
        assert_eq!(alive.now(), 0);
    });
}

#[test]
fn try_collect_fills_any_collection() {
    paused(async {
        let texts = ["7", "8", "9"];
        assert_eq!(parse::imap(texts).try_collect::<Vec<_>>().await, Ok(vec![7, 8, 9]));
        assert_eq!(parse::imap_unordered(texts).try_collect::<HashSet<_>>().await, Ok(HashSet::from([7, 8, 9])));
        let pool = GreenPool::new(2);
        let pairs = pool.imap(|n: u8| async move { Ok::<_, ()>((n, n * n)) }, 0..3);
        assert_eq!(pairs.try_collect::<BTreeMap<_, _>>().await, Ok(BTreeMap::from([(0, 0), (1, 1), (2, 4)])));
        assert_eq!(
            pool.imap(|n: u8| async move { n.checked_sub(1).map(drop).ok_or(n) }, 1..9).try_collect().await,
            Ok(())
        );
        assert_eq!(
            parse::imap([]).try_collect().await,
            Ok(String::new().into_bytes().into_iter().map(u32::from).collect::<Vec<_>>())
        );
    });
}

#[test]
fn when_try_collect_returns_an_error_the_rest_has_ended() {
    for size in [1, 4] {
        paused(async move {
            let (pool, alive, gate) = (GreenPool::new(size), Gauge::default(), Gate::new());
            let job = one_fails(&alive, &gate);
            let mut collect = Box::pin(pool.imap_unordered(job, 0..).try_collect::<Vec<_>>());
            assert!(poll!(&mut collect).is_pending());
            until_idle().await;
            assert_eq!((pool.running(), alive.now()), (size, size - 1));
            gate.open();
            assert_eq!(collect.await, Err(0));
            assert_eq!((pool.running(), alive.now(), pool.waiting()), (0, 0, 0));
        });
    }
}

#[test]
fn on_several_threads_the_rest_of_a_failed_map_has_ended() {
    threads(2, async {
        let pool = GreenPool::new(8);
        for _ in 0..200 {
            let (alive, gate) = (Gauge::default(), Gate::new());
            gate.open();
            let error = pool.imap_unordered(one_fails(&alive, &gate), 0..).try_collect::<Vec<_>>().await;
            assert_eq!((error, alive.now()), (Err(0), 0));
        }
        pool.waitall().await;
        assert_eq!(pool.free(), 8);
    });
}

#[test]
fn an_ordered_try_collect_returns_the_first_error_in_order() {
    paused(async {
        let (pool, gate) = (GreenPool::new(3), Gate::new());
        let first = gate.clone();
        let job = move |n: u32| {
            let gate = (n == 0).then(|| first.clone());
            async move {
                if let Some(gate) = gate {
                    gate.opened().await;
                }
                Err::<(), _>(n)
            }
        };
        let mut collect = Box::pin(pool.imap(job, 0..3).try_collect::<()>());
        assert!(poll!(&mut collect).is_pending());
        until_idle().await;
        assert!(poll!(&mut collect).is_pending(), "item 1 has failed, and item 0 may still fail");
        gate.open();
        assert_eq!(collect.await, Err(0));
    });
}

#[test]
fn a_panic_ends_the_rest_before_it_resumes() {
    paused(async {
        let (pool, alive) = (GreenPool::new(3), Gauge::default());
        let jobs = alive.clone();
        let job = move |n: u32| {
            let never = (n > 0).then(|| never::<Result<u32, u32>>(&jobs));
            async move {
                match never {
                    Some(never) => never.await,
                    None => panics("zero").await,
                }
            }
        };
        let caught = caught(pool.imap(job, 0..).try_collect::<Vec<_>>()).await;
        assert_eq!((caught.message.as_str(), caught.location), ("zero", None));
        assert_eq!((pool.running(), alive.now()), (0, 0));
    });
}

#[test]
fn a_map_refused_by_its_pool_panics_at_the_callers_line() {
    paused(async {
        let pool = GreenPool::new(1);
        pool.close();
        let map = pool.imap(|n: u32| async move { Ok::<_, ()>(n) }, 0..3);
        panics_here!(map.try_collect::<Vec<_>>(), "the job never began because the pool is closed");
        let map = pool.imap(|n: u32| async move { Ok::<_, ()>(n) }, 0..3);
        panics_here!(map.try_for_each(async |_| Ok::<_, ()>(())), "the job never began because the pool is closed");
        let map = pool.imap(|n: u32| async move { n }, 0..3);
        panics_here!(
            map.values().try_for_each(async |_| Ok::<_, ()>(())),
            "the job never began because the pool is closed"
        );
    });
}

#[test]
fn a_source_whose_destructor_panics_does_not_hang_a_failed_map() {
    /// Panics when it is dropped.
    struct Source;

    impl Iterator for Source {
        type Item = ();

        fn next(&mut self) -> Option<()> {
            Some(())
        }
    }

    impl Drop for Source {
        fn drop(&mut self) {
            resume_unwind(Box::new("the source"));
        }
    }

    paused(async {
        let pool = GreenPool::new(2);
        let map = pool.imap(|()| async { Err::<(), _>("an error") }, Source);
        assert_eq!(caught(map.try_collect::<()>()).await.message, "the source");
        assert_eq!(pool.running(), 0);
    });
}

#[test]
fn a_dropped_try_collect_or_try_for_each_aborts_the_jobs() {
    paused(async {
        let (pool, alive, gate) = (GreenPool::new(3), Gauge::default(), Gate::new());
        let mut collect = Box::pin(pool.imap(one_fails(&alive, &gate), 0..).try_collect::<Vec<_>>());
        assert!(poll!(&mut collect).is_pending());
        until_idle().await;
        assert_eq!(alive.now(), 2);
        drop(collect);
        pool.waitall().await;
        assert_eq!(alive.now(), 0);

        let consume = pool.imap(one_fails(&alive, &gate), 0..).try_for_each(async |_| Ok::<_, u32>(()));
        let mut consume = Box::pin(consume);
        assert!(poll!(&mut consume).is_pending());
        until_idle().await;
        assert_eq!(alive.now(), 2);
        drop(consume);
        pool.waitall().await;
        assert_eq!(alive.now(), 0);
    });
}

#[test]
fn try_for_each_calls_the_consumer_with_one_value_after_the_other() {
    paused(async {
        let (seen, busy) = (Log::new(), Gauge::default());
        let consumed = parse::imap(["1", "2", "3"]).try_for_each(async |n| {
            let _busy = busy.enter();
            tokio::task::yield_now().await;
            seen.push(n);
            Ok::<_, ParseIntError>(())
        });
        consumed.await.unwrap();
        assert_eq!((seen.take(), busy.peak()), (vec![1, 2, 3], 1));
    });
}

#[test]
fn try_for_each_stops_at_the_error_of_a_job_or_of_the_consumer() {
    #[derive(Debug, PartialEq)]
    enum Trouble {
        Parse(ParseIntError),
        TooMuch(u32),
    }

    impl From<ParseIntError> for Trouble {
        fn from(error: ParseIntError) -> Self {
            Trouble::Parse(error)
        }
    }

    async fn sum(texts: [&'static str; 3]) -> Result<u32, Trouble> {
        let mut sum = 0;
        let add = |n| {
            sum += n;
            let sum = sum;
            async move { if sum > 9 { Err(Trouble::TooMuch(sum)) } else { Ok(()) } }
        };
        parse::imap(texts).try_for_each(add).await?;
        Ok(sum)
    }

    paused(async {
        assert_eq!(sum(["1", "2", "3"]).await, Ok(6));
        assert_eq!(sum(["5", "5", "x"]).await, Err(Trouble::TooMuch(10)));
        assert!(matches!(sum(["5", "x", "5"]).await, Err(Trouble::Parse(_))));
        assert_eq!(parse::pool().running(), 0);
    });
}

#[test]
fn when_try_for_each_returns_an_error_the_rest_has_ended() {
    paused(async {
        let (pool, alive, gate) = (GreenPool::new(3), Gauge::default(), Gate::new());
        gate.open();
        let map = pool.imap_unordered(one_fails(&alive, &gate), 0..);
        assert_eq!(map.try_for_each(async |_| Ok::<_, u32>(())).await, Err(0));
        assert_eq!((pool.running(), alive.now()), (0, 0));

        let jobs = alive.clone();
        let job = move |n: u32| {
            let never = (n > 0).then(|| never::<u32>(&jobs));
            async move {
                match never {
                    Some(never) => never.await,
                    None => 7,
                }
            }
        };
        let mut values = pool.imap(job, 0..).values();
        let error = values.by_ref().next().await.map_or(Ok(()), Err);
        assert_eq!(error, Err(7));
        let consumed = pool.imap(|n: u32| async move { n }, 0..).values().try_for_each(async |n| Err::<(), _>(n));
        drop(values);
        assert_eq!(consumed.await, Err(0));
        pool.waitall().await;
        assert_eq!((pool.running(), alive.now()), (0, 0));
    });
}

#[test]
fn a_job_may_collect_a_map_over_its_own_full_pool() {
    paused(async {
        let pool = GreenPool::new(1);
        let inner = pool.clone();
        let sum = pool.spawn(async move {
            let map = inner.imap(|n: u32| async move { n.checked_sub(1).ok_or(n) }, [1, 2, 3]);
            let good = map.try_collect::<Vec<_>>().await;
            let map = inner.imap(|n: u32| async move { n.checked_sub(1).ok_or(n) }, [1, 0, 3]);
            (good, map.try_collect::<Vec<_>>().await)
        });
        assert_eq!(sum.await.value().await, (Ok(vec![0, 1, 2]), Err(0)));
        assert_eq!(pool.running(), 0);
    });
}

/// A map whose first job has failed, and whose worker has just been granted a slot for the next one.
async fn failed_and_granted(pool: &GreenPool, ordered: bool) -> GreenMap<Result<u32, u32>> {
    let gate = Gate::new();
    let job = {
        let gate = gate.clone();
        move |n| gated(gate.clone(), if n == 0 { Err(0) } else { Ok(n) })
    };
    let map = if ordered { pool.imap(job, 0..) } else { pool.imap_unordered(job, 0..) }.window(2);
    until_idle().await;
    // The worker gives its slot to this, and queues for another one.
    let mut taken = pin!(pool.slot());
    assert!(poll!(&mut taken).is_pending());
    gate.open();
    let taken = taken.await.unwrap();
    until_idle().await;
    assert_eq!((pool.running(), pool.waiting()), (1, 1));
    drop(taken);
    assert_eq!((pool.running(), pool.waiting()), (1, 0));
    map
}

#[test]
fn an_error_comes_after_a_slot_that_a_worker_has_not_looked_at() {
    paused(async {
        for ordered in [true, false] {
            let pool = GreenPool::new(1);
            let map = failed_and_granted(&pool, ordered).await;
            assert_eq!(map.try_collect::<Vec<_>>().await, Err(0));
            assert_eq!(pool.running(), 0);
            let map = failed_and_granted(&pool, ordered).await;
            assert_eq!(map.try_for_each(async |_| Ok::<_, u32>(())).await, Err(0));
            assert_eq!(pool.running(), 0);
        }
    });
}

#[test]
fn no_worker_has_a_slot_when_an_error_comes() {
    threads(4, async {
        for round in 0..3_000 {
            let pool = GreenPool::new(1 + round % 3);
            let done = Arc::new(AtomicBool::new(false));
            let failing = done.clone();
            let job = move |n: u32| {
                let fails = failing.load(Ordering::SeqCst);
                async move { if fails { Err(n) } else { Ok(n) } }
            };
            let map = pool.imap_unordered(job, 0..).window(4);
            let others = pool.clone();
            tokio::spawn(async move {
                for _ in 0..3 {
                    drop(others.slot().await.unwrap());
                }
                done.store(true, Ordering::SeqCst);
            });
            map.try_collect::<Vec<_>>().await.unwrap_err();
            assert_eq!(pool.running(), 0, "round {round}");
        }
    });
}
