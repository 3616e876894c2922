//! [`TryGreenMap`]: a map over a source that can fail. The map behind it reads the items up to the first error, which
//! is kept aside until the last result has been taken.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;
use pin_project_lite::pin_project;

use crate::job::error::JoinError;
use crate::map::{GreenMap, Next};
use crate::sync::quiet::drop_quietly;
use crate::sync::{Mutex, lock};

/// Yields the result of one job for each item of a source that can fail: a source of `Result<Item, E>`.
///
/// It is a [`GreenMap`], and works like one, except that the source's first `Err` ends it. Nothing is read after that
/// error. The jobs that have started run on, the map yields their results, then [`TryMapError::Source`] with the error,
/// and then it ends. A job that panics or is cancelled is a [`TryMapError::Job`] in its place, and the others continue.
///
/// **Dropping** the map stops it: its source is not read again, and running jobs are aborted. [`detach`](Self::detach)
/// lets them finish. In both cases an error of the source that has not been taken is dropped.
///
/// # Cancel safety
/// If the future of [`next`](Self::next) is dropped before it is ready, no result and no error is lost.
///
/// # Compared with `TryStreamExt::try_buffered`
/// `try_buffered` yields the error of the source as soon as it reads it, ahead of the results before it, and drops the
/// futures that are running.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPool, TryMapError};
///
/// let lines = ["1", "2", "x", "4"].map(str::parse::<u32>);
/// let mut doubles = GreenPool::new(2).try_imap(|n| async move { n * 2 }, lines);
/// assert_eq!(doubles.next().await.unwrap().unwrap(), 2);
/// assert_eq!(doubles.next().await.unwrap().unwrap(), 4);
/// match doubles.next().await {
///     Some(Err(TryMapError::Source(error))) => assert_eq!(error.to_string(), "invalid digit found in string"),
///     other => panic!("{other:?}"),
/// }
/// assert!(doubles.next().await.is_none());
/// # }
/// ```
#[must_use = "dropping it stops the map; take its results with `next`, or call `detach`"]
pub struct TryGreenMap<T, E> /* a stream: read it with `next().await`, or `use futures::StreamExt;` */ {
    map: GreenMap<T>,
    failure: Failure<E>,
}

/// Why a [`TryGreenMap`] has no result for an item.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// use std::io;
/// use greenpool::{GreenPool, TryMapError};
///
/// let rows: [io::Result<u32>; 1] = [Err(io::Error::other("the disk is gone"))];
/// let mut map = GreenPool::new(2).try_imap(|row| async move { row }, rows);
/// let error: TryMapError<io::Error> = map.next().await.unwrap().unwrap_err();
/// assert_eq!(error.to_string(), "the disk is gone");
/// let error = io::Error::from(error); // so `?` works in a function that returns `io::Result`
/// assert_eq!(error.to_string(), "the disk is gone");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub enum TryMapError<E> {
    /// The error of the source. It is the last thing that the map yields.
    Source(E),
    /// The job of the item panicked or was cancelled.
    Job(JoinError),
}

impl<E: fmt::Display> fmt::Display for TryMapError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryMapError::Source(error) => error.fmt(f),
            TryMapError::Job(error) => error.fmt(f),
        }
    }
}

// The message is that of the error inside, so its cause is the cause of that error.
impl<E: Error> Error for TryMapError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            TryMapError::Source(error) => error.source(),
            TryMapError::Job(error) => error.source(),
        }
    }
}

impl From<TryMapError<io::Error>> for io::Error {
    fn from(error: TryMapError<io::Error>) -> Self {
        match error {
            TryMapError::Source(error) => error,
            TryMapError::Job(error) => io::Error::other(error),
        }
    }
}

/// Where a source leaves its error for the consumer.
pub(crate) struct Failure<E>(Arc<Left<E>>);

struct Left<E>(Mutex<Option<E>>);

impl<E> Drop for Left<E> {
    fn drop(&mut self) {
        // Nobody has taken it.
        let error = lock(&self.0).take();
        drop_quietly(error);
    }
}

impl<E> Failure<E> {
    fn put(&self, error: E) {
        *lock(&self.0.0) = Some(error);
    }

    fn take(&self) -> Option<E> {
        lock(&self.0.0).take()
    }

    fn is_set(&self) -> bool {
        lock(&self.0.0).is_some()
    }
}

impl<E> Clone for Failure<E> {
    fn clone(&self) -> Self {
        Failure(self.0.clone())
    }
}

pin_project! {
    /// The items of a source up to its first error, which goes to `failure`.
    pub(crate) struct UntilError<S, E> {
        #[pin]
        source: S,
        failure: Failure<E>,
    }
}

