//! The connection to the servers, on a thread of its own: a runtime whose jobs block does not keep it from answering.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{
    Client, ConnectErrorKind, ConnectOptions, Event, HeaderMap, Request, RequestErrorKind, ServerAddr, ServerError,
    Subscriber, jetstream,
};
use bytes::Bytes;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::error::{FarmError, refused};
use crate::names::Names;
use crate::rights::{Denied, Rights};
use crate::wire::{self, Stored};

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
    rights: Rights,
    /// What the subjects of all inboxes begin with.
    inboxes: String,
    _thread: Thread,
}

impl Link {
    pub(crate) async fn connect(
        options: ConnectOptions,
        servers: Vec<ServerAddr>,
        names: Names,
    ) -> Result<Self, FarmError> {
        let (thread, io) = Thread::start();
        let (count, mut connections) = watch::channel(0);
        let rights = Rights::new();
        let options = options
            .max_reconnects(None)
            .reconnect_delay_callback(reconnect_delay)
            .ping_interval(Duration::from_secs(5))
            .event_callback({
                let rights = rights.clone();
                move |event| {
                    match event {
                        Event::Connected => count.send_modify(|count| *count += 1),
                        Event::ServerError(ServerError::Other(error)) => rights.hear(&error),
                        _ => {}
                    }
                    std::future::ready(())
                }
            });
        let first = io.spawn(first_connection(options, servers));
        let client = first.await.expect("the thread of the connection does not panic")?;
        // Another task tells that. What comes later is a new connection, after which the jobs that are out are looked for.
        let told = connections.wait_for(|count| *count > 0);
        let _ = timeout(FIRST_CONNECTION, told).await;
        let version = client.server_info().version;
        if !client.is_server_compatible(2, 10, 23) {
            return Err(FarmError::ServerTooOld { version });
        }
        let jetstream = jetstream::new(client.clone());
        let inbox = client.new_inbox();
        let inboxes = inbox.rsplit_once('.').map_or(&*inbox, |(prefix, _)| prefix).to_owned();
        Ok(Link { client, jetstream, names, io, connections, rights, inboxes, _thread: thread })
    }

    /// Publishes into a stream, and waits for what the server says.
    pub(crate) async fn store(&self, subject: String, headers: HeaderMap, body: Bytes, timeout: Duration) -> Stored {
        let request = Request::new().payload(body).headers(headers).timeout(Some(timeout));
        let answer = self.client.send_request(subject.clone(), request);
        match self.rights.needed(|denied| self.concerns(denied, |publish| publish == subject), answer).await {
            Ok(answered) => wire::stored(answered),
            Err(right) => Stored::Forbidden(right),
        }
    }

    /// Asks the server for something that concerns a stream.
    pub(crate) fn request<'a, T, E: Display>(
        &'a self,
        what: impl Into<String>,
        stream: &'a str,
        request: impl IntoFuture<Output = Result<T, E>, IntoFuture: 'a>,
    ) -> impl Future<Output = Result<T, FarmError>> {
        let what = what.into();
        // It is large.
        let request = Box::pin(request.into_future());
        let of_stream =
            move |subject: &str| subject.starts_with("$JS.API.") && subject.split('.').any(|name| name == stream);
        async move {
            match self.rights.needed(|denied| self.concerns(denied, of_stream), request).await {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(_)) if !self.is_connected() => Err(FarmError::Away { what }),
                Ok(Err(error)) => Err(refused(what, error)),
                Err(right) => Err(FarmError::Forbidden { what, right }),
            }
        }
    }

    /// Waits for the answer to a request, unless the user may not publish to its subject.
    pub(crate) async fn allowed<F: Future>(
        &self,
        what: &str,
        subject: &str,
        answer: F,
    ) -> Result<F::Output, FarmError> {
        let needed = self.rights.needed(|denied| self.concerns(denied, |publish| publish == subject), answer);
        needed.await.map_err(|right| FarmError::Forbidden { what: what.to_owned(), right })
    }

    /// Waits until the user may not publish to a subject.
    pub(crate) fn missing(&self, subject: &str) -> impl Future<Output = String> {
        self.rights.missing(move |denied| self.concerns(denied, |publish| publish == subject))
    }

    /// Subscribes to a subject. When it returns, the server knows.
    pub(crate) async fn subscribe(&self, subject: &str) -> Result<Subscriber, FarmError> {
        let what = || format!("hear of {subject}");
        let subscribed = async {
            let subscriber = self.client.subscribe(subject.to_owned()).await.map_err(|error| refused(what(), error))?;
            // The answer to this comes after the one to the subscription.
            let nobody = Request::new().timeout(Some(wire::PATIENCE));
            match self.client.send_request(format!("{}.nobody", self.inboxes), nobody).await {
                Err(error) if error.kind() == RequestErrorKind::NoResponders => {
                    // What the server has said before is told by another task.
                    sleep(Duration::from_millis(1)).await;
                    Ok(subscriber)
                }
                Err(error) => Err(refused(what(), error)),
                Ok(_) => Ok(subscriber),
            }
        };
        let concerns = |denied: &Denied| {
            matches!(denied, Denied::Subscribe(denied) if **denied == *subject) || self.concerns(denied, |_| false)
        };
        match self.rights.needed(concerns, subscribed).await {
            Ok(subscribed) => subscribed,
            Err(right) => Err(FarmError::Forbidden { what: what(), right }),
        }
    }

    /// Whether a request fails because of this. Without its inbox it gets no answer.
    fn concerns(&self, denied: &Denied, publish: impl Fn(&str) -> bool) -> bool {
        match denied {
            Denied::Publish(subject) => publish(subject),
            Denied::Subscribe(subject) => subject.starts_with(&self.inboxes),
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Asks several things, but waits no longer for a server that is away than one of them would.
    pub(crate) async fn asked<T>(
        &self,
        what: &str,
        asks: impl Future<Output = Result<T, FarmError>>,
    ) -> Result<T, FarmError> {
        tokio::select! {
            biased;
            answer = asks => answer,
            () = self.is_away(wire::PATIENCE) => Err(FarmError::Away { what: what.to_owned() }),
        }
    }

    /// Waits until there has been no connection for so long.
    pub(crate) async fn is_away(&self, time: Duration) {
        let mut last = Instant::now();
        while last.elapsed() < time {
            sleep(Duration::from_millis(100)).await;
            if self.is_connected() {
                last = Instant::now();
            }
        }
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
    // Not the whole address, which may have a password.
    let server =
        servers.iter().map(|server| format!("{}:{}", server.host(), server.port())).collect::<Vec<_>>().join(", ");
    let mut last = None;
    loop {
        let connected = timeout_at(deadline, options.clone().connect(servers.clone())).await;
        let error = match connected {
            Ok(Ok(client)) => return Ok(client),
            Ok(Err(error)) => error,
            Err(_) => {
                let error = last.unwrap_or_else(|| ConnectErrorKind::TimedOut.into());
                return Err(FarmError::Connect { server, error });
            }
        };
        let hopeless = matches!(
            error.kind(),
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication | ConnectErrorKind::Tls
        );
        if hopeless || Instant::now() + Duration::from_millis(100) >= deadline {
            return Err(FarmError::Connect { server, error });
        }
        last = Some(error);
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
