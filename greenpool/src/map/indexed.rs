//! [`Indexed`]: the results of a map with the index of their items.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::job::error::JoinError;
use crate::map::GreenMap;

impl<T> GreenMap<T> {
    /// Yields each result with the index of its item in the source, counted from 0. So the results of an unordered map,
    /// too, tell which input they belong to.
    ///
    /// Settings such as [`window`](Self::window) come before it. The error of a pool that was
    /// [closed](crate::GreenPool::close) has the index of the first item that did not run.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use std::time::Duration;
    ///
    /// # let pool = greenpool::GreenPool::new(2);
    /// let delays = [50, 10].map(Duration::from_millis);
    /// let mut slept = pool.imap_unordered(tokio::time::sleep, delays).indexed();
    /// let (index, result) = slept.next().await.unwrap();
    /// assert_eq!((index, result.is_ok()), (1, true));
    /// assert_eq!(slept.next().await.unwrap().0, 0);
    /// # }
    /// ```
    pub fn indexed(self) -> Indexed<T> {
        let taken = self.shared.signals.taken() as usize;
        Indexed { results: self, taken }
    }
}

/// Yields the results of a map with the index of their items; returned by [`GreenMap::indexed`].
///
/// **Dropping** it drops the map, and so aborts its jobs.
///
/// # Cancel safety
/// If the future of [`next`](Self::next) is dropped before it is ready, no result is lost.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPool, Indexed};
///
/// let words = ["one", "three"];
/// let mut lengths: Indexed<usize> =
///     GreenPool::new(2).imap_unordered(|word: &'static str| async move { word.len() }, words).indexed();
/// while let Some((index, length)) = lengths.next().await {
///     assert_eq!(words[index].len(), length.unwrap());
/// }
/// # }
/// ```
#[must_use = "dropping it stops the map; take its results with `next`"]
pub struct Indexed<T> /* a stream: read it with `next().await`, or `use futures::StreamExt;` */ {
    results: GreenMap<T>,
    /// The number of results that have been taken.
    taken: usize,
}

impl<T> Indexed<T> {
    /// Waits for the next result. Returns `None` at the end, and on each call after it.
    ///
    /// # Cancel safety
    /// If the returned future is dropped before it is ready, no result is lost.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let mut map = pool.imap(|n: u32| async move { n }, [7]).indexed();
    /// let (index, result) = map.next().await.unwrap();
    /// assert_eq!((index, result.unwrap()), (0, 7));
    /// assert!(map.next().await.is_none());
    /// # }
    /// ```
    pub fn next(&mut self) -> NextIndexed<'_, T> {
        NextIndexed { indexed: self }
    }

    /// Returns the next result if it is ready now, as [`GreenMap::try_next`] does.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let mut map = pool.imap(|n: u32| async move { n }, [7]).indexed();
    /// tokio::task::yield_now().await;
    /// let (index, result) = map.try_next().unwrap();
    /// assert_eq!((index, result.unwrap()), (0, 7));
    /// # }
    /// ```
    pub fn try_next(&mut self) -> Option<(usize, Result<T, JoinError>)> {
        let result = self.results.try_next()?;
        Some((self.index(), result))
    }

    /// The index of the item whose result has just been taken.
    fn index(&mut self) -> usize {
        let taken = self.taken;
        self.taken += 1;
        self.results.number.map_or(taken, |number| number as usize)
    }
}

impl<T> Stream for Indexed<T> {
    type Item = (usize, Result<T, JoinError>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let result = ready!(self.results.poll_take(cx));
        Poll::Ready(result.map(|result| (self.index(), result)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.results.size_hint()
    }
}

impl<T> FusedStream for Indexed<T> {
    fn is_terminated(&self) -> bool {
        self.results.is_terminated()
    }
}

impl<T> fmt::Debug for Indexed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Indexed").field("results", &self.results).finish()
    }
}

/// Waits for the next result: the future returned by [`Indexed::next`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPool, NextIndexed};
///
/// let mut map = GreenPool::new(2).imap(|n: u32| async move { n }, [7]).indexed();
/// let next: NextIndexed<'_, u32> = map.next();
/// assert_eq!(next.await.unwrap().0, 0);
/// # }
/// ```
#[must_use = "it takes a result only when it is awaited; write `.await`"]
pub struct NextIndexed<'a, T> {
    indexed: &'a mut Indexed<T>,
}

impl<T> Future for NextIndexed<'_, T> {
    type Output = Option<(usize, Result<T, JoinError>)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.indexed).poll_next(cx)
    }
}

impl<T> Drop for NextIndexed<'_, T> {
    fn drop(&mut self) {
        // The job that awaited it no longer waits for the map.
        self.indexed.results.stop_waiting();
    }
}
