//! `try_imap` and `try_imap_stream`: the verbs that run one job for each item of a source that can fail.

use std::future::Future;

use futures_core::Stream;

use crate::map::GreenMap;
use crate::map::source::Applied;
use crate::map::try_map::{TryGreenMap, UntilError};
use crate::pool::GreenPool;

impl GreenPool {
    /// Runs `f` on each item of `source` until the source's first `Err`, which ends the map; otherwise like
    /// [`imap`](Self::imap).
    ///
    /// The error comes after the results of all items before it, as
    /// [`TryMapError::Source`](crate::TryMapError::Source); see [`TryGreenMap`]. The `Result` that `f` may return is
    /// not looked at.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::io::{BufRead, Cursor};
    /// # let pool = greenpool::GreenPool::new(2);
    ///
    /// let file = Cursor::new("one\nthree\n");
    /// let mut lengths = pool.try_imap(|line: String| async move { line.len() }, file.lines());
    /// assert_eq!(lengths.next().await.unwrap().unwrap(), 3);
    /// assert_eq!(lengths.next().await.unwrap().unwrap(), 5);
    /// assert!(lengths.next().await.is_none());
    /// # }
    /// ```
    #[track_caller]
    pub fn try_imap<F, I, T, E, Fut>(&self, f: F, source: I) -> TryGreenMap<Fut::Output, E>
    where
        F: FnMut(T) -> Fut + Send + 'static,
        I: IntoIterator<Item = Result<T, E>, IntoIter: Send + 'static>,
        E: Send + 'static,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        let (items, failure) = UntilError::new(source.into_iter());
        TryGreenMap::new(GreenMap::start(self.inner(), Applied::new(items, f), true), failure)
    }

    /// Runs `f` on each item of `source` like [`try_imap`](Self::try_imap), but yields each result as soon as its job
    /// finishes. The error of the source still comes last.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let mut map = pool.try_imap_unordered(|n: u32| async move { n }, [Ok(1), Ok(2), Err("no more")]);
    /// let sum = map.next().await.unwrap().unwrap() + map.next().await.unwrap().unwrap();
    /// assert_eq!(sum, 3);
    /// assert!(map.next().await.unwrap().is_err());
    /// # }
    /// ```
    #[track_caller]
    pub fn try_imap_unordered<F, I, T, E, Fut>(&self, f: F, source: I) -> TryGreenMap<Fut::Output, E>
    where
        F: FnMut(T) -> Fut + Send + 'static,
        I: IntoIterator<Item = Result<T, E>, IntoIter: Send + 'static>,
        E: Send + 'static,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        let (items, failure) = UntilError::new(source.into_iter());
        TryGreenMap::new(GreenMap::start(self.inner(), Applied::new(items, f), false), failure)
    }

    /// Runs `f` on each item of an async source until the source's first `Err`, which ends the map; otherwise like
    /// [`imap_stream`](Self::imap_stream).
    ///
    /// The error comes after the results of all items before it, as
    /// [`TryMapError::Source`](crate::TryMapError::Source); see [`TryGreenMap`].
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let rows = futures::stream::iter([Ok("one"), Err("connection lost")]);
    /// let mut lengths = pool.try_imap_stream(|row: &'static str| async move { row.len() }, rows);
    /// assert_eq!(lengths.next().await.unwrap().unwrap(), 3);
    /// let error = lengths.next().await.unwrap().unwrap_err();
    /// assert_eq!(error.to_string(), "connection lost");
    /// # }
    /// ```
    #[track_caller]
    pub fn try_imap_stream<F, S, T, E, Fut>(&self, f: F, source: S) -> TryGreenMap<Fut::Output, E>
    where
        F: FnMut(T) -> Fut + Send + 'static,
        S: Stream<Item = Result<T, E>> + Send + 'static,
        T: Send,
        E: Send + 'static,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        let (items, failure) = UntilError::new(source);
        TryGreenMap::new(GreenMap::reading(self.inner(), f, items, true), failure)
    }

    /// Runs `f` on each item of an async source like [`try_imap_stream`](Self::try_imap_stream), but yields each result
    /// as soon as its job finishes. The error of the source still comes last.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let rows = futures::stream::iter([Ok(1), Ok(2), Err("connection lost")]);
    /// let mut map = pool.try_imap_stream_unordered(|n: u32| async move { n }, rows);
    /// let sum = map.next().await.unwrap().unwrap() + map.next().await.unwrap().unwrap();
    /// assert_eq!(sum, 3);
    /// assert!(map.next().await.unwrap().is_err());
    /// # }
    /// ```
    #[track_caller]
    pub fn try_imap_stream_unordered<F, S, T, E, Fut>(&self, f: F, source: S) -> TryGreenMap<Fut::Output, E>
    where
        F: FnMut(T) -> Fut + Send + 'static,
        S: Stream<Item = Result<T, E>> + Send + 'static,
        T: Send,
        E: Send + 'static,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        let (items, failure) = UntilError::new(source);
        TryGreenMap::new(GreenMap::reading(self.inner(), f, items, false), failure)
    }
}
