//! `Worker`: serves functions until it is told to stop.

mod acks;
mod again;
mod beat;
mod job;
mod lease;
mod listen;
mod marks;
mod pull;
mod serving;
mod tell;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use greenpool::remote::Handler;
use tokio::sync::watch;
use tokio::time::sleep;

use self::serving::{Serving, Shared};
use crate::error::FarmError;
use crate::farm::Farm;

/// How long a worker waits for an answer of the server.
const PATIENCE: Duration = Duration::from_secs(2);

/// For how long a worker that begins tries to make what it needs on the server.
const START: Duration = Duration::from_secs(15);

/// How long it waits between two attempts.
const AGAIN: Duration = Duration::from_millis(300);

/// Serves functions of a farm: takes their jobs, runs them on the runtime that it is awaited on, and tells their
/// results.
///
/// The connection has a thread of its own, so a job that blocks its thread keeps its lease.
///
/// ```no_run
/// use greenpool::green_pool;
/// use greenpool_nats::{Farm, Worker};
///
/// #[green_pool(size = 100, remote)]
/// async fn measure(page: String) -> usize {
///     page.len()
/// }
///
/// # async fn work() -> Result<(), Box<dyn std::error::Error>> {
/// let farm = Farm::connect("nats://10.0.0.5").await?;
/// let report = Worker::on(&farm).serve(measure::handler().places(4)).run().await?;
/// println!("{report}");
/// # Ok(()) }
/// ```
#[must_use = "a worker does nothing before `run`"]
pub struct Worker {
    farm: Farm,
    handlers: Vec<Handler>,
    grace: Duration,
}

/// What a worker has done; returned by [`Worker::run`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Jobs that returned a value.
    pub done: u64,
    /// Jobs that panicked, or whose arguments or output could not be read or written.
    pub failed: u64,
    /// Jobs that were handed back, because their time was over when the worker left.
    pub handed_back: u64,
    /// Jobs whose lease ended, so that another worker has them.
    pub lost: u64,
    /// Jobs that were given up.
    pub given_up: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { done, failed, handed_back, lost, given_up, cancelled } = self;
        write!(
            f,
            "{done} done, {failed} failed, {handed_back} handed back, {lost} lost, {given_up} given up, {cancelled} \
             cancelled"
        )
    }
}

impl Worker {
    /// Makes a worker of a farm. Submitting and working can share one connection.
    pub fn on(farm: &Farm) -> Self {
        Worker { farm: farm.clone(), handlers: Vec::new(), grace: Duration::from_secs(30) }
    }

    /// Serves a function.
    ///
    /// # Panics
    /// If this worker serves a function of that name on the wire already.
    pub fn serve(mut self, handler: Handler) -> Self {
        if let Some(other) = self.handlers.iter().find(|other| other.name() == handler.name()) {
            panic!("`{}` and `{}` are both called `{}` on the wire", other.path(), handler.path(), handler.name());
        }
        self.handlers.push(handler);
        self
    }

    /// Sets for how long its jobs may go on after the worker was told to stop. Those that take longer are aborted and
    /// handed back, and begin elsewhere at once. The default is 30 s.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Works until the process gets SIGTERM or Ctrl-C; see [`run_until`](Self::run_until).
    ///
    /// # Errors
    /// If a stream or consumer cannot be made within 15 s, or if the user lacks a right that a worker needs.
    ///
    /// # Panics
    /// If awaited outside a tokio runtime, or on one without its signal driver.
    pub async fn run(self) -> Result<Report, FarmError> {
        // From here on, and not from the first poll in `run_until`, the signals do not end the process.
        let signal = signal();
        self.run_until(signal).await
    }

    /// Works until `end` is ready. Then it takes no new jobs, waits for those that run for as long as its grace, and
    /// hands back the rest.
    ///
    /// # Errors
    /// If a stream or consumer cannot be made within 15 s, or if the user lacks a right that a worker needs.
    ///
    /// # Panics
    /// If awaited outside a tokio runtime.
    ///
    /// # Cancel safety
    /// If the returned future is dropped, the worker stops at once: its jobs are aborted, and begin elsewhere when
    /// their leases end.
    pub async fn run_until(self, end: impl Future<Output = ()>) -> Result<Report, FarmError> {
        let Worker { farm, handlers, grace } = self;
        let (drain, draining) = watch::channel(false);
        let shared = Shared::new(&farm, draining);
        let mut serving = HashMap::new();
        for handler in handlers {
            let name = handler.name().to_owned();
            let served = Arc::new(Serving::new(shared.clone(), handler));
            begin(&served).await?;
            serving.insert(name, served);
        }
        let guard = Guard(serving.values().cloned().collect());
        let mut tasks = tokio::task::JoinSet::new();
        let io = &shared.link.io;
        tasks.spawn_on(beat::ask(shared.clone(), guard.0.clone()), io);
        tasks.spawn_on(listen::answer(shared.clone(), guard.0.clone()), io);
        let mut pulls = tokio::task::JoinSet::new();
        for served in serving.values() {
            tasks.spawn_on(beat::ask_leader(served.clone()), io);
            tasks.spawn_on(beat::keep(served.clone()), io);
            tasks.spawn_on(beat::end_lost(served.clone()), io);
            tasks.spawn_on(beat::follow(served.clone()), io);
            tasks.spawn_on(listen::cancel(served.clone()), io);
            pulls.spawn_on(pull::pull(served.clone()), io);
        }
        tracing::info!(target: "greenpool", worker = shared.id, "worker.start");
        let failed = tokio::select! {
            () = end => None,
            error = shared.failed() => Some(error),
        };
        let deadline = Instant::now() + grace;
        drain.send_replace(true);
        while pulls.join_next().await.is_some() {}
        for served in serving.values() {
            served.finish(deadline).await;
        }
        for served in serving.values() {
            served.finish_telling().await;
        }
        let _ = shared.link.client.flush().await;
        drop(guard);
        let report = shared.report();
        tracing::info!(target: "greenpool", worker = shared.id, %report, "worker.stop");
        match failed {
            Some(error) => Err(error),
            None => Ok(report),
        }
    }
}

/// Makes what a function needs on the server. A server that is just being started again gets some time for it.
async fn begin(served: &Serving) -> Result<(), FarmError> {
    let deadline = Instant::now() + START;
    loop {
        match served.ensure().await {
            Err(FarmError::Refused { .. } | FarmError::Away { .. }) if Instant::now() < deadline => sleep(AGAIN).await,
            ensured => return ensured,
        }
    }
}

/// Aborts the jobs that are left when a worker ends.
struct Guard(Vec<Arc<Serving>>);

impl Drop for Guard {
    fn drop(&mut self) {
        for served in &self.0 {
            served.give_up_all();
        }
    }
}

impl Shared {
    fn report(&self) -> Report {
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let counts = &self.counts;
        Report {
            done: count(&counts.done),
            failed: count(&counts.failed),
            handed_back: count(&counts.handed_back),
            lost: count(&counts.lost),
            given_up: count(&counts.given_up),
            cancelled: count(&counts.cancelled),
        }
    }
}

/// Is ready when the process is asked to end.
#[cfg(unix)]
fn signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("the runtime has a signal driver");
    let mut interrupt = signal(SignalKind::interrupt()).expect("the runtime has a signal driver");
    async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
fn signal() -> impl Future<Output = ()> {
    async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("handlers", &self.handlers).field("grace", &self.grace).finish_non_exhaustive()
    }
}
