//! The values of a map's jobs: where a panic, or the first error, stops the rest.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::job::error::JoinError;
use crate::job::values::{Failure, JobResults, Values};
use crate::map::GreenMap;
use crate::sync::quiet::drop_quietly;

impl<T> GreenMap<T> {
    /// Yields the output of each job, without a `Result` around it. If a job panics, the panic resumes in the consumer,
    /// and the map ends.
    ///
    /// For more, see [`Values`]. Settings such as [`window`](Self::window) come before it: `map.window(9).values()`.
    ///
    /// # Panics
    /// The consumer of the values panics if a job has no output. If the pool is [closed](crate::GreenPool::close) while
    /// the map reads, that is so after the outputs of the jobs that have begun.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let mut squares = pool.imap(|n: u64| async move { n * n }, 1..=1000).values();
    /// let mut sum = 0;
    /// while let Some(square) = squares.next().await {
    ///     sum += square;
    /// }
    /// assert_eq!(sum, 333_833_500);
    /// # }
    /// ```
    pub fn values(self) -> Values<Self> {
        Values::new(self)
    }

    /// Stops the map, which [`poll_ended`](Self::poll_ended) must follow: it reads no more, and its jobs are aborted.
    /// Returns the panic of the source, if its destructor panics.
    fn abort(&mut self) -> Option<JoinError> {
        let stopped = catch_unwind(AssertUnwindSafe(|| self.driver.stop()));
        self.shared.abort();
        stopped.err().map(JoinError::panic)
    }

    /// Drops the results that are left. Ready when no job is left.
    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(result) = ready!(self.poll_take(cx)) {
            drop_quietly(result);
        }
        Poll::Ready(())
    }
}

impl<T> JobResults for GreenMap<T> {
    type Output = T;

    fn stop_waiting(&mut self) {
        GreenMap::stop_waiting(self);
    }
}

/// A map whose rest is stopped at the first failure.
struct Fallible<T, E> {
    map: GreenMap<T>,
    failure: Option<Failure<E>>,
}

impl<T, E> Fallible<T, E> {
    fn new(map: GreenMap<T>) -> Self {
        Fallible { map, failure: None }
    }

    /// Takes the next output of a job. Ready with `None` at the end, and after a failure, when all jobs have ended.
    fn poll_next<V>(&mut self, cx: &mut Context<'_>, mut check: impl FnMut(T) -> Result<V, E>) -> Poll<Option<V>> {
        while self.failure.is_none() {
            match ready!(self.map.poll_take(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => self.fail(Failure::Join(error)),
                Some(Ok(output)) => match check(output) {
                    Ok(value) => return Poll::Ready(Some(value)),
                    Err(error) => self.fail(Failure::Error(error)),
                },
            }
        }
        ready!(self.map.poll_ended(cx));
        Poll::Ready(None)
    }

    /// Stops the map. A panic of its source comes before an error.
    fn fail(&mut self, failure: Failure<E>) {
        let panic = self.map.abort();
        self.failure = Some(match (failure, panic) {
            (Failure::Error(error), Some(panic)) => {
                drop_quietly(error);
                Failure::Join(panic)
            }
            (failure, panic) => {
                drop_quietly(panic);
                failure
            }
        });
    }
}

impl<T, E> Drop for Fallible<T, E> {
    fn drop(&mut self) {
        // Before the map is dropped, which aborts its jobs: their slots must not find this job waiting.
        self.map.stop_waiting();
    }
}

/// # Functions that return `Result`
impl<T> GreenMap<T> {
    /// Collects the values that the jobs return in `Ok`. The first `Err` stops the map and aborts the other jobs.
    ///
    /// It returns that error when the other jobs have ended: their futures have been dropped, and their slots are free.
    /// The first is the first that the map yields: in the order of the items, or in the order of time if the map is
    /// unordered. Use an unordered map to stop as early as possible.
    ///
    /// The collection is anything that can be extended: a `Vec`, a `HashMap`, a `String`, or `()` if the values are
    /// `()`. This method takes precedence over the one of `futures::TryStreamExt`, for which the error of the jobs is a
    /// [`JoinError`].
    ///
    /// # Panics
    /// If a job panics, the returned future stops the map in the same way, and then the panic resumes. If a job has no
    /// result for another reason, such as a closed pool, it panics with the message of the [`JoinError`].
    ///
    /// # Cancel safety
    /// Dropping the returned future stops the map and aborts its jobs, without waiting for their end. The values so far
    /// are lost.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let parse = |text: &'static str| async move { text.parse::<u32>() };
    /// let numbers: Vec<u32> = pool.imap(parse, ["17", "4"]).try_collect().await.unwrap();
    /// assert_eq!(numbers, [17, 4]);
    ///
    /// let error = pool.imap(parse, ["17", "four", "4"]).try_collect::<Vec<_>>().await.unwrap_err();
    /// assert_eq!(error.to_string(), "invalid digit found in string");
    /// assert_eq!(pool.running(), 0);
    /// # }
    /// ```
    pub fn try_collect<C>(self) -> TryCollect<T, C>
    where
        T: TryOutput,
        C: Default + Extend<T::Ok>,
    {
        let extend = |collection: &mut C, output: T| {
            collection.extend(Some(output.into_result().map_err(T::from_err)?));
            Ok(())
        };
        TryCollect { map: Fallible::new(self), collection: Some(C::default()), extend }
    }

