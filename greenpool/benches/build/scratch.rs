//! The workspace in which the cases are built.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::case::{self, Case};
use crate::usage::{self, Usage};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

impl Profile {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Profile::Debug => "debug",
            Profile::Release => "release",
        }
    }

    fn flags(self) -> &'static [&'static str] {
        match self {
            Profile::Debug => &[],
            Profile::Release => &["--release"],
        }
    }
}

/// A workspace with one package for each case. It stays for the next run, with the dependencies that have been built.
pub(crate) struct Scratch {
    path: PathBuf,
    cargo: OsString,
}

impl Scratch {
    pub(crate) fn new() -> Result<Self, String> {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("build");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let scratch = Scratch { path, cargo };
        let members: Vec<_> = case::all().iter().map(|case| case.id).collect();
        let manifest = format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n");
        scratch.write("Cargo.toml", &manifest)?;
        // The versions that the other benches measure.
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        let lock = fs::read_to_string(&lock).map_err(|why| format!("cannot read {}: {why}", lock.display()))?;
        scratch.write("Cargo.lock", &lock)?;
        for case in case::all() {
            // Cargo wants a source for each member.
            scratch.package(case, 1)?;
        }
        Ok(scratch)
    }

    /// A library with that many functions.
    pub(crate) fn package(&self, case: Case, functions: usize) -> Result<Package<'_>, String> {
        let id = case.id;
        let manifest = format!(
            "[package]\nname = \"{id}\"\nedition = \"2024\"\n\n[lib]\nname = \"{}\"\n\n[dependencies]\n\
             greenpool = {{ path = {:?} }}\ntokio = {{ version = \"1\", features = [\"rt\", \"time\"] }}\n",
            crate_name(id),
            env!("CARGO_MANIFEST_DIR"),
        );
        self.write(&format!("{id}/Cargo.toml"), &manifest)?;
        self.write(&format!("{id}/src/lib.rs"), &case.source(functions))?;
        Ok(Package { scratch: self, case })
    }

    fn write(&self, file: &str, text: &str) -> Result<(), String> {
        let file = self.path.join(file);
        let folder = file.parent().unwrap_or(&self.path);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, text));
        written.map_err(|why| format!("cannot write {}: {why}", file.display()))
    }

    /// Where cargo puts what it builds.
    fn target(&self) -> PathBuf {
        self.path.join("target")
    }

    fn cargo(&self, verb: &str, package: &str, profile: Profile) -> Command {
        let mut cargo = Command::new(&self.cargo);
        cargo.current_dir(&self.path).args([verb, "--quiet", "--package", package]).args(profile.flags());
        cargo.arg("--target-dir").arg(self.target());
        cargo.env("CARGO_INCREMENTAL", "0");
        cargo
    }
}

pub(crate) struct Package<'a> {
    scratch: &'a Scratch,
    case: Case,
}

impl Package<'_> {
    /// Builds the library anew, and its dependencies if they are not there.
    pub(crate) fn build(&self, profile: Profile) -> Result<Usage, String> {
        let id = self.case.id;
        run(self.scratch.cargo("clean", id, profile), "cargo clean", id)?;
        let file = self.scratch.path.join("usage");
        let mut cargo = self.scratch.cargo("build", id, profile);
        usage::want(&mut cargo, &file)?;
        run(cargo, "cargo build", id)?;
        let said = fs::read_to_string(&file).map_err(|why| format!("rustc did not run for {id}: {why}"))?;
        said.parse()
    }

    /// The file that has been built.
    pub(crate) fn library(&self, profile: Profile) -> PathBuf {
        self.scratch.target().join(profile.name()).join(format!("lib{}.rlib", crate_name(self.case.id)))
    }
}

fn crate_name(id: &str) -> String {
    format!("built_{}", id.replace('-', "_"))
}

fn run(mut command: Command, what: &str, id: &str) -> Result<(), String> {
    let status = command.status().map_err(|why| format!("cannot start {what}: {why}"))?;
    if status.success() { Ok(()) } else { Err(format!("{what} of {id} ended with {status}")) }
}
