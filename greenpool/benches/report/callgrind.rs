//! Counts the instructions of this program under callgrind. No clock is involved, so a busy machine does not disturb the
//! result.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const MISSING: &str = "valgrind is needed to count instructions and was not found (`apt-get install valgrind`)";

/// Checks that valgrind can be run.
pub(crate) fn check_valgrind() -> Result<(), String> {
    let status = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`valgrind --version` exited with {status}")),
        Err(why) => Err(format!("{MISSING} ({why})")),
    }
}

/// The instructions of a process of this program with these arguments. Callgrind writes its profile to `file`.
pub(crate) fn count(arguments: &[&str], file: &Path) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|why| format!("cannot find this program: {why}"))?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--error-exitcode=1"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program)
        .args(arguments)
        .output()
        .map_err(|why| format!("{MISSING} ({why})"))?;
    let (stderr, run) = (String::from_utf8_lossy(&output.stderr), arguments.join(" "));
    if !output.status.success() {
        return Err(format!("`{run}` under callgrind exited with {}:\n{stderr}", output.status));
    }
    let collected = stderr.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    collected.ok_or_else(|| format!("callgrind does not say how many instructions `{run}` took:\n{stderr}"))
}

/// Calls `measure` with each item, on all processors in parallel, which does not change the number of instructions.
/// Returns the results in the order of the items.
pub(crate) fn measure_all<I, R>(items: &[I], measure: impl Fn(&I) -> R + Sync) -> Vec<R>
where
    I: Sync,
    R: Send,
{
    let (next, measured) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { break };
                    let result = measure(item);
                    measured.lock().expect("no thread panics while it holds the lock").push((at, result));
                }
            });
        }
    });
    let mut measured = measured.into_inner().expect("no thread panics while it holds the lock");
    measured.sort_by_key(|(at, _)| *at);
    measured.into_iter().map(|(_, result)| result).collect()
}
