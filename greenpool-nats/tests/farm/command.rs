//! The command-line tool.

use std::iter::repeat;
use std::process::{Command, Stdio};

use crate::deadline::{soon, until};
use crate::jobs::{moody, square};
use crate::process::Process;
use crate::role::Role;
use crate::site::{Site, answering};

crate::tests! {
    the_command_shows_what_workers_do_and_sets_sizes,
    the_command_shows_and_changes_the_dead_list,
    a_wrong_command_line_is_an_error,
}

/// Runs the command. Returns whether it was content, what it printed, and its errors.
async fn command(url: &str, line: &str) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_greenpool-nats"));
    command.env("NATS_URL", url).args(line.split(' ')).stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().expect("the command"));
    let output = soon("the command", output).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// The same if it must be content.
async fn shown(url: &str, line: &str) -> String {
    let (done, text, error) = command(url, line).await;
    assert!(done, "{line}: {error}");
    text
}

/// The words of the line that starts with one.
fn line<'a>(text: &'a str, first: &str) -> Vec<&'a str> {
    let line = text.lines().find(|line| line.starts_with(first));
    line.unwrap_or_else(|| panic!("no line starts with {first}:\n{text}")).split_whitespace().collect()
}

async fn the_command_shows_what_workers_do_and_sets_sizes() {
    let site = Site::new();
    let url = site.server.url();
    assert_eq!(shown(&url, "workers").await, "no workers\n");
    assert_eq!(shown(&url, "top").await, "no functions\n\nno workers\n");
    assert_eq!(shown(&url, "runs").await, "no runs\n");
    let worker = Process::start(&Role::Worker(site.role(6)));
    let farm = site.farm().await;
    answering(&farm, 1).await;
    let far = square::on(&farm);
    let mut done = far.run("nightly 1").imap(0..7, repeat(0));
    while let Some(square) = soon("a square", done.next()).await {
        square.unwrap();
    }
    let held = far.imap(0..8, repeat(60_000));
    until("jobs to run", async || farm.queue("square").await.unwrap().running == 6).await;
    until("all to be stored", async || farm.queue("square").await.unwrap().waiting == 2).await;
    assert_eq!(shown(&url, "resize square 12").await, "square runs 12 jobs at once\n");
    let id = farm.workers().await.unwrap().remove(0).id;
    let pid = worker.id().to_string();
    let top = shown(&url, "top --once").await;
    let of_square = line(&top, "square ");
    assert_eq!(of_square[2..], ["12", "6", "2", "1", "7", "0"], "{top}");
    let of_worker = line(&top, &id);
    assert!(of_worker.contains(&&*pid) && of_worker.contains(&"working"), "{top}");
    assert_eq!(top.lines().filter(|line| line.starts_with(&*id) && line.contains(" square ")).count(), 6, "{top}");
    assert_eq!(shown(&url, "workers").await.lines().count(), 2 + 1 + 7);
    // `nightly 1` has a space.
    assert_eq!(line(&shown(&url, "runs").await, "square "), ["square", "nightly", "1", "7"]);
    let (done, _, error) = command(&url, "resize squares 12").await;
    assert!(!done);
    assert_eq!(error, "error: the NATS server refused to resize a function: no worker has served `squares`\n");
    let signature = of_square[1];
    // A worker would make it again.
    drop((held, worker));
    assert_eq!(shown(&url, &format!("rm square {signature}")).await, format!("square {signature} is removed\n"));
    assert!(shown(&url, "top --once").await.lines().all(|line| !line.starts_with("square ")));
}

async fn the_command_shows_and_changes_the_dead_list() {
    let site = Site::new();
    let url = site.server.url();
    let _worker = site.worker(4);
    let farm = site.farm().await;
    assert_eq!(shown(&url, "dead").await, "no dead jobs\n");
    let run = moody::on(&farm).run("moods");
    for n in [7, 14] {
        soon("the job to be stored", run.spawn_n(n)).await.unwrap();
    }
    until("both jobs to be dead", async || farm.dead().list().await.unwrap().len() == 2).await;
    let list = shown(&url, "dead").await;
    assert!(list.contains("moody/moods/0  the job panicked: 7 is a multiple of 7\n"), "{list}");
    assert_eq!(
        shown(&url, "dead show moody/moods/1").await,
        "moody/moods/1\nthe job panicked: 14 is a multiple of 7\narguments: [14]\n"
    );
    assert_eq!(shown(&url, "dead rm moody/moods/0").await, "moody/moods/0 is removed\n");
    let before = farm.dead().list().await.unwrap();
    assert_eq!(before.len(), 1);
    assert_eq!(shown(&url, "dead retry moody/moods/1").await, "moody/moods/1 is queued again\n");
    until("it to be dead again", async || shown(&url, "dead").await.contains("moody/moods/1")).await;
    let (done, _, error) = command(&url, "dead show moody/moods/0").await;
    assert_eq!((done, &*error), (false, "error: there is no dead job moody/moods/0\n"));
}

async fn a_wrong_command_line_is_an_error() {
    let site = Site::new();
    let url = site.server.url();
    let (done, _, error) = command(&url, "workes").await;
    assert!(!done && error.starts_with("error: `workes` is no command\n\nUsage: "), "{error}");
    assert!(shown(&url, "--help").await.starts_with("Usage: "));
    let version = format!("greenpool-nats {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(shown(&url, "--version").await, version);
    let (done, _, error) = command("nats://127.0.0.1:1", "workers").await;
    assert!(!done && error.starts_with("error: no connection to the NATS server at 127.0.0.1:1: "), "{error}");
    assert!(error.ends_with("; is it running?\n"), "{error}");
    let (done, _, error) = command("http://127.0.0.1", "workers").await;
    assert!(!done && error.starts_with("error: the address of the NATS server cannot be used: "), "{error}");
}