    /// Calls an async function with each value that a job returns in `Ok`, one after the other. The first `Err`, of a
    /// job or of the function, stops the map and aborts the other jobs.
    ///
    /// It returns that error when the other jobs have ended: their futures have been dropped, and their slots are free.
    /// The error of a job is converted with `From`, as `?` does; the type of the error is that of the function.
    ///
    /// Jobs make progress while the function waits. If the jobs return plain values, call [`values`](Self::values)
    /// first. The function may be an `async` closure that borrows from its surroundings; to change something there, do
    /// so before the async part, as here, or behind a lock. (With `AsyncFnMut` as its bound it could do more, but a
    /// task that awaits this would not be `Send`.)
    ///
    /// # Panics
    /// If a job panics, the returned future stops the map in the same way, and then the panic resumes. If a job has no
    /// result for another reason, such as a closed pool, it panics with the message of the [`JoinError`]. If the
    /// function panics, the map is dropped at once.
    ///
    /// # Cancel safety
    /// Dropping the returned future stops the map and aborts its jobs, without waiting for their end.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// use std::error::Error;
    ///
    /// let mut sum = 0_u8;
    /// let added: Result<(), Box<dyn Error>> = pool
    ///     .imap(|text: &'static str| async move { text.parse::<u8>() }, ["17", "4", "250", "1"])
    ///     .try_for_each(|number| {
    ///         let added = sum.checked_add(number).map(|added| sum = added);
    ///         async move { Ok(added.ok_or("that is too much")?) }
    ///     })
    ///     .await;
    /// assert_eq!(added.unwrap_err().to_string(), "that is too much");
    /// assert_eq!((sum, pool.running()), (21, 0));
    /// # }
    /// ```
    pub fn try_for_each<F, Fut, E>(self, function: F) -> impl Future<Output = Result<(), E>>
    where
        T: TryOutput,
        F: FnMut(T::Ok) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: From<T::Err>,
    {
        for_each(self, |output: T| output.into_result().map_err(E::from), function)
    }
}

/// Describes the output of jobs that can fail: a `Result`.
///
/// ```
/// use greenpool::{GreenMap, GreenPool, TryOutput};
///
/// async fn count<T: TryOutput>(map: GreenMap<T>) -> Result<usize, T::Err> {
///     let values: Vec<T::Ok> = map.try_collect().await?;
///     Ok(values.len())
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let map = GreenPool::new(2).imap(|n: u8| async move { n.checked_sub(1).ok_or("zero") }, [1, 2, 3]);
/// assert_eq!(count(map).await, Ok(3));
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "the jobs of this map must return a `Result`, but they return `{Self}`",
    label = "the jobs return `{Self}`, which is no `Result`",
    note = "`map.values()` yields what the jobs return"
)]
pub trait TryOutput: Sized {
    /// The value of a job that succeeds.
    type Ok;
    /// The error of a job that fails.
    type Err;
    #[doc(hidden)]
    fn into_result(self) -> Result<Self::Ok, Self::Err>;
    #[doc(hidden)]
    fn from_err(error: Self::Err) -> Self;
}

impl<T, E> TryOutput for Result<T, E> {
    type Ok = T;
    type Err = E;

