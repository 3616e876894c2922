//! `Farm`: the connection of a submitter or a worker, and the engine that submits.

pub(crate) mod builder;
mod call;
pub(crate) mod dead;
pub(crate) mod manage;
mod out;
mod publish;
mod reconcile;
mod runs;
mod taken;
mod unserved;
pub(crate) mod watch;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_nats::{ConnectOptions, Message, ServerAddr, ToServerAddrs};
use bytes::Bytes;
use futures::StreamExt;
use greenpool::__private::remote::{BoxFuture, End, Engine, FarPool, Function, Job, Remote};
use greenpool::remote::{FarStats, Lost};
use tokio::sync::OnceCell;

use self::builder::FarmBuilder;
use self::out::{Out, Stored};
use self::publish::StoredEnd;
use self::runs::Runs;
use self::taken::Taken;
use crate::error::FarmError;
use crate::link::{Link, SharedLink};
use crate::names::{JobKey, Names, token};
use crate::streams::{Adapt, Settings};
use crate::wire;

/// How many requests are on their way at once.
const AT_ONCE: usize = 64;

/// A namespace on a NATS server: the engine of `fetch::on(&farm)`, and where a [`Worker`](crate::Worker) works.
///
/// Cloning it is cheap, and the clones share one connection, which is made again whenever it breaks. While it lives, it
/// keeps what it has submitted: if a server has lost jobs or results, they are stored again.
///
/// **Dropping** the last clone closes the connection; its jobs run on, and their results are kept on the server for as
/// long as the farm keeps results. [`close`](Self::close) removes them.
///
/// ```no_run
/// use greenpool::green_pool;
/// use greenpool_nats::Farm;
///
/// #[green_pool(size = 100, remote)]
/// async fn measure(page: String) -> usize {
///     page.len()
/// }
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let farm = Farm::connect("nats://10.0.0.5").await?;
/// let measuring = measure::on(&farm);
/// println!("{}", measuring.spawn("a page".into()).await.await?);
/// farm.close().await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Farm {
    inner: Arc<Inner>,
}

/// What the clones of a farm share.
struct Inner {
    link: SharedLink,
    settings: Settings,
    /// The run of the jobs without a name.
    session: String,
    out: Out,
    /// Whether it hears of the results of jobs without a name. One that only works does not.
    listening: OnceCell<()>,
    runs: Runs,
    taken: Taken,
    functions: Mutex<Functions>,
    attempts: AtomicU64,
    closed: AtomicBool,
}

/// The functions that this process submits.
#[derive(Default)]
struct Functions {
    /// By name and signature.
    known: HashMap<(&'static str, &'static str), Arc<Function>>,
    /// The next number of a job, by name.
    next: HashMap<&'static str, Arc<AtomicU64>>,
}

impl Farm {
    /// Connects to a server, with the default settings.
    ///
    /// # Errors
    /// See [`FarmBuilder::connect`].
    pub async fn connect(servers: impl ToServerAddrs) -> Result<Self, FarmError> {
        Self::builder().connect(servers).await
    }

    /// Returns a builder, for other settings than the default ones.
    pub fn builder() -> FarmBuilder {
        FarmBuilder::new()
    }

    async fn start(
        options: ConnectOptions,
        servers: Vec<ServerAddr>,
        names: Names,
        settings: Settings,
    ) -> Result<Self, FarmError> {
        let link = Link::connect(options, servers, names).await?;
        link.ensure_shared(&settings, Adapt::No).await?;
        // A name that nobody else has.
        let inbox = link.client.new_inbox();
        let session = token(inbox.rsplit('.').next().unwrap_or(&inbox));
        let inner = Arc::new(Inner {
            link: Arc::new(link),
            settings,
            session,
            out: Out::default(),
            listening: OnceCell::new(),
            runs: Runs::default(),
            taken: Taken::default(),
            functions: Mutex::default(),
            attempts: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        });
        inner.link.io.spawn(reconcile::run(Arc::downgrade(&inner), inner.link.connections()));
        Ok(Farm { inner })
    }

    pub(crate) fn link(&self) -> &SharedLink {
        &self.inner.link
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Makes its waiting calls end with [`Lost::Closed`]. Their jobs are cancelled, and their results removed, unless
    /// they belong to a named run. Jobs without a caller stay.
    ///
    /// If the server is away, it waits for 5 s. What could not be removed by then stays until it is too old.
    ///
    /// # Cancel safety
    /// If the returned future is dropped, the rest is done in the background, for as long as another clone lives.
    pub async fn close(self) {
        let Farm { inner } = self;
        inner.closed.store(true, Ordering::Relaxed);
        let jobs = inner.out.end_all(&End::Lost(Lost::Closed));
        let io = inner.link.io.clone();
        let removed = io.spawn(async move {
            tokio::select! {
                () = inner.remove(jobs) => {}
                () = inner.link.is_away(wire::PATIENCE) => {}
            }
            // Not here: the thread of the connection would end itself, and tell nobody.
            inner
        });
        drop(removed.await);
    }
}

impl Inner {
    /// Removes jobs that have no caller any more, unless they belong to a named run, and all results of jobs without a
    /// name.
    async fn remove(self: &Arc<Self>, jobs: Vec<Stored>) {
        let unnamed = futures::stream::iter(jobs.iter().filter(|job| !job.named));
        unnamed.for_each_concurrent(AT_ONCE, async |job| drop(self.cancel(job).await)).await;
        let Link { names, .. } = &*self.link;
        let _ = self.link.purge(&names.results_stream(), names.results_of_run("*", &self.session)).await;
        self.link.purge_blobs(names.blobs_of_run("res", "*", &self.session)).await;
        let _ = self.link.client.flush().await;
    }

