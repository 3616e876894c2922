//! No test waits for ever.

use std::future::Future;
use std::time::Duration;

use tokio::time::{sleep, timeout};

/// For a whole test.
const TEST: Duration = Duration::from_secs(200);

/// For a whole test of the long form.
const LONG_TEST: Duration = Duration::from_secs(900);

/// For one thing that a test waits for.
const STEP: Duration = Duration::from_secs(40);

/// Runs a test on a runtime of its own.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let long = std::env::var_os("GREENPOOL_FARM_LONG").is_some();
    run_within(if long { LONG_TEST } else { TEST }, test);
}

/// The same with another deadline.
pub(crate) fn run_within(time: Duration, test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let result = runtime.block_on(async { timeout(time, test).await });
    runtime.shutdown_timeout(Duration::from_secs(1));
    result.expect("the test took too long");
}

/// Waits for a step of a test.
pub(crate) async fn soon<T>(what: &str, step: impl Future<Output = T>) -> T {
    timeout(STEP, step).await.unwrap_or_else(|_| panic!("waited too long for {what}"))
}

/// Waits until something holds that only looking tells.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    soon(what, async {
        while !holds().await {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}
