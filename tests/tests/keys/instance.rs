//! The verbs of a pool.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;

use futures::poll;
use greenpool::GreenPool;
use greenpool_tests::{Gate, Gauge, Log, paused, threads, until_idle};
use tokio::task::yield_now;

use crate::{Gauges, keyed};

#[test]
fn at_most_so_many_jobs_of_one_key_run_at_once() {
    paused(async {
        let (pool, gauges, all) = (keyed(100, 4), Gauges::default(), Gauge::default());
        for n in 0..1000 {
            let (key, gauges, all) = (n % 10, gauges.clone(), all.clone());
            pool.queue_keyed(key, async move {
                let _both = (gauges.enter(key), all.enter());
                yield_now().await;
            });
        }
        pool.waitall().await;
        for key in 0..10 {
            assert_eq!((gauges.of(key).peak(), gauges.of(key).total()), (4, 100));
        }
        assert_eq!((all.peak(), pool.stats().finished, pool.stats().overflowed), (40, 1000, 0));
        assert!(pool.keys().is_empty());
    });
}

#[test]
fn both_limits_hold_on_several_threads() {
    threads(4, async {
        let (pool, gauges, all) = (keyed(6, 2), Gauges::default(), Gauge::default());
        let tasks = (0..2000).map(|n| {
            let (pool, key, gauges, all) = (pool.clone(), n % 7, gauges.clone(), all.clone());
            tokio::spawn(async move {
                let job = async move {
                    let _both = (gauges.enter(key), all.enter());
                    yield_now().await;
                };
                match n % 3 {
                    0 => pool.spawn_keyed(key, job).await.await.unwrap(),
                    1 => pool.spawn_n_keyed(key, job).await,
                    _ => pool.queue_keyed(key, job),
                }
            })
        });
        futures::future::try_join_all(tasks.collect::<Vec<_>>()).await.unwrap();
        pool.waitall().await;
        assert!(gauges.peak() <= 2 && all.peak() <= 6, "{} {}", gauges.peak(), all.peak());
        assert_eq!((all.total(), pool.stats().finished, pool.stats().overflowed), (2000, 2000, 0));
        assert!(pool.keys().is_empty());
    });
}

/// A job that begins, notes its number, and waits for its gate.
fn noted(log: &Log<u32>, number: u32, gate: &Gate) -> impl Future<Output = ()> + Send + use<> {
    let (log, gate) = (log.clone(), gate.clone());
    async move {
        log.push(number);
        gate.opened().await;
    }
}

#[test]
fn a_call_whose_key_is_not_free_steps_aside_and_the_others_go_on() {
    paused(async {
        let (pool, log) = (keyed(3, 1), Log::new());
        let (a, b) = (Gate::new(), Gate::new());
        pool.queue_keyed("a", noted(&log, 1, &a));
        pool.queue_keyed("a", noted(&log, 2, &b));
        pool.queue_keyed("b", noted(&log, 3, &b));
        pool.queue(noted(&log, 4, &b));
        until_idle().await;
        assert_eq!(log.take(), [1, 3, 4]);
        // The pool is full. The second `a` came before 5, so when its key is free it goes first.
        pool.queue_keyed("c", noted(&log, 5, &b));
        assert_eq!((pool.running(), pool.waiting(), pool.stats().waiting_for_key), (3, 2, 1));
        a.open();
        until_idle().await;
        assert_eq!(log.take(), [2]);
        b.open();
        pool.waitall().await;
        assert_eq!(log.take(), [5]);
    });
}

#[test]
fn no_slot_idles_because_of_a_key() {
    paused(async {
        let (pool, log, gate) = (keyed(2, 1), Log::new(), Gate::new());
        for n in 0..50 {
            pool.queue_keyed("slow", noted(&log, n, &gate));
        }
        pool.queue_keyed("quick", noted(&log, 100, &gate));
        until_idle().await;
        assert_eq!((log.take(), pool.free()), (vec![0, 100], 0));
        gate.open();
        pool.waitall().await;
        assert_eq!(log.take(), (1..50).collect::<Vec<_>>());
    });
}

