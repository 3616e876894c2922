//! The echo server serves every client, never exceeds its limit, and shuts down gracefully.

#[allow(dead_code, reason = "not every test uses all of it")]
mod program;

use std::net::SocketAddr;
use std::sync::LazyLock;

use program::{DEADLINE, Program};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::time::timeout;

static ECHO: LazyLock<Program> = LazyLock::new(|| Program::build("echo"));

#[tokio::test]
async fn every_client_is_served_within_the_limit() {
    let args = ["--clients", "500", "--at-once", "200", "--handlers", "20", "--rounds", "2", "--pause", "1"];
    let text = ECHO.prints(&args, 0).await;
    assert!(text.contains("clients: 500 of 500 served, 0 failed"), "{text}");
    assert!(text.contains("server: 500 accepted, 500 served, 0 lost"), "{text}");
    assert!(text.contains("most at once: 20; pool size: 20"), "{text}");
}

#[tokio::test]
async fn one_handler_serves_one_client_at_a_time() {
    let args = ["--clients", "20", "--handlers", "1", "--rounds", "1", "--pause", "0"];
    let text = ECHO.prints(&args, 0).await;
    assert!(text.contains("most at once: 1; pool size: 1"), "{text}");
}

#[tokio::test]
async fn bad_usage_is_refused_with_advice() {
    ECHO.refuses(&["--handlers", "0"], "from 1 to").await;
    ECHO.refuses(&["--listen", "localhost"], "127.0.0.1:7000").await;
    ECHO.refuses(&["--listen", "127.0.0.1:7000", "--clients", "5"], "--clients").await;
    ECHO.refuses(&["--client", "5"], "--clients").await;
}

#[tokio::test]
async fn an_address_in_use_is_refused_with_advice() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    ECHO.refuses(&["--listen", &address], "another address").await;
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_lets_clients_in_a_handler_finish() {
    let mut server = serve(&["--handlers", "2", "--grace", "60"]).await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(say(&mut client, "before").await, "before");

    program::interrupt(&server.child).await;
    until_refused(server.address).await;
    assert_eq!(say(&mut client, "after").await, "after");
    drop(client);
    let text = server.finish().await;
    assert!(text.contains(" served, 0 lost"), "{text}");
    assert!(!text.contains("cut off"), "{text}");
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupted_load_is_reported() {
    let mut child =
        ECHO.command(&["--handlers", "1", "--pause", "1000", "--clients", "50", "--grace", "0"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    timeout(DEADLINE, lines.read_line(&mut text)).await.unwrap().unwrap();
    program::interrupt(&child).await;
    timeout(DEADLINE, lines.read_to_string(&mut text)).await.expect("the interrupt was ignored").unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(130), "{text}");
    assert!(text.contains(" of 50 served, "), "{text}");
    assert!(text.contains(" turned away"), "{text}");
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_cuts_off_clients_after_the_grace_period() {
    let mut server = serve(&["--handlers", "2", "--grace", "0"]).await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(say(&mut client, "before").await, "before");

    program::interrupt(&server.child).await;
    assert_eq!(timeout(DEADLINE, client.read(&mut [0; 8])).await.unwrap().unwrap_or(0), 0);
    let text = server.finish().await;
    assert!(text.contains("clients cut off: 1"), "{text}");
}

/// A server in a process of its own.
struct Server {
    child: Child,
    lines: BufReader<tokio::process::ChildStdout>,
    address: SocketAddr,
}

async fn serve(args: &[&str]) -> Server {
    let mut child = ECHO.command(&[&["--listen", "127.0.0.1:0"], args].concat()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    timeout(DEADLINE, lines.read_line(&mut line)).await.unwrap().unwrap();
    let address = line.trim().rsplit(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("{line}"));
    Server { child, lines, address }
}

impl Server {
    /// Waits until the server exits, checks that it succeeded, and returns the rest of its output.
    async fn finish(&mut self) -> String {
        let mut text = String::new();
        timeout(DEADLINE, self.lines.read_to_string(&mut text)).await.expect("the server hangs").unwrap();
        assert!(self.child.wait().await.unwrap().success(), "{text}");
        text
    }
}

async fn say(client: &mut TcpStream, word: &str) -> String {
    let mut answer = vec![0; word.len()];
    client.write_all(word.as_bytes()).await.unwrap();
    timeout(DEADLINE, client.read_exact(&mut answer)).await.expect("no echo").unwrap();
    String::from_utf8(answer).unwrap()
}

/// Waits until connections are refused: then the server has handled the interrupt.
async fn until_refused(address: SocketAddr) {
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    timeout(DEADLINE, refused).await.expect("the interrupt was ignored");
}
