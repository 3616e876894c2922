//! Maps whose jobs have keys.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::{StreamExt, poll};
use greenpool::{GreenPool, green_pool};
use greenpool_tests::{Gate, Gauge, GaugeGuard, Log, paused, threads, until_idle};
use tokio::runtime::Builder;
use tokio::task::yield_now;

use crate::{Gauges, keyed};

#[green_pool(size = 4, key = key, per_key = 1)]
async fn gated(key: u32, gate: Gate) -> u32 {
    gate.opened().await;
    key
}

#[test]
fn items_whose_key_is_not_free_step_aside_within_the_window() {
    paused(async {
        let pool = keyed(4, 1);
        let (gate, read) = (Gate::new(), Gauge::default());
        let (jobs, counted) = (gate.clone(), read.clone());
        let items = [0, 0, 0, 1, 2, 3].into_iter().inspect(move |_| drop(counted.enter()));
        let mut map = gated::on(&pool).imap_unordered(items, std::iter::repeat(jobs));
        until_idle().await;
        // Four items are held: two of them wait for key 0.
        assert_eq!((read.total(), pool.running(), pool.stats().waiting_for_key), (4, 2, 2));
        gate.open();
        let mut keys = Vec::new();
        while let Some(key) = map.next().await {
            keys.push(key.unwrap());
        }
        keys.sort_unstable();
        assert_eq!((keys, read.total()), (vec![0, 0, 0, 1, 2, 3], 6));
    });
}

#[test]
fn a_window_lets_more_items_step_aside() {
    paused(async {
        let pool = keyed(4, 1);
        let gate = Gate::new();
        let map = gated::on(&pool).imap([0, 0, 0, 0, 1, 2, 3, 4], std::iter::repeat(gate.clone())).window(7);
        until_idle().await;
        assert_eq!((pool.running(), pool.stats().waiting_for_key), (4, 3));
        gate.open();
        let keys: Vec<_> = map.values().collect().await;
        assert_eq!(keys, [0, 0, 0, 0, 1, 2, 3, 4]);
    });
}

#[test]
fn results_are_in_order_and_constant_in_number() {
    #[green_pool(size = 8, key = n % 3, per_key = 2)]
    async fn work(n: u32, gauges: Gauges, _held: GaugeGuard) -> u32 {
        let _inside = gauges.enter(n % 3);
        for _ in 0..n % 5 {
            yield_now().await;
        }
        n
    }
    for threads_of_runtime in [1, 4] {
        threads(threads_of_runtime, async {
            let (gauges, held) = (Gauges::default(), Gauge::default());
            let guards = held.clone();
            let mut map =
                work::imap(0..3000, std::iter::repeat(gauges.clone()), std::iter::repeat_with(move || guards.enter()));
            for n in 0..3000 {
                assert_eq!(map.next().await.unwrap().unwrap(), n);
            }
            assert!(map.next().await.is_none());
            assert!(gauges.peak() <= 2 && held.peak() <= 9, "{} {}", gauges.peak(), held.peak());
            work::pool().waitall().await;
            assert!(work::pool().keys().is_empty());
        });
    }
}

#[test]
fn dropping_a_map_aborts_its_jobs_and_drops_what_waits_for_a_key() {
    #[green_pool(size = 4, key = key, per_key = 1)]
    async fn hold(key: u32, _guard: GaugeGuard) {
        pending::<()>().await;
        let _ = key;
    }
    paused(async {
        for detaches in [false, true] {
            let pool = keyed(4, 1);
            let held = Gauge::default();
            let guards = held.clone();
            let map = hold::on(&pool).imap([0, 0, 1, 1, 2], std::iter::repeat_with(move || guards.enter()));
            until_idle().await;
            assert_eq!((pool.running(), held.now()), (2, 4));
            if detaches {
                map.detach();
            } else {
                drop(map);
            }
            until_idle().await;
            let left = if detaches { 2 } else { 0 };
            assert_eq!((pool.running(), held.now(), pool.waiting()), (left, left, 0));
            pool.abort_all().await;
            until_idle().await;
            assert_eq!((held.now(), pool.keys().len()), (0, 0));
        }
    });
}

#[test]
fn stop_ends_a_map_after_the_jobs_that_have_begun() {
    paused(async {
        let pool = keyed(4, 1);
        let gate = Gate::new();
        let mut map = gated::on(&pool).imap([0, 0, 1, 2, 3], std::iter::repeat(gate.clone()));
        until_idle().await;
        map.stop();
        gate.open();
        let results: Vec<_> = map.collect().await;
        let keys: Vec<_> = results.iter().map(|result| result.as_ref().ok().copied()).collect();
        assert_eq!(keys, [Some(0), None, Some(1), Some(2)]);
        assert!(results[1].as_ref().unwrap_err().is_cancelled());
        assert!(pool.keys().is_empty());
    });
}

#[test]
fn a_map_ends_when_its_pool_is_closed_or_its_source_panics() {
    paused(async {
        let pool = keyed(2, 1);
        let gate = Gate::new();
        let mut map = gated::on(&pool).imap(0.., std::iter::repeat(gate.clone()));
        until_idle().await;
        pool.close();
        gate.open();
        assert_eq!(map.next().await.unwrap().unwrap(), 0);
        assert_eq!(map.next().await.unwrap().unwrap(), 1);
        assert!(map.next().await.unwrap().unwrap_err().is_closed());
        assert!(map.next().await.is_none());

        let source = (0..2).chain(std::iter::once_with(|| panic!("the source")));
        let results: Vec<_> = gated::imap(source, std::iter::repeat(gate)).collect().await;
        assert!(results[0].is_ok() && results[1].is_ok() && results[2].as_ref().unwrap_err().is_panic());
        assert_eq!(results.len(), 3);
    });
}

