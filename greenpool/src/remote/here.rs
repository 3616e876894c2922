//! `Here`: an engine in this process.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::declared::on::{Engine as OfPiles, Runs};
use crate::job::error::JoinError;
use crate::job::lost::{Lost, Part};
use crate::pool::GreenPool;
use crate::remote::codec::fingerprint;
use crate::remote::engine::{BoxFuture, End, Engine, Function, Job, Reply};
use crate::remote::handler::Handler;
use crate::remote::info::JobInfo;
use crate::remote::stats::{FarStats, FarWorker};
use crate::remote::verbs::{FarPool, Remote};
use crate::sync::{Mutex, lock};

/// An engine in this process, for tests without a server. Arguments and outputs are written and read as on the wire.
///
/// ```
/// use greenpool::green_pool;
/// use greenpool::remote::Here;
///
/// #[green_pool(size = 4, remote)]
/// async fn double(n: u32) -> u32 { n * 2 }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), greenpool::JoinError> {
/// let here = Here::new().serve(double::handler()).run_twice();
/// assert_eq!(double::on(&here).call(21).await?, 42);
/// assert_eq!(here.executions(), 2); // as after the death of a worker
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Here {
    served: HashMap<&'static str, Served>,
    twice: bool,
    shared: Arc<Shared>,
}

#[derive(Clone)]
struct Served {
    handler: Handler,
    pool: GreenPool,
}

#[derive(Default)]
struct Shared {
    functions: Mutex<HashMap<&'static str, Arc<Function>>>,
    /// The results of named runs.
    stored: Mutex<HashMap<Key, Stored>>,
    executions: AtomicU64,
}

