//! The profiles of callgrind, in a folder.

use std::path::{Path, PathBuf};

use crate::report::{Table, callgrind};
use crate::{Case, name_of, profile};

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
    pub(crate) fn difference(&self, case: &Case, jobs: [u64; 2]) -> Result<f64, String> {
        let [fewer, more] = jobs;
        let small = self.count(case, fewer)?;
        let large = self.count(case, more)?;
        let rise = large.checked_sub(small);
        let rise = rise.ok_or_else(|| format!("{}: {more} jobs took fewer instructions than {fewer}", case.way.id))?;
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        Ok(rise as f64 / (more - fewer) as f64)
    }

    /// The profile of one way, if it has been counted.
    pub(crate) fn profile(&self, case: &Case, jobs: [u64; 2]) -> Result<Table, String> {
        let [fewer, more] = jobs;
        let costs = |jobs| {
            let file = self.file(case, jobs);
            let text = std::fs::read_to_string(&file);
            text.map(|text| profile::costs(&text)).map_err(|why| format!("cannot read {}: {why}", file.display()))
        };
        Ok(profile::table(case.way.id, &costs(fewer)?, &costs(more)?, more - fewer))
    }

    fn file(&self, Case { way, load, caller }: &Case, jobs: u64) -> PathBuf {
        self.path.join(format!("callgrind.{}.{}.{}.{jobs}", way.id, load.name(), name_of(*caller)))
    }

    /// Counts the instructions of a whole process.
    fn count(&self, case: &Case, jobs: u64) -> Result<u64, String> {
        let (file, jobs) = (self.file(case, jobs), jobs.to_string());
        let (load, caller) = (case.load.name(), name_of(case.caller));
        let arguments = ["--only", case.way.id, "--load", load, "--caller", caller, "--counted", &jobs];
        let counted = callgrind::count(&arguments, &file)?;
        if self.keep {
            eprintln!("kept: {}", file.display());
        }
        Ok(counted)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
