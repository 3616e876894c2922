//! [`Values`]: the outputs of many jobs, where the first panic ends the rest.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::job::error::JoinError;
use crate::sync::quiet::drop_quietly;

/// Describes what yields the results of jobs one after the other: a map, or a pile whose jobs all return the same type.
///
/// ```
/// use greenpool::{GreenPool, JobResults, Values};
///
/// async fn sum<S: JobResults<Output = u32>>(mut values: Values<S>) -> u32 {
///     let mut sum = 0;
///     while let Some(value) = values.next().await {
///         sum += value;
///     }
///     sum
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let map = GreenPool::new(2).imap(|n: u32| async move { n * n }, 1..=3);
/// assert_eq!(sum(map.values()).await, 14);
/// # }
/// ```
pub trait JobResults: FusedStream<Item = Result<Self::Output, JoinError>> + Unpin {
    /// The output of each job.
    type Output;
    /// The verb that waited for the next result has been dropped.
    #[doc(hidden)]
    fn stop_waiting(&mut self);
}

/// Yields the outputs of the jobs of a map or a pile, without a `Result` around each. Returned by
/// [`GreenMap::values`](crate::GreenMap::values), [`GreenPile::values`](crate::GreenPile::values) and
/// [`PileOf::values`](crate::PileOf::values).
///
/// If a job panics, the panic resumes in the consumer. If a job has no output for another reason, because it was
/// aborted or its pool is closed, the consumer panics with the message of the [`JoinError`]. In both cases the map or
/// pile is dropped first: nothing new starts, and the running jobs are aborted. A consumer that catches the panic finds
/// the end.
///
/// The `Values` of a pile are also a future of all outputs, see [`PileOf::values`](crate::PileOf::values).
///
/// **Dropping** it drops the map or pile, and so aborts its jobs.
///
/// # Cancel safety
/// If the future of [`next`](Self::next) is dropped before it is ready, no output is lost.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let pool = greenpool::GreenPool::new(2);
/// let mut lengths = pool.imap(|word: &'static str| async move { word.len() }, ["one", "three"]).values();
/// let mut sum = 0;
/// while let Some(length) = lengths.next().await {
///     sum += length;
/// }
/// assert_eq!(sum, 8);
/// # }
/// ```
#[must_use = "dropping it aborts its jobs; take their outputs with `next`, or await it if it is of a pile"]
pub struct Values<S> /* a stream: read it with `next().await`, or `use futures::StreamExt;` */ {
    /// `None` once it has ended with a panic.
    pub(crate) source: Option<S>,
    /// The first error of a pile that is awaited as a whole.
    pub(crate) error: Option<JoinError>,
}

impl<S> Values<S> {
    pub(crate) fn new(source: S) -> Self {
        Values { source: Some(source), error: None }
    }

    /// Waits for the next output. Returns `None` at the end, and on each call after it.
    ///
    /// # Panics
    /// The returned future panics if the next job has no output: with the payload of the job if it panicked, and
    /// otherwise with the message of the [`JoinError`].
    ///
    /// # Cancel safety
    /// If the returned future is dropped before it is ready, no output is lost.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let mut values = pool.imap(|n: u32| async move { n + 1 }, [1]).values();
    /// assert_eq!(values.next().await, Some(2));
    /// assert_eq!(values.next().await, None);
    /// # }
    /// ```
    pub fn next<T>(&mut self) -> NextValue<'_, S, T>
    where
        S: JobResults<Output = T>,
    {
        NextValue { values: self, poll: Self::poll_result, stop_waiting: Self::stop_waiting }
    }

    /// Takes the next result. Before it returns an error, it drops the source.
    fn poll_result(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<S::Output, JoinError>>>
    where
        S: JobResults,
    {
        let Some(source) = &mut self.source else {
            return Poll::Ready(None);
        };
        let result = ready!(Pin::new(source).poll_next(cx));
        if let Some(Err(_)) = result {
            self.end();
        }
        Poll::Ready(result)
    }

    /// Drops the source before a panic resumes. The panic of a destructor comes second, so it is dropped.
    pub(crate) fn end(&mut self) {
        drop_quietly(self.source.take());
    }

    fn stop_waiting(&mut self)
    where
        S: JobResults,
    {
        if let Some(source) = &mut self.source {
            source.stop_waiting();
        }
    }
}

impl<S: JobResults> Stream for Values<S> {
    type Item = S::Output;

    #[track_caller]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Output>> {
        Poll::Ready(value(ready!(self.poll_result(cx))))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.source.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}

impl<S: JobResults> FusedStream for Values<S> {
    fn is_terminated(&self) -> bool {
        self.source.as_ref().is_none_or(FusedStream::is_terminated)
    }
}

// No output is pinned.
impl<S> Unpin for Values<S> {}

impl<S: fmt::Debug> fmt::Debug for Values<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values").field("source", &self.source).finish()
    }
}

/// Waits for the next output: the future returned by [`Values::next`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenMap, GreenPool, NextValue};
///
/// let mut values = GreenPool::new(2).imap(|n: u32| async move { n + 1 }, [1]).values();
/// let next: NextValue<'_, GreenMap<u32>, u32> = values.next();
/// assert_eq!(next.await, Some(2));
/// # }
/// ```
// Like the future of a spawn, it has no bounds: `SpawnFuture` says why.
#[must_use = "it takes an output only when it is awaited; write `.await`"]
pub struct NextValue<'a, S, T> {
    values: &'a mut Values<S>,
    poll: PollResult<S, T>,
    stop_waiting: fn(&mut Values<S>),
}

type PollResult<S, T> = fn(&mut Values<S>, &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>>;

/// The output of a job. An error resumes or raises its panic here.
#[track_caller]
fn value<T>(result: Option<Result<T, JoinError>>) -> Option<T> {
    match result? {
        Ok(value) => Some(value),
        Err(error) => error.raise(),
    }
}

impl<S, T> Future for NextValue<'_, S, T> {
    type Output = Option<T>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready(value(ready!((self.poll)(self.values, cx))))
    }
}

impl<S, T> Drop for NextValue<'_, S, T> {
    fn drop(&mut self) {
        // The job that awaited it no longer waits for the source.
        (self.stop_waiting)(self.values);
    }
}

/// Why the jobs of a map or a pile are stopped before all have finished.
#[doc(hidden)]
pub enum Failure<E> {
    /// One of them, or the consumer, has returned this error.
    Error(E),
    /// One of them has no output.
    Join(JoinError),
}

impl<E> Failure<E> {
    /// The error of the job or the consumer. Otherwise the panic of the job resumes here.
    #[track_caller]
    pub(crate) fn into_error(self) -> E {
        match self {
            Failure::Error(error) => error,
            Failure::Join(error) => error.raise(),
        }
    }
}
