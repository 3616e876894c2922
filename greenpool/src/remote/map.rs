//! `FarMap`: the results of a function on an engine over many inputs.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::job::error::JoinError;
use crate::job::values::{JobResults, Values};
use crate::map::{GreenMap, Next};
use crate::remote::call::Outcome;

/// Yields the result of one job on an engine for each item of a source, as a [`GreenMap`] does of local jobs.
///
/// At most as many items as the window of the [`Far`](super::Far) are out or ready and not yet taken. If a job panics
/// or its result is [lost](JoinError::lost), the map yields an `Err` in its place, and the other jobs continue.
///
/// **Dropping** the map stops it: its source is not read again, queued jobs are removed, and running ones are told to
/// stop. [`detach`](Self::detach) lets them finish.
///
/// # Cancel safety
/// If the future of [`next`](Self::next) is dropped before it is ready, no result is lost.
///
/// ```
/// use greenpool::green_pool;
/// use greenpool::remote::Here;
///
/// #[green_pool(size = 4, remote)]
/// async fn add(a: u32, b: u32) -> u32 { a + b }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), greenpool::JoinError> {
/// let here = Here::new().serve(add::handler());
/// let mut sums = add::on(&here).imap([1, 2], [10, 20]);
/// assert_eq!(sums.next().await.unwrap()?, 11);
/// assert_eq!(sums.next().await.unwrap()?, 22);
/// assert!(sums.next().await.is_none());
/// # Ok(()) }
/// ```
#[must_use = "dropping it stops the map; take its results with `next`, or call `detach`"]
pub struct FarMap<T> /* a stream: read it with `next().await`, or `use futures::StreamExt;` */ {
    map: GreenMap<Outcome<T>>,
}

impl<T> FarMap<T> {
    pub(crate) fn of(map: GreenMap<Outcome<T>>) -> Self {
        FarMap { map }
    }

    /// Waits for the next result. Returns `None` at the end, and on each call after it.
    ///
    /// # Cancel safety
    /// If the returned future is dropped before it is ready, no result is lost.
    pub fn next(&mut self) -> FarNext<'_, T> {
        FarNext { next: self.map.next() }
    }

    /// Sets how many items may be out or ready and not yet taken; see [`GreenMap::window`]. More than the window of the
    /// function are never out.
    pub fn window(self, items: usize) -> Self {
        FarMap { map: self.map.window(items) }
    }

    /// Returns the next result if it is ready now. It does not wait; see [`GreenMap::try_next`].
    pub fn try_next(&mut self) -> Option<Result<T, JoinError>> {
        flatten(self.map.try_next())
    }

    /// Stops reading the source. The map yields the results of the jobs that are out, and then ends; see
    /// [`GreenMap::stop`].
    pub fn stop(&mut self) {
        self.map.stop();
    }

    /// Yields the output of each job, without a `Result` around it. If a job panicked, the panic resumes in the
    /// consumer, and the map ends; see [`Values`].
    ///
    /// # Panics
    /// The consumer of the values panics if a job has no output.
    ///
    /// ```
    /// use greenpool::green_pool;
    /// use greenpool::remote::Here;
    ///
    /// #[green_pool(size = 4, remote)]
    /// async fn double(n: u32) -> u32 { n * 2 }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let here = Here::new().serve(double::handler());
    /// let mut doubles = double::on(&here).imap(1..=3).values();
    /// let mut sum = 0;
    /// while let Some(double) = doubles.next().await {
    ///     sum += double;
    /// }
    /// assert_eq!(sum, 12);
    /// # }
    /// ```
    pub fn values(self) -> Values<Self> {
        Values::new(self)
    }

    /// Detaches the jobs that are out: they run to completion, and their results are dropped. The source is not read
    /// again.
    pub fn detach(self) {
        self.map.detach();
    }
}

impl<T> JobResults for FarMap<T> {
    type Output = T;

    fn stop_waiting(&mut self) {
        self.map.stop_waiting();
    }
}

fn flatten<T>(result: Option<Result<Outcome<T>, JoinError>>) -> Option<Outcome<T>> {
    result.map(|outcome| outcome.and_then(|outcome| outcome))
}

impl<T> Stream for FarMap<T> {
    type Item = Result<T, JoinError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(flatten(ready!(Pin::new(&mut self.map).poll_next(cx))))
    }

    /// Returns bounds on the number of results left, as exact as the size hint of the source.
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.map.size_hint()
    }
}

impl<T> FusedStream for FarMap<T> {
    fn is_terminated(&self) -> bool {
        self.map.is_terminated()
    }
}

impl<T> fmt::Debug for FarMap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FarMap").field("remaining", &self.size_hint()).finish()
    }
}

/// Waits for the next result: the future returned by [`FarMap::next`].
#[must_use = "it takes a result only when it is awaited; write `.await`"]
pub struct FarNext<'a, T> {
    next: Next<'a, Outcome<T>>,
}

impl<T> Future for FarNext<'_, T> {
    type Output = Option<Result<T, JoinError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(flatten(ready!(Pin::new(&mut self.next).poll(cx))))
    }
}
