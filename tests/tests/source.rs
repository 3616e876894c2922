//! The sources of maps: when they are read, how far, and what happens when they fail.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread::sleep as sleep_thread;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use greenpool::{GreenMap, GreenPool};
use greenpool_tests::{Gate, Gauge, paused, threads, until_idle};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

/// An iterator, and the number of items it has yielded so far.
fn read_counter(items: usize) -> (impl Iterator<Item = usize> + Send + 'static, Arc<AtomicUsize>) {
    let read = Arc::new(AtomicUsize::new(0));
    let counter = read.clone();
    let source = (0..items).inspect(move |_| _ = counter.fetch_add(1, Ordering::SeqCst));
    (source, read)
}

async fn next<T>(map: &mut GreenMap<T>) -> T {
    map.next().await.expect("another item").expect("no job fails")
}

#[test]
fn an_item_is_not_read_before_its_job_can_start() {
    paused(async {
        let (source, read) = read_counter(100);
        let pool = GreenPool::new(2);
        let mut map = pool.imap(|n: usize| async move { n }, source);
        until_idle().await;
        for n in 0..10 {
            assert_eq!(read.load(Ordering::SeqCst), n + 2);
            assert_eq!(next(&mut map).await, n);
            until_idle().await;
        }
    });
}

#[test]
fn an_item_is_not_read_while_the_pool_is_full() {
    paused(async {
        let (source, read) = read_counter(100);
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        pool.spawn_n(gate.clone().opened()).await;
        let mut map = pool.imap(|n: usize| async move { n }, source);
        until_idle().await;
        assert_eq!(read.load(Ordering::SeqCst), 0);
        gate.open();
        assert_eq!(next(&mut map).await, 0);
    });
}

#[test]
fn nothing_is_read_at_size_0_until_a_resize() {
    paused(async {
        let (source, read) = read_counter(3);
        let pool = GreenPool::new(0);
        let mut map = pool.imap(|n: usize| async move { n }, source).window(1);
        until_idle().await;
        assert_eq!(read.load(Ordering::SeqCst), 0);
        pool.resize(1);
        for n in 0..3 {
            assert_eq!(next(&mut map).await, n);
        }
        assert!(map.next().await.is_none());
    });
}

#[test]
fn the_source_is_not_read_again_after_its_end() {
    paused(async {
        let mut calls = 0;
        let source = std::iter::from_fn(move || {
            calls += 1;
            assert!(calls <= 3, "read again after the end");
            (calls < 3).then_some(calls)
        });
        let mut map = GreenPool::new(4).imap(|n: i32| async move { n }, source);
        assert_eq!((next(&mut map).await, next(&mut map).await), (1, 2));
        for _ in 0..3 {
            assert!(map.next().await.is_none());
        }
    });
}

#[test]
fn size_hint_counts_the_results_not_yet_taken() {
    paused(async {
        let pool = GreenPool::new(2);
        let mut map = pool.imap(|n: i32| async move { n }, 0..5);
        for left in (1..=5).rev() {
            assert_eq!(map.size_hint(), (left, Some(left)));
            until_idle().await;
            assert_eq!(map.size_hint(), (left, Some(left)), "the same whether the jobs have run or not");
            next(&mut map).await;
        }
        assert_eq!(map.size_hint(), (0, Some(0)));
        assert!(map.next().await.is_none());
        assert_eq!(map.size_hint(), (0, Some(0)));
    });
}

#[test]
fn size_hint_of_an_endless_source_has_no_upper_bound() {
    paused(async {
        let map = GreenPool::new(2).imap(|n: u64| async move { n }, 0..);
        assert_eq!(map.size_hint().1, None);
        let zipped = GreenPool::new(2).imap(|a: u64, b: i32| async move { (a, b) }, (0.., [1, 2, 3]));
        assert_eq!(zipped.size_hint(), (3, Some(3)));
    });
}

#[test]
fn a_map_whose_source_panics_yields_earlier_items_then_the_panic_then_ends() {
    paused(async {
        let source = (0..10).inspect(|n| {
            if *n == 3 {
                resume_unwind(Box::new("no fourth"));
            }
        });
        let pool = GreenPool::new(2);
        let mut map = pool.imap(|n: i32| async move { n }, source);
        for n in 0..3 {
            assert_eq!(next(&mut map).await, n);
        }
        let error = map.next().await.expect("the panic").expect_err("the source failed");
        assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "no fourth");
        for _ in 0..3 {
            assert!(map.next().await.is_none());
        }
        assert_eq!((pool.running(), pool.free()), (0, 2));
    });
}

