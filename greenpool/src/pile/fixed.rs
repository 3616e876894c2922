//! [`PileOf`], which `pile!` makes: a fixed number of jobs, which may have different types.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;
use tokio::task::coop;

use crate::job::error::JoinError;
use crate::job::handle::GreenThread;

/// Holds the jobs of one [`pile!`](crate::pile!), in the order written.
///
/// Each job has started or is in the queue of its pool. [`join`](Self::join) and [`try_join`](Self::try_join) take all
/// results together. [`next`](Self::next) and the `Stream` take them one by one, if all have the same type.
///
/// **Dropping** it, or the future of `join` or `try_join`, aborts the jobs that have not finished.
/// [`detach`](Self::detach) lets them finish.
///
/// ```
/// use greenpool::{green_pool, pile};
///
/// #[green_pool(size = 2)]
/// async fn double(n: u32) -> u32 { n * 2 }
///
/// #[green_pool(size = 2)]
/// async fn spell(n: u32) -> String { n.to_string() }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let (number, word) = pile![double(21), spell(7)].join().await;
/// assert_eq!((number.unwrap(), word.unwrap().as_str()), (42, "7"));
/// # }
/// ```
#[must_use = "dropping it aborts its jobs; call `join`, `try_join`, `next` or `detach`"]
pub struct PileOf<R: Handles, N = InOrder> /* a stream: read it with `next().await`, or `use futures::StreamExt;` */ {
    pub(super) handles: R,
    pub(super) taken: Taken,
    detached: bool,
    names: PhantomData<fn() -> N>,
}

/// Which results have been taken: one bit for each of up to 32.
#[derive(Clone, Copy, Default)]
pub(crate) struct Taken(u32);

impl Taken {
    /// The first entry whose result is left. If there is none, a number that no entry has.
    pub(super) fn first_left(self) -> usize {
        self.0.trailing_ones() as usize
    }

    pub(super) fn has(self, at: usize) -> bool {
        self.0 & (1 << at) != 0
    }

    pub(super) fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    pub(super) fn take(&mut self, at: usize) {
        self.0 |= 1 << at;
    }
}

/// Selects a tuple for the results of a [`PileOf`], in the order written. It is the default.
///
/// ```
/// # use greenpool::{green_pool, pile};
/// #
/// # #[green_pool(size = 2)]
/// # async fn double(n: u32) -> u32 { n * 2 }
/// #
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let pile = pile![double(1), double(2)]; // no names, so a tuple
/// let (one, two) = pile.join().await;
/// assert_eq!((one.unwrap(), two.unwrap()), (2, 4));
/// # }
/// ```
pub struct InOrder(());

/// Selects the form of the results of a [`PileOf`]: a tuple, or a struct with the names from `pile! { name: call(), ..
/// }`.
///
/// ```
/// # use greenpool::{green_pool, pile};
/// #
/// # #[green_pool(size = 2)]
/// # async fn double(n: u32) -> u32 { n * 2 }
/// #
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let pile = pile! { one: double(1), two: double(2) };
/// let named = pile.join().await; // a struct with the fields `one` and `two`
/// assert_eq!((named.one.unwrap(), named.two.unwrap()), (2, 4));
/// # }
/// ```
pub trait Record<Values>: 'static {
    /// The tuple, or the struct with the names as its fields.
    type Out;
    #[doc(hidden)]
    fn gather(values: Values) -> Self::Out;
}

impl<Values> Record<Values> for InOrder {
    type Out = Values;

    fn gather(values: Values) -> Values {
        values
    }
}

/// Describes a tuple of [`GreenThread`]s.
///
/// ```
/// use greenpool::{GreenPool, Handles, JoinError, PileOf, pile};
///
/// async fn both<R: Handles>(pile: PileOf<R>) -> Result<R::Values, JoinError> {
///     pile.try_join().await
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let pool = GreenPool::new(2);
/// let (one, two) = both(pile![in pool; async { 1 }, async { "two" }]).await.unwrap();
/// assert_eq!((one, two), (1, "two"));
/// # }
/// ```
pub trait Handles: Unpin {
    /// A tuple of the `Result` of each job.
    type Results;
    /// A tuple of the value of each job.
    type Values;
    #[doc(hidden)]
    const LEN: usize;
    #[doc(hidden)]
    fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<()>;
    /// Like `poll_all`, but ready at the first error.
    #[doc(hidden)]
    fn poll_error(&mut self, cx: &mut Context<'_>) -> Poll<Option<JoinError>>;
    #[doc(hidden)]
    fn results(&mut self) -> Option<Self::Results>;
    #[doc(hidden)]
    fn values(&mut self) -> Option<Result<Self::Values, JoinError>>;
    #[doc(hidden)]
    fn abort(&self);
    #[doc(hidden)]
    fn stop_waiting(&mut self);
}

/// Describes a tuple of [`Handles`] whose jobs all return the same type.
///
/// ```
/// use greenpool::{GreenPool, JoinError, PileOf, SameType, pile};
///
/// async fn all<R: SameType>(mut pile: PileOf<R>) -> Result<Vec<R::Output>, JoinError> {
///     let mut all = Vec::new();
///     while let Some(next) = pile.next().await {
///         all.push(next?);
///     }
///     Ok(all)
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let pool = GreenPool::new(2);
/// assert_eq!(all(pile![in pool; async { 1 }, async { 2 }]).await.unwrap(), [1, 2]);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "the calls of this pile return different types; use `.join()`",
    label = "the calls of this pile return different types; use `.join()`",
    note = "`.join().await` gives a tuple of the results, `.try_join().await` a tuple of the values"
)]
pub trait SameType: Handles {
    /// The output of each job.
    type Output;
    #[doc(hidden)]
    fn handle(&mut self, at: usize) -> Option<&mut GreenThread<Self::Output>>;
}

