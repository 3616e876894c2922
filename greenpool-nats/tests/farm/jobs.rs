//! The functions that the workers of the tests serve.

use std::time::Duration;

use greenpool::green_pool;
use greenpool::remote::job;
use greenpool_nats::Farm;
use tokio::sync::OnceCell;
use tokio::time::sleep;

use crate::log::{self, Running};

/// Takes so many milliseconds, and returns the square.
#[green_pool(size = 40, remote)]
pub(crate) async fn square(n: u64, milliseconds: u64) -> u64 {
    let running = Running::begin(n);
    running.polled(log::sleep(Duration::from_millis(milliseconds)).await);
    running.end();
    n * n
}

/// The same with a smaller limit.
#[green_pool(size = 10, remote)]
pub(crate) async fn narrow(n: u64, milliseconds: u64) -> u64 {
    let running = Running::begin(n);
    sleep(Duration::from_millis(milliseconds)).await;
    running.end();
    n
}

/// The same with a larger limit.
#[green_pool(size = 100, remote)]
pub(crate) async fn wide(n: u64, milliseconds: u64) -> u64 {
    let running = Running::begin(n);
    sleep(Duration::from_millis(milliseconds)).await;
    running.end();
    n
}

/// The same at once, with a limit that none of the tests reaches.
#[green_pool(size = 600, remote)]
pub(crate) async fn crowd(n: u64) -> u64 {
    Running::begin(n).end();
    n
}

/// Takes the process down for 500, panics for 900, and returns `Err` for 901.
#[green_pool(size = 100, remote)]
pub(crate) async fn fragile(n: u64) -> Result<u64, String> {
    let running = Running::begin(n);
    match n {
        500 => std::process::abort(),
        900 => panic!("900 panics"),
        _ => {}
    }
    sleep(Duration::from_millis(20)).await;
    running.end();
    if n == 901 { Err("901 is refused".to_owned()) } else { Ok(n) }
}

/// Writes no log.
#[green_pool(size = 40, remote)]
pub(crate) async fn quick(text: String) -> String {
    text
}

/// Returns `Err` for a multiple of 5, panics for one of 7.
#[green_pool(size = 10, remote)]
pub(crate) async fn moody(n: u64) -> Result<u64, String> {
    assert!(!n.is_multiple_of(7), "{n} is a multiple of 7");
    if n.is_multiple_of(5) { Err(format!("{n} is a multiple of 5")) } else { Ok(n) }
}

/// Takes the process down for 5.
#[green_pool(size = 10, remote)]
pub(crate) async fn poison(n: u64) -> u64 {
    let running = Running::begin(n);
    if n == 5 {
        std::process::abort();
    }
    running.end();
    n
}

/// Blocks its thread for so many milliseconds.
#[green_pool(size = 4, remote)]
pub(crate) async fn block(n: u64, milliseconds: u64) -> u64 {
    let running = Running::begin(n);
    std::thread::sleep(Duration::from_millis(milliseconds));
    running.end();
    n
}

/// Returns how many milliseconds of its lease are left when it begins.
#[green_pool(size = 4, remote)]
pub(crate) async fn left() -> u64 {
    let left = job().and_then(|job| job.lease_left()).expect("a job of a worker has a lease");
    left.as_millis() as u64
}

/// With the same signature as `left`.
#[green_pool(size = 4, remote)]
pub(crate) async fn b_left() -> u64 {
    0
}

static FARM: OnceCell<Farm> = OnceCell::const_new();

/// The farm that `recursive` uses in a worker.
pub(crate) fn set_farm(farm: &Farm) {
    FARM.set(farm.clone()).expect("a worker has one farm");
}

/// Waits for a job of its own function.
#[green_pool(size = 1, remote)]
pub(crate) async fn recursive(n: u64) -> String {
    let farm = FARM.get().expect("a worker has a farm");
    recursive::on(farm).spawn(n + 1).await.await.unwrap_or_else(|error| error.to_string())
}

/// Two versions of one function.
pub(crate) mod old {
    use greenpool::green_pool;

    #[green_pool(size = 4, remote)]
    pub(crate) async fn version(n: u64) -> u64 {
        n
    }
}

pub(crate) mod new {
    use greenpool::green_pool;

    #[green_pool(size = 4, remote)]
    pub(crate) async fn version(n: u64) -> (u64, String) {
        (n, "new".to_owned())
    }
}
