//! `stats` and `jobs`: what a pool has done and is doing.

use std::sync::atomic::Ordering;

use crate::inner::tracked::JobInfo;
use crate::pool::GreenPool;

impl GreenPool {
    /// What has happened in the pool so far. The numbers are read one after the other, not in one instant.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let pool = greenpool::GreenPool::new(2);
    /// pool.spawn_n(async {}).await;
    /// pool.spawn_n(async { panic!("counted, and no more") }).await;
    /// pool.waitall().await;
    /// let stats = pool.stats();
    /// assert_eq!((stats.spawned, stats.finished, stats.panicked), (2, 1, 1));
    /// # }
    /// ```
    pub fn stats(&self) -> PoolStats {
        let inner = self.inner();
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &inner.counters;
        // In this order, a job that begins or ends meanwhile is never among the finished too early.
        let spawned = inner.live.begun();
        let live = inner.live.count();
        let (panicked, aborted) = (read(&counters.panicked), read(&counters.aborted));
        PoolStats {
            size: self.size(),
            running: self.running(),
            waiting: self.waiting(),
            spawned,
            finished: spawned.saturating_sub(live + panicked + aborted),
            panicked,
            aborted,
            refused: read(&counters.refused),
            overflowed: read(&counters.overflowed),
        }
    }

    /// Keeps a list of the jobs that begin from now on, for [`jobs`](Self::jobs), or stops doing so.
    ///
    /// While this is on, a job costs a lock and an allocation more. It is off at first, and then costs nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use greenpool::green_pool;
    ///
    /// #[green_pool(size = 8)]
    /// async fn fetch(n: u32) -> u32 { n }
    ///
    /// fetch::pool().track(std::env::var_os("DEBUG").is_some());
    /// # assert_eq!(fetch::spawn(7).await.await.unwrap(), 7);
    /// # }
    /// ```
    pub fn track(&self, on: bool) {
        self.inner().tracked.switch(on);
    }

    /// The jobs that are not over, the oldest first, with what each of them is doing: those that have begun while
    /// [`track`](Self::track) was on.
    ///
    /// What is queued has not begun, see [`waiting`](Self::waiting). Each job is looked at for itself, not all in one instant.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use std::time::Duration;
    /// # let pool = greenpool::GreenPool::new(2);
    /// pool.track(true);
    /// pool.spawn_n(tokio::time::sleep(Duration::from_secs(100))).await;
    /// tokio::time::sleep(Duration::from_secs(70)).await;
    /// let jobs = pool.jobs();
    /// assert_eq!((jobs.len(), jobs[0].age.as_secs()), (1, 70));
    /// # }
    /// ```
    pub fn jobs(&self) -> Vec<JobInfo> {
        self.inner().tracked.jobs()
    }
}

/// What has happened in a pool; made by [`GreenPool::stats`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let pool = greenpool::GreenPool::new(2);
/// pool.spawn(async {}).await.await.unwrap();
/// let stats = pool.stats();
/// assert_eq!((stats.size, stats.spawned, stats.finished, stats.running), (2, 1, 1, 0));
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// How many jobs may run at once.
    pub size: usize,
    /// How many slots are taken.
    pub running: usize,
    /// How many callers are queued for a slot.
    pub waiting: usize,
    /// Jobs that have begun.
    pub spawned: u64,
    /// Jobs that came to their end.
    pub finished: u64,
    /// Jobs that panicked.
    pub panicked: u64,
    /// Jobs that were aborted, or dropped with their runtime.
    pub aborted: u64,
    /// Spawns that came to a closed pool.
    pub refused: u64,
    /// Jobs that begun in the idle slot of one that was blocked, to break a cycle of pools that waited for each other.
    pub overflowed: u64,
}