impl<R: Handles, N> PileOf<R, N> {
    pub(crate) fn new(handles: R) -> Self {
        PileOf { handles, taken: Taken::default(), detached: false, names: PhantomData }
    }

    /// Waits for all jobs and returns the `Result` of each.
    ///
    /// # Panics
    /// The returned future panics if a result has been taken with [`next`](Self::next) or through the `Stream`.
    ///
    /// # Cancel safety
    /// Dropping the returned future aborts the jobs.
    ///
    /// ```
    /// # use greenpool::{green_pool, pile};
    /// #
    /// # #[green_pool(size = 2)]
    /// # async fn double(n: u32) -> u32 { n * 2 }
    /// #
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (one, two) = pile![double(1), double(2)].join().await;
    /// assert_eq!((one.unwrap(), two.unwrap()), (2, 4));
    /// # }
    /// ```
    pub fn join(self) -> Join<R, N> {
        Join { pile: self }
    }

    /// Waits for all jobs and returns their values, or the first [`JoinError`].
    ///
    /// On an error it aborts the other jobs, and returns when their futures have been dropped. An `Err` that a job
    /// itself returns is a value here, not an error.
    ///
    /// # Panics
    /// The returned future panics if a result has been taken with [`next`](Self::next) or through the `Stream`, unless
    /// another job fails.
    ///
    /// # Cancel safety
    /// Dropping the returned future aborts the jobs.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use greenpool::{GreenPool, pile};
    /// use std::future::pending;
    ///
    /// let pool = GreenPool::new(2);
    /// let pile = pile![in pool; async { panic!("a bug") }, pending::<()>()];
    /// let error = pile.try_join().await.map(|((), ())| ()).unwrap_err();
    /// assert!(error.is_panic());
    /// assert_eq!(pool.running(), 0); // the other job is gone, too
    /// # }
    /// ```
    pub fn try_join(self) -> TryJoin<R, N> {
        TryJoin { pile: self, error: None }
    }

    /// Waits for the next result, in the order written. Returns `None` after the last.
    ///
    /// # Cancel safety
    /// If the returned future is dropped before it is ready, no result is lost.
    ///
    /// ```
    /// # use greenpool::{green_pool, pile};
    /// #
    /// # #[green_pool(size = 2)]
    /// # async fn double(n: u32) -> u32 { n * 2 }
    /// #
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut pile = pile![double(1), double(2)];
    /// assert_eq!(pile.next().await.unwrap().unwrap(), 2);
    /// assert_eq!(pile.next().await.unwrap().unwrap(), 4);
    /// assert!(pile.next().await.is_none());
    /// # }
    /// ```
    // The return type names `T`, not `R::Output`: with the latter, rustc would report E0599 without our message.
    pub fn next<T>(&mut self) -> FanNext<'_, T>
    where
        R: SameType<Output = T>,
    {
        let at = self.taken.first_left();
        let Self { handles, taken, .. } = self;
        FanNext { handle: handles.handle(at), at, taken }
    }

    /// Detaches the jobs: they run to completion, and their results are dropped.
    ///
    /// ```
    /// # use greenpool::{green_pool, pile};
    /// #
    /// # #[green_pool(size = 2)]
    /// # async fn double(n: u32) -> u32 { n * 2 }
    /// #
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// pile![double(1), double(2)].detach();
    /// double::pool().waitall().await;
    /// assert_eq!(double::pool().stats().finished, 2);
    /// # }
    /// ```
    pub fn detach(mut self) {
        self.detached = true;
    }
}

