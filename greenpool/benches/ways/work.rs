//! The work that the jobs do.

use std::future::Future;
use std::hint::black_box;
use std::ops::Range;
use std::time::Duration;

use greenpool::{GreenMap, GreenPool, GreenThread, green_pool};

use super::cpu::compute;

/// No job has this number.
const NO_NUMBER: u64 = u64::MAX;

/// Yields to the runtime once while it holds a value, which makes a job's future about 200 bytes large. The future of
/// an `async fn` has room for everything that it may hold across an await, whether it gets there or not.
async fn hold<const WORDS: usize>(number: u64) {
    let held = [number; WORDS];
    tokio::task::yield_now().await;
    black_box(&held);
}

/// An argument of a given size.
pub(crate) struct Payload<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Payload<WORDS> {
    fn new(number: u64) -> Self {
        Payload([number; WORDS])
    }

    /// Returns the number it was created from, read so that the compiler keeps the whole payload in memory.
    fn number(&self) -> u64 {
        black_box(self).0[0]
    }
}

/// The sum of the numbers of all jobs, which a way must return.
pub(crate) fn sum(jobs: u64) -> u64 {
    jobs * jobs.saturating_sub(1) / 2
}

/// Does nothing.
#[green_pool(size = 100)]
pub(crate) async fn noop(number: u64) -> u64 {
    if black_box(number) == NO_NUMBER {
        hold::<18>(number).await;
    }
    number
}

/// Does nothing, but has an argument of 192 bytes, which must be moved to the worker.
#[green_pool(size = 100)]
pub(crate) async fn takes(payload: Payload<24>) -> u64 {
    payload.number()
}

/// Does nothing, but has two arguments, and room for a sleep, which must be dropped if it is there.
#[green_pool(size = 100)]
pub(crate) async fn may_sleep(number: u64, pause: Duration) -> u64 {
    if black_box(number) == NO_NUMBER {
        tokio::time::sleep(pause).await;
    }
    number
}

/// Yields to the runtime once.
#[green_pool(size = 100)]
pub(crate) async fn yields(number: u64) -> u64 {
    hold::<18>(number).await;
    number
}

/// Computes for a microsecond.
#[green_pool(size = 100)]
pub(crate) async fn computes_1us(number: u64) -> u64 {
    if black_box(number) == NO_NUMBER {
        hold::<18>(number).await;
    }
    compute(1);
    number
}

/// Computes for ten microseconds.
#[green_pool(size = 100)]
pub(crate) async fn computes_10us(number: u64) -> u64 {
    if black_box(number) == NO_NUMBER {
        hold::<18>(number).await;
    }
    compute(10);
    number
}

/// Sleeps for a millisecond.
#[green_pool(size = 100)]
pub(crate) async fn sleeps_1ms(number: u64) -> u64 {
    if black_box(number) == NO_NUMBER {
        hold::<18>(number).await;
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    number
}

/// A declared function, for code that is generic over the work.
pub(crate) trait Work: 'static {
    fn call(number: u64) -> impl Future<Output = u64> + Send + 'static;
    fn pool() -> &'static GreenPool;
    fn spawn(number: u64) -> impl Future<Output = GreenThread<u64>> + Send;
    fn spawn_n(number: u64) -> impl Future<Output = ()> + Send;
    fn imap(numbers: Range<u64>) -> GreenMap<u64>;
    fn imap_unordered(numbers: Range<u64>) -> GreenMap<u64>;

    /// The declared pool, resized to `size`.
    fn sized(size: usize) -> &'static GreenPool {
        let pool = Self::pool();
        if pool.size() != size {
            pool.resize(size);
        }
        pool
    }

    /// The size of a job's future.
    fn bytes() -> usize {
        size_of_val(&Self::call(0))
    }
}

macro_rules! work {
    ($($function:ident($($arg:expr),*) for $number:ident: $imap:ident, $imap_unordered:ident;)*) => {$(
        impl Work for $function {
            fn call($number: u64) -> impl Future<Output = u64> + Send + 'static {
                $function($($arg),*)
            }

            fn pool() -> &'static GreenPool {
                $function::pool()
            }

            fn spawn($number: u64) -> impl Future<Output = GreenThread<u64>> + Send {
                $function::spawn($($arg),*)
            }

            fn spawn_n($number: u64) -> impl Future<Output = ()> + Send {
                $function::spawn_n($($arg),*)
            }

            fn imap(numbers: Range<u64>) -> GreenMap<u64> {
                $function::$imap(numbers.map(|$number| ($($arg),*)))
            }

            fn imap_unordered(numbers: Range<u64>) -> GreenMap<u64> {
                $function::$imap_unordered(numbers.map(|$number| ($($arg),*)))
            }
        }
    )*};
}

work! {
    noop(number) for number: imap, imap_unordered;
    takes(Payload::new(number)) for number: imap, imap_unordered;
    may_sleep(number, Duration::ZERO) for number: starmap, starmap_unordered;
    yields(number) for number: imap, imap_unordered;
    computes_1us(number) for number: imap, imap_unordered;
    computes_10us(number) for number: imap, imap_unordered;
    sleeps_1ms(number) for number: imap, imap_unordered;
}
