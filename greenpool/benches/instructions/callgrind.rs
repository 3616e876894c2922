//! Running this program under callgrind.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Load;

const MISSING: &str =
    "valgrind is needed to count instructions, and is not there; install it, as with `apt-get install valgrind`";

/// Whether valgrind can be run at all.
pub(crate) fn is_there() -> Result<(), String> {
    let status = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`valgrind --version` ended with {status}")),
        Err(why) => Err(format!("{MISSING} ({why})")),
    }
}

/// What one job more costs.
pub(crate) fn difference(way: &str, load: Load, jobs: [u64; 2], keep: Option<&Path>) -> Result<f64, String> {
    let [fewer, more] = jobs;
    let small = count(way, load, fewer, keep)?;
    let large = count(way, load, more, keep)?;
    let rise = large.checked_sub(small);
    let rise = rise.ok_or_else(|| format!("{way}: {more} jobs took fewer instructions than {fewer}"))?;
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    Ok(rise as f64 / (more - fewer) as f64)
}

/// The instructions of a whole process.
fn count(way: &str, load: Load, jobs: u64, keep: Option<&Path>) -> Result<u64, String> {
    let name = format!("callgrind.{way}.{}.{jobs}", load.name());
    let folder = match keep {
        Some(folder) => folder.to_owned(),
        None => std::env::temp_dir().join(format!("greenpool-instructions-{}", std::process::id())),
    };
    std::fs::create_dir_all(&folder).map_err(|why| format!("cannot make {}: {why}", folder.display()))?;
    let file = folder.join(name);
    let program = std::env::current_exe().map_err(|why| format!("cannot find this program: {why}"))?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--error-exitcode=1"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program)
        .args(["--only", way, "--load", load.name(), "--counted", &jobs.to_string()])
        .output()
        .map_err(|why| format!("{MISSING} ({why})"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{way} under callgrind ended with {}:\n{said}", output.status));
    }
    let text = std::fs::read_to_string(&file).map_err(|why| format!("callgrind left no {}: {why}", file.display()))?;
    if keep.is_some() {
        eprintln!("kept: {}", file.display());
    } else {
        // The last to leave removes the folder.
        let _ = std::fs::remove_file(&file);
        let _ = std::fs::remove_dir(&folder);
    }
    totals(&text).ok_or_else(|| format!("callgrind's file for {way} has no line `totals:`"))
}

fn totals(text: &str) -> Option<u64> {
    let line = |name| text.lines().find_map(|line| line.strip_prefix(name));
    line("totals:").or_else(|| line("summary:"))?.split_whitespace().next()?.parse().ok()
}
