//! The connection to the servers, on a thread of its own: a runtime whose jobs block does not keep it from answering.

use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerAddr, jetstream};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, timeout_at};

use crate::error::FarmError;
use crate::names::Names;

/// The first connection must succeed within this time.
const FIRST_CONNECTION: Duration = Duration::from_secs(5);

/// A connection, and the thread that has it.
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) jetstream: jetstream::Context,
    pub(crate) names: Names,
    /// Runs what must go on while the jobs of a process block their threads.
    pub(crate) io: Handle,
    /// How often there was a connection.
    connections: watch::Receiver<u64>,
    _thread: Thread,
}

impl Link {
    pub(crate) async fn connect(
        options: ConnectOptions,
        servers: Vec<ServerAddr>,
        names: Names,
    ) -> Result<Self, FarmError> {
        let (thread, io) = Thread::start();
        let (count, connections) = watch::channel(0);
        let options = options
            .max_reconnects(None)
            .reconnect_delay_callback(reconnect_delay)
            .ping_interval(Duration::from_secs(5))
            .event_callback(move |event| {
                if event == Event::Connected {
                    count.send_modify(|count| *count += 1);
                }
                std::future::ready(())
            });
        let first = io.spawn(first_connection(options, servers));
        let client = first.await.expect("the thread of the connection does not panic")?;
        let version = client.server_info().version;
        if !client.is_server_compatible(2, 10, 23) {
            return Err(FarmError::ServerTooOld { version });
        }
        let jetstream = jetstream::new(client.clone());
        Ok(Link { client, jetstream, names, io, connections, _thread: thread })
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Which connection it is.
    pub(crate) fn connection(&self) -> u64 {
        *self.connections.borrow()
    }

    /// Tells of each new connection.
    pub(crate) fn connections(&self) -> watch::Receiver<u64> {
        self.connections.clone()
    }
}

/// Not all at once: each process has its own delays.
fn reconnect_delay(attempt: usize) -> Duration {
    let delay = Duration::from_millis(50 << attempt.min(5)).min(Duration::from_secs(1));
    delay.mul_f64(0.75 + f64::from(std::process::id() % 64) / 128.0)
}

async fn first_connection(options: ConnectOptions, servers: Vec<ServerAddr>) -> Result<Client, FarmError> {
    let deadline = Instant::now() + FIRST_CONNECTION;
    loop {
        let connected = timeout_at(deadline, options.clone().connect(servers.clone())).await;
        let error = match connected {
            Ok(Ok(client)) => return Ok(client),
            Ok(Err(error)) => error,
            Err(_) => return Err(FarmError::Connect(ConnectErrorKind::TimedOut.into())),
        };
        let hopeless = matches!(
            error.kind(),
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication | ConnectErrorKind::Tls
        );
        if hopeless || Instant::now() + Duration::from_millis(100) >= deadline {
            return Err(FarmError::Connect(error));
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// A thread with a runtime, which ends when this is dropped.
struct Thread {
    _end: oneshot::Sender<()>,
}

impl Thread {
    fn start() -> (Self, Handle) {
        let (end, ended) = oneshot::channel::<()>();
        let runtime = Builder::new_current_thread().enable_all().build().expect("the system has a runtime's resources");
        let handle = runtime.handle().clone();
        let run = move || {
            let _ = runtime.block_on(ended);
        };
        std::thread::Builder::new().name("greenpool-nats".to_owned()).spawn(run).expect("the system has a thread");
        (Thread { _end: end }, handle)
    }
}

/// `Link` is shared by what submits and by what works.
pub(crate) type SharedLink = Arc<Link>;
