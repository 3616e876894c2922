//! Which remote job the current code runs in.

use std::future::Future;
use std::sync::Arc;

tokio::task_local! {
    static CURRENT: JobInfo;
}

/// Describes the job of a worker that the calling code runs in; see [`job`].
///
/// ```
/// use greenpool::green_pool;
/// use greenpool::remote::{Here, job};
///
/// #[green_pool(size = 4, remote)]
/// async fn key() -> String { job().unwrap().id() }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), greenpool::JoinError> {
/// let here = Here::new().serve(key::handler());
/// assert_eq!(key::on(&here).run("nightly").call().await?, "nightly.0");
/// assert!(job().is_none());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobInfo {
    /// The run that the job belongs to: its name, or one that only its submitter uses.
    pub run: Arc<str>,
    /// The number of the job in its run.
    pub n: u64,
    /// How often the job was handed to a worker, this time included. Above 1 it may have run before, or even still run
    /// elsewhere.
    pub delivery: u64,
}

impl JobInfo {
    #[doc(hidden)]
    #[must_use]
    pub fn new(run: Arc<str>, n: u64, delivery: u64) -> Self {
        JobInfo { run, n, delivery }
    }

    /// Returns the id of the job, which is the same each time that it is run: use it as an idempotency key.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}.{}", self.run, self.n)
    }
}

/// Returns the job of a worker that the calling code runs in. `None` outside of one, and in tasks that such a job has
/// spawned.
#[must_use]
pub fn job() -> Option<JobInfo> {
    CURRENT.try_with(Clone::clone).ok()
}

pub(crate) fn in_a_job() -> bool {
    CURRENT.try_with(|_| ()).is_ok()
}

/// `future`, as this job.
pub(crate) fn within<F: Future>(info: JobInfo, future: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(info, future)
}
