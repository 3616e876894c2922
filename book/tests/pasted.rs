//! The samples of the README and of the first chapters are programs to paste. This test pastes them: each is written
//! into a fresh crate as a reader sees it, beside the file `web.rs`, and compiled and run there.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The pages whose samples a reader may paste. The samples of the others are documentation tests.
const PAGES: [&str; 14] = [
    "../../README.md",
    "introduction.md",
    "first-pool.md",
    "results.md",
    "fire-and-forget.md",
    "maps.md",
    "fan-out.md",
    "declared.md",
    "errors.md",
    "sizing.md",
    "testing.md",
    "link-checker.md",
    "from-futures.md",
    "client.md",
];

/// A sample, as a reader sees it.
struct Sample {
    name: String,
    text: String,
    panics: bool,
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn page(name: &str) -> String {
    fs::read_to_string(source().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The blocks of a page in some language, each with the rest of its first line.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<(&'a str, &'a str)> {
    let fence = format!("\n```{language}");
    let starts = page.split(&fence).skip(1);
    starts
        .filter_map(|rest| {
            let (tags, rest) = rest.split_once('\n')?;
            (tags.is_empty() || tags.starts_with(',')).then_some(())?;
            Some((tags, rest.split_once("\n```")?.0))
        })
        .collect()
}

fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for name in PAGES {
        let text = page(name);
        let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str()).expect("a name");
        for (number, (tags, text)) in blocks(&text, "rust").into_iter().enumerate() {
            let hidden = text.lines().find(|line| *line == "#" || line.starts_with("# "));
            assert_eq!(hidden, None, "{name} hides a line, which would be missing where a sample is pasted");
            samples.push(Sample {
                name: format!("{}_{}", stem.replace('-', "_").to_lowercase(), number + 1),
                text: text.to_owned(),
                panics: tags.contains("should_panic"),
            });
        }
    }
    samples
}

/// The manifest that the chapters tell a reader to write, with the path of this repository.
fn manifest() -> String {
    let toml = |name| {
        let page = page(name);
        blocks(&page, "toml").first().expect("a manifest").1.to_owned()
    };
    let root = source().join("../../greenpool").canonicalize().expect("the folder of the library");
    let dependencies = toml("first-pool.md").replace("../greenpool/greenpool", root.to_str().expect("a path in UTF-8"));
    let more = toml("from-futures.md").replace("[dependencies]\n", "");
    let package = "[package]\nname = \"pasted\"\nedition = \"2024\"\n\n[workspace]\n";
    format!("{package}\n{dependencies}\n{more}\n\n{}\n", toml("testing.md"))
}

/// Writes the crate. Each sample is a module of its own, and has its own `web.rs`.
fn paste(folder: &Path, samples: &[Sample]) {
    let src = folder.join("src");
    let _ = fs::remove_dir_all(&src);
    let write = |path: PathBuf, text: &str| {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a new folder");
        fs::write(path, text).expect("a new file");
    };
    let web = page("web.rs");
    let real = std::env::var_os("GREENPOOL_REAL_CLOCK").is_some();
    let mut main = "fn main() {}\n".to_owned();
    for Sample { name, text, panics } in samples {
        let mut text = text.clone();
        if !real {
            text = text.replace("#[tokio::main]", "#[tokio::main(flavor = \"current_thread\", start_paused = true)]");
        }
        let _ = writeln!(main, "mod {name};");
        if text.contains("fn main()") {
            text.push_str(
                "\npub(crate) fn pasted() -> std::process::ExitCode { std::process::Termination::report(main()) }\n",
            );
            let attribute = if *panics { "#[test] #[should_panic]" } else { "#[test]" };
            let check = format!("assert_eq!({name}::pasted(), std::process::ExitCode::SUCCESS)");
            let _ = writeln!(main, "{attribute} fn {name}_runs() {{ {check} }}");
        } else {
            assert!(text.contains("#[tokio::test"), "{name} has neither a main function nor a test");
        }
        write(src.join(name).join("web.rs"), &web);
        write(src.join(format!("{name}.rs")), &text);
    }
    write(src.join("main.rs"), &main);
    write(folder.join("Cargo.toml"), &manifest());
    fs::copy(source().join("../../Cargo.lock"), folder.join("Cargo.lock")).expect("the lock file");
}

#[test]
fn every_sample_runs_where_it_is_pasted() {
    let samples = samples();
    assert!(samples.len() > 70, "only {} samples were found", samples.len());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pasted");
    paste(&folder, &samples);
    let mut cargo = Command::new(env!("CARGO"));
    // Offline, because everything that the samples need was built for this test.
    cargo.args(["test", "--offline", "--quiet", "--target-dir"]).arg(folder.join("target")).current_dir(&folder);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR")
    {
        cargo.env_remove(name);
    }
    let output = cargo.env("RUSTFLAGS", "-A warnings").output().expect("cargo");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}:\n{text}\n{errors}", folder.display());
}
