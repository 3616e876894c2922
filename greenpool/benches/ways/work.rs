//! What the jobs do.

use std::future::Future;
use std::hint::black_box;
use std::ops::Range;
use std::time::Duration;

use greenpool::{GreenMap, GreenPool, GreenThread, green_pool};

use super::cpu::compute;

/// What makes a job's future about 200 bytes large: an argument that it holds.
pub(crate) struct Payload<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Payload<WORDS> {
    fn new(number: u64) -> Self {
        Payload([number; WORDS])
    }

    /// The number it was made of, read in a way that keeps the whole in memory.
    fn number(&self) -> u64 {
        black_box(self).0[0]
    }
}

/// The sum of the numbers of so many jobs: what a way must give.
pub(crate) fn sum(jobs: u64) -> u64 {
    jobs * jobs.saturating_sub(1) / 2
}

/// Does nothing.
#[green_pool(size = 100)]
pub(crate) async fn noop(payload: Payload<24>) -> u64 {
    payload.number()
}

/// Goes to the end of the runtime's queue once. (An argument that is held over an await has two places in the future.)
#[green_pool(size = 100)]
pub(crate) async fn yields(payload: Payload<12>) -> u64 {
    tokio::task::yield_now().await;
    payload.number()
}

/// Computes for a microsecond.
#[green_pool(size = 100)]
pub(crate) async fn computes_1us(payload: Payload<24>) -> u64 {
    compute(1);
    payload.number()
}

/// Computes for ten microseconds.
#[green_pool(size = 100)]
pub(crate) async fn computes_10us(payload: Payload<24>) -> u64 {
    compute(10);
    payload.number()
}

/// Sleeps for a millisecond.
#[green_pool(size = 100)]
pub(crate) async fn sleeps_1ms(payload: Payload<5>) -> u64 {
    tokio::time::sleep(Duration::from_millis(1)).await;
    payload.number()
}

/// A declared function, for code that is generic over what the jobs do.
pub(crate) trait Work: 'static {
    fn call(number: u64) -> impl Future<Output = u64> + Send + 'static;
    fn pool() -> &'static GreenPool;
    fn spawn(number: u64) -> impl Future<Output = GreenThread<u64>> + Send;
    fn spawn_n(number: u64) -> impl Future<Output = ()> + Send;
    fn imap(numbers: Range<u64>) -> GreenMap<u64>;
    fn imap_unordered(numbers: Range<u64>) -> GreenMap<u64>;

    /// The declared pool, made as large as asked.
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
    ($($function:ident)*) => {$(
        impl Work for $function {
            fn call(number: u64) -> impl Future<Output = u64> + Send + 'static {
                $function(Payload::new(number))
            }

            fn pool() -> &'static GreenPool {
                $function::pool()
            }

            fn spawn(number: u64) -> impl Future<Output = GreenThread<u64>> + Send {
                $function::spawn(Payload::new(number))
            }

            fn spawn_n(number: u64) -> impl Future<Output = ()> + Send {
                $function::spawn_n(Payload::new(number))
            }

            fn imap(numbers: Range<u64>) -> GreenMap<u64> {
                $function::imap(numbers.map(Payload::new))
            }

            fn imap_unordered(numbers: Range<u64>) -> GreenMap<u64> {
                $function::imap_unordered(numbers.map(Payload::new))
            }
        }
    )*};
}

work!(noop yields computes_1us computes_10us sleeps_1ms);
