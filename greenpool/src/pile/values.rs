//! The values of a pile's jobs: where a panic, or the first error, stops the rest.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::job::error::JoinError;
use crate::job::handle::GreenThread;
use crate::job::values::{Failure, JobResults, Values};
use crate::pile::GreenPile;
use crate::pile::fixed::{Handles, PileOf, Record, SameType, for_tuples};
use crate::sync::quiet::drop_quietly;

impl<T> GreenPile<T> {
    /// Yields the output of each job, without a `Result` around it. If a job panics, the panic resumes in the consumer,
    /// and the pile is dropped, which aborts the other jobs.
    ///
    /// For more, see [`Values`]. Spawn before it, or through a [`spawner`](Self::spawner).
    ///
    /// # Panics
    /// The consumer of the values panics if a job has no output.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let pile = greenpool::GreenPile::new(2);
    /// for n in 1..=4 {
    ///     pile.spawn(async move { n * 10 }).await;
    /// }
    /// let mut values = pile.values();
    /// let mut sum = 0;
    /// while let Some(value) = values.next().await {
    ///     sum += value;
    /// }
    /// assert_eq!(sum, 100);
    /// # }
    /// ```
    pub fn values(self) -> Values<Self> {
        Values::new(self)
    }
}

impl<T> JobResults for GreenPile<T> {
    type Output = T;

    fn stop_waiting(&mut self) {
        GreenPile::stop_waiting(self);
    }
}

impl<R: Handles, N> PileOf<R, N> {
    /// Returns the outputs of the jobs, without a `Result` around each. If a job panics, the panic resumes in the
    /// caller, and the other jobs are aborted.
    ///
    /// Await it for all outputs: a tuple in the order written, or a struct if the calls have names. If all outputs have
    /// the same type, they can also be taken one by one, as from [`GreenMap::values`](crate::GreenMap::values).
    ///
    /// # Panics
    /// The returned future, and the consumer of the values, panic if a job has no output: with the payload of the job
    /// if it panicked, and otherwise with the message of the [`JoinError`]. The future waits first until the other jobs
    /// have ended. It also panics if a result has been taken one by one before.
    ///
    /// # Cancel safety
    /// Dropping it aborts the jobs.
    ///
    /// ```
    /// # use greenpool::{green_pool, pile};
    /// #
    /// # #[green_pool(size = 2)]
    /// # async fn double(n: u32) -> u32 { n * 2 }
    /// #
    /// # #[green_pool(size = 2)]
    /// # async fn spell(n: u32) -> String { n.to_string() }
    /// #
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (number, word) = pile![double(21), spell(7)].values().await;
    /// assert_eq!((number, word.as_str()), (42, "7"));
    ///
    /// let both = pile! { number: double(21), word: spell(7) }.values().await;
    /// assert_eq!((both.number, both.word.as_str()), (42, "7"));
    ///
    /// let mut doubles = pile![double(1), double(2)].values();
    /// assert_eq!(doubles.next().await, Some(2));
    /// # }
    /// ```
    pub fn values(self) -> Values<Self> {
        Values::new(self)
    }

    /// Waits for all jobs, which return `Result`s, and returns the values in `Ok`, or the first error of a job.
    ///
    /// On an error it aborts the other jobs, and returns when they have ended: their futures have been dropped, and
    /// their slots are free. Errors are converted with `From`, as `?` does, so the calls may have errors of different
    /// types. Where nothing else tells the type of the error, name it: `pile.try_values::<Error>().await?`.
    ///
    /// # Panics
    /// If a job panics, the returned future aborts the other jobs in the same way, and then the panic resumes. If a job
    /// has no result for another reason, such as a closed pool, it panics with the message of the [`JoinError`]. It
    /// also panics if a result has been taken with [`next`](Self::next) or through the `Stream`.
    ///
    /// # Cancel safety
    /// Dropping the returned future aborts the jobs, without waiting for their end.
    ///
    /// ```
    /// use greenpool::{green_pool, pile};
    /// use std::error::Error;
    /// use std::net::{AddrParseError, IpAddr};
    /// use std::num::ParseIntError;
    ///
    /// #[green_pool(size = 2)]
    /// async fn host(text: &'static str) -> Result<IpAddr, AddrParseError> { text.parse() }
    ///
    /// #[green_pool(size = 2)]
    /// async fn port(text: &'static str) -> Result<u16, ParseIntError> { text.parse() }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn Error>> {
    /// let (host_of_site, _) = pile![host("::1"), port("80")].try_values::<Box<dyn Error>>().await?;
    /// assert!(host_of_site.is_loopback());
    ///
    /// let site: Result<_, Box<dyn Error>> = pile! { host: host("::1"), port: port("http") }.try_values().await;
    /// assert!(site.is_err_and(|error| error.is::<ParseIntError>()));
    /// # Ok(()) }
    /// ```
    pub fn try_values<E>(self) -> TryValues<R, N, E>
    where
        R: TryHandles<E>,
        N: Record<R::Oks>,
    {
        TryValues { pile: self, outcomes: R::outcomes(), failure: None, poll: R::poll_outcomes }
    }
}

