//! `key = .., per_key = ..` in the attribute, with each verb.
#![expect(clippy::unused_async, reason = "they are jobs")]

use std::fmt::Debug;
use std::hash::Hash;
use std::pin::pin;

use futures::poll;
use greenpool::{GreenPool, PooledFn, green_pool, pile};
use greenpool_tests::{Gate, Gauge, Log, paused, until_idle};
use tokio::task::yield_now;

use crate::{Gauges, keyed};

/// The host of an address, as a crawler has it.
fn host(url: &str) -> String {
    url.split('/').next().unwrap_or_default().to_owned()
}

#[test]
fn the_expression_names_the_arguments() {
    #[green_pool(size = 100, key = host(&url), per_key = 1)]
    async fn fetch(url: String, gate: Gate) -> usize {
        gate.opened().await;
        url.len()
    }
    paused(async {
        assert_eq!((fetch::pool().size(), fetch::pool().per_key()), (100, Some(1)));
        let gate = Gate::new();
        for url in ["a/1", "a/2", "b/1"] {
            fetch::queue(url.into(), gate.clone());
        }
        let keys = fetch::pool().keys();
        assert_eq!(keys[0].to_string(), "\"a\": 1 running, 1 waiting");
        assert_eq!(keys[1].key::<String>().unwrap(), "b");
        gate.open();
        fetch::pool().waitall().await;
        assert!(fetch::pool().keys().is_empty());
    });
}

#[test]
fn every_verb_respects_the_limit() {
    #[green_pool(size = 50, key = key, per_key = 2)]
    async fn work(#[shared] gauges: Gauges, key: u32, n: u32) -> u32 {
        let _inside = gauges.enter(key);
        yield_now().await;
        n
    }
    paused(async {
        let gauges = Gauges::default();
        let keys = || (0..60).map(|n| n % 3);
        let spawner = {
            let gauges = gauges.clone();
            async move {
                for n in 0..60 {
                    let green = work::spawn(gauges.clone(), n % 3, n).await;
                    if n % 2 == 0 {
                        assert_eq!(green.await.unwrap(), n);
                    }
                    work::spawn_n(gauges.clone(), n % 3, n).await;
                    work::queue(gauges.clone(), n % 3, n);
                    if let Ok(green) = work::try_spawn(gauges.clone(), n % 3, n) {
                        assert_eq!(green.await.unwrap(), n);
                    }
                }
            }
        };
        let spawner = tokio::spawn(spawner);
        let imap = work::imap(gauges.clone(), keys(), 0..60).values();
        let unordered = work::imap_unordered(gauges.clone(), keys(), 0..60).values();
        let starmap = work::starmap(gauges.clone(), keys().zip(0..60)).values();
        let stream = work::imap_stream(gauges.clone(), futures::stream::iter(keys().zip(0..60))).values();
        let (one, mut two, three, four) =
            futures::join!(collect(imap), collect(unordered), collect(starmap), collect(stream));
        let all: Vec<u32> = (0..60).collect();
        two.sort_unstable();
        assert!([one, two, three, four].iter().all(|numbers| *numbers == all));
        let (a, b, c) = pile![work(gauges.clone(), 0, 1), work(gauges.clone(), 0, 2), work(gauges.clone(), 0, 3)]
            .try_join()
            .await
            .unwrap();
        assert_eq!((a, b, c), (1, 2, 3));
        spawner.await.unwrap();
        work::pool().waitall().await;
        assert_eq!((gauges.peak(), work::pool().keys().len()), (2, 0));
    });
}

async fn collect<T>(mut values: impl futures::Stream<Item = T> + Unpin) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(value) = futures::StreamExt::next(&mut values).await {
        all.push(value);
    }
    all
}

#[test]
fn on_another_pool_the_limit_is_that_of_the_pool() {
    #[green_pool(size = 50, key = key, per_key = 1)]
    async fn work(key: u32, gauges: Gauges) -> u32 {
        let _inside = gauges.enter(key);
        yield_now().await;
        key
    }
    paused(async {
        for (pool, peak) in [(keyed(50, 3), 3), (GreenPool::new(50), 50)] {
            let gauges = Gauges::default();
            let on = work::on(&pool);
            for _ in 0..20 {
                on.spawn_n(7, gauges.clone()).await;
                on.queue(7, gauges.clone());
            }
            let (one, two) = pile![on pool; work(7, gauges.clone()), work(7, gauges.clone())].try_join().await.unwrap();
            assert_eq!((one, two), (7, 7));
            let map = on.imap(std::iter::repeat_n(7, 100), std::iter::repeat(gauges.clone()));
            assert_eq!(map.values().try_fold_all().await, 700);
            assert_eq!(on.spawn(7, gauges.clone()).await.await.unwrap(), 7);
            while let Err(refused) = on.try_spawn(7, gauges.clone()) {
                assert!(refused.is_full());
                yield_now().await;
            }
            pool.waitall().await;
            assert!(gauges.peak() <= peak && gauges.of(7).total() == 144, "{} {}", gauges.peak(), gauges.of(7).total());
            assert_eq!((pool.stats().finished, work::pool().stats().spawned), (144, 0));
        }
    });
}

