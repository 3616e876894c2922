//! Declared functions on pools that are not their own: `fetch::on(&pool)` and `pile![on POOL; ..]`.
#![allow(clippy::unused_async, reason = "what the jobs do does not matter here")]

use std::sync::{Arc, LazyLock};

use futures::{Stream, StreamExt, poll, stream};
use greenpool::{GreenPool, OnPool, TryMapError, TrySpawnError, green_pool, pile};
use greenpool_tests::{Gate, paused, threads, until_idle};

#[green_pool(size = 100)]
async fn double(n: u32) -> u32 {
    tokio::task::yield_now().await;
    n * 2
}

#[green_pool(size = 100)]
async fn add(a: u32, b: u32) -> u32 {
    tokio::task::yield_now().await;
    a + b
}

#[green_pool(size = 100)]
async fn tick() -> u32 {
    1
}

#[green_pool(size = 100)]
async fn wait(gate: Gate, n: u32) -> u32 {
    gate.opened().await;
    n
}

#[green_pool(size = 100)]
async fn scale(n: u32, #[shared] factor: Arc<u32>, #[shared] offset: u32, m: u32) -> u32 {
    n * *factor + offset + m
}

/// The only other parameter is one.
#[green_pool(size = 100)]
async fn prefix(#[shared] before: &'static str, word: String) -> String {
    format!("{before}{word}")
}

#[green_pool(size = 100)]
async fn show<T: ToString + Send>(value: T, _: impl Send) -> String {
    value.to_string()
}

#[green_pool(size = 100)]
async fn parse<T: std::str::FromStr + Send + Sync>(text: &'static str) -> Option<T> {
    text.parse().ok()
}

/// Spawns itself, on the pool that it runs in.
#[green_pool(size = 100)]
async fn depth(pool: GreenPool, left: u32) -> u32 {
    if left == 0 {
        return 0;
    }
    let below = depth::on(&pool).spawn(pool.clone(), left - 1).await.await.unwrap();
    depth::on(&pool).spawn_n(pool.clone(), 0).await;
    below + 1
}

#[green_pool(size = 100)]
async fn panics(_: u32) {
    panic!("a fault")
}

/// Nothing has run in the functions' own pools.
fn own_pools_are_idle() -> bool {
    [double::pool(), add::pool(), tick::pool(), wait::pool(), scale::pool(), prefix::pool()]
        .iter()
        .all(|pool| pool.stats().finished == 0 && pool.running() == 0)
}

async fn values<E: std::fmt::Debug>(map: impl Stream<Item = Result<u32, E>>) -> Vec<u32> {
    map.map(Result::unwrap).collect().await
}

#[test]
fn every_verb_runs_in_the_given_pool_and_not_in_the_functions_own() {
    paused(async {
        let pool = GreenPool::new(2);
        let on = add::on(&pool);
        assert_eq!(on.spawn(1, 2).await.await.unwrap(), 3);
        on.spawn_n(1, 2).await;
        pool.waitall().await;
        assert_eq!(on.try_spawn(3, 4).unwrap().await.unwrap(), 7);
        assert_eq!(values(on.imap([1, 2], [10, 20])).await, [11, 22]);
        assert_eq!(values(on.imap_unordered([1], [10])).await, [11]);
        assert_eq!(values(on.starmap([(1, 10), (2, 20)])).await, [11, 22]);
        assert_eq!(values(on.starmap_unordered([(1, 10)])).await, [11]);
        assert_eq!(values(on.imap_stream(stream::iter([(1, 10), (2, 20)]))).await, [11, 22]);
        assert_eq!(values(on.imap_stream_unordered(stream::iter([(1, 10)]))).await, [11]);
        assert_eq!(values(on.try_imap([Ok::<_, ()>((1, 10))])).await, [11]);
        assert_eq!(values(on.try_imap_unordered([Ok::<_, ()>((1, 10))])).await, [11]);
        let mut rows = on.try_imap_stream(stream::iter([Ok((1, 10)), Err("row")]));
        assert_eq!(rows.next().await.unwrap().unwrap(), 11);
        assert!(matches!(rows.next().await, Some(Err(TryMapError::Source("row")))));
        assert_eq!(values(on.try_imap_stream_unordered(stream::iter([Ok::<_, ()>((1, 10))]))).await, [11]);
        assert_eq!(pool.stats().finished, 3 + 2 + 1 + 2 + 1 + 2 + 1 + 1 + 1 + 1 + 1);
        assert!(own_pools_are_idle());
    });
}

