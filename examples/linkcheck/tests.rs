//! The link checker finds all faults of a site and reports nothing else.

#[path = "serve.rs"]
#[allow(dead_code, reason = "this test uses only the server")]
mod serve;
#[path = "site.rs"]
mod site;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse as _};
use serde_json::Value;
use site::{Fault, Outside, Site};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time;
use url::Url;

/// A link to another host without its port, which changes from run to run.
const ELSEWHERE: Outside<'_> = Outside { alive: "elsewhere:", dead: "elsewhere:" };

#[tokio::test]
async fn exactly_the_planted_faults_are_reported() {
    let report = check(&["--json", "--timeout", "5"], 1).await;
    assert_eq!(reported(&report), Site::plan(1, 2_000, ELSEWHERE).faults);
    assert_eq!(report["complete"], true);
}

#[tokio::test]
async fn a_pool_of_one_finds_the_same() {
    let args = ["--json", "--pages", "300", "--seed", "42", "--jobs", "1", "--timeout", "2"];
    let report = check(&args, 1).await;
    assert_eq!(reported(&report), Site::plan(42, 300, ELSEWHERE).faults);
}

#[tokio::test]
async fn only_what_failed_is_requested_twice() {
    let site = Site::plan(3, 400, ELSEWHERE);
    // The other faults are final.
    let passing = site.faults.iter().filter(|fault| ["timeout", "cut-off"].contains(&fault.reason));
    let passing: BTreeSet<_> = passing.map(|fault| fault.link.clone()).collect();
    let asked = Arc::new(Mutex::new(BTreeMap::new()));
    let start = serve::serve(serve::router(site).layer(middleware::from_fn({
        let asked = Arc::clone(&asked);
        move |request: Request, next: Next| {
            *asked.lock().unwrap().entry(request.uri().to_string()).or_insert(0) += 1;
            next.run(request)
        }
    })));
    let start = start.await.unwrap();
    check(&["--json", "--inside", "--timeout", "2", start.as_str()], 1).await;
    let asked = asked.lock().unwrap();
    assert!(asked.len() > 400, "only {} addresses were requested", asked.len());
    assert_eq!(asked.values().max(), Some(&2));
    let twice = asked.iter().filter(|&(_, &times)| times > 1).map(|(address, _)| address.clone());
    assert_eq!(twice.collect::<BTreeSet<_>>(), passing);
}