#[test]
fn a_source_that_panics_at_its_first_item_ends_an_unordered_map() {
    paused(async {
        let source = std::iter::from_fn(|| -> Option<i32> { resume_unwind(Box::new("none")) });
        let pool = GreenPool::new(2);
        let mut map = pool.imap_unordered(|n: i32| async move { n }, source);
        assert!(map.next().await.expect("the panic").expect_err("the source failed").is_panic());
        assert!(map.next().await.is_none());
        assert_eq!(pool.running(), 0);
    });
}

#[test]
fn sources_are_read_left_to_right_and_the_shortest_ends_the_map() {
    paused(async {
        let (left, left_read) = read_counter(10);
        let (right, right_read) = read_counter(2);
        let mut map = GreenPool::new(4).imap(|a: usize, b: usize| async move { a + b }, (left, right));
        assert_eq!((next(&mut map).await, next(&mut map).await), (0, 2));
        assert!(map.next().await.is_none());
        assert!(left_read.load(Ordering::SeqCst) <= 3);
        assert_eq!(right_read.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn imap_stream_reads_an_async_source() {
    paused(async {
        let pool = GreenPool::new(2);
        let source = stream::unfold(0, |n| async move {
            tokio::task::yield_now().await;
            (n < 5).then_some((n, n + 1))
        });
        let mut map = pool.imap_stream(|n: i32| async move { n * n }, source);
        for n in 0..5 {
            assert_eq!(next(&mut map).await, n * n);
        }
        assert!(map.next().await.is_none());
    });
}

#[test]
fn a_source_that_is_not_ready_holds_no_slot() {
    paused(async {
        let pool = GreenPool::new(1);
        let gate = Gate::new();
        let source = stream::once(gate.clone().opened());
        let mut map = pool.imap_stream(|()| async { 1 }, source);
        until_idle().await;
        assert_eq!(pool.spawn(async { 2 }).await.await.unwrap(), 2, "others can use the slot");
        gate.open();
        assert_eq!(next(&mut map).await, 1);
        assert!(map.next().await.is_none());
    });
}

/// A stream that counts its polls.
struct CountPolls(Gauge);

impl Stream for CountPolls {
    type Item = u64;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u64>> {
        drop(self.0.enter());
        Poll::Ready(Some(self.0.total() as u64))
    }
}

#[test]
fn an_async_source_is_not_read_beyond_the_window() {
    paused(async {
        let polled = Gauge::default();
        let mut map = GreenPool::new(3).imap_stream(|n: u64| async move { n }, CountPolls(polled.clone()));
        until_idle().await;
        assert_eq!(polled.total(), 3);
        assert_eq!(next(&mut map).await, 1);
        until_idle().await;
        assert_eq!(polled.total(), 4);
    });
}

#[test]
fn imap_stream_unordered_yields_results_in_completion_order() {
    paused(async {
        let pool = GreenPool::new(2);
        let slow = Gate::new();
        let open = slow.clone();
        let job = move |n: i32| {
            let open = open.clone();
            async move {
                if n == 0 {
                    open.opened().await;
                }
                n
            }
        };
        let mut map = pool.imap_stream_unordered(job, stream::iter(0..3));
        assert_eq!((next(&mut map).await, next(&mut map).await), (1, 2));
        slow.open();
        assert_eq!(next(&mut map).await, 0);
        assert!(map.next().await.is_none());
    });
}

/// An iterator whose size hint is wrong.
struct Liar(u32, (usize, Option<usize>));

impl Iterator for Liar {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.0 = self.0.checked_sub(1)?;
        Some(self.0)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.1
    }
}

#[test]
fn size_hints_are_never_believed() {
    paused(async {
        let none = (0, Some(0));
        for hint in [none, (1, Some(1)), (7, Some(0)), (9, Some(9)), (usize::MAX, None)] {
            for size in [1, 3, 100] {
                let pool = GreenPool::new(size);
                let ready = |n: u32| async move { n };
                let waits = |n: u32| async move {
                    yield_now().await;
                    n
                };
                let maps = [
                    pool.imap(ready, Liar(5, hint)),
                    pool.imap(waits, Liar(5, hint)),
                    pool.imap_unordered(ready, Liar(5, hint)).window(1),
                    pool.starmap(|n: u32| async move { n }, Liar(5, hint).map(|n| (n,))),
                    pool.imap_stream(waits, stream::iter(Liar(5, hint))),
                ];
                for mut map in maps {
                    let mut numbers = Vec::new();
                    while let Some(result) = map.next().await {
                        numbers.push(result.unwrap());
                    }
                    numbers.sort_unstable();
                    assert_eq!(numbers, [0, 1, 2, 3, 4], "{hint:?} in a pool of {size}");
                }
                assert_eq!((pool.running(), pool.waiting(), pool.stats().spawned), (0, 0, 25));
            }
        }
    });
}

#[test]
fn no_item_is_lost_if_size_hints_say_too_early_that_it_is_the_last() {
    threads(4, async {
        let none = (0, Some(0));
        for round in 0..300 {
            let pool = GreenPool::new(2);
            let slow = Liar(20, none).inspect(|_| sleep_thread(Duration::from_micros(20)));
            let waits = |n: u32| async move {
                yield_now().await;
                n
            };
            let mut map = if round % 2 == 0 { pool.imap(waits, slow) } else { pool.imap(|n| async move { n }, slow) };
            let mut numbers = Vec::new();
            let mut sizes = [0, 1, 2].into_iter().cycle();
            loop {
                match timeout(Duration::from_micros(50), map.next()).await {
                    Ok(Some(result)) => numbers.push(result.unwrap()),
                    Ok(None) => break,
                    Err(_) => pool.resize(sizes.next().unwrap()),
                }
            }
            assert_eq!(numbers, (0..20).rev().collect::<Vec<_>>());
        }
    });
}

#[test]
fn a_function_that_panics_for_an_item_after_the_last_one_in_sight_does_not_end_the_map() {
    paused(async {
        for size in [1, 3] {
            let pool = GreenPool::new(size);
            let apply = |n: u32| {
                if n == 2 {
                    resume_unwind(Box::new("two"));
                }
                async move { n }
            };
            let liar = || Liar(4, (0, Some(0)));
            for mut map in [pool.imap(apply, liar()), pool.starmap(apply, liar().map(|n| (n,)))] {
                let mut results = Vec::new();
                while let Some(result) = map.next().await {
                    results.push(result.map_err(|error| error.into_panic().downcast_ref() == Some(&"two")));
                }
                assert_eq!(results, [Ok(3), Err(true), Ok(1), Ok(0)]);
            }
            assert_eq!((pool.running(), pool.stats().panicked, pool.stats().spawned), (0, 2, 8));
        }
    });
}

#[test]
fn a_source_that_panics_after_the_last_item_in_sight_ends_the_map() {
    paused(async {
        let source = Liar(4, (0, Some(0))).inspect(|n| {
            if *n == 2 {
                resume_unwind(Box::new("two"));
            }
        });
        let pool = GreenPool::new(1);
        let mut map = pool.imap(|n: u32| async move { n }, source);
        assert_eq!(next(&mut map).await, 3);
        assert!(map.next().await.expect("the panic").expect_err("the source failed").is_panic());
        assert!(map.next().await.is_none());
        assert_eq!((pool.running(), pool.stats().panicked), (0, 0));
    });
}

#[test]
fn the_panic_of_a_source_comes_after_all_results() {
    paused(async {
        let pool = GreenPool::new(3);
        let jobs = |n: u64| async move {
            sleep(Duration::from_millis(n)).await;
            n
        };
        let source = |panics: bool| (0..3_u64).rev().map(move |n| if panics && n == 0 { panic!("broken") } else { n });
        for mut map in [
            pool.imap_unordered(jobs, source(true)),
            pool.imap(jobs, source(true)),
            pool.imap_stream_unordered(jobs, stream::iter(source(true))),
        ] {
            let mut results = Vec::new();
            while let Some(result) = map.next().await {
                results.push(result.map_err(|error| error.is_panic()));
            }
            results[..2].sort_unstable();
            assert_eq!(results, [Ok(1), Ok(2), Err(true)]);
        }
        assert_eq!((pool.running(), pool.stats().panicked), (0, 0), "no job has panicked");
    });
}

/// Waits until nothing but the caller has the value, for ten seconds at most. Returns whether that is so.
async fn is_last_owner<T>(value: &Arc<T>) -> bool {
    for _ in 0..10_000 {
        if Arc::strong_count(value) == 1 {
            return true;
        }
        sleep(Duration::from_millis(1)).await;
    }
    false
}

#[test]
fn a_source_that_is_being_read_when_its_map_is_stopped_is_dropped_before_that_job_has_ended() {
    threads(4, async {
        // A source that is an iterator, and one that is a stream.
        for is_async in [false, true] {
            let (pool, gate, owner) = (GreenPool::new(1), Gate::new(), Arc::new(()));
            let (entered, mut inside) = unbounded_channel();
            let (leave, may_leave) = channel::<()>();
            let owned = owner.clone();
            let source = std::iter::repeat_with(move || {
                let _ = &owned;
                entered.send(()).unwrap();
                may_leave.recv().unwrap();
            });
            let shut = gate.clone();
            let jobs = move |()| shut.clone().opened();
            let mut map = if is_async { pool.imap_stream(jobs, stream::iter(source)) } else { pool.imap(jobs, source) };
            inside.recv().await.unwrap();
            map.stop();
            assert_eq!(Arc::strong_count(&owner), 2, "it is being read");
            leave.send(()).unwrap();
            assert!(is_last_owner(&owner).await, "is_async: {is_async}");
            gate.open();
            // The job of a stream's item has not begun, and does not.
            assert_eq!(map.next().await.expect("an item has been read").is_ok(), !is_async);
            assert!(map.next().await.is_none());
        }
    });
}

#[test]
fn a_stream_that_is_being_read_when_its_map_is_stopped_does_not_wait_for_a_slot() {
    threads(4, async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        pool.spawn_n(gate.clone().opened()).await;
        let (entered, mut inside) = unbounded_channel();
        let (leave, may_leave) = channel::<()>();
        let source = std::iter::repeat_with(move || {
            entered.send(()).unwrap();
            may_leave.recv().unwrap();
        });
        let mut map = pool.imap_stream(|()| async {}, stream::iter(source));
        inside.recv().await.unwrap();
        map.stop();
        leave.send(()).unwrap();
        assert!(map.next().await.expect("an item has been read").expect_err("no slot is free").is_cancelled());
        assert!(map.next().await.is_none());
        gate.open();
    });
}

#[test]
fn a_job_that_stops_its_own_map_and_waits_lets_go_of_the_source() {
    paused(async {
        for is_async in [false, true] {
            let (pool, gate, owner) = (GreenPool::new(1), Gate::new(), Arc::new(()));
            let own: Arc<Mutex<Option<GreenMap<()>>>> = Arc::default();
            let (owned, inside, shut) = (owner.clone(), own.clone(), gate.clone());
            let source = std::iter::repeat_with(move || _ = &owned);
            let jobs = move |()| {
                let (own, opened) = (inside.clone(), shut.clone().opened());
                async move {
                    own.lock().unwrap().as_mut().expect("the map").stop();
                    opened.await;
                }
            };
            *own.lock().unwrap() =
                Some(if is_async { pool.imap_stream(jobs, stream::iter(source)) } else { pool.imap(jobs, source) });
            until_idle().await;
            assert_eq!((Arc::strong_count(&owner), pool.running()), (1, 1), "is_async: {is_async}");
            gate.open();
            until_idle().await;
            let mut map = own.lock().unwrap().take().unwrap();
            assert!(map.next().await.expect("the job").is_ok());
            assert!(map.next().await.is_none());
        }
    });
}

#[test]
fn an_async_source_is_dropped_before_the_map_ends() {
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    threads(2, async {
        for _ in 0..500 {
            let dropped = Arc::new(AtomicUsize::new(0));
            let (source, function) = (Dropped(dropped.clone()), Dropped(dropped.clone()));
            let items = stream::iter(0..3).map(move |n| {
                let _ = &source;
                n
            });
            let apply = move |n: u32| {
                let _ = &function;
                async move { n }
            };
            let mut map = GreenPool::new(2).imap_stream(apply, items);
            while map.next().await.is_some() {}
            assert_eq!(dropped.load(Ordering::SeqCst), 2, "the source and the function");
        }
    });
}
