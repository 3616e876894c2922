//! Generates a copy of greenpool's `lib.rs` with the paths of its modules, so that this crate is greenpool.

use std::path::Path;
use std::{env, fs};

fn main() {
    // Read at run time, not at compile time: the target folder may have been copied.
    let here = env::var("CARGO_MANIFEST_DIR").expect("cargo sets this variable");
    let sources = Path::new(&here).join("../../greenpool/src");
    let lib = sources.join("lib.rs");
    println!("cargo::rerun-if-changed={}", lib.display());
    let text = fs::read_to_string(lib).expect("greenpool has a `lib.rs`");
    let at = |file: &str| format!("#[path = r\"{}\"]", sources.join(file).display());
    let line = |line: &str| {
        if let Some(name) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
            let folder = format!("{name}/mod.rs");
            let file = if sources.join(&folder).exists() { folder } else { format!("{name}.rs") };
            format!("{}\n{line}\n", at(&file))
        } else if let Some(file) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            format!("{}\n", at(file))
        } else {
            format!("{line}\n")
        }
    };
    let written: String = text.lines().filter(|line| !line.starts_with("//!")).map(line).collect();
    let out = env::var("OUT_DIR").expect("cargo sets this variable");
    fs::write(Path::new(&out).join("greenpool.rs"), written).expect("the file can be written");
}
