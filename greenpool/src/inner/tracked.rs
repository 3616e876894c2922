//! The list of a pool's jobs, where somebody asked for one.
//!
//! # Implementation details
//!
//! Each job has a [`JobSpan`](crate::job::span::JobSpan), made when it begins. If its pool tracks its jobs at that moment, the span holds a place in the
//! list, and gives it up when the job is over. In a pool that does not, a job costs one load of a flag.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use slab::Slab;
use tokio::time::Instant;

use crate::sync::{Mutex, lock};

/// The jobs of one pool that are tracked.
#[derive(Default)]
pub(crate) struct Tracked {
    on: AtomicBool,
    list: Arc<List>,
}

#[derive(Default)]
struct List {
    begun: AtomicU64,
    jobs: Mutex<Slab<Arc<Job>>>,
}

struct Job {
    number: u64,
    began: Instant,
    polled: AtomicBool,
    /// There from the end of the first poll in which it waited for greenpool.
    status: OnceLock<Weak<dyn JobStatus>>,
}

/// How a job does that has ever waited for greenpool.
pub(crate) trait JobStatus: Send + Sync {
    /// Whether it waits for greenpool.
    fn waits(&self) -> bool;
    /// Whether it is without a slot, and not over.
    fn lends(&self) -> bool;
}

/// The place of one job in the list.
pub(crate) struct Track {
    list: Arc<List>,
    key: usize,
    job: Arc<Job>,
}

/// What is known of one job that is not over; made by [`GreenPool::jobs`](crate::GreenPool::jobs).
///
/// A job for which neither `polled` nor `waits` is set waits for something that is not greenpool's, or for its turn to be polled.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// use std::time::Duration;
/// use greenpool::{GreenPool, JobInfo};
///
/// let pool = GreenPool::new(8);
/// pool.track(true);
/// pool.spawn_n(std::future::pending::<()>()).await;
/// tokio::time::sleep(Duration::from_secs(90)).await;
/// let is_stuck = |job: &JobInfo| job.age > Duration::from_secs(60);
/// assert_eq!(pool.jobs().iter().filter(|job| is_stuck(job)).count(), 1);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobInfo {
    /// The jobs of a pool are numbered as they begin, from 0, while it tracks them.
    pub number: u64,
    /// For how long it has run, by the clock of tokio.
    pub age: Duration,
    /// It is being polled at this moment: it computes, or blocks its thread.
    pub polled: bool,
    /// It waits for greenpool: for a slot, a result, a map or a pile.
    pub waits: bool,
    /// It has no slot just now: that is lent to a job it waits for, or was given back with [`lend`](crate::lend).
    pub lends: bool,
}

impl Tracked {
    pub(crate) fn switch(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// A job begins.
    #[inline]
    pub(crate) fn begin(&self) -> Option<Box<Track>> {
        if self.is_on() { Some(Box::new(self.list.clone().enter())) } else { None }
    }

    /// Those who began first come first.
    pub(crate) fn jobs(&self) -> Vec<JobInfo> {
        let jobs: Vec<_> = lock(&self.list.jobs).iter().map(|(_, job)| job.clone()).collect();
        let now = Instant::now();
        let mut infos: Vec<_> = jobs.iter().map(|job| job.info(now)).collect();
        infos.sort_unstable_by_key(|info| info.number);
        infos
    }
}

impl List {
    #[cold]
    fn enter(self: Arc<Self>) -> Track {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let polled = AtomicBool::new(false);
        let job = Arc::new(Job { number, began: Instant::now(), polled, status: OnceLock::new() });
        let key = lock(&self.jobs).insert(job.clone());
        Track { list: self, key, job }
    }
}

impl Job {
    fn info(&self, now: Instant) -> JobInfo {
        let status = self.status.get().and_then(Weak::upgrade);
        JobInfo {
            number: self.number,
            age: now.saturating_duration_since(self.began),
            polled: self.polled.load(Ordering::Relaxed),
            waits: status.as_ref().is_some_and(|status| status.waits()),
            lends: status.is_some_and(|status| status.lends()),
        }
    }
}

impl Track {
    /// Polls the job. `status` says how it does if it has ever waited for greenpool.
    pub(crate) fn in_scope<R>(
        &self,
        poll: impl FnOnce() -> R,
        status: impl FnOnce() -> Option<Weak<dyn JobStatus>>,
    ) -> R {
        self.job.polled.store(true, Ordering::Relaxed);
        let polled = poll();
        self.job.polled.store(false, Ordering::Relaxed);
        if self.job.status.get().is_none() {
            if let Some(status) = status() {
                let _ = self.job.status.set(status);
            }
        }
        polled
    }
}

impl Drop for Track {
    fn drop(&mut self) {
        let job = lock(&self.list.jobs).try_remove(self.key);
        drop(job);
    }
}
