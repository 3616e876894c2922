//! Runs this program under callgrind.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::profile;
use crate::report::Table;
use crate::ways::load::Load;

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

/// The folder of callgrind's output files, and whether to keep it.
pub(crate) struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    /// Uses the folder `keep`, or a temporary one.
    pub(crate) fn new(keep: Option<&Path>) -> Result<Self, String> {
        let own = || std::env::temp_dir().join(format!("greenpool-instructions-{}", std::process::id()));
        let path = keep.map_or_else(own, Path::to_owned);
        std::fs::create_dir_all(&path).map_err(|why| format!("cannot create {}: {why}", path.display()))?;
        Ok(Folder { path, keep: keep.is_some() })
    }

    /// The cost of one more job.
    pub(crate) fn difference(&self, way: &str, load: Load, jobs: [u64; 2]) -> Result<f64, String> {
        let [fewer, more] = jobs;
        let small = self.count(way, load, fewer)?;
        let large = self.count(way, load, more)?;
        let rise = large.checked_sub(small);
        let rise = rise.ok_or_else(|| format!("{way}: {more} jobs took fewer instructions than {fewer}"))?;
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        Ok(rise as f64 / (more - fewer) as f64)
    }

    /// The profile of one way, if it has been counted.
    pub(crate) fn profile(&self, way: &str, load: Load, jobs: [u64; 2]) -> Result<Table, String> {
        let [fewer, more] = jobs;
        let costs = |jobs| {
            let file = self.file(way, load, jobs);
            let text = std::fs::read_to_string(&file);
            text.map(|text| profile::costs(&text)).map_err(|why| format!("cannot read {}: {why}", file.display()))
        };
        Ok(profile::table(way, &costs(fewer)?, &costs(more)?, more - fewer))
    }

    fn file(&self, way: &str, load: Load, jobs: u64) -> PathBuf {
        self.path.join(format!("callgrind.{way}.{}.{jobs}", load.name()))
    }

    /// Counts the instructions of a whole process.
    fn count(&self, way: &str, load: Load, jobs: u64) -> Result<u64, String> {
        let file = self.file(way, load, jobs);
        let program = std::env::current_exe().map_err(|why| format!("cannot find this program: {why}"))?;
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--error-exitcode=1"])
            .arg(format!("--callgrind-out-file={}", file.display()))
            .arg(program)
            .args(["--only", way, "--load", load.name(), "--counted", &jobs.to_string()])
            .output()
            .map_err(|why| format!("{MISSING} ({why})"))?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{way} under callgrind exited with {}:\n{stderr}", output.status));
        }
        let text = std::fs::read_to_string(&file);
        let text = text.map_err(|why| format!("callgrind did not write {}: {why}", file.display()))?;
        if self.keep {
            eprintln!("kept: {}", file.display());
        }
        totals(&text).ok_or_else(|| format!("callgrind's file for {way} has no `totals:` line"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

fn totals(text: &str) -> Option<u64> {
    let line = |name| text.lines().find_map(|line| line.strip_prefix(name));
    line("totals:").or_else(|| line("summary:"))?.split_whitespace().next()?.parse().ok()
}
