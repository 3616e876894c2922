//! What rustc uses. Cargo runs this program in the place of rustc, for the packages of the scratch workspace only.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::str::FromStr;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};

/// Names the file in which the usage goes.
const FILE: &str = "GREENPOOL_BENCH_BUILD_USAGE";

#[derive(Clone, Copy)]
pub(crate) struct Usage {
    /// Processor time, of all threads, in user and in system mode.
    pub(crate) seconds: f64,
    /// Peak resident memory, in bytes.
    pub(crate) peak: u64,
}

impl Usage {
    #[expect(clippy::cast_precision_loss, reason = "bytes are far below 2^52")]
    pub(crate) fn mebibytes(&self) -> f64 {
        self.peak as f64 / (1024.0 * 1024.0)
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "seconds": self.seconds, "peak_bytes": self.peak })
    }
}

impl FromStr for Usage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text
            .split_once(' ')
            .and_then(|(seconds, peak)| Some(Usage { seconds: seconds.parse().ok()?, peak: peak.parse().ok()? }));
        parsed.ok_or_else(|| format!("rustc's usage is `{text}` instead of two numbers"))
    }
}

/// Has cargo run this program instead of rustc, which writes what rustc used into `file`.
pub(crate) fn want(cargo: &mut Command, file: &Path) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|why| format!("cannot find this program: {why}"))?;
    let _ = std::fs::remove_file(file);
    cargo.env("RUSTC_WORKSPACE_WRAPPER", program).env(FILE, file);
    // A cache would answer in the place of rustc.
    cargo.env_remove("RUSTC_WRAPPER").env_remove("CARGO_BUILD_RUSTC_WRAPPER");
    Ok(())
}

/// The file to write, if cargo runs this program instead of rustc.
pub(crate) fn wanted() -> Option<PathBuf> {
    std::env::var_os(FILE).map(PathBuf::from)
}

/// Runs rustc, as named by the arguments. Cargo also asks it for its version and its targets, which does not count.
pub(crate) fn run_rustc(file: &Path) -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(rustc) = arguments.next() else { return ExitCode::FAILURE };
    let arguments: Vec<_> = arguments.collect();
    let builds = arguments.iter().any(|argument| argument == "--emit" || argument == "--crate-type");
    let asks = arguments.iter().any(|argument| argument.to_str().is_some_and(|said| said.starts_with("--print")));
    let status = match Command::new(&rustc).args(&arguments).status() {
        Ok(status) => status,
        Err(why) => {
            eprintln!("error: cannot start {}: {why}", Path::new(&rustc).display());
            return ExitCode::FAILURE;
        }
    };
    if !status.success() {
        return status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from);
    }
    if builds && !asks {
        if let Err(why) = write(file) {
            eprintln!("error: {why}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Writes what the children of this process have used: rustc is the only one.
fn write(file: &Path) -> Result<(), String> {
    let used = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|why| format!("cannot tell what rustc used: {why}"))?;
    let micros = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    // Linux counts in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    #[expect(clippy::cast_precision_loss, reason = "microseconds are far below 2^52")]
    let said = format!("{} {}", micros as f64 / 1e6, used.max_rss() * unit);
    std::fs::write(file, said).map_err(|why| format!("cannot write {}: {why}", file.display()))
}
