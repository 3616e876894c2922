//! A map as a set: what is ready now, and stopping early.

use crate::job::error::JoinError;
use crate::map::GreenMap;

impl<T> GreenMap<T> {
    /// Returns the next result if it is ready now. It does not wait.
    ///
    /// `None` means that the next result is not ready, or that the map has ended: then
    /// `futures::stream::FusedStream::is_terminated` returns true. Unlike [`next`](Self::next), it returns all results
    /// that are ready, however many, and never yields to other tasks.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let mut map = pool.imap(|n: u32| async move { n + 1 }, 0..10);
    /// assert!(map.try_next().is_none()); // no job has run yet
    /// tokio::task::yield_now().await;
    /// assert_eq!(map.try_next().unwrap().unwrap(), 1);
    /// # }
    /// ```
    pub fn try_next(&mut self) -> Option<Result<T, JoinError>> {
        if self.ended {
            return None;
        }
        if self.ready.get_mut().is_empty() {
            let mut state = self.shared.state();
            if !state.buffer.is_ready() {
                return None;
            }
            state.buffer.fetch(self.ready.get_mut());
            state.buffer.fetch_numbers(&mut self.numbers);
        }
        self.stop_waiting();
        self.take_fetched()
    }

    /// Stops reading the source. The map yields the results of the jobs that have begun, and then ends.
    ///
    /// The source is dropped, now or as soon as a worker has read from it for the last time. If
    /// [`imap_stream`](crate::GreenPool::imap_stream) has read an item that still waits for its slot, that job does not
    /// begin, and the map yields a [`JoinError`] for which [`is_cancelled`](JoinError::is_cancelled) is true in its
    /// place. To abort the running jobs as well, drop the map.
    ///
    /// # Panics
    /// If the destructor of the source panics. The map has stopped nevertheless.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let mut map = pool.imap(|n: u32| async move { n }, 0..);
    /// assert_eq!(map.next().await.unwrap().unwrap(), 0);
    /// map.stop();
    /// let mut more = 0;
    /// while let Some(result) = map.next().await {
    ///     result.unwrap();
    ///     more += 1;
    /// }
    /// assert!(more <= 2); // the jobs that had begun
    /// # }
    /// ```
    pub fn stop(&mut self) {
        self.driver.stop();
    }
}
