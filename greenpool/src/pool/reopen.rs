//! `reopen`: lets a closed pool work again.

use crate::pool::GreenPool;

impl GreenPool {
    /// Opens the pool again after [`close`](Self::close) or [`shutdown`](Self::shutdown): from now on it accepts new
    /// jobs.
    ///
    /// So a `static` pool, such as that of a declared function, can be shut down at the end of one test and serve the
    /// next. What was refused stays refused, and a map that has found the pool closed does not read on. Does nothing if
    /// the pool is open.
    ///
    /// A `shutdown` that is still being awaited goes on. It also waits for the jobs that begin from now on and, after
    /// its grace period, aborts them. So await it first.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use std::time::Duration;
    ///
    /// # let pool = greenpool::GreenPool::new(2);
    /// pool.shutdown(Duration::from_secs(1)).await;
    /// assert!(pool.spawn(async {}).await.await.unwrap_err().is_closed());
    /// pool.reopen();
    /// assert_eq!(pool.spawn(async { 7 }).await.await.unwrap(), 7);
    /// # }
    /// ```
    pub fn reopen(&self) {
        self.inner().slots.reopen();
    }
}