impl<R: SameType, N> JobResults for PileOf<R, N> {
    type Output = R::Output;

    fn stop_waiting(&mut self) {
        PileOf::stop_waiting(self);
    }
}

impl<R: Handles, N: Record<R::Values>> Future for Values<PileOf<R, N>> {
    type Output = N::Out;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<N::Out> {
        let Values { source, error } = &mut *self;
        let pile = source.as_mut().expect("the values were awaited after a panic");
        let joined = ready!(pile.poll_try_join(error, cx));
        match joined {
            Ok(values) => Poll::Ready(values),
            Err(error) => {
                self.end();
                error.raise()
            }
        }
    }
}

/// Describes a tuple of [`Handles`] whose jobs return `Result`s.
///
/// ```
/// use greenpool::{GreenPool, PileOf, TryHandles, pile};
///
/// async fn all<R: TryHandles<String>>(pile: PileOf<R>) -> Result<R::Oks, String> {
///     pile.try_values().await
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let pool = GreenPool::new(2);
/// let both = pile![in pool; async { Ok::<_, &str>(1) }, async { Err::<u8, _>("no") }];
/// assert_eq!(all(both).await, Err("no".to_string()));
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`try_values` needs errors that `?` can convert into `{E}`",
    label = "a call of this pile returns an error that `?` cannot convert into `{E}`",
    note = "`.values().await` gives the outputs as they are, `.try_join().await` catches panics"
)]
pub trait TryHandles<E>: ResultHandles {
    #[doc(hidden)]
    fn poll_outcomes(
        &mut self,
        outcomes: &mut Self::Outcomes,
        failure: &mut Option<Failure<E>>,
        cx: &mut Context<'_>,
    ) -> Poll<()>;
}

/// The part of [`TryHandles`] that does not depend on the type of the error.
///
/// ```
/// use greenpool::{GreenPool, InOrder, PileOf, ResultHandles, TryHandles, TryValues, pile};
///
/// fn all<R: TryHandles<String> + ResultHandles<Oks = (u8,)>>(pile: PileOf<R>) -> TryValues<R, InOrder, String> {
///     pile.try_values()
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let pool = GreenPool::new(2);
/// assert_eq!(all(pile![in pool; async { Ok::<_, String>(1) }]).await, Ok((1,)));
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`try_values` needs calls that return `Result`s",
    label = "a call of this pile returns no `Result`",
    note = "`.values().await` gives the outputs as they are, `.try_join().await` catches panics"
)]
pub trait ResultHandles: Handles {
    /// A tuple of the value that each job returns in `Ok`.
    type Oks;
    #[doc(hidden)]
    type Outcomes;
    #[doc(hidden)]
    fn outcomes() -> Self::Outcomes;
    #[doc(hidden)]
    fn oks(outcomes: &mut Self::Outcomes) -> Option<Self::Oks>;
}

/// Waits for all jobs or the first error of one: the future returned by [`PileOf::try_values`].
///
/// ```
/// # use greenpool::{green_pool, pile};
/// #
/// # #[green_pool(size = 2)]
/// # async fn half(n: u32) -> Result<u32, String> { if n % 2 == 0 { Ok(n / 2) } else { Err(format!("{n} is odd")) } }
/// #
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let values = pile![half(2), half(3)].try_values::<String>(); // an ordinary future
/// assert_eq!(values.await, Err("3 is odd".to_string()));
/// # }
/// ```
// Its `Future` impl has no bound with the type of the error: `SpawnFuture` says why.
#[must_use = "it waits only while it is awaited; write `.await`"]
pub struct TryValues<R: ResultHandles, N, E> {
    pile: PileOf<R, N>,
    outcomes: R::Outcomes,
    failure: Option<Failure<E>>,
    poll: PollOutcomes<R, E>,
}

