//! The load: many clients, each of which checks the echoes it gets.

use std::fmt;
use std::io::{self, Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use greenpool::green_pool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// How long a client waits for its connection, and for each answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// What each client does.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) server: SocketAddr,
    pub(crate) clients: u32,
    pub(crate) rounds: u32,
    pub(crate) pause: Duration,
    /// Clients that have connected, whether the server has accepted them or they are in the system's queue.
    pub(crate) connected: AtomicUsize,
}

/// The outcome of the run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) served: usize,
    pub(crate) failed: usize,
    /// The error of the first client that failed.
    pub(crate) reason: Option<String>,
    pub(crate) time: Duration,
}

// ANCHOR: client
/// One client: connects, then sends messages and checks their echoes.
#[green_pool(size = 4000)]
pub(crate) async fn client(#[shared] plan: Arc<Plan>, number: u32) -> io::Result<()> {
    let mut server = timeout(PATIENCE, TcpStream::connect(plan.server)).await??;
    plan.connected.fetch_add(1, Ordering::Relaxed);
    for round in 0..plan.rounds {
        sleep(plan.pause).await;
        let message = format!("client {number}, message {round}");
        server.write_all(message.as_bytes()).await?;
        let mut answer = vec![0; message.len()];
        timeout(PATIENCE, server.read_exact(&mut answer)).await??;
        if answer != message.as_bytes() {
            return Err(Error::new(ErrorKind::InvalidData, "the echo differs from the message"));
        }
    }
    Ok(())
}

/// Runs all clients, as many at once as their pool allows.
pub(crate) async fn run(plan: Arc<Plan>) -> Outcome {
    let began = Instant::now();
    let mut outcome = Outcome { served: 0, failed: 0, reason: None, time: Duration::ZERO };
    let numbers = 0..plan.clients;
    let mut results = client::imap_unordered(plan, numbers);
    while let Some(result) = results.next().await {
        match result {
            Ok(Ok(())) => outcome.served += 1,
            Ok(Err(error)) => outcome.fail(&error),
            // Ctrl-C closed the pool: this client did not fail, it never started.
            Err(error) if error.is_cancelled() => {}
            Err(error) => outcome.fail(&error),
        }
    }
    outcome.time = began.elapsed();
    outcome
}
// ANCHOR_END: client

impl Outcome {
    fn fail(&mut self, error: &impl fmt::Display) {
        self.failed += 1;
        self.reason.get_or_insert_with(|| error.to_string());
    }
}
