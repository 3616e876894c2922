//! `publish_metrics`, with the feature `metrics`: the numbers of a pool for the `metrics` crate.
//!
//! # Implementation details
//!
//! A pool counts its jobs anyway, so the counters are published as absolute values. Only the histograms add to the path
//! of a job, from the first time on that its pool publishes anything.

use metrics::{counter, gauge, histogram};

use crate::inner::times::Histograms;
use crate::pool::GreenPool;

impl GreenPool {
    /// Publishes the pool's numbers to the recorder of the `metrics` crate, labelled `pool` with the
    /// [name](Self::name) of the pool. A pool without a name publishes nothing; see
    /// [`publish_metrics_as`](Self::publish_metrics_as).
    ///
    /// | metric | kind | |
    /// |---|---|---|
    /// | `greenpool_size` | gauge | how many jobs may run at once |
    /// | `greenpool_running` | gauge | how many slots are in use |
    /// | `greenpool_waiting` | gauge | how many waiters are queued |
    /// | `greenpool_queued` | gauge | how many of these are calls of [`queue`](Self::queue) |
    /// | `greenpool_suspended` | gauge | how many jobs wait for greenpool |
    /// | `greenpool_begun_total` | counter | jobs that have started |
    /// | `greenpool_finished_total` | counter | jobs that finished without a panic |
    /// | `greenpool_panicked_total` | counter | jobs that panicked |
    /// | `greenpool_aborted_total` | counter | jobs that were aborted |
    /// | `greenpool_refused_total` | counter | jobs that the pool refused |
    /// | `greenpool_wait_seconds` | histogram | the time from the call of a job to its begin |
    /// | `greenpool_run_seconds` | histogram | the time from the begin of a job to its end |
    ///
    /// The values are those of [`stats`](Self::stats) at the time of the call, so call it periodically, or before each
    /// scrape. The histograms are recorded by the jobs that begin after the first call. Jobs of maps are in the second
    /// one only, since they wait in no queue of their own. In a pool that publishes nothing, jobs cost no more than
    /// without the feature.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use std::time::Duration;
    /// use greenpool::green_pool;
    ///
    /// #[green_pool(size = 8)]
    /// async fn fetch(n: u32) -> u32 { n }
    ///
    /// tokio::spawn(async {
    ///     loop {
    ///         fetch::pool().publish_metrics();
    ///         tokio::time::sleep(Duration::from_secs(10)).await;
    ///     }
    /// });
    /// # assert_eq!(fetch::spawn(7).await.await.unwrap(), 7);
    /// # }
    /// ```
    pub fn publish_metrics(&self) {
        if let Some(name) = self.name() {
            self.publish_metrics_as(name);
        }
    }

    /// Publishes the pool's numbers like [`publish_metrics`](Self::publish_metrics), labelled `pool` with `name`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let pool = greenpool::GreenPool::new(8);
    /// pool.publish_metrics_as("thumbnails");
    /// # }
    /// ```
    pub fn publish_metrics_as(&self, name: &'static str) {
        let stats = self.stats();
        self.inner().times.publish(Histograms {
            waiting: histogram!("greenpool_wait_seconds", "pool" => name),
            running: histogram!("greenpool_run_seconds", "pool" => name),
        });
        // The size of a pool has 30 bits.
        let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        gauge!("greenpool_size", "pool" => name).set(number(stats.size));
        gauge!("greenpool_running", "pool" => name).set(number(stats.running));
        gauge!("greenpool_waiting", "pool" => name).set(number(stats.waiting));
        gauge!("greenpool_queued", "pool" => name).set(number(stats.queued));
        gauge!("greenpool_suspended", "pool" => name).set(number(stats.suspended));
        counter!("greenpool_begun_total", "pool" => name).absolute(stats.spawned);
        counter!("greenpool_finished_total", "pool" => name).absolute(stats.finished);
        counter!("greenpool_panicked_total", "pool" => name).absolute(stats.panicked);
        counter!("greenpool_aborted_total", "pool" => name).absolute(stats.aborted);
        counter!("greenpool_refused_total", "pool" => name).absolute(stats.refused);
    }
}