#[test]
fn functions_of_one_and_of_no_parameter_have_the_verbs() {
    paused(async {
        let pool = GreenPool::new(2);
        let on = double::on(&pool);
        assert_eq!(on.spawn(1).await.await.unwrap(), 2);
        assert_eq!(values(on.imap([1, 2])).await, [2, 4]);
        assert_eq!(values(on.starmap([(1,), (2,)])).await, [2, 4]);
        assert_eq!(values(on.imap_stream(stream::iter([1, 2]))).await, [2, 4]);
        assert_eq!(values(on.try_imap([Ok::<_, ()>(1)])).await, [2]);
        let on = tick::on(&pool);
        assert_eq!(on.spawn().await.await.unwrap(), 1);
        on.spawn_n().await;
        assert_eq!(on.try_spawn().unwrap().await.unwrap(), 1);
        assert_eq!(values(on.starmap([(), ()])).await, [1, 1]);
        assert_eq!(values(on.imap_stream(stream::iter([(), ()]))).await, [1, 1]);
        assert!(own_pools_are_idle());
    });
}

#[test]
fn shared_parameters_are_shared_on_any_pool() {
    paused(async {
        let pool = GreenPool::new(2);
        let (on, factor) = (scale::on(&pool), Arc::new(100));
        assert_eq!(on.spawn(1, factor.clone(), 10, 2).await.await.unwrap(), 112);
        assert_eq!(values(on.imap([1, 2], factor.clone(), 10, [3, 4])).await, [113, 214]);
        assert_eq!(values(on.imap_unordered([1], factor.clone(), 10, [3])).await, [113]);
        assert_eq!(values(on.starmap(factor.clone(), 10, [(1, 3), (2, 4)])).await, [113, 214]);
        assert_eq!(values(on.starmap_unordered(factor.clone(), 10, [(1, 3)])).await, [113]);
        assert_eq!(values(on.imap_stream(factor.clone(), 10, stream::iter([(1, 3)]))).await, [113]);
        assert_eq!(values(on.try_imap(factor.clone(), 10, [Ok::<_, ()>((1, 3))])).await, [113]);
        let rows = stream::iter([Ok::<_, ()>((1, 3))]);
        assert_eq!(values(on.try_imap_stream(factor.clone(), 10, rows)).await, [113]);
        pool.waitall().await;
        assert_eq!(Arc::strong_count(&factor), 1);
        let on = prefix::on(&pool);
        let words = ["a", "b"].map(String::from);
        let texts: Vec<_> = on.imap("-", words.clone()).map(Result::unwrap).collect().await;
        assert_eq!(texts, ["-a", "-b"]);
        let texts: Vec<_> = on.imap_stream("-", stream::iter(words)).map(Result::unwrap).collect().await;
        assert_eq!(texts, ["-a", "-b"]);
        assert!(own_pools_are_idle());
    });
}

#[test]
fn a_shared_value_is_cloned_once_for_each_job_and_its_panic_is_the_jobs() {
    #[derive(Default)]
    struct Fragile(Arc<std::sync::Mutex<u32>>);

    impl Clone for Fragile {
        fn clone(&self) -> Self {
            let mut count = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *count += 1;
            assert_ne!(*count, 2, "a fault");
            Fragile(self.0.clone())
        }
    }

    #[green_pool(size = 1)]
    async fn break_once(n: u32, #[shared] fragile: Fragile) -> u32 {
        let _ = fragile;
        n
    }

    paused(async {
        let (pool, fragile) = (GreenPool::new(1), Fragile::default());
        let count = fragile.0.clone();
        let mut map = break_once::on(&pool).imap(0..3, fragile);
        assert_eq!(map.next().await.unwrap().unwrap(), 0);
        assert!(map.next().await.unwrap().unwrap_err().is_panic());
        assert_eq!(map.next().await.unwrap().unwrap(), 2);
        assert!(map.next().await.is_none());
        assert_eq!(*count.lock().unwrap_or_else(std::sync::PoisonError::into_inner), 3);
    });
}

#[test]
fn generic_functions_run_on_a_pool() {
    paused(async {
        let pool = GreenPool::new(2);
        assert_eq!(show::on(&pool).spawn(7, "any").await.await.unwrap(), "7");
        assert_eq!(show::on(&pool).imap(["a"], [()]).next().await.unwrap().unwrap(), "a");
        assert_eq!(parse::on::<u32, _, _>(&pool).spawn("7").await.await.unwrap(), Some(7));
        let small: Option<u8> = parse::on(&pool).imap(["7"]).next().await.unwrap().unwrap();
        assert_eq!(small, Some(7));
        let (shown, parsed) = pile![on pool; show('x', 1), parse::<i8>("-1")].try_join().await.unwrap();
        assert_eq!((shown.as_str(), parsed), ("x", Some(-1)));
        assert_eq!(pool.stats().finished, 6);
    });
}

#[test]
fn the_limit_is_that_of_the_given_pool() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        let on = wait::on(&pool);
        let first = on.spawn(gate.clone(), 1).await;
        assert!(matches!(on.try_spawn(gate.clone(), 2), Err(TrySpawnError::Full((_, 2)))));
        let mut second = on.spawn(gate.clone(), 2);
        assert!(poll!(&mut second).is_pending());
        assert_eq!((pool.running(), pool.waiting()), (1, 1));
        gate.open();
        assert_eq!(first.await.unwrap() + second.await.await.unwrap(), 3);
        pool.close();
        assert!(matches!(on.try_spawn(gate.clone(), 3), Err(TrySpawnError::Closed((_, 3)))));
        assert!(on.spawn(gate.clone(), 3).await.await.unwrap_err().is_closed());
        on.spawn_n(gate, 3).await;
        assert_eq!(pool.stats().refused, 2);
    });
}

