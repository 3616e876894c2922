//! `queue`: work that need not wait.

use std::future::Future;

use crate::job::cell::cell_of;
use crate::pool::GreenPool;
use crate::spawn::begin;

impl GreenPool {
    /// Queues `future` as a job and returns at once: the job begins when its turn comes.
    ///
    /// It is the verb for work that a job finds, such as the links of a page. A job that uses
    /// [`spawn_n`](Self::spawn_n) for that in its own full pool lends its slot and waits for the child, so a crawl goes
    /// depth first, and all suspended parents stay in memory. `queue` lends nothing: the job goes on, and what it found
    /// is kept as small as possible. Of a declared function only the arguments are kept, so prefer
    /// `visit::queue(link)` to `pool.queue(visit(link))`, which keeps the whole future.
    ///
    /// The queue has no bound. Where the caller should slow down when the pool is full, as when it reads a file or
    /// accepts connections, use `spawn_n`.
    ///
    /// The job stands in line with all other waiters, first come, first served, and runs on the runtime of the caller.
    /// It has no handle. A panic in it is treated as in [`spawn_n`](Self::spawn_n). [`waiting`](Self::waiting) counts
    /// it until it begins, [`PoolStats::queued`](crate::PoolStats::queued) shows how many there are, and
    /// [`waitall`](Self::waitall) waits for it. If the pool is closed, `future` is dropped and counted as refused.
    /// [`close`](Self::close) and [`abort_all`](Self::abort_all) do the same with what is queued by then, and
    /// [`shutdown`](Self::shutdown) after its grace period; see there.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use greenpool::GreenPool;
    ///
    /// /// Visits the numbers below `n`, each from its half.
    /// fn visit(pool: GreenPool, n: u32) -> impl Future<Output = ()> + Send {
    ///     async move {
    ///         for found in [2 * n, 2 * n + 1] {
    ///             if found < 1000 {
    ///                 pool.queue(visit(pool.clone(), found));
    ///             }
    ///         }
    ///     }
    /// }
    ///
    /// let pool = GreenPool::new(4);
    /// pool.queue(visit(pool.clone(), 1));
    /// pool.waitall().await;
    /// assert_eq!(pool.stats().finished, 999);
    /// # }
    /// ```
    #[track_caller]
    pub fn queue<F>(&self, future: F)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        begin::queue_job(self.inner(), cell_of!(F, future), None);
    }
}
