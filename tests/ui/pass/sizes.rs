#![deny(warnings, clippy::all, clippy::pedantic)]
//! Every kind of expression is a size, and every kind of `static` that holds a pool is a pool.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use greenpool::{GreenPool, JoinError, green_pool, pile};

struct Config {
    jobs: usize,
    each: Vec<usize>,
}

const SIZE: usize = 3;
const NARROW: u8 = 5;
static POOL: usize = 8;
static JOBS: LazyLock<usize> = LazyLock::new(|| 4);
static CONFIG: LazyLock<Config> = LazyLock::new(|| Config { jobs: 6, each: vec![1, 2, 7] });
static CALLS: AtomicUsize = AtomicUsize::new(0);
static LAZY: LazyLock<GreenPool> = LazyLock::new(|| GreenPool::new(9));
static SHARED: GreenPool = GreenPool::const_new(10);

fn counted() -> usize {
    CALLS.fetch_add(1, Ordering::Relaxed) + 11
}

macro_rules! twelve {
    () => {
        12
    };
}

macro_rules! sizes {
    ($($name:ident: $size:expr, $expected:expr;)*) => {
        $(
            #[green_pool(size = $size)]
            async fn $name(n: usize) -> usize {
                std::future::ready(n).await
            }
        )*

        async fn check_fragments() -> Result<(), JoinError> {
            $(
                assert_eq!($name::pool().size(), $expected);
                assert_eq!($name::spawn(1).await.await?, 1);
            )*
            Ok(())
        }
    };
}

sizes! {
    fragment_literal: 2, 2;
    fragment_path: SIZE, 3;
    fragment_static: POOL, 8;
    fragment_deref: *JOBS, 4;
    fragment_field: CONFIG.jobs, 6;
    fragment_call: std::cmp::max(SIZE, *JOBS), 4;
    fragment_macro: twelve!(), 12;
}

macro_rules! tokens {
    ($($name:ident: [$($size:tt)*], $expected:expr;)*) => {
        $(
            #[green_pool(size = $($size)*)]
            async fn $name() {
                std::future::ready(()).await;
            }
        )*

        fn check_tokens() {
            $(assert_eq!($name::pool().size(), $expected);)*
        }
    };
}

tokens! {
    literal: [2], 2;
    path: [SIZE], 3;
    own_path: [self::SIZE], 3;
    associated: [u8::MAX as usize], 255;
    qualified: [<usize as Default>::default() + 1], 1;
    a_static: [POOL], 8;
    arithmetic: [SIZE * 2 + (1 << 2)], 10;
    cast: [NARROW as usize], 5;
    deref: [*JOBS], 4;
    deref_in_arithmetic: [2 * *JOBS + SIZE], 11;
    deref_in_parentheses: [(*JOBS)], 4;
    field: [CONFIG.jobs], 6;
    index: [CONFIG.each[2]], 7;
    tuple_field: [(SIZE, 5).1], 5;
    call: [std::cmp::max(1, SIZE)], 3;
    method: [JOBS.max(5)], 5;
    chain: [CONFIG.each.iter().copied().max().unwrap_or(1)], 7;
    closure: [std::thread::available_parallelism().map_or(4, |_| 13)], 13;
    block: [{ let n = SIZE; n + 1 }], 4;
    condition: [if *JOBS > 3 { 2 } else { 1 } * 2], 4;
    choice: [match *JOBS { 0 => 1, n => n + 1 }], 5;
    a_macro: [vec![1, 2, 3].len()], 3;
    mixed: [usize::from(NARROW) * *JOBS], 20;
}

#[green_pool(size = counted())]
async fn once() {
    std::future::ready(()).await;
}

#[green_pool(pool = LAZY)]
async fn lazy(n: u8) -> u8 {
    std::future::ready(n).await
}

#[green_pool(pool = self::LAZY, name = "two")]
async fn lazy_too(n: u8) -> u8 {
    std::future::ready(n).await
}

#[green_pool(pool = SHARED)]
async fn shared() {
    std::future::ready(()).await;
}

async fn check_pools() -> Result<(), JoinError> {
    assert_eq!(once::pool().size(), 11);
    once::spawn().await.await?;
    assert_eq!(once::pool().size(), 11);
    assert_eq!(CALLS.load(Ordering::Relaxed), 1);
    assert!(std::ptr::eq(lazy::pool(), &raw const *LAZY));
    assert!(std::ptr::eq(lazy_too::pool(), lazy::pool()));
    assert!(std::ptr::eq(shared::pool(), &raw const SHARED));
    assert_eq!(lazy::spawn(1).await.await? + lazy_too::spawn(1).await.await?, 2);
    let (one, two) = pile![in LAZY; async { 1 }, lazy(2)].try_join().await?;
    assert_eq!((one, two), (1, 2));
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), JoinError> {
    check_tokens();
    check_fragments().await?;
    check_pools().await
}