trait Sum {
    async fn try_fold_all(self) -> u32;
}

impl<S: futures::Stream<Item = u32> + Unpin> Sum for S {
    async fn try_fold_all(self) -> u32 {
        collect(self).await.into_iter().sum()
    }
}

static SHARED: GreenPool = GreenPool::builder(50).per_key(1).build();

#[test]
fn functions_that_share_a_pool_share_its_limit_by_key() {
    #[green_pool(pool = SHARED, key = key)]
    async fn one(key: u32, gate: Gate) {
        gate.opened().await;
        let _ = key;
    }
    #[green_pool(pool = SHARED, key = u32::from(key))]
    async fn two(key: u8) -> u8 {
        key
    }
    paused(async {
        let gate = Gate::new();
        one::queue(7, gate.clone());
        let mut waits = pin!(two::spawn(7));
        assert!(poll!(&mut waits).is_pending());
        assert_eq!(two::spawn(8).await.await.unwrap(), 8);
        assert!(two::try_spawn(7).unwrap_err().is_full());
        gate.open();
        assert_eq!(waits.await.await.unwrap(), 7);
    });
}

#[test]
#[expect(clippy::used_underscore_binding, reason = "only the key needs it")]
fn generics_patterns_and_names_of_all_kinds() {
    #[green_pool(size = 8, key = (id.clone(), r#type), per_key = limit())]
    async fn generic<T: Hash + Eq + Debug + Clone + Send + Sync + 'static>(
        id: T,
        (a, b): (u32, u32),
        r#type: u8,
        mut sum: u32,
    ) -> u32 {
        sum += a + b + u32::from(r#type);
        drop(id);
        sum
    }
    fn limit() -> usize {
        1
    }
    #[green_pool(size = 8, key = "the only one", per_key = 1)]
    async fn single(gauge: Gauge) {
        let _inside = gauge.enter();
        yield_now().await;
    }
    #[green_pool(size = 8, key = _unused % 2, per_key = 1)]
    async fn unused(_unused: u32) {}
    paused(async {
        assert_eq!(generic::spawn("a", (1, 2), 3, 4).await.await.unwrap(), 10);
        assert_eq!(generic::spawn(7_u64, (1, 2), 3, 4).await.await.unwrap(), 10);
        assert_eq!(generic::pool().per_key(), Some(1));
        let gauge = Gauge::default();
        for _ in 0..10 {
            single::queue(gauge.clone());
            unused::queue(1);
        }
        single::pool().waitall().await;
        unused::pool().waitall().await;
        assert_eq!((gauge.peak(), gauge.total()), (1, 10));
        assert_eq!(<single as PooledFn<_, _>>::name(), "single");
    });
}

#[test]
fn a_crawl_in_one_function_visits_each_host_politely() {
    #[green_pool(size = 20, key = page % 5, per_key = 2)]
    async fn visit(page: u32, gauges: Gauges, log: Log<u32>) {
        let inside = gauges.enter(page % 5);
        yield_now().await;
        log.push(page);
        for link in [2 * page, 2 * page + 1] {
            if link < 500 {
                visit::queue(link, gauges.clone(), log.clone());
            }
        }
        drop(inside);
    }
    paused(async {
        let (gauges, log) = (Gauges::default(), Log::new());
        visit::queue(1, gauges.clone(), log.clone());
        visit::pool().waitall().await;
        let mut pages = log.take();
        pages.sort_unstable();
        assert_eq!(pages, (1..500).collect::<Vec<_>>());
        assert_eq!(gauges.peak(), 2);
    });
}

#[test]
fn a_recursive_function_awaits_pages_of_its_own_host() {
    #[green_pool(size = 20, key = 0, per_key = 1)]
    async fn visit(depth: u32, gauge: Gauge) -> u32 {
        let inside = gauge.enter();
        yield_now().await;
        drop(inside);
        if depth == 0 {
            return 1;
        }
        let (one, two) =
            pile![visit(depth - 1, gauge.clone()), visit(depth - 1, gauge.clone())].try_join().await.unwrap();
        let more = visit::spawn(depth - 1, gauge).await.await.unwrap();
        1 + one + two + more
    }
    paused(async {
        let gauge = Gauge::default();
        assert_eq!(visit::spawn(4, gauge.clone()).await.await.unwrap(), 121);
        assert_eq!((gauge.peak(), visit::pool().stats().overflowed), (1, 0));
    });
}

#[test]
fn a_panic_in_the_key_reaches_the_caller() {
    #[green_pool(size = 8, key = 1 / n, per_key = 1)]
    async fn divide(n: u32) -> u32 {
        n
    }
    paused(async {
        let queued = std::panic::catch_unwind(|| divide::queue(0));
        assert!(queued.is_err());
        let results: Vec<_> = collect(divide::imap([1, 0, 2])).await;
        assert!(results[1].as_ref().unwrap_err().is_panic());
        assert_eq!((results[0].as_ref().unwrap(), results[2].as_ref().unwrap()), (&1, &2));
        until_idle().await;
        assert_eq!((divide::pool().running(), divide::pool().keys().len()), (0, 0));
    });
}