#[tokio::test]
async fn a_page_that_answers_the_second_time_is_read() {
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let start = serve::serve(Router::new().fallback(move |uri: Uri| {
        let first = asked.lock().unwrap().insert(uri.path().to_owned());
        let links = (0..8).map(|n| format!("<a href=/busy/{n}></a>")).collect::<Vec<_>>().concat();
        async move {
            match uri.path() {
                "/" => Html(links).into_response(),
                busy if busy.starts_with("/busy/") && first => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                busy if busy.starts_with("/busy/") => Html("<a href=/gone>").into_response(),
                _ => StatusCode::NOT_FOUND.into_response(),
            }
        }
    }));
    let start = start.await.unwrap();
    let report = check(&["--json", start.as_str()], 1).await;
    assert_eq!(report["broken"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(report["broken"][0]["pages"].as_array().unwrap().len(), 8, "{report}");
    let totals = &report["totals"];
    // The start page, eight busy pages twice, and the missing one.
    assert_eq!([&totals["requests"], &totals["second_tries"], &totals["late"]], [18, 8, 8], "{report}");
}

#[tokio::test]
async fn many_late_answers_give_a_hint() {
    let links = (0..8).map(|n| format!("<a href=/silent/{n}></a>")).collect::<Vec<_>>().concat();
    let start = serve::serve(Router::new().fallback(move |uri: Uri| {
        let links = links.clone();
        async move {
            if uri.path() != "/" {
                std::future::pending::<()>().await;
            }
            Html(links)
        }
    }));
    let output = run(&["--timeout", "1", start.await.unwrap().as_str()]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("8 broken links on 1 page of "), "{text}");
    assert!(text.contains("\n17 requests in "), "{text}");
    assert!(text.contains("--jobs 10") && text.contains("--timeout 30"), "{text}");
    assert!(text.contains("\nno answer within the time limit: 8 links\n"), "{text}");
}

#[tokio::test]
async fn links_to_other_hosts_can_be_skipped() {
    let report = check(&["--json", "--inside", "--pages", "100", "--timeout", "2"], 1).await;
    let mut inside = Site::plan(1, 100, ELSEWHERE).faults;
    inside.retain(|fault| !fault.link.starts_with(ELSEWHERE.alive) && !fault.link.starts_with("/away/"));
    assert_eq!(reported(&report), inside);
}

#[tokio::test]
async fn a_folder_is_served_and_checked() {
    let folder = folder("folder");
    std::fs::write(folder.join("index.html"), "<a href=sub/>sub</a> <a href=gone.html>gone</a>").unwrap();
    std::fs::write(folder.join("sub/index.html"), "<a href=..>up</a> <a href=#nowhere>x</a>").unwrap();
    let report = check(&["--json", folder.to_str().unwrap()], 1).await;
    let fault = |page: &str, link: &str, reason| Fault { page: page.into(), link: link.into(), reason };
    let faults = [fault("/", "/gone.html", "status"), fault("/sub/", "/sub/#nowhere", "no-anchor")];
    assert_eq!(reported(&report), faults.into());
}

#[tokio::test]
async fn a_site_without_faults_is_a_success() {
    let folder = folder("fine");
    std::fs::write(folder.join("index.html"), "<a href=#top>up</a> <a href=sub/note.txt>note</a>").unwrap();
    std::fs::write(folder.join("sub/note.txt"), "<a href=gone>").unwrap();
    let output = run(&[folder.to_str().unwrap()]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("no broken links"), "{text}");
}

#[tokio::test]
async fn bad_usage_is_refused_with_advice() {
    let empty = folder("empty");
    for (args, advice) in [
        (&["no/such/folder"][..], "http://"),
        (&["http://"], "http://example.org"),
        (&[empty.to_str().unwrap()], "index.html"),
        (&["--jobs", "0"], "from 1 to"),
        (&["--job", "1"], "--jobs"),
        (&["--seed", "1", "http://localhost/"], "--seed"),
        (&["--per-host", "0"], "from 1 to"),
        (&["--per-host", "1", "--inside"], "--per-host"),
    ] {
        let output = run(args).await;
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
        assert!(message.contains(advice), "{args:?}: {message}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[tokio::test]
async fn an_unreachable_site_is_a_broken_link() {
    let dead = tokio::net::TcpSocket::new_v4().unwrap();
    dead.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let url = format!("http://{}/", dead.local_addr().unwrap());
    let report = check(&["--json", &url], 1).await;
    assert_eq!(report["broken"][0]["reason"], "unreachable");
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_drains_and_reports() {
    let mut child = command(&["--json", "--jobs", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let finish = async {
        // Once the first progress line is printed, the crawl is running.
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("running") {
                break;
            }
        }
        let id = child.id().unwrap().to_string();
        let killed = Command::new("kill").args(["-INT", &id]).status().await.unwrap();
        assert!(killed.success());
        // Keep reading, so that the child never writes to a closed pipe.
        let rest = async { while lines.next_line().await.unwrap().is_some() {} };
        tokio::join!(child.wait_with_output(), rest).0.unwrap()
    };
    let output = time::timeout(DEADLINE, finish).await.expect("the interrupt was ignored");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["complete"], false);
    assert!(report["totals"]["pages"].as_u64() < Some(2_000));
    assert!(matches!(output.status.code(), Some(1 | 130)), "{}", output.status);
    // The report is incomplete, but correct.
    assert!(reported(&report).is_subset(&Site::plan(1, 2_000, ELSEWHERE).faults));
}

const DEADLINE: Duration = Duration::from_mins(2);

async fn check(args: &[&str], status: i32) -> Value {
    let output = run(args).await;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn run(args: &[&str]) -> Output {
    let output = time::timeout(DEADLINE, command(args).output()).await;
    output.expect("the link checker hangs").unwrap()
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(&*LINKCHECK);
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// The program. `cargo test --test linkcheck` does not build examples, so this does.
static LINKCHECK: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.args(["build", "--workspace", "--example", "linkcheck", "--message-format", "json"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "the link checker does not build");
    let messages = String::from_utf8(output.stdout).unwrap();
    let executable = |line| {
        let message: Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    };
    messages.lines().find_map(executable).expect("cargo names the program it built")
});

/// An empty folder of this name, with an empty subfolder `sub`.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("linkcheck").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("sub")).unwrap();
    folder
}

/// The faults in the report, in the form of the plan.
fn reported(report: &Value) -> BTreeSet<Fault> {
    let origin = Url::parse(report["site"].as_str().unwrap()).unwrap().origin();
    let short = |url: &str| match Url::parse(url) {
        Ok(parsed) if parsed.origin() == origin => url.split_once(&origin.ascii_serialization()).unwrap().1.to_owned(),
        Ok(parsed) => format!("{}{}", ELSEWHERE.alive, parsed.path()),
        Err(_) => url.to_owned(),
    };
    let mut faults = BTreeSet::new();
    for row in report["broken"].as_array().unwrap() {
        for page in row["pages"].as_array().unwrap() {
            faults.insert(Fault {
                page: short(page.as_str().unwrap()),
                link: short(row["link"].as_str().unwrap()),
                reason: row["reason"].as_str().unwrap().to_owned().leak(),
            });
        }
    }
    faults
}
