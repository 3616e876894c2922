//! The feed server answers each list in time and in order, with partial results, and aborts abandoned requests.

#[allow(dead_code, reason = "not every test uses all of it")]
#[path = "../tests/program/mod.rs"]
mod program;

use std::net::SocketAddr;
use std::sync::LazyLock;

use program::{DEADLINE, Program};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;
use tokio::time::timeout;

static FEEDS: LazyLock<Program> = LazyLock::new(|| Program::build("feeds"));

#[tokio::test]
async fn the_demonstration_has_titles_and_errors() {
    let text = FEEDS.prints(&["--feed", "1"], 0).await;
    for part in ["Harbour news", "A ladder for sale", "too slow", "not a feed", "404", "2 read, 4 failed"] {
        assert!(text.contains(part), "no {part}: {text}");
    }
}

#[tokio::test]
async fn the_answers_come_in_the_order_of_the_list() {
    let server = serve(&["--feed", "1", "--jobs", "2"]).await;
    let (status, answer) = server.post(&["orchard.atom", "slow.xml", "gone.xml", "harbour.xml"]).await;
    assert_eq!(status, 200, "{answer}");
    let said: Vec<_> = answer["feeds"].as_array().unwrap().iter().map(said).collect();
    assert_eq!(said, ["The orchard", "too slow", "the server answered 404 Not Found", "Harbour news"]);
}

#[tokio::test]
async fn a_fetch_without_a_slot_in_time_is_reported() {
    let server = serve(&["--jobs", "1", "--feed", "600", "--request", "1"]).await;
    let (status, answer) = server.post(&["slow.xml", "harbour.xml"]).await;
    assert_eq!(status, 200, "{answer}");
    let said: Vec<_> = answer["feeds"].as_array().unwrap().iter().map(said).collect();
    assert_eq!(said, ["too slow", "not started in time"]);
}

#[tokio::test]
async fn hanging_up_releases_the_slots() {
    let server = serve(&["--jobs", "2", "--feed", "600", "--request", "600"]).await;
    let hasty = server.begin(&["slow.xml"; 5]).await;
    let full = server.status_until(|status| status["waiting"] == 1).await;
    assert_eq!((&full["running"], &full["free"]), (&json!(2), &json!(0)));

    drop(hasty);
    let idle = server.status_until(|status| status["running"] == 0).await;
    assert_eq!((&idle["waiting"], &idle["aborted"], &idle["finished"]), (&json!(0), &json!(2), &json!(0)));
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_lets_requests_in_progress_finish() {
    let mut server = serve(&["--feed", "2"]).await;
    // It never answers. The server itself takes no connections after the interrupt, also not from its own jobs.
    let slow = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let urls = [format!("http://{}", slow.local_addr().unwrap()), server.sample("harbour.xml")];
    let patient = server.request(&urls).await;
    let _connected = timeout(DEADLINE, slow.accept()).await.expect("the feed is never fetched").unwrap();
    server.status_until(|status| status["running"] == 1 && status["finished"] == 1).await;
    program::interrupt(&server.child).await;

    let (status, answer) = response(patient).await;
    assert_eq!((status, said(&answer["feeds"][0]), said(&answer["feeds"][1])), (200, "too slow", "Harbour news"));
    let ended = timeout(DEADLINE, server.child.wait()).await.expect("the server hangs");
    assert!(ended.unwrap().success());
}

#[tokio::test]
async fn a_list_that_is_none_is_refused() {
    let server = serve(&[]).await;
    let (status, answer) = server.post(&[]).await;
    assert_eq!(status, 400);
    assert!(answer.as_str().unwrap().contains("ask for 1 to"), "{answer}");
}

#[tokio::test]
async fn bad_usage_is_refused_with_advice() {
    FEEDS.refuses(&["--jobs", "0"], "from 1 to").await;
    FEEDS.refuses(&["--listen", "here"], "127.0.0.1:8080").await;
    FEEDS.refuses(&["--job", "1"], "--jobs").await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    FEEDS.refuses(&["--listen", &taken.local_addr().unwrap().to_string()], "--listen").await;
}

/// A server that runs until this is dropped.
struct Server {
    child: Child,
    address: SocketAddr,
}

async fn serve(args: &[&str]) -> Server {
    let mut child = FEEDS.command(&[&["--listen", "127.0.0.1:0"], args].concat()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(DEADLINE, lines.next_line()).await.unwrap().unwrap().unwrap();
    let address = line.rsplit('/').next().unwrap().parse().unwrap_or_else(|_| panic!("{line}"));
    // Keep reading, so that the server never writes to a closed pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Server { child, address }
}

impl Server {
    async fn post(&self, samples: &[&str]) -> (u16, Value) {
        response(self.begin(samples).await).await
    }

    /// Sends the request without waiting for the answer.
    async fn begin(&self, samples: &[&str]) -> TcpStream {
        let urls: Vec<_> = samples.iter().map(|name| self.sample(name)).collect();
        self.request(&urls).await
    }

    fn sample(&self, name: &str) -> String {
        format!("http://{}/samples/{name}", self.address)
    }

    async fn request(&self, urls: &[String]) -> TcpStream {
        let body = json!({ "feeds": urls }).to_string();
        let head = format!("POST /feeds HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
        self.send(&format!("{head}\r\nhost: here\r\nconnection: close\r\n\r\n{body}")).await
    }

    /// Polls the status until `so` holds, and returns it.
    async fn status_until(&self, so: impl Fn(&Value) -> bool) -> Value {
        let look = async {
            loop {
                let request = "GET /status HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n";
                let (_, status) = response(self.send(request).await).await;
                if so(&status) {
                    return status;
                }
            }
        };
        timeout(DEADLINE, look).await.expect("the status was never reached")
    }

    async fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }
}

/// The status, and the body as JSON if it parses, otherwise as text.
async fn response(mut stream: TcpStream) -> (u16, Value) {
    let mut text = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut text)).await.expect("no answer").unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_else(|_| body.into()))
}

/// The title of a feed, or its error.
fn said(entry: &Value) -> &str {
    let error = entry["error"].as_str().map(|error| error.split(':').next().unwrap());
    error.or(entry["title"].as_str()).unwrap()
}