type Key = (&'static str, Arc<str>, u64);

#[derive(Clone)]
struct Stored {
    args: String,
    end: End,
}

impl Here {
    /// Makes an engine that serves no function.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves a function.
    ///
    /// # Panics
    /// If a function of that name is served already.
    #[must_use]
    pub fn serve(mut self, handler: Handler) -> Self {
        let pool = GreenPool::new(handler.slots());
        let name = handler.name();
        let path = handler.path();
        if let Some(other) = self.served.insert(name, Served { handler, pool }) {
            panic!("`{path}` and `{}` are both called `{name}` on the wire", other.handler.path());
        }
        self
    }

    /// Runs each job twice, one after the other, and keeps the first result: a function that must not be run twice
    /// shows here what that does.
    #[must_use]
    pub fn run_twice(mut self) -> Self {
        self.twice = true;
        self
    }

    /// Returns how often a function was called.
    #[must_use]
    pub fn executions(&self) -> u64 {
        self.shared.executions.load(Ordering::Relaxed)
    }

    fn served(&self, name: &str, signature: &str) -> Result<Served, Lost> {
        let why = match self.served.get(name) {
            Some(served) if served.handler.signature() == signature => return Ok(served.clone()),
            Some(_) => format!("`{name}` is served with another signature"),
            None => format!("`{name}` is not served here"),
        };
        Err(Lost::Refused { why })
    }
}

impl Shared {
    async fn run(self: &Arc<Self>, served: &Served, job: &Job, delivery: u64) -> End {
        let run = job.run.clone().unwrap_or_else(|| "here".into());
        let future = match served.handler.begin(&job.args, JobInfo::new(run, job.n, delivery)) {
            Ok(future) => future,
            Err(why) => return End::Lost(Lost::Unreadable { what: Part::Arguments, why }),
        };
        let shared = self.clone();
        let counted = async move {
            shared.executions.fetch_add(1, Ordering::Relaxed);
            future.await
        };
        let green = served.pool.spawn(counted).await;
        let abort = AbortOnDrop(green.abort_handle());
        let result = green.await;
        drop(abort);
        match result {
            Ok(Ok(body)) => End::Value(body),
            Ok(Err(why)) => End::Lost(Lost::Unreadable { what: Part::Output, why }),
            Err(error) if error.is_panic() => End::Panic(panic_text(error)),
            Err(error) => End::Lost(Lost::Refused { why: error.to_string() }),
        }
    }

    fn stored(&self, key: &Key, args: &[u8]) -> Option<End> {
        let stored = lock(&self.stored).get(key).cloned()?;
        Some(if stored.args == fingerprint(args) { stored.end } else { End::Lost(Lost::OtherArguments) })
    }
}

/// Returns the message of a panic, as it is sent to the submitter.
///
/// # Panics
/// If the error is no panic.
#[doc(hidden)]
#[must_use]
pub fn panic_text(error: JoinError) -> String {
    let payload = error.into_panic();
    let text = payload.downcast_ref::<&'static str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a value that is no text".to_owned())
}

struct AbortOnDrop(crate::job::handle::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Engine for Here {
    fn function(&self, name: &'static str, _signature: &'static str, size: usize) -> Arc<Function> {
        let mut functions = lock(&self.shared.functions);
        functions
            .entry(name)
            .or_insert_with(|| Arc::new(Function::new(size.saturating_mul(2).min(65_536), Arc::default())))
            .clone()
    }

    fn call(&self, job: Job) -> BoxFuture<End> {
        let (served, shared, twice) = (self.served(job.function, job.signature), self.shared.clone(), self.twice);
        Box::pin(async move {
            let served = match served {
                Ok(served) => served,
                Err(lost) => return End::Lost(lost),
            };
            let key = job.run.clone().map(|run| (job.function, run, job.n));
            if let Some(end) = key.as_ref().and_then(|key| shared.stored(key, &job.args)) {
                return end;
            }
            let end = shared.run(&served, &job, 1).await;
            if let Some(key) = key {
                let stored = Stored { args: fingerprint(&job.args), end: end.clone() };
                lock(&shared.stored).insert(key, stored);
            }
            if twice {
                shared.run(&served, &job, 2).await;
            }
            end
        })
    }

    fn enqueue(&self, job: Job) -> BoxFuture<Result<(), Lost>> {
        debug_assert_ne!(job.reply, Reply::Wanted);
        if let Err(lost) = self.served(job.function, job.signature) {
            return Box::pin(async move { Err(lost) });
        }
        let end = self.call(job);
        Box::pin(async move {
            tokio::spawn(end);
            Ok(())
        })
    }

    fn resize(
        &self,
        name: &'static str,
        signature: &'static str,
        _code: usize,
        size: usize,
    ) -> BoxFuture<Result<(), Lost>> {
        let resized = self.served(name, signature).map(|served| served.pool.resize(size));
        Box::pin(async move { resized })
    }

    fn stats(&self, name: &'static str, signature: &'static str, _code: usize) -> BoxFuture<Result<FarStats, Lost>> {
        let stats = self.served(name, signature).map(|served| {
            let (pool, places) = (served.pool.stats(), served.handler.slots());
            let (running, waiting) = (pool.running as u64, pool.waiting as u64);
            let (done, failed) = (pool.finished - pool.panicked, pool.panicked);
            let id = "here".to_owned();
            let worker =
                FarWorker { id, pid: std::process::id(), places, running, done, failed, ..FarWorker::default() };
            FarStats { size: served.pool.size(), running, waiting, dead: 0, workers: vec![worker] }
        });
        Box::pin(async move { stats })
    }

    fn forget(&self, function: &'static str, run: Arc<str>) -> BoxFuture<Result<u64, Lost>> {
        let mut stored = lock(&self.shared.stored);
        let before = stored.len();
        stored.retain(|(name, of, _), _| *name != function || *of != run);
        let removed = (before - stored.len()) as u64;
        Box::pin(async move { Ok(removed) })
    }
}

impl fmt::Debug for Here {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Here").field("served", &self.served.keys()).finish_non_exhaustive()
    }
}

impl OfPiles for Here {
    type Engine = Here;

    fn engine(&self) -> &Here {
        self
    }
}

impl<P: Remote, F, Shape> Runs<P, F, Shape> for Here {
    type On = P::Far;

    fn on(&self) -> P::Far {
        P::far(FarPool::new(Arc::new(self.clone())))
    }
}