#[test]
fn the_first_error_of_a_map_aborts_the_rest_which_has_ended() {
    #[green_pool(size = 4, key = n % 2, per_key = 1)]
    async fn work(n: u32, _guard: GaugeGuard) -> Result<u32, u32> {
        if n == 1 { Err(n) } else { pending().await }
    }
    paused(async {
        let held = Gauge::default();
        let guards = held.clone();
        let map = work::imap_unordered(0..100, std::iter::repeat_with(move || guards.enter()));
        let collected: Result<Vec<_>, _> = map.try_collect().await;
        assert_eq!((collected.unwrap_err(), work::pool().running()), (1, 0));
        until_idle().await;
        assert_eq!((held.now(), work::pool().keys().len()), (0, 0));
    });
}

#[test]
fn an_async_source_may_take_its_time_and_size_0_runs_nothing() {
    paused(async {
        let pool = keyed(0, 1);
        let (give, mut take) = tokio::sync::mpsc::unbounded_channel();
        let source = futures::stream::poll_fn(move |cx| take.poll_recv(cx));
        let gate = Gate::new();
        gate.open();
        let mut map = gated::on(&pool).imap_stream(source);
        let mut next = Box::pin(map.next());
        assert!(poll!(&mut next).is_pending());
        give.send((1, gate.clone())).unwrap();
        until_idle().await;
        assert_eq!((pool.running(), pool.waiting()), (0, 1));
        pool.resize(1);
        assert_eq!(next.await.unwrap().unwrap(), 1);
        drop(give);
        assert!(map.next().await.is_none());
        let empty = gated::on(&keyed(0, 1)).imap(std::iter::empty(), std::iter::repeat(gate)).collect::<Vec<_>>().await;
        assert!(empty.is_empty());
    });
}

#[test]
fn a_job_that_reads_a_map_of_its_own_key_lends_its_key() {
    #[green_pool(size = 1, key = 0, per_key = 1)]
    async fn parent(depth: u32, log: Log<u32>) -> u32 {
        log.push(depth);
        if depth == 0 {
            return 1;
        }
        let children = parent::imap([depth - 1; 3], std::iter::repeat(log.clone()));
        1 + children.values().fold(0, async |sum, n| sum + n).await
    }
    for threads_of_runtime in [1, 3] {
        threads(threads_of_runtime, async {
            let log = Log::new();
            assert_eq!(parent::spawn(3, log.clone()).await.await.unwrap(), 40);
            assert_eq!(log.take().len(), 40);
        });
    }
}

#[test]
fn maps_of_two_keys_that_wait_for_each_other_do_not_deadlock() {
    #[green_pool(size = 100, key = key, per_key = 1)]
    async fn cross(key: u32, depth: u32) -> u32 {
        yield_now().await;
        if depth == 0 {
            return 1;
        }
        let children = cross::imap([1 - key; 2], std::iter::repeat(depth - 1));
        1 + children.values().fold(0, async |sum, n| sum + n).await
    }
    for threads_of_runtime in [1, 4] {
        threads(threads_of_runtime, async {
            let (one, two) = pile_of(cross::spawn(0, 5).await, cross::spawn(1, 5).await).await;
            assert_eq!((one, two), (63, 63));
            cross::pool().waitall().await;
            assert!(cross::pool().keys().is_empty());
        });
    }
}

async fn pile_of(one: greenpool::GreenThread<u32>, two: greenpool::GreenThread<u32>) -> (u32, u32) {
    (one.await.unwrap(), two.await.unwrap())
}

#[test]
fn a_map_whose_runtime_ends_tells_its_consumer() {
    let pool = keyed(4, 1);
    let one = Builder::new_current_thread().build().unwrap();
    let gate = Gate::new();
    let mut map = one.block_on(async {
        let map = gated::on(&pool).imap([0, 0, 1], std::iter::repeat(gate.clone()));
        for _ in 0..10 {
            yield_now().await;
        }
        map
    });
    drop(one);
    let results = Builder::new_current_thread().build().unwrap().block_on(async {
        let mut results = Vec::new();
        while let Some(result) = map.next().await {
            results.push(result);
        }
        results
    });
    assert!(!results.is_empty() && results.iter().all(Result::is_err));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(map))).is_ok());
    assert_eq!((pool.running(), pool.keys().len()), (0, 0));
}

#[green_pool(size = 3, key = n % 4, per_key = 1)]
async fn step(n: u32) -> u32 {
    for _ in 0..n % 3 {
        yield_now().await;
    }
    n
}

#[green_pool(size = 4, key = key, per_key = 1)]
async fn read(key: u32, window: usize, steps: GreenPool, running: Gauge) -> usize {
    let (_key, _running) = (key, running.enter());
    step::on(&steps).imap_unordered(0..40).window(window).count().await
}

#[test]
fn a_job_that_reads_a_map_is_in_no_deadlock_while_the_reader_of_the_map_moves() {
    threads(4, async {
        for round in 0..300 {
            let (window, size) = if round % 2 == 0 { (1, 1) } else { (2 + round % 9, 1 + round % 3) };
            let steps = GreenPool::builder(size).per_key(1).build();
            let readers = GreenPool::builder(4).per_key(1).build();
            let running = Gauge::default();
            let mut jobs = Vec::new();
            for _ in 0..3 {
                jobs.push(read::on(&readers).spawn(0, window, steps.clone(), running.clone()).await);
            }
            for job in jobs {
                assert_eq!(job.await.unwrap(), 40);
            }
            // A second job of a key would begin to resolve a deadlock.
            assert_eq!(running.peak(), 1, "round {round}: {:?}", readers.stats());
        }
    });
}
