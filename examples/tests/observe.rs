//! The example that is watched shows the same crawl in its log, on its page for Prometheus, and in its report.

#[allow(dead_code, reason = "not every test uses all of it")]
mod program;

use std::sync::LazyLock;
use std::time::Duration;

use program::{DEADLINE, Program};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// The features that `.ci/run` enables, so that there it is built only once.
const FEATURES: &str = "greenpool-tests/tracing,greenpool-tests/metrics,greenpool-examples/observe";

static OBSERVE: LazyLock<Program> =
    LazyLock::new(|| Program::build_with("observe", &["--workspace", "--features", FEATURES]));

/// The body of a page.
async fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    body.to_owned()
}

#[tokio::test]
async fn the_crawl_is_seen_in_all_three_ways() {
    let mut child = OBSERVE.command(&["127.0.0.1:0"]).env("NO_COLOR", "1").spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = timeout(DEADLINE, lines.next_line()).await.unwrap().unwrap().unwrap();
    let address = first.split('/').nth(2).unwrap().to_owned();

    // A job of the second level logs inside the span of the crawl.
    let visited = async {
        loop {
            let line = lines.next_line().await.unwrap().expect("the crawl goes on");
            if line.contains("crawl") && line.contains("visited") && line.contains("page=3") {
                return;
            }
        }
    };
    timeout(DEADLINE, visited).await.expect("the third page is visited");

    // The numbers are published once a second.
    let metrics = async {
        loop {
            let page = get(&address, "/metrics").await;
            let suspended = page.lines().find_map(|line| line.strip_prefix("greenpool_suspended{pool=\"visit\"} "));
            if suspended.is_some_and(|count| count != "0") {
                return page;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let page = timeout(DEADLINE, metrics).await.expect("parents are suspended");
    for line in ["greenpool_size{pool=\"visit\"} 4", "greenpool_run_seconds_count{pool=\"visit\"}"] {
        assert!(page.contains(line), "{page}");
    }
    let report = get(&address, "/report").await;
    assert!(report.starts_with("pool `visit`: ") && report.contains("waits for greenpool"), "{report}");
}

#[tokio::test]
async fn bad_usage_is_refused_with_advice() {
    OBSERVE.refuses(&["localhost"], "127.0.0.1:9000").await;
}