#[test]
fn a_spawn_that_is_dropped_leaves_the_queue() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        let on = wait::on(&pool);
        on.spawn_n(gate.clone(), 1).await;
        let mut second = on.spawn_n(gate.clone(), 2);
        assert!(poll!(&mut second).is_pending());
        drop(second);
        assert_eq!(pool.waiting(), 0);
        gate.open();
        pool.waitall().await;
        assert_eq!(pool.stats().finished, 1);
    });
}

#[test]
fn a_function_spawns_itself_on_a_full_pool() {
    threads(2, async {
        let pool = GreenPool::new(1);
        assert_eq!(depth::on(&pool).spawn(pool.clone(), 100).await.await.unwrap(), 100);
        pool.waitall().await;
        assert_eq!(pool.stats().finished, 201);
        assert_eq!(depth::pool().stats().finished, 0);
    });
}

#[test]
fn a_panic_reaches_the_handle_or_is_counted() {
    paused(async {
        let pool = GreenPool::new(1);
        assert!(panics::on(&pool).spawn(1).await.await.unwrap_err().is_panic());
        panics::on(&pool).spawn_n(1).await;
        pool.waitall().await;
        assert_eq!(pool.stats().panicked, 2);
    });
}

#[test]
fn a_pile_on_a_pool_runs_its_calls_there() {
    static POOL: LazyLock<GreenPool> = LazyLock::new(|| GreenPool::new(2));

    struct Holder {
        pool: Arc<GreenPool>,
    }

    impl Holder {
        async fn join(&self) -> (u32, u32) {
            pile![on self.pool; double(1), add(1, 2)].try_join().await.unwrap()
        }
    }

    paused(async {
        let pool = GreenPool::new(2);
        assert_eq!(pile![on pool; double(1), add(1, 2), tick()].try_join().await.unwrap(), (2, 3, 1));
        assert_eq!(pile!(<on &pool; double(1)>).try_join().await.unwrap(), (2,));
        let named = pile! { on pool.clone(); two: double(1), three: add(1, 2) }.try_join().await.unwrap();
        assert_eq!((named.two, named.three), (2, 3));
        let mut same = pile![on pool; double(1), double(2)];
        assert_eq!(same.next().await.unwrap().unwrap() + same.next().await.unwrap().unwrap(), 6);
        assert_eq!(pile![on POOL; scale(1, Arc::new(2), 3, 4)].try_join().await.unwrap(), (9,));
        assert_eq!(pool.stats().finished, 8);
        assert_eq!(POOL.stats().finished, 1);
        let holder = Holder { pool: Arc::new(GreenPool::new(1)) };
        assert_eq!(holder.join().await, (2, 3));
        assert_eq!(holder.pool.stats().finished, 2);
        assert!(own_pools_are_idle());
    });
}

#[test]
fn the_entries_of_a_pile_on_a_full_pool_queue_in_order() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        let pile = pile![on pool; wait(gate.clone(), 1), wait(gate.clone(), 2), wait(gate.clone(), 3)];
        assert_eq!((pool.running(), pool.waiting()), (1, 2));
        until_idle().await;
        gate.open();
        assert_eq!(pile.try_join().await.unwrap(), (1, 2, 3));
    });
}

#[test]
fn a_function_called_on_is_an_entry_of_a_pile() {
    #[green_pool(size = 2)]
    async fn on(n: u32) -> u32 {
        n
    }

    paused(async {
        assert_eq!(pile![on(1), on(2)].try_join().await.unwrap(), (1, 2));
        assert_eq!(pile! { on: on(1) }.try_join().await.unwrap().on, 1);
        let pool = GreenPool::new(1);
        assert_eq!(pile![on pool; on(3)].try_join().await.unwrap(), (3,));
        assert_eq!(on::on(&pool).spawn(4).await.await.unwrap(), 4);
    });
}

#[test]
fn a_pool_can_be_shared_or_lazy() {
    static LAZY: LazyLock<GreenPool> = LazyLock::new(|| GreenPool::new(3));

    paused(async {
        let shared = Arc::new(GreenPool::new(4));
        let sizes = [
            double::on(&LAZY).pool().size(),
            double::on(&shared).pool().size(),
            double::on(&&*shared).pool().size(),
            double::on(double::pool()).pool().size(),
        ];
        assert_eq!(sizes, [3, 4, 4, 100]);
        let kept: OnPool<double, fn(u32) -> u32> = double::on(&shared).clone();
        drop(shared);
        assert_eq!(kept.spawn(1).await.await.unwrap(), 2);
        assert!(format!("{kept:?}").starts_with("OnPool { function: \"double\", pool: GreenPool { size: 4"));
    });
}