type PollOutcomes<R, E> =
    fn(&mut R, &mut <R as ResultHandles>::Outcomes, &mut Option<Failure<E>>, &mut Context<'_>) -> Poll<()>;

// No outcome is pinned.
impl<R: ResultHandles, N, E> Unpin for TryValues<R, N, E> {}

impl<R: ResultHandles, N: Record<R::Oks>, E> Future for TryValues<R, N, E> {
    type Output = Result<N::Out, E>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let TryValues { pile, outcomes, failure, poll } = &mut *self;
        let handles = pile.untaken();
        let failed = failure.is_some();
        let mut all = poll(handles, outcomes, failure, cx);
        if !failed && failure.is_some() {
            handles.abort();
            all = poll(handles, outcomes, failure, cx);
        }
        ready!(all);
        if let Some(failure) = failure.take() {
            return Poll::Ready(Err(failure.into_error()));
        }
        let values = R::oks(outcomes).expect("`try_values` was polled after it returned its result");
        Poll::Ready(Ok(N::gather(values)))
    }
}

/// What has become of one job.
#[doc(hidden)]
pub struct Outcome<T> {
    taken: bool,
    /// What it has returned in `Ok`.
    pub(crate) value: Option<T>,
}

impl<T> Outcome<T> {
    pub(crate) fn pending() -> Self {
        Outcome { taken: false, value: None }
    }

    /// Waits for the job, unless its result has been taken. After a failure, drops the result.
    pub(crate) fn poll<X, E: From<X>>(
        &mut self,
        handle: &mut GreenThread<Result<T, X>>,
        failure: &mut Option<Failure<E>>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if self.taken {
            return Poll::Ready(());
        }
        ready!(handle.poll_ready(cx));
        self.taken = true;
        match handle.take() {
            result if failure.is_some() => drop_quietly(result),
            Some(Ok(Ok(value))) => self.value = Some(value),
            Some(Ok(Err(error))) => *failure = Some(Failure::Error(error.into())),
            Some(Err(error)) => *failure = Some(Failure::Join(error)),
            None => *failure = Some(Failure::Join(JoinError::cancelled())),
        }
        Poll::Ready(())
    }
}

impl<T> Drop for Outcome<T> {
    fn drop(&mut self) {
        // Nobody takes it, since another job has failed.
        if let Some(value) = self.value.take() {
            drop_quietly(value);
        }
    }
}

/// `ResultHandles` and `TryHandles` for a tuple of handles.
macro_rules! try_handles {
    ($($T:ident $X:ident $at:tt)*) => {
        #[diagnostic::do_not_recommend]
        impl<$($T, $X),*> ResultHandles for ($(GreenThread<Result<$T, $X>>,)*) {
            type Oks = ($($T,)*);
            type Outcomes = ($(Outcome<$T>,)*);

            #[allow(clippy::unused_unit, reason = "the tuple may be empty")]
            fn outcomes() -> Self::Outcomes {
                ($(Outcome::<$T>::pending(),)*)
            }

            #[allow(unused_variables, clippy::unused_unit, reason = "the tuple may be empty")]
            fn oks(outcomes: &mut Self::Outcomes) -> Option<Self::Oks> {
                Some(($(outcomes.$at.value.take()?,)*))
            }
        }

        #[diagnostic::do_not_recommend]
        impl<Error, $($T, $X),*> TryHandles<Error> for ($(GreenThread<Result<$T, $X>>,)*)
        where
            $(Error: From<$X>,)*
        {
            #[allow(unused_variables, unused_mut, reason = "the tuple may be empty")]
            fn poll_outcomes(
                &mut self,
                outcomes: &mut Self::Outcomes,
                failure: &mut Option<Failure<Error>>,
                cx: &mut Context<'_>,
            ) -> Poll<()> {
                let mut all = Poll::Ready(());
                $(if outcomes.$at.poll(&mut self.$at, failure, cx).is_pending() { all = Poll::Pending; })*
                all
            }
        }
    };
}

try_handles! {}
for_tuples! { try_handles }
