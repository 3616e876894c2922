//! The list behind [`GreenPool::jobs`](crate::GreenPool::jobs), kept only by pools that track their jobs.
//!
//! # Implementation details
//!
//! Each job has a [`JobSpan`](crate::job::span::JobSpan), made when it begins. If the pool tracks its jobs at that
//! moment, the span holds an entry in the list, and removes it when the job ends. In a pool that does not track, a job
//! costs one load of a flag.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use slab::Slab;
use tokio::time::Instant;

use crate::sync::{Mutex, lock};

/// The tracked jobs of one pool.
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
    /// Set at the end of the first poll in which the job waited for greenpool.
    status: OnceLock<Weak<dyn JobStatus>>,
}

/// The status of a job that has ever waited for greenpool.
pub(crate) trait JobStatus: Send + Sync {
    /// Whether it waits for greenpool.
    fn waits(&self) -> bool;
    /// Whether it has no slot and has not ended.
    fn lends(&self) -> bool;
}

/// The entry of one job in the list. Dropping it removes the entry.
pub(crate) struct Track {
    list: Arc<List>,
    key: usize,
    job: Arc<Job>,
}

/// Describes one job that has not ended, as returned by [`GreenPool::jobs`](crate::GreenPool::jobs).
///
/// It is a snapshot: the job goes on, and dropping this changes nothing. A job for which neither `polled` nor `waits`
/// is set waits for something outside greenpool, or for the runtime to poll it.
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
    /// The number of the job: while a pool tracks its jobs, it numbers them from 0 as they begin.
    pub number: u64,
    /// The time since the job began, by tokio's clock.
    pub age: Duration,
    /// Whether it is being polled right now: it computes, or blocks its thread.
    pub polled: bool,
    /// Whether it waits for greenpool: for a slot, a result, a map or a pile.
    pub waits: bool,
    /// Whether it has no slot right now: the slot is lent to another job, or was given back with [`lend`](crate::lend).
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

    /// A job begins. Returns its entry if the pool tracks its jobs.
    #[inline]
    pub(crate) fn begin(&self) -> Option<Box<Track>> {
        if self.is_on() { Some(Box::new(self.list.clone().enter())) } else { None }
    }

    /// The tracked jobs, oldest first.
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
    /// Polls the job. `status` returns its status if it has ever waited for greenpool.
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
