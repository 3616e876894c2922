//! What a bench measures of a process, on the runtimes that it starts.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use tokio::runtime::{Builder, Runtime};

/// The names of the runtimes on the command line and in a table.
pub(crate) const RUNTIMES: [(&str, &str); 2] = [("current", "current thread"), ("two", "two threads")];

/// Starts the runtime with that name.
pub(crate) fn start(runtime: &str) -> Result<Runtime, String> {
    let started = match runtime {
        "current" => Builder::new_current_thread().enable_all().build(),
        "two" => Builder::new_multi_thread().worker_threads(2).enable_all().build(),
        _ => return Err(format!("unknown runtime `{runtime}`")),
    };
    started.map_err(|why| format!("cannot start a runtime: {why}"))
}

/// The CPU time of this process so far, of all threads, in user code and in the system.
pub(crate) fn cpu_time() -> Result<Duration, String> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).map_err(|why| format!("cannot read the CPU time: {why}"))?;
    let micros = (usage.user_time() + usage.system_time()).num_microseconds();
    Ok(Duration::from_micros(micros.unsigned_abs()))
}

/// The median of some figures.
pub(crate) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