#[test]
fn a_call_in_line_steps_aside_when_its_key_is_taken_before_its_turn() {
    paused(async {
        let (pool, log) = (keyed(1, 1), Log::new());
        let (first, second) = (Gate::new(), Gate::new());
        pool.queue_keyed("a", noted(&log, 0, &first));
        // These are in line while `b` is free, and each finds it taken when it is its turn.
        pool.queue_keyed("b", noted(&log, 1, &second));
        pool.queue_keyed("b", noted(&log, 2, &second));
        pool.queue_keyed("c", noted(&log, 3, &second));
        pool.resize(2);
        until_idle().await;
        assert_eq!(log.take(), [0, 1]);
        first.open();
        until_idle().await;
        assert_eq!(log.take(), [3]);
        assert_eq!((pool.stats().waiting, pool.stats().waiting_for_key), (1, 1));
        second.open();
        pool.waitall().await;
        assert_eq!(log.take(), [2]);
    });
}

#[test]
fn keys_lists_the_keys_in_use_and_forgets_them() {
    paused(async {
        let (pool, gate) = (keyed(3, 1), Gate::new());
        for key in ["a", "a", "a", "b"] {
            pool.queue_keyed(key.to_string(), gate.clone().opened());
        }
        pool.queue_keyed(7, gate.clone().opened());
        let keys = pool.keys();
        let listed = |at: usize| (keys[at].key::<String>().map(String::as_str), keys[at].running, keys[at].waiting);
        assert_eq!(listed(0), (Some("a"), 1, 2));
        assert_eq!(listed(1), (Some("b"), 1, 0));
        assert_eq!((keys[2].key::<i32>(), keys[2].key::<u32>(), keys.len()), (Some(&7), None, 3));
        assert_eq!(keys[0].to_string(), "\"a\": 1 running, 2 waiting");
        gate.open();
        pool.waitall().await;
        assert!(pool.keys().is_empty());
    });
}

#[test]
fn keys_of_different_types_are_different_keys() {
    paused(async {
        let pool = keyed(8, 1);
        pool.spawn_n_keyed(1_u32, pending::<()>()).await;
        pool.spawn_n_keyed(1_u64, pending::<()>()).await;
        pool.spawn_n_keyed("1", pending::<()>()).await;
        assert!(pool.try_spawn_keyed(1_u32, async {}).is_err());
        assert_eq!((pool.running(), pool.keys().len()), (3, 3));
    });
}

#[test]
fn try_spawn_keyed_gives_the_future_back_if_the_key_is_not_free() {
    paused(async {
        let (pool, gate) = (keyed(8, 1), Gate::new());
        let opened = gate.clone();
        let first = pool.try_spawn_keyed("a", async move { opened.opened().await }).unwrap();
        let refused = pool.try_spawn_keyed("a", async { 7 }).unwrap_err();
        assert!(refused.is_full());
        assert_eq!(refused.into_inner().await, 7);
        gate.open();
        first.await.unwrap();
        assert_eq!(pool.try_spawn_keyed("a", async { 8 }).unwrap().await.unwrap(), 8);
        pool.close();
        assert!(pool.try_spawn_keyed("a", async {}).unwrap_err().is_closed());
        assert!(pool.keys().is_empty());
    });
}

#[test]
fn a_pool_without_a_limit_by_key_ignores_keys() {
    paused(async {
        let (pool, gate) = (GreenPool::new(2), Gate::new());
        pool.queue_keyed("a", gate.clone().opened());
        pool.spawn_n_keyed("a", gate.clone().opened()).await;
        assert!(pool.try_spawn_keyed("b", async {}).unwrap_err().is_full());
        let mut third = pin!(pool.spawn_keyed("a", async { 3 }));
        assert!(poll!(&mut third).is_pending());
        assert_eq!((pool.running(), pool.waiting(), pool.per_key(), pool.keys().len()), (2, 1, None, 0));
        gate.open();
        assert_eq!(third.await.await.unwrap(), 3);
    });
}

