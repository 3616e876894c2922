use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// Real time that a test may take. All of them take milliseconds.
const DEADLINE: Duration = Duration::from_secs(20);

/// Runs a test on a current-thread runtime whose clock stands still, and fails if it does not end.
#[track_caller]
pub fn paused<F>(test: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    within_deadline(Location::caller(), || {
        run(&Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime"), test);
    });
}

/// Runs a test on a runtime of `n` worker threads, and fails if it does not end.
#[track_caller]
pub fn threads<F>(n: usize, test: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    within_deadline(Location::caller(), move || {
        let runtime = Builder::new_multi_thread().worker_threads(n).enable_all().build().expect("a runtime");
        run(&runtime, test);
        // Dropping it would wait for a worker that never comes back.
        runtime.shutdown_background();
    });
}

fn run(runtime: &Runtime, test: impl Future<Output = ()>) {
    runtime.block_on(test);
}

/// Runs a test that makes its runtimes itself, and fails if it does not end.
#[track_caller]
pub fn by_hand(test: impl FnOnce() + Send + 'static) {
    within_deadline(Location::caller(), test);
}

/// Runs a test in a thread of its own, so that a runtime that spins or blocks for ever fails the test as well: it is left behind.
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
        Err(late) => panic!("{name} ({caller}) has not ended after {DEADLINE:?}: {late}"),
    }
}

/// Returns when no task of the runtime is ready. Only for a runtime whose clock stands still.
///
/// Such a clock moves on only when the runtime has nothing left to run, so the end of this timeout is the proof of it,
/// however long the chain of wake-ups was. It takes no real time.
///
/// # Panics
/// Never: nothing ends a pending future.
pub async fn at_rest() {
    let never = timeout(Duration::from_millis(1), pending::<()>()).await;
    assert!(never.is_err(), "nothing ends a pending future");
}