    /// Results come straight from the workers. The stream has them for when they did not arrive.
    async fn listen(self: &Arc<Self>) -> Result<(), FarmError> {
        if self.listening.initialized() {
            return Ok(());
        }
        let listen = async {
            let subject = self.link.names.results_of_run("*", &self.session);
            self.listen_to(subject).await.map(drop)
        };
        Box::pin(self.listening.get_or_try_init(|| listen)).await.copied()
    }

    async fn listen_to(self: &Arc<Self>, subject: String) -> Result<tokio::task::AbortHandle, FarmError> {
        let mut results = self.link.subscribe(&subject).await?;
        let weak = Arc::downgrade(self);
        let task = self.link.io.spawn(async move {
            while let Some(message) = results.next().await {
                let Some(inner) = weak.upgrade() else { return };
                let Some(key) = Names::key_of_result(&message.subject) else { continue };
                if wire::header(message.headers.as_ref(), wire::BLOB).is_some() {
                    // It takes long enough to keep others from their results.
                    tokio::spawn(async move { inner.take_large(&key, message).await });
                } else {
                    inner.take(&key, &StoredEnd::new(message.headers.as_ref(), &message.payload)).await;
                }
            }
        });
        Ok(task.abort_handle())
    }

    /// Takes a result whose body is a blob. If that is not there, or the server is away, `reconcile` sees to it.
    async fn take_large(&self, key: &JobKey, message: Message) {
        if !self.out.has(key) {
            return;
        }
        let headers = message.headers.as_ref();
        if let Ok(Ok(body)) = self.body(key, headers, Bytes::new()).await {
            self.take(key, &StoredEnd::new(headers, &body)).await;
        }
    }

    fn functions(&self) -> MutexGuard<'_, Functions> {
        self.functions.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl<P: Remote, F, Shape> greenpool::Runs<P, F, Shape> for Farm {
    type On = P::Far;

    fn on(&self) -> P::Far {
        P::far(FarPool::new(Arc::new(self.clone())))
    }
}

impl greenpool::__private::Engine for Farm {
    type Engine = Farm;

    fn engine(&self) -> &Farm {
        self
    }
}

impl Engine for Farm {
    fn function(&self, name: &'static str, signature: &'static str, size: usize) -> Arc<Function> {
        let window = size.saturating_mul(2).clamp(1, 65_536);
        let Functions { known, next } = &mut *self.inner.functions();
        let next = next.entry(name).or_default();
        known.entry((name, signature)).or_insert_with(|| Arc::new(Function::new(window, next.clone()))).clone()
    }

    fn call(&self, job: Job) -> BoxFuture<End> {
        Box::pin(call::call(self.inner.clone(), job))
    }

    fn enqueue(&self, job: Job) -> BoxFuture<Result<(), Lost>> {
        Box::pin(call::enqueue(self.inner.clone(), job))
    }

    fn resize(
        &self,
        function: &'static str,
        signature: &'static str,
        code: usize,
        size: usize,
    ) -> BoxFuture<Result<(), Lost>> {
        let inner = self.inner.clone();
        Box::pin(async move {
            let resized = async {
                inner.link.ensure_consumer(&inner.settings, function, signature, code, Adapt::No).await?;
                inner.set_size(function, signature, size).await
            };
            inner.link.asked("set a size", resized).await.map_err(|error| Lost::Refused { why: error.to_string() })
        })
    }

    fn stats(&self, function: &'static str, signature: &'static str, code: usize) -> BoxFuture<Result<FarStats, Lost>> {
        let inner = self.inner.clone();
        Box::pin(async move {
            let stats = async {
                inner.link.ensure_jobs(&inner.settings, function, signature, Adapt::No).await?;
                inner.stats(function, signature, code).await
            };
            inner
                .link
                .asked("look at a function", stats)
                .await
                .map_err(|error| Lost::Refused { why: error.to_string() })
        })
    }

    fn forget(&self, function: &'static str, run: Arc<str>) -> BoxFuture<Result<u64, Lost>> {
        let inner = self.inner.clone();
        Box::pin(async move {
            let (Link { names, .. }, run) = (&*inner.link, token(&run));
            let purged = inner.link.purge(&names.results_stream(), names.results_of_run(function, &run)).await;
            if purged.is_ok() {
                inner.link.purge_blobs(names.blobs_of_run("res", function, &run)).await;
            }
            purged.map_err(|error| Lost::Refused { why: error.to_string() })
        })
    }
}

impl fmt::Debug for Farm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { link, out, .. } = &*self.inner;
        f.debug_struct("Farm")
            .field("namespace", &link.names.namespace)
            .field("out", &out.len())
            .finish_non_exhaustive()
    }
}
