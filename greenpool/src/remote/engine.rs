//! What runs jobs elsewhere. `Engine` is object safe, so nothing above it is generic over the engine.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::job::lost::Lost;
use crate::pool::GreenPool;
use crate::remote::stats::FarStats;

/// A boxed future.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Runs jobs elsewhere.
pub trait Engine: Send + Sync + 'static {
    /// Returns what all callers of one function share.
    fn function(&self, name: &'static str, signature: &'static str, size: usize) -> Arc<Function>;

    /// Runs a job and waits for its end. Dropping the future cancels the job.
    fn call(&self, job: Job) -> BoxFuture<End>;

    /// Stores a job for which nobody waits. The future is ready when the job is stored.
    fn enqueue(&self, job: Job) -> BoxFuture<Result<(), Lost>>;

    /// Sets how many jobs of a function run at once, over all machines. `code` is the size in the code.
    fn resize(
        &self,
        name: &'static str,
        signature: &'static str,
        code: usize,
        size: usize,
    ) -> BoxFuture<Result<(), Lost>>;

    /// Looks at what the machines do of a function.
    fn stats(&self, name: &'static str, signature: &'static str, code: usize) -> BoxFuture<Result<FarStats, Lost>>;

    /// Removes the stored results of a named run, and returns how many there were.
    fn forget(&self, function: &'static str, run: Arc<str>) -> BoxFuture<Result<u64, Lost>>;
}

/// What the callers of one function share on an engine.
pub struct Function {
    /// A local pool whose jobs stand for remote ones: its size is how many may be out.
    pub window: GreenPool,
    next: Arc<AtomicU64>,
}

impl Function {
    /// A function of which `window` jobs may be out. All versions of it, whatever their signatures, count their jobs
    /// with
    /// `next`, since results are known by name and number.
    #[must_use]
    pub fn new(window: usize, next: Arc<AtomicU64>) -> Self {
        Function { window: GreenPool::new(window), next }
    }

    /// The next number of a job without a name.
    pub fn next(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }
}

/// One call of a function.
#[derive(Clone, Debug)]
pub struct Job {
    /// The name of the function on the wire.
    pub function: &'static str,
    /// The function's signature.
    pub signature: &'static str,
    /// The name of the run. `None`: it belongs to whoever submits it.
    pub run: Option<Arc<str>>,
    /// The number of the job in its run.
    pub n: u64,
    /// The arguments, written.
    pub args: Vec<u8>,
    /// What becomes of its result.
    pub reply: Reply,
}

/// What becomes of the result of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Somebody waits for it.
    Wanted,
    /// Nobody does.
    Unwanted,
    /// Nobody does, but that the job has run is to be known.
    Receipt,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It returned this, as a message.
    Value(Vec<u8>),
    /// It panicked, with this message.
    Panic(String),
    /// Its result is lost.
    Lost(Lost),
}