    fn into_result(self) -> Self {
        self
    }

    fn from_err(error: E) -> Self {
        Err(error)
    }
}

impl<T> Values<GreenMap<T>> {
    /// Calls an async function with each output, one after the other. The first `Err` of the function stops the map and
    /// aborts the other jobs.
    ///
    /// It returns that error when the other jobs have ended: their futures have been dropped, and their slots are free.
    /// If the jobs return a `Result` and their errors should stop the map too, use
    /// [`GreenMap::try_for_each`].
    ///
    /// # Panics
    /// The same as for [`GreenMap::try_for_each`].
    ///
    /// # Cancel safety
    /// Dropping the returned future stops the map and aborts its jobs, without waiting for their end.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let (give, mut take) = tokio::sync::mpsc::channel(10);
    /// let squares = pool.imap(|n: u32| async move { n * n }, 0..10).values();
    /// squares.try_for_each(async |square| give.send(square).await).await.unwrap();
    /// assert_eq!(take.recv().await, Some(0));
    /// # }
    /// ```
    pub fn try_for_each<F, Fut, E>(self, function: F) -> impl Future<Output = Result<(), E>>
    where
        F: FnMut(T) -> Fut,
        Fut: Future<Output = Result<(), E>>,
    {
        for_each(self.source, Ok, function)
    }
}

/// Calls `function` with what `check` returns for each output, until one of the two fails.
fn for_each<T, V, E, F, Fut>(
    map: impl Into<Option<GreenMap<T>>>,
    check: impl Fn(T) -> Result<V, E>,
    mut function: F,
) -> impl Future<Output = Result<(), E>>
where
    F: FnMut(V) -> Fut,
    Fut: Future<Output = Result<(), E>>,
{
    let map = map.into().map(Fallible::new);
    let future = async move {
        // A map that has ended with a panic has no more values.
        let Some(mut map) = map else { return Ok(()) };
        while let Some(value) = std::future::poll_fn(|cx| map.poll_next(cx, &check)).await {
            if let Err(error) = function(value).await {
                map.fail(Failure::Error(error));
            }
        }
        map.failure.take().map_or(Ok(()), Err)
    };
    Raise { future }
}

pin_project! {
    /// Turns a failure into an error or a panic, at the line that awaits it.
    struct Raise<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future<Output = Result<(), Failure<E>>>, E> Future for Raise<F> {
    type Output = Result<(), E>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        match ready!(self.project().future.poll(cx)) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(failure) => Poll::Ready(Err(failure.into_error())),
        }
    }
}

/// Collects the values of a map, or waits until the map has stopped after an error: the future returned by
/// [`GreenMap::try_collect`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPool, TryCollect};
///
/// let map = GreenPool::new(2).imap(|n: u8| async move { n.checked_sub(1).ok_or(n) }, [1, 2, 0]);
/// let collect: TryCollect<Result<u8, u8>, Vec<u8>> = map.try_collect();
/// assert_eq!(collect.await, Err(0));
/// # }
/// ```
// Like the future of a spawn, it has no bounds: `SpawnFuture` says why.
#[must_use = "it waits only while it is awaited; write `.await`"]
pub struct TryCollect<T, C> {
    /// A failure holds the output of a job, which is an error.
    map: Fallible<T, T>,
    /// `None` once it has been returned.
    collection: Option<C>,
    /// Adds the value of an output, or returns an output that is an error.
    extend: fn(&mut C, T) -> Result<(), T>,
}

// Neither an output nor the collection is pinned.
impl<T, C> Unpin for TryCollect<T, C> {}

impl<T: TryOutput, C> Future for TryCollect<T, C> {
    type Output = Result<C, T::Err>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<C, T::Err>> {
        let TryCollect { map, collection, extend } = &mut *self;
        let mut collect = |output| collection.as_mut().map_or(Ok(()), |collection| extend(collection, output));
        while ready!(map.poll_next(cx, &mut collect)).is_some() {}
        if let Some(failure) = map.failure.take() {
            drop_quietly(collection.take());
            return match failure.into_error().into_result() {
                Err(error) => Poll::Ready(Err(error)),
                Ok(_) => unreachable!("the output of a job that failed is an error"),
            };
        }
        Poll::Ready(Ok(collection.take().expect("`try_collect` was polled after it returned its result")))
    }
}
