//! Replays traces recorded from eventlet on greenpool.
//!
//! `GREENPOOL_TRACES=file-or-folder` replays other files in the same format instead of the committed ones.

mod compare;
mod deadlock;
mod driver;
mod format;
mod job;
mod level;
mod named;
mod origin;
mod world;

use std::env;
use std::io::{Write, stdout};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use compare::first_difference;
use format::{Observation, Scenario};
use level::Level;

/// Wall-clock limit for one scenario. Each takes milliseconds.
const DEADLINE: Duration = Duration::from_secs(20);

fn committed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("eventlet").join(name)
}

/// The files that the environment variable names instead of the committed ones.
fn asked_for() -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os("GREENPOOL_TRACES")?);
    // cargo runs tests in the folder of their crate, but the path was probably typed at the root of the workspace.
    let from_root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(&path);
    Some(if path.exists() { path } else { from_root })
}

/// Runs the first steps of a scenario. Returns what was observed after each, or why it failed.
fn observe(scenario: &Arc<Scenario>, steps: usize) -> Result<Vec<Observation>, String> {
    let (done, result) = channel();
    let theirs = Arc::clone(scenario);
    // A separate thread, since a runtime that spins forever can only be left behind.
    thread::spawn(move || {
        let _ = done.send(catch_unwind(AssertUnwindSafe(|| driver::run(&theirs, steps))));
    });
    match result.recv_timeout(DEADLINE) {
        Ok(seen) => seen.map_err(|panic| format!("panicked: {}", text(&*panic))),
        Err(_) => Err(format!("not idle after {DEADLINE:?}")),
    }
}

/// Replays a scenario as far as it must match its recording, and describes the first difference.
fn replay(scenario: &Arc<Scenario>) -> Option<String> {
    let level = Level::recorded(scenario);
    observe(scenario, level.observations).map_or_else(Some, |seen| first_difference(scenario, &seen, level))
}

fn text(panic: &(dyn std::any::Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(|text| &text[..]);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message")
}

/// Prints directly to stdout, past the capture of the test harness, since the line is wanted on success too.
fn print(line: &str) {
    let mut out = stdout().lock();
    let _ = writeln!(out, "\n{line}");
    let _ = out.flush();
}

#[test]
fn recordings_of_eventlet_replay() {
    let files = match asked_for() {
        Some(path) => format::files(&path),
        None => vec![committed("named.json.gz"), committed("random-A.json.gz")],
    };
    let scenarios: Vec<Arc<Scenario>> = files.iter().flat_map(|file| format::read(file)).map(Arc::new).collect();
    assert!(!scenarios.is_empty(), "no traces in {files:?}");
    let failures: Vec<String> = scenarios
        .iter()
        .filter_map(|scenario| {
            let difference = replay(scenario)?;
            Some(format!("{}: {difference}", scenario.id))
        })
        .collect();
    let passed = scenarios.len() - failures.len();
    let total = format!("traces: {passed} passed, {} failed", failures.len());
    print(&failures.iter().chain([&total]).map(String::as_str).collect::<Vec<_>>().join("\n"));
    assert!(failures.is_empty(), "{} recordings differ", failures.len());
}
