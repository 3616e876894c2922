//! The jobs whose memory is measured.

use std::future::pending;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

use greenpool::green_pool;

/// Number of jobs that are pending.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Makes a future about 200 bytes large. (A value held across an await takes up space twice in the future.)
pub(crate) type Payload<const WORDS: usize> = [u64; WORDS];

/// Does nothing.
#[green_pool(size = 100)]
pub(crate) async fn noop(payload: Payload<24>) -> u64 {
    black_box(&payload)[0]
}

/// Waits forever.
#[green_pool(size = 1)]
pub(crate) async fn waits(payload: Payload<12>) -> u64 {
    WAITING.fetch_add(1, Ordering::Relaxed);
    pending::<()>().await;
    black_box(&payload)[0]
}

/// Never begins.
#[green_pool(size = 1)]
pub(crate) async fn late(number: u64) -> u64 {
    pending::<()>().await;
    number
}

/// Yields to the runtime until `jobs` jobs are pending.
pub(crate) async fn all_wait(jobs: usize) {
    while WAITING.load(Ordering::Relaxed) < jobs {
        tokio::task::yield_now().await;
    }
}
