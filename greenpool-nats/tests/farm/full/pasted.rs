//! The samples of the book's chapter, pasted into a fresh crate as a reader sees them, and run there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;

use crate::deadline::soon;
use crate::process::Process;
use crate::site::{Site, answering};

crate::tests! {
    the_samples_of_the_chapter_run_where_they_are_pasted,
}

/// A block of a page: what comes before it, up to the last one; its language; and its lines, as a reader sees them.
struct Block<'a> {
    before: &'a str,
    language: &'a str,
    text: String,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut parts = page.split("```");
    let mut before = parts.next().expect("a page begins with text");
    let mut blocks = Vec::new();
    while let (Some(block), Some(after)) = (parts.next(), parts.next()) {
        let (tags, text) = block.split_once('\n').expect("a block has lines");
        let seen = text.lines().filter(|line| *line != "#" && !line.starts_with("# "));
        let text = seen.fold(String::new(), |text, line| text + line + "\n");
        blocks.push(Block { before, language: tags.split(',').next().unwrap_or_default(), text });
        before = after;
    }
    blocks
}

/// The path that the text before a block gives it: the last one in backticks. A sample without one is a few lines of a
/// program, which the tests of the book compile.
fn path(before: &str) -> Option<&Path> {
    let words = before.split('`').skip(1).step_by(2).map(Path::new);
    let paths = words.filter(|word| word.extension().is_some_and(|extension| extension == "rs"));
    paths.last()
}

/// Writes the crate, with the address of this server. Returns how many samples it has.
fn paste(folder: &Path, url: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let page = fs::read_to_string(root.join("book/src/machines.md")).expect("the chapter");
    let _ = fs::remove_dir_all(folder.join("src"));
    let write = |path: PathBuf, text: &str| {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a new folder");
        fs::write(path, text).expect("a new file");
    };
    let mut samples = 0;
    for Block { before, language, text } in blocks(&page) {
        match language {
            "toml" => {
                let dependencies = text.replace("../greenpool/", &format!("{}/", root.display()));
                let package = "[package]\nname = \"pages\"\nedition = \"2024\"\n\n[workspace]\n";
                write(folder.join("Cargo.toml"), &format!("{package}\n{dependencies}"));
            }
            "rust" => {
                let Some(path) = path(before) else { continue };
                write(folder.join(path), &text.replace("nats://127.0.0.1", url));
                samples += 1;
            }
            _ => {}
        }
    }
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("the lock file");
    samples
}

/// Builds the programs, and runs the test of the crate. Offline, because everything that the samples need was built for
/// this test.
fn build(folder: &Path) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--offline", "--quiet", "--test", "measure"]);
    // Nothing here needs debug information, and the build is faster without it.
    cargo.env("CARGO_TARGET_DIR", folder.join("target")).env("CARGO_PROFILE_DEV_DEBUG", "0").current_dir(folder);
    let output = cargo.output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a program of the crate, without the lines of `tracing` between its own.
fn program(folder: &Path, name: &str) -> Process {
    let mut program = Command::new(folder.join("target/debug").join(name));
    program.env("RUST_LOG", "off");
    Process::spawn(program)
}

/// Reads what is left of its output, until it has ended.
async fn rest(mut process: Process) -> Vec<String> {
    let lines = tokio::task::spawn_blocking(move || std::iter::from_fn(|| process.line()).collect());
    soon("a program to end", lines).await.expect("it prints text")
}

async fn the_samples_of_the_chapter_run_where_they_are_pasted() {
    let site = Site::new();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    let (url, pasted) = (site.server.url(), folder.clone());
    let built = tokio::task::spawn_blocking(move || {
        let samples = paste(&pasted, &url);
        build(&pasted);
        samples
    });
    assert_eq!(built.await.unwrap(), 6);

    assert_eq!(rest(program(&folder, "prices")).await, ["Ok(Some(4))"]);
    let mut workers = [(); 2].map(|()| program(&folder, "worker"));
    assert_eq!(workers.each_mut().map(|worker| worker.line().unwrap()), ["working", "working"]);
    let farm = site.farm().await;
    answering(&farm, 2).await;

    let lines = rest(program(&folder, "submit")).await;
    assert_eq!(lines[..3], ["6", "the function says: an empty page", "1"]);
    assert_eq!((lines.len(), &*lines[600]), (601, "599"));

    let mut nightly = program(&folder, "nightly");
    for _ in 0..100 {
        nightly.line().unwrap();
    }
    nightly.kill();
    let lines = rest(program(&folder, "nightly")).await;
    assert_eq!((lines.len(), &*lines[0], &*lines[599]), (600, "Err(\"an empty page\")", "Ok(599)"));

    let mut done = 0;
    for mut worker in workers {
        worker.signal(Signal::SIGTERM);
        let report = rest_of(&mut worker).await;
        done += report.split_once(" done, 0 failed").expect("a report").0.parse::<u32>().expect("a number");
    }
    // The submitter has 602, and the run 600, although it was taken up in the middle.
    assert_eq!(done, 602 + 600);
}

/// Waits until a worker has ended, and returns its report.
async fn rest_of(worker: &mut Process) -> String {
    assert!(worker.ended().await);
    worker.line().expect("a report")
}