impl<S, E> UntilError<S, E> {
    pub(crate) fn new(source: S) -> (Self, Failure<E>) {
        let failure = Failure(Arc::new(Left(Mutex::new(None))));
        (UntilError { source, failure: failure.clone() }, failure)
    }

    fn item<T>(failure: &Failure<E>, item: Result<T, E>) -> Option<T> {
        item.map_err(|error| failure.put(error)).ok()
    }
}

impl<T, E, S: Iterator<Item = Result<T, E>>> Iterator for UntilError<S, E> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        Self::item(&self.failure, self.source.next()?)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.source.size_hint().1)
    }
}

impl<T, E, S: Stream<Item = Result<T, E>>> Stream for UntilError<S, E> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.project();
        let item = ready!(this.source.poll_next(cx));
        Poll::Ready(item.and_then(|item| Self::item(this.failure, item)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.source.size_hint().1)
    }
}

impl<T, E> TryGreenMap<T, E> {
    /// The map whose source leaves its error in `failure`.
    pub(crate) fn new(map: GreenMap<T>, failure: Failure<E>) -> Self {
        TryGreenMap { map, failure }
    }

    /// Waits for the next result, or for the error of the source after the last one. Returns `None` at the end, and on
    /// each call after it.
    ///
    /// # Cancel safety
    /// If the returned future is dropped before it is ready, no result and no error is lost.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let mut map = pool.try_imap(|n: u32| async move { n + 1 }, [Ok(1), Err("no more"), Ok(3)]);
    /// assert_eq!(map.next().await.unwrap().unwrap(), 2);
    /// assert!(map.next().await.unwrap().is_err());
    /// assert!(map.next().await.is_none());
    /// # }
    /// ```
    pub fn next(&mut self) -> TryNext<'_, T, E> {
        TryNext { next: self.map.next(), failure: &self.failure }
    }

    /// Sets how many items may be running or finished and not yet taken, as [`GreenMap::window`] does.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let rows = (0..1000).map(Ok::<u32, std::io::Error>);
    /// let mut map = pool.try_imap(|n| async move { n + 1 }, rows).window(100);
    /// assert_eq!(map.next().await.unwrap().unwrap(), 1);
    /// # }
    /// ```
    pub fn window(self, items: usize) -> Self {
        TryGreenMap { map: self.map.window(items), failure: self.failure }
    }

    /// Detaches the running jobs: they run to completion, and their results are dropped. The source is not read again.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let map = pool.try_imap(|n: u32| async move { n + 1 }, [Ok(1), Err("no more")]);
    /// tokio::task::yield_now().await;
    /// map.detach();
    /// pool.waitall().await;
    /// assert_eq!(pool.stats().aborted, 0);
    /// # }
    /// ```
    pub fn detach(self) {
        self.map.detach();
    }
}

/// What the map yields for what the map behind it yields.
fn item<T, E>(result: Option<Result<T, JoinError>>, failure: &Failure<E>) -> Option<Result<T, TryMapError<E>>> {
    match result {
        Some(result) => Some(result.map_err(TryMapError::Job)),
        None => failure.take().map(|error| Err(TryMapError::Source(error))),
    }
}

impl<T, E> Stream for TryGreenMap<T, E> {
    type Item = Result<T, TryMapError<E>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let result = ready!(Pin::new(&mut self.map).poll_next(cx));
        Poll::Ready(item(result, &self.failure))
    }

    /// Returns bounds on the number of results left. The error of the source counts as one of them.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let (lower, upper) = self.map.size_hint();
        let error = usize::from(self.failure.is_set());
        (lower.saturating_add(error), upper.and_then(|upper| upper.checked_add(error)))
    }
}

impl<T, E> FusedStream for TryGreenMap<T, E> {
    fn is_terminated(&self) -> bool {
        self.map.is_terminated() && !self.failure.is_set()
    }
}

impl<T, E> fmt::Debug for TryGreenMap<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("TryGreenMap");
        debug.field("remaining", &self.size_hint()).field("ended", &self.is_terminated()).finish()
    }
}

/// Waits for the next result: the future returned by [`TryGreenMap::next`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPool, TryNext};
///
/// let mut map = GreenPool::new(2).try_imap(|n: u32| async move { n + 1 }, [Ok(1), Err("no more")]);
/// let next: TryNext<'_, u32, &str> = map.next();
/// assert_eq!(next.await.unwrap().unwrap(), 2);
/// # }
/// ```
#[must_use = "it takes a result only when it is awaited; write `.await`"]
pub struct TryNext<'a, T, E> {
    next: Next<'a, T>,
    failure: &'a Failure<E>,
}

impl<T, E> Future for TryNext<'_, T, E> {
    type Output = Option<Result<T, TryMapError<E>>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(Pin::new(&mut self.next).poll(cx));
        Poll::Ready(item(result, self.failure))
    }
}
