//! The macros' own messages do not depend on how the macros are invoked: the files of `ui/` give the same errors inside
//! `macro_rules!` and with greenpool under another name. What must compile also compiles there, and in older editions.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A way to rewrite a file of `ui/`.
struct Variation {
    name: &'static str,
    /// The name of `greenpool` in the rewritten file.
    crate_name: &'static str,
    edition: &'static str,
    rewrite: fn(&str) -> String,
}

const VARIATIONS: [Variation; 5] = [
    Variation { name: "written", crate_name: "greenpool", edition: "2024", rewrite: written_by_macro_rules },
    Variation { name: "passed", crate_name: "greenpool", edition: "2024", rewrite: passed_through_macro_rules },
    Variation { name: "renamed", crate_name: "pools", edition: "2024", rewrite: under_another_name },
    Variation { name: "edition-2018", crate_name: "greenpool", edition: "2018", rewrite: str::to_owned },
    Variation { name: "edition-2021", crate_name: "greenpool", edition: "2021", rewrite: str::to_owned },
];

impl Variation {
    /// Misuse is checked in one edition only.
    fn has(&self, file: &str) -> bool {
        self.edition == "2024" || file.starts_with("pass")
    }
}

#[test]
fn messages_are_the_same_by_macro_rules_and_under_another_name() {
    let files = files();
    assert!(files.len() > 80, "only {} files were found", files.len());
    let project = Project::new();
    for variation in &VARIATIONS {
        project.add_package(variation);
        for (name, source, _) in files.iter().filter(|(name, ..)| variation.has(name)) {
            project.add_program(variation, name, &(variation.rewrite)(source));
        }
    }
    let errors = project.check();
    let mut wrong = String::new();
    for (name, _, expected) in &files {
        for variation in VARIATIONS.iter().filter(|variation| variation.has(name)) {
            let bin = format!("{}-{name}", variation.name);
            let found = errors.get(&bin).cloned().unwrap_or_default();
            if found != *expected {
                let _ = write!(wrong, "\n{bin}: expected {expected:#?}, found {found:#?}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Each file with its source and its error messages, sorted.
fn files() -> Vec<(String, String, Vec<String>)> {
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui");
    let mut found = Vec::new();
    for folder in ["attr", "item", "pile", "pass"] {
        for entry in fs::read_dir(ui.join(folder)).expect("a folder of ui") {
            let path = entry.expect("a file").path();
            if path.extension().is_some_and(|end| end == "rs") {
                let stem = path.file_stem().expect("a name").to_string_lossy();
                let source = fs::read_to_string(&path).expect("a source");
                let messages = if folder == "pass" { Vec::new() } else { messages(&path.with_extension("stderr")) };
                found.push((format!("{folder}-{stem}"), source, messages));
            }
        }
    }
    found
}

fn messages(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("the expected errors");
    let mut messages: Vec<_> =
        text.lines().filter_map(|line| line.strip_prefix("error: ")).map(str::to_owned).collect();
    assert!(!messages.is_empty(), "{} has no message", path.display());
    messages.sort();
    messages
}

/// Moves all items into the definition of a macro, unless they define macros themselves.
fn written_by_macro_rules(source: &str) -> String {
    let (inner, items) = parts(source);
    if items.contains('$') {
        return source.to_owned();
    }
    format!("{inner}macro_rules! write {{\n    () => {{\n{items}\n    }};\n}}\n\nwrite! {{}}\n")
}

/// Passes all items through a macro, token by token.
fn passed_through_macro_rules(source: &str) -> String {
    let (inner, items) = parts(source);
    let pass = "macro_rules! pass {\n    ($($token:tt)*) => { $($token)* };\n}\n";
    format!("{inner}{pass}\npass! {{\n{items}\n}}\n")
}

/// Splits a file into its inner attributes and its items.
fn parts(source: &str) -> (String, String) {
    let is_inner = |line: &&str| line.starts_with("#![") || line.starts_with("//!");
    let (inner, items): (Vec<_>, Vec<_>) = source.lines().partition(is_inner);
    (format!("{}\n", inner.join("\n")), items.join("\n"))
}

/// Renames `greenpool` to `pools`, and adds `crate = ::pools` to the attribute.
fn under_another_name(source: &str) -> String {
    let mut renamed = String::new();
    for line in source.replace("greenpool", "pools").lines() {
        let line = match (line.strip_suffix(")]"), line.strip_suffix("green_pool]")) {
            (Some(before), _) if line.contains("green_pool(") && !line.contains("crate = ") => {
                format!("{before}, crate = ::pools)]")
            }
            (_, Some(before)) => format!("{before}green_pool(crate = ::pools)]"),
            _ => line.to_owned(),
        };
        renamed += &line;
        renamed.push('\n');
    }
    renamed
}

/// A workspace with a package per variation and a program per file, so that one run of cargo checks all of them.
struct Project {
    root: PathBuf,
    target: PathBuf,
}

impl Project {
    fn new() -> Self {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("variations");
        let root = target.join("workspace");
        if root.exists() {
            fs::remove_dir_all(&root).expect("removing what an earlier run wrote");
        }
        fs::create_dir_all(&root).expect("a folder");
        let members = VARIATIONS.map(|variation| variation.name);
        let manifest = format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n");
        fs::write(root.join("Cargo.toml"), manifest).expect("a manifest");
        fs::copy(workspace().join("Cargo.lock"), root.join("Cargo.lock")).expect("the lock file");
        Self { root, target }
    }

    fn add_package(&self, variation: &Variation) {
        let Variation { name, crate_name, edition, .. } = variation;
        let greenpool = workspace().join("greenpool");
        let greenpool = greenpool.display();
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"{edition}\"\n\n[dependencies]\n\
             {crate_name} = {{ package = \"greenpool\", path = '{greenpool}' }}\n\
             tokio = {{ version = \"1\", features = [\"full\"] }}\ntracing = \"0.1\"\n"
        );
        fs::create_dir_all(self.root.join(name).join("src/bin")).expect("a folder");
        fs::write(self.root.join(name).join("Cargo.toml"), manifest).expect("a manifest");
    }

    fn add_program(&self, variation: &Variation, name: &str, source: &str) {
        let name = format!("{}-{name}.rs", variation.name);
        fs::write(self.root.join(variation.name).join("src/bin").join(name), source).expect("a source");
    }

    /// Checks all programs and returns the errors of each, sorted, and of those that must compile the warnings as well.
    fn check(&self) -> BTreeMap<String, Vec<String>> {
        let output = Command::new(env!("CARGO"))
            .args(["check", "--workspace", "--bins", "--keep-going", "--offline", "--quiet", "--message-format=json"])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        let mut errors = BTreeMap::<String, Vec<String>>::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Ok(message) = serde_json::from_str::<serde_json::Value>(line) else { continue };
            let text = message["message"]["message"].as_str();
            let (Some(text), Some(bin)) = (text, message["target"]["name"].as_str()) else { continue };
            let level = message["message"]["level"].as_str();
            let counts = level == Some("error") || level == Some("warning") && bin.contains("-pass-");
            if counts && !text.starts_with("aborting due to") {
                let text = text.replace("pools", "greenpool");
                errors.entry(bin.to_owned()).or_default().push(text);
            }
        }
        for messages in errors.values_mut() {
            messages.sort();
        }
        errors
    }
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}
