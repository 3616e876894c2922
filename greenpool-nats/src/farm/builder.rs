//! `FarmBuilder`: what can be said of a farm before there is a connection.

use std::time::Duration;

use async_nats::{ConnectOptions, ToServerAddrs};

use crate::error::FarmError;
use crate::farm::Farm;
use crate::names::{Names, is_name};
use crate::streams::Settings;

/// Builds a [`Farm`]; made by [`Farm::builder`].
///
/// Four settings live on the server, for all processes of the farm: [`keep`](Self::keep), [`backlog`](Self::backlog),
/// [`replicas`](Self::replicas) and [`lease`](Self::lease). Whoever comes first writes them, with the defaults for what
/// it does not set. After that, a [`Worker`](crate::Worker) changes those that its builder sets, and follows the
/// others. A farm that only submits changes none.
///
/// ```no_run
/// # async fn run() -> Result<(), greenpool_nats::FarmError> {
/// use std::time::Duration;
/// use greenpool_nats::Farm;
///
/// let farm = Farm::builder().namespace("shop").lease(Duration::from_secs(60)).connect("nats://10.0.0.5").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "there is no connection before `connect`"]
pub struct FarmBuilder {
    namespace: String,
    options: ConnectOptions,
    settings: Settings,
}

impl FarmBuilder {
    pub(crate) fn new() -> Self {
        FarmBuilder { namespace: "default".to_owned(), options: ConnectOptions::new(), settings: Settings::default() }
    }

    /// Sets the namespace: farms with different ones share a server and nothing else. The default is `default`.
    ///
    /// # Panics
    /// Unless it has from 1 to 64 letters, digits, `-` and `_`.
    pub fn namespace(mut self, name: &str) -> Self {
        assert!(is_name(name), "a namespace has from 1 to 64 letters, digits, `-` and `_`, and is not {name:?}");
        name.clone_into(&mut self.namespace);
        self
    }

    /// Sets the options of the connection: credentials, TLS, the prefix of inboxes. How it reconnects, and its event
    /// callback, are the farm's own.
    pub fn options(mut self, options: ConnectOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets for how long a job that was handed to a worker is that worker's. The worker extends it while the job runs,
    /// at the cost of three requests per lease and job. If the worker is gone, its jobs begin elsewhere after this
    /// time. The default is 30 s.
    ///
    /// Workers that run learn of another lease within a third of the old one. If it gets shorter, jobs that run at that
    /// moment may be run again elsewhere.
    ///
    /// The servers of a cluster hear of each other every one to two seconds, and a lease counts from then. So there, one
    /// of 2 s leaves a job little time to be extended: 5 s and more are better.
    ///
    /// # Panics
    /// Unless it is from 2 s to 1 h.
    pub fn lease(mut self, lease: Duration) -> Self {
        let fits = (Duration::from_secs(2)..=Duration::from_secs(3600)).contains(&lease);
        assert!(fits, "a lease is from 2 s to 1 h, and not {lease:?}");
        self.settings.lease = Some(lease);
        self
    }

    /// Sets how many workers may die of a job that they run alone before it is given up. The default is 3.
    ///
    /// # Panics
    /// Unless it is from 1 to 20.
    pub fn attempts(mut self, attempts: u32) -> Self {
        assert!((1..=20).contains(&attempts), "there are from 1 to 20 attempts, and not {attempts}");
        self.settings.attempts = Some(attempts);
        self
    }

    /// Sets for how long the server keeps results that nobody has taken. The default is 24 hours.
    ///
    /// # Panics
    /// If it is shorter than 1 s.
    pub fn keep(mut self, keep: Duration) -> Self {
        assert!(keep >= Duration::from_secs(1), "results are kept for 1 s or longer, and not for {keep:?}");
        self.settings.keep = Some(keep);
        self
    }

    /// Sets how many jobs of one function the server stores. Whoever submits more waits. The default is 1,000,000.
    ///
    /// # Panics
    /// If it is 0.
    pub fn backlog(mut self, jobs: u64) -> Self {
        assert!(jobs > 0, "a backlog of 0 would store no job");
        self.settings.backlog = Some(jobs);
        self
    }

    /// Sets how many servers of a cluster have a copy of each job and result. The default is 1. If it is more, the limit
    /// of a function holds also when a server dies or hands over, given `nats-server` 2.12 or newer.
    ///
    /// # Panics
    /// Unless it is 1, 3 or 5.
    pub fn replicas(mut self, replicas: usize) -> Self {
        assert!([1, 3, 5].contains(&replicas), "there are 1, 3 or 5 replicas, and not {replicas}");
        self.settings.replicas = Some(replicas);
        self
    }

    /// Connects to one of the servers, and makes what the farm needs there.
    ///
    /// # Errors
    /// If there is no connection within 5 s, at once if the credentials are wrong; if the server is too old; if the
    /// streams of this namespace cannot be made or are of another version.
    pub async fn connect(self, servers: impl ToServerAddrs) -> Result<Farm, FarmError> {
        let servers = servers.to_server_addrs().map_err(FarmError::Address)?;
        let names = Names { namespace: self.namespace };
        // The options of a connection are large.
        Box::pin(Farm::start(self.options, servers.collect(), names, self.settings)).await
    }
}
