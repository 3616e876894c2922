use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// Wall-clock limit for one test. Most tests take milliseconds, but the machine may have much else to do.
const DEADLINE: Duration = Duration::from_mins(1);

/// Runs a test on a current-thread runtime with a paused clock, and fails if it does not complete in time.
#[track_caller]
pub fn paused<F>(test: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    within_deadline(Location::caller(), || {
        run(&Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime"), test);
    });
}

/// Runs a test on a multi-thread runtime with `n` workers, and fails if it does not complete in time.
#[track_caller]
pub fn threads<F>(n: usize, test: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    within_deadline(Location::caller(), move || {
        let runtime = Builder::new_multi_thread().worker_threads(n).enable_all().build().expect("a runtime");
        run(&runtime, test);
        // Dropping the runtime would wait for workers that are blocked forever.
        runtime.shutdown_background();
    });
}

fn run(runtime: &Runtime, test: impl Future<Output = ()>) {
    runtime.block_on(test);
}

/// Runs a test that builds its own runtimes, and fails if it does not complete in time.
#[track_caller]
pub fn with_deadline(test: impl FnOnce() + Send + 'static) {
    within_deadline(Location::caller(), test);
}

/// Runs a test on a separate thread. If its runtime spins or blocks forever, the thread is left behind and the test
/// fails.
fn within_deadline(caller: &'static Location<'static>, test: impl FnOnce() + Send + 'static) {
    let name = thread::current().name().unwrap_or("a test").to_owned();
    let (done, result) = channel();
    thread::Builder::new()
        .name(name.clone())
        .spawn(move || {
            let _ = done.send(catch_unwind(AssertUnwindSafe(test)));
        })
        .expect("a thread");
    match result.recv_timeout(DEADLINE) {
        Ok(Ok(())) => {}
        Ok(Err(panic)) => resume_unwind(panic),
        Err(late) => panic!("{name} ({caller}) did not complete within {DEADLINE:?}: {late}"),
    }
}

/// Returns when no task of the runtime is ready. Requires a runtime with a paused clock.
///
/// A paused clock advances only when the runtime has nothing left to run. So when this timeout elapses, every chain of
/// wake-ups has run to its end. It takes no real time.
///
/// # Panics
/// Never: a pending future does not complete.
pub async fn until_idle() {
    let never = timeout(Duration::from_millis(1), pending::<()>()).await;
    assert!(never.is_err(), "a pending future never completes");
}
