//! Which remote job the current code runs in.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

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
#[derive(Clone)]
#[non_exhaustive]
pub struct JobInfo {
    /// The run that the job belongs to: its name, or one that only its submitter uses.
    pub run: Arc<str>,
    /// The number of the job in its run.
    pub n: u64,
    /// How often the job was handed to a worker, this time included. Above 1 it may have run before, or even still run
    /// elsewhere.
    pub delivery: u64,
    lease: Option<Arc<dyn Lease>>,
}

/// For how long a job is its worker's.
#[doc(hidden)]
pub trait Lease: Send + Sync {
    /// How much of the time is left.
    fn left(&self) -> Duration;
}

impl JobInfo {
    #[doc(hidden)]
    #[must_use]
    pub fn new(run: Arc<str>, n: u64, delivery: u64) -> Self {
        JobInfo { run, n, delivery, lease: None }
    }

    #[doc(hidden)]
    #[must_use]
    pub fn with_lease(self, lease: Arc<dyn Lease>) -> Self {
        JobInfo { lease: Some(lease), ..self }
    }

    /// Returns for how long the job is certain to be this worker's alone. The worker extends that time while the job
    /// runs. At its end, another worker may begin the job, and this one polls it no more.
    ///
    /// Before a step that must not happen twice, such as a payment, compare it with how long the step takes. `None` if
    /// the engine has no such time, as [`Here`](super::Here).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use greenpool::green_pool;
    /// use greenpool::remote::{Here, job};
    ///
    /// #[green_pool(size = 4, remote)]
    /// async fn left() -> Option<Duration> { job().unwrap().lease_left() }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), greenpool::JoinError> {
    /// let here = Here::new().serve(left::handler());
    /// assert_eq!(left::on(&here).call().await?, None);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn lease_left(&self) -> Option<Duration> {
        self.lease.as_ref().map(|lease| lease.left())
    }

    /// Returns the id of the job, which is the same each time that it is run: use it as an idempotency key.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}.{}", self.run, self.n)
    }
}

impl PartialEq for JobInfo {
    fn eq(&self, other: &Self) -> bool {
        (&self.run, self.n, self.delivery) == (&other.run, other.n, other.delivery)
    }
}

impl Eq for JobInfo {}

impl fmt::Debug for JobInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobInfo")
            .field("run", &self.run)
            .field("n", &self.n)
            .field("delivery", &self.delivery)
            .field("lease_left", &self.lease_left())
            .finish()
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
