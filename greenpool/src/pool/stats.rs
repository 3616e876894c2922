//! `stats`, `track` and `jobs`: what a pool has done and is doing.

use std::sync::atomic::Ordering;

use crate::inner::tracked::JobInfo;
use crate::pool::GreenPool;

impl GreenPool {
    /// Returns what has happened in the pool so far.
    ///
    /// The numbers are read one after the other, so together they are not a snapshot of one instant.
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
        // Read in this order, so that a job that begins or ends between two reads is not counted as finished too early.
        let spawned = inner.live.begun();
        let live = inner.live.count();
        let (panicked, aborted) = (read(&counters.panicked), read(&counters.aborted));
        let (running, held) = (self.running(), read(&counters.held) as usize);
        PoolStats {
            size: self.size(),
            running,
            waiting: self.waiting(),
            waiting_for_key: inner.slots.parked(),
            queued: inner.slots.calls(),
            held,
            suspended: inner.blocked_jobs.suspended((live as usize + held).saturating_sub(running)),
            spawned,
            finished: spawned.saturating_sub(live + panicked + aborted),
            panicked,
            aborted,
            refused: read(&counters.refused),
            overflowed: read(&counters.overflowed),
        }
    }

    /// Switches the list behind [`jobs`](Self::jobs) on or off. It lists the jobs that start while it is on.
    ///
    /// While it is on, each job costs an additional lock and allocation. It is off by default, and then costs nothing.
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

    /// Lists the live jobs that started while [`track`](Self::track) was on, oldest first, with what each of them is
    /// doing.
    ///
    /// Queued jobs have not started and are not listed; see [`waiting`](Self::waiting). The jobs are read one after the
    /// other, not in one instant.
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

/// Counts what has happened in a pool; returned by [`GreenPool::stats`].
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
    /// How many slots are in use.
    pub running: usize,
    /// How many waiters are queued for a slot, those in `queued` among them.
    pub waiting: usize,
    /// How many of those wait for a job of their key to end: see [`spawn_keyed`](GreenPool::spawn_keyed).
    pub waiting_for_key: usize,
    /// How many calls of [`queue`](GreenPool::queue) have not begun.
    pub queued: usize,
    /// How many of the slots in use are held without a job: see [`slot`](GreenPool::slot).
    pub held: usize,
    /// How many jobs that have begun wait for greenpool: for a slot, a result, a map or a pile. Most of them have lent
    /// their slots, so they are not in `running`: those of a recursive crawl that wait for their links, for example.
    pub suspended: usize,
    /// Jobs that have started.
    pub spawned: u64,
    /// Jobs that finished without a panic. In a [`ShutdownReport`](crate::ShutdownReport), unlike here, `finished`
    /// includes the jobs that panicked.
    pub finished: u64,
    /// Jobs that panicked.
    pub panicked: u64,
    /// Jobs that were aborted, or dropped with their runtime.
    pub aborted: u64,
    /// Jobs that the pool refused because it was closed, and calls of [`queue`](GreenPool::queue) that were dropped
    /// before they began: by [`close`](GreenPool::close), [`shutdown`](GreenPool::shutdown) or
    /// [`abort_all`](GreenPool::abort_all), or with their runtime. A refused [`try_spawn`](GreenPool::try_spawn) is not
    /// counted: it returns an error.
    pub refused: u64,
    /// Jobs that started ahead of the queue in the idle slot of a blocked job, to resolve a deadlock between pools that
    /// wait for each other. Despite the name, none of these jobs exceeded the limit of the pool. Some may have exceeded
    /// the [limit by key](GreenPool::per_key).
    pub overflowed: u64,
}