impl<R: Handles, N> PileOf<R, N> {
    /// Waits for all jobs. At the first error, it stores that in `first`, aborts the others, and waits for their end.
    pub(crate) fn poll_try_join(
        &mut self,
        first: &mut Option<JoinError>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<N::Out, JoinError>>
    where
        N: Record<R::Values>,
    {
        if first.is_none() {
            *first = ready!(self.handles.poll_error(cx));
            if first.is_some() {
                self.handles.abort();
            }
        }
        ready!(self.handles.poll_all(cx));
        if let Some(error) = first.take() {
            return Poll::Ready(Err(error));
        }
        let values = self.handles.values();
        let values = values.expect("a result was taken with `next`, or the results were polled after completion");
        Poll::Ready(values.map(N::gather))
    }

    /// The handles, none of which has given its result.
    #[track_caller]
    pub(crate) fn untaken(&mut self) -> &mut R {
        assert!(self.taken.count() == 0, "a result was taken with `next`");
        &mut self.handles
    }
}

impl<R: SameType, N> PileOf<R, N> {
    /// The job that awaited the next result no longer waits for it.
    pub(crate) fn stop_waiting(&mut self) {
        self.handles.stop_waiting();
    }

    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<R::Output, JoinError>>> {
        let at = self.taken.first_left();
        let Some(handle) = self.handles.handle(at) else {
            ready!(coop::poll_proceed(cx)).made_progress();
            return Poll::Ready(None);
        };
        let result = ready!(poll_handle(handle, cx));
        self.taken.take(at);
        Poll::Ready(result)
    }
}

impl<R: SameType, N> Stream for PileOf<R, N> {
    type Item = Result<R::Output, JoinError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_take(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = R::LEN - self.taken.count();
        (left, Some(left))
    }
}

impl<R: SameType, N> FusedStream for PileOf<R, N> {
    fn is_terminated(&self) -> bool {
        self.taken.count() == R::LEN
    }
}

impl<R: Handles, N> Drop for PileOf<R, N> {
    fn drop(&mut self) {
        if !self.detached {
            self.handles.abort();
        }
    }
}

impl<R: Handles, N> fmt::Debug for PileOf<R, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PileOf").field("jobs", &R::LEN).field("taken", &self.taken.count()).finish()
    }
}

/// Waits for all jobs: the future returned by [`PileOf::join`].
///
/// ```
/// # use greenpool::{green_pool, pile};
/// #
/// # #[green_pool(size = 2)]
/// # async fn double(n: u32) -> u32 { n * 2 }
/// #
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let join = pile![double(1)].join(); // an ordinary future
/// let (one,) = join.await;
/// assert_eq!(one.unwrap(), 2);
/// # }
/// ```
#[must_use = "it waits only while it is awaited; write `.await`"]
pub struct Join<R: Handles, N> {
    pile: PileOf<R, N>,
}

impl<R: Handles, N: Record<R::Results>> Future for Join<R, N> {
    type Output = N::Out;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<N::Out> {
        ready!(self.pile.handles.poll_all(cx));
        let results = self.pile.handles.results();
        Poll::Ready(N::gather(results.expect("a result was taken with `next`, or `join` was polled after completion")))
    }
}

/// Waits for all jobs or the first error: the future returned by [`PileOf::try_join`].
///
/// ```
/// # use greenpool::{green_pool, pile};
/// #
/// # #[green_pool(size = 2)]
/// # async fn double(n: u32) -> u32 { n * 2 }
/// #
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let join = pile![double(1)].try_join(); // an ordinary future
/// assert_eq!(join.await.unwrap(), (2,));
/// # }
/// ```
#[must_use = "it waits only while it is awaited; write `.await`"]
pub struct TryJoin<R: Handles, N> {
    pile: PileOf<R, N>,
    error: Option<JoinError>,
}

impl<R: Handles, N: Record<R::Values>> Future for TryJoin<R, N> {
    type Output = Result<N::Out, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let TryJoin { pile, error } = &mut *self;
        pile.poll_try_join(error, cx)
    }
}

/// Waits for the next result: the future returned by [`PileOf::next`].
///
/// ```
/// # use greenpool::{green_pool, pile};
/// #
/// # #[green_pool(size = 2)]
/// # async fn double(n: u32) -> u32 { n * 2 }
/// #
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let mut pile = pile![double(1)];
/// let next: greenpool::FanNext<'_, u32> = pile.next();
/// assert_eq!(next.await.unwrap().unwrap(), 2);
/// # }
/// ```
// It holds one handle and not the pile, and has no bounds in which `T` occurs: `SpawnFuture` says why.
#[must_use = "it takes a result only when it is awaited; write `.await`"]
pub struct FanNext<'a, T> {
    /// `None` once the result has been taken, and after the last one.
    handle: Option<&'a mut GreenThread<T>>,
    at: usize,
    taken: &'a mut Taken,
}