#[test]
fn a_job_that_is_spawned_but_not_awaited_begins_when_its_key_is_free() {
    paused(async {
        let (pool, log, gate) = (keyed(8, 1), Log::new(), Gate::new());
        pool.queue_keyed("a", noted(&log, 0, &gate));
        let mut spawn = pin!(pool.spawn_keyed("a", noted(&log, 1, &Gate::new())));
        assert!(poll!(&mut spawn).is_pending());
        gate.open();
        until_idle().await;
        assert_eq!(log.take(), [0, 1]);
        let green = spawn.await;
        green.abort();
        assert!(green.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn memory_follows_the_keys_in_use() {
    paused(async {
        let pool = keyed(4, 1);
        for n in 0..100_000_u32 {
            pool.queue_keyed(n, async {});
            if n % 1000 == 0 {
                pool.waitall().await;
                assert!(pool.keys().is_empty());
            }
            assert!(pool.keys_in_use() <= 1001);
        }
        pool.waitall().await;
        assert!(pool.keys().is_empty());
    });
}

trait KeysInUse {
    fn keys_in_use(&self) -> usize;
}

impl KeysInUse for GreenPool {
    /// Without the cost of a list.
    fn keys_in_use(&self) -> usize {
        self.running() + self.waiting()
    }
}

#[test]
fn a_resize_serves_those_whose_key_is_free() {
    paused(async {
        let (pool, log, gate) = (keyed(0, 1), Log::new(), Gate::new());
        for (n, key) in (0..).zip(["a", "a", "b", "c"]) {
            pool.queue_keyed(key, noted(&log, n, &gate));
        }
        assert_eq!((pool.waiting(), pool.stats().waiting_for_key), (4, 0));
        pool.resize(2);
        until_idle().await;
        assert_eq!((log.take(), pool.waiting()), (vec![0, 2], 2));
        pool.resize(3);
        until_idle().await;
        assert_eq!((log.take(), pool.stats().waiting_for_key), (vec![3], 1));
        gate.open();
        pool.waitall().await;
        assert_eq!(log.take(), [1]);
    });
}

#[test]
fn the_limit_by_key_can_change_while_calls_wait() {
    paused(async {
        let (pool, log, gate) = (keyed(100, 1), Log::new(), Gate::new());
        for n in 0..6 {
            pool.queue_keyed("a", noted(&log, n, &gate));
        }
        pool.resize_per_key(3);
        until_idle().await;
        assert_eq!((log.take(), pool.per_key()), (vec![0, 1, 2], Some(3)));
        pool.resize_per_key(1);
        pool.resize(3);
        pool.queue_keyed("b", noted(&log, 10, &Gate::new()));
        assert_eq!((pool.running(), pool.stats().waiting_for_key), (3, 3));
        gate.open();
        until_idle().await;
        assert_eq!(log.take(), [10, 3, 4, 5]);
        GreenPool::new(1).resize_per_key(7);
        assert!(std::panic::catch_unwind(move || pool.resize_per_key(0)).is_err());
    });
}

#[test]
fn a_slow_consumer_of_one_key_is_first_come_first_served() {
    paused(async {
        let (pool, log) = (keyed(16, 2), Log::new());
        for n in 0..100 {
            let log = log.clone();
            pool.queue_keyed("a", async move {
                log.push(n);
                let mut looks: u32 = n % 3;
                poll_fn(move |cx| {
                    looks = looks.saturating_sub(1);
                    cx.waker().wake_by_ref();
                    if looks == 0 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
                })
                .await;
            });
        }
        pool.waitall().await;
        assert_eq!(log.take(), (0..100).collect::<Vec<_>>());
    });
}

#[test]
fn a_call_that_stepped_aside_keeps_its_turn_among_queued_calls() {
    paused(async {
        let (pool, gate, log) = (keyed(1, 1), Gate::new(), Log::new());
        pool.queue_keyed("k", gate.clone().opened());
        let push = |what| {
            let log = log.clone();
            async move { log.push(what) }
        };
        pool.queue(push("before"));
        pool.queue_keyed("k", push("keyed"));
        for _ in 0..3 {
            pool.queue(push("later"));
        }
        gate.open();
        pool.waitall().await;
        assert_eq!(log.take(), ["before", "keyed", "later", "later", "later"]);
    });
}