fn poll_handle<T>(handle: &mut GreenThread<T>, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
    ready!(handle.poll_ready(cx));
    Poll::Ready(handle.take())
}

impl<T> Future for FanNext<'_, T> {
    type Output = Option<Result<T, JoinError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let FanNext { handle: Some(handle), .. } = &mut *self else {
            ready!(coop::poll_proceed(cx)).made_progress();
            return Poll::Ready(None);
        };
        let result = ready!(poll_handle(handle, cx));
        self.handle = None;
        let at = self.at;
        self.taken.take(at);
        Poll::Ready(result)
    }
}

impl<T> Drop for FanNext<'_, T> {
    fn drop(&mut self) {
        // The job that awaited it no longer waits for this result.
        if let Some(handle) = &mut self.handle {
            handle.stop_waiting();
        }
    }
}

/// Calls a macro for the tuples of one to 32 handles: with the names of two type parameters and the index of each.
macro_rules! for_tuples {
    ($each:ident) => {
        for_tuples! { @up_to $each; ;
            A AX 0 B BX 1 C CX 2 D DX 3 E EX 4 F FX 5 G GX 6 H HX 7 I IX 8 J JX 9 K KX 10 L LX 11 M MX 12 N NX
            13 O OX 14 P PX 15 Q QX 16 R RX 17 S SX 18 T TX 19 U UX 20 V VX 21 W WX 22 X XX 23 Y YX 24 Z ZX 25
            A1 AX1 26 B1 BX1 27 C1 CX1 28 D1 DX1 29 E1 EX1 30 F1 FX1 31
        }
    };
    (@up_to $each:ident; $($T:ident $X:ident $at:tt)*;) => {};
    (@up_to $each:ident; $($T:ident $X:ident $at:tt)*; $next:ident $error:ident $to:tt $($rest:tt)*) => {
        $each! { $($T $X $at)* $next $error $to }
        for_tuples! { @up_to $each; $($T $X $at)* $next $error $to; $($rest)* }
    };
}

pub(crate) use for_tuples;

/// `Handles` for a tuple of handles, and `SameType`.
macro_rules! handles {
    ($($T:ident $X:ident $at:tt)*) => {
        #[diagnostic::do_not_recommend]
        impl<$($T),*> Handles for ($(GreenThread<$T>,)*) {
            type Results = ($(Result<$T, JoinError>,)*);
            type Values = ($($T,)*);
            const LEN: usize = 0 $(+ { let _ = $at; 1 })*;

            #[allow(unused_variables, unused_mut, reason = "the tuple may be empty")]
            fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<()> {
                let mut all = Poll::Ready(());
                $(match self.$at.poll_ended(cx) {
                    Poll::Pending => all = Poll::Pending,
                    Poll::Ready(()) => self.$at.stop_waiting(),
                })*
                ready!(all);
                // Only now: a job that waits in place would take a slot each time that it looks at the rest.
                $(ready!(self.$at.poll_slot(cx));)*
                Poll::Ready(())
            }

            #[allow(unused_variables, unused_mut, reason = "the tuple may be empty")]
            fn poll_error(&mut self, cx: &mut Context<'_>) -> Poll<Option<JoinError>> {
                let mut all = Poll::Ready(None);
                $(match self.$at.poll_ended(cx) {
                    Poll::Pending => all = Poll::Pending,
                    Poll::Ready(()) => {
                        self.$at.stop_waiting();
                        if let Some(error) = self.$at.take_error() {
                            return Poll::Ready(Some(error));
                        }
                    }
                })*
                all
            }

            fn results(&mut self) -> Option<Self::Results> {
                Some(($(self.$at.take()?,)*))
            }

            fn values(&mut self) -> Option<Result<Self::Values, JoinError>> {
                Some(Ok(($(match self.$at.take()? {
                    Ok(value) => value,
                    Err(error) => return Some(Err(error)),
                },)*)))
            }

            fn abort(&self) {
                // The slots or places of those that run must not go to those that are queued.
                $(self.$at.abort_queued();)*
                $(self.$at.abort();)*
            }

            fn stop_waiting(&mut self) {
                $(self.$at.stop_waiting();)*
            }
        }

        same! { $($T $at)* }
    };
}

macro_rules! same {
    () => {};
    ($($T:ident $at:tt)+) => {
        #[diagnostic::do_not_recommend]
        impl<T> SameType for ($(same!(@ $T),)+) {
            type Output = T;

            fn handle(&mut self, at: usize) -> Option<&mut GreenThread<T>> {
                match at {
                    $($at => Some(&mut self.$at),)+
                    _ => None,
                }
            }
        }
    };
    (@ $T:ident) => { GreenThread<T> };
}

handles! {}
for_tuples! { handles }
