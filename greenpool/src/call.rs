//! Jobs of functions that `#[green_pool]` has declared.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::error::TrySpawnError;
use crate::pool::GreenPool;
use crate::slots::Refusal;
use crate::thread::GreenThread;
use crate::worker::{self, Seat, Spawning, Start};

/// A pooled task type: what `#[green_pool]` makes of a function, for code that is generic over such functions.
///
/// `Args` is the tuple of the function's arguments, `Output` what it gives.
///
/// ```
/// use greenpool::{PooledFn, green_pool};
///
/// #[green_pool(size = 4)]
/// async fn double(n: u32) -> u32 { n * 2 }
///
/// fn describe<P: PooledFn<A, O>, A, O>() -> String {
///     format!("{} runs {} at once", P::name(), P::pool().size())
/// }
///
/// assert_eq!(describe::<double, _, _>(), "double runs 4 at once");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `#[green_pool]` function of `{Args}` that gives `{Output}`",
    label = "not such a pooled function",
    note = "write `#[green_pool(size = ..)]` on an `async fn`; its companion type has the function's name"
)]
pub trait PooledFn<Args, Output>: 'static + SentBackFromItsThread<Output> {
    /// The function's name, or the one given with `name = ".."`.
    fn name() -> &'static str;

    /// The pool that the function's jobs run in.
    fn pool() -> &'static GreenPool;

    /// The function's own future, not in any pool.
    fn call(args: Args) -> impl Future<Output = Output> + Send + 'static;
}

/// That an output can come back from the thread that ran the job. Whoever knows of a [`PooledFn`] knows it without asking again, so
/// that one mistake in a declared function is one error, at its return type.
pub trait SentBackFromItsThread<Output>: Implies<Output, Is: Send + 'static> {}

impl<P: ?Sized, Output: Send + 'static> SentBackFromItsThread<Output> for P {}

/// `P: Implies<T, Is: Bound>` as a supertrait makes `T: Bound` known wherever `P` is.
pub trait Implies<T>: Same<T, Is = T> {}

impl<P: ?Sized, T> Implies<T> for P {}

#[doc(hidden)]
pub trait Same<T> {
    /// `T`.
    type Is;
}

impl<P: ?Sized, T> Same<T> for P {
    type Is = T;
}

/// A function and its arguments.
pub(crate) struct Call<P, A, O> {
    args: A,
    function: PhantomData<fn() -> (P, O)>,
}

impl<P, A, O> Start for Call<P, A, O>
where
    P: PooledFn<A, O>,
{
    type Output = O;

    fn start(self, seat: Seat) -> GreenThread<O> {
        worker::begin(P::call(self.args), seat)
    }

    fn start_here(self, seat: Seat, cx: &mut Context<'_>) -> GreenThread<O> {
        worker::begin_here(P::call(self.args), seat, cx)
    }
}

fn spawning<P, A, O>(args: A) -> Spawning<Call<P, A, O>, O>
where
    P: PooledFn<A, O>,
{
    Spawning::new(P::pool().core().clone(), Call { args, function: PhantomData })
}

/// The future of a declared function's `spawn`.
///
/// ```
/// use greenpool::green_pool;
///
/// #[green_pool(size = 2)]
/// async fn double(n: u32) -> u32 { n * 2 }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let spawn = double::spawn(21); // a `SpawnCall`: nothing runs yet
/// let green = spawn.await;
/// assert_eq!(green.await.unwrap(), 42);
/// # }
/// ```
#[must_use = "nothing is spawned until it is awaited; write `.await`"]
pub struct SpawnCall<P, A, O>(Spawning<Call<P, A, O>, O>);

/// The future of a declared function's `spawn_n`.
///
/// ```
/// use greenpool::green_pool;
///
/// #[green_pool(size = 2)]
/// async fn double(n: u32) -> u32 { n * 2 }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let spawn = double::spawn_n(21); // a `SpawnCallN`: nothing runs yet
/// spawn.await;
/// double::pool().waitall().await;
/// # }
/// ```
#[must_use = "nothing is spawned until it is awaited; write `.await`"]
pub struct SpawnCallN<P, A, O>(Spawning<Call<P, A, O>, O>);

impl<P, A, O> SpawnCall<P, A, O>
where
    P: PooledFn<A, O>,
{
    pub(crate) fn new(args: A) -> Self {
        SpawnCall(spawning(args))
    }
}

impl<P, A, O> SpawnCallN<P, A, O>
where
    P: PooledFn<A, O>,
{
    pub(crate) fn new(args: A) -> Self {
        SpawnCallN(spawning(args))
    }
}

// Arguments and results are moved, never pinned, in here.
impl<P, A, O> Unpin for SpawnCall<P, A, O> {}

impl<P, A, O> Unpin for SpawnCallN<P, A, O> {}

impl<P, A, O> Future for SpawnCall<P, A, O>
where
    P: PooledFn<A, O>,
{
    type Output = GreenThread<O>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<GreenThread<O>> {
        self.0.poll(cx)
    }
}

impl<P, A, O> Future for SpawnCallN<P, A, O>
where
    P: PooledFn<A, O>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        drop(ready!(self.0.poll(cx)));
        Poll::Ready(())
    }
}

/// A declared function's `try_spawn`.
#[track_caller]
pub(crate) fn try_spawn<P, A, O>(args: A) -> Result<GreenThread<O>, TrySpawnError<A>>
where
    P: PooledFn<A, O>,
{
    match P::pool().try_seat() {
        Ok(seat) => Ok(worker::begin(P::call(args), seat)),
        Err(Refusal::Full) => Err(TrySpawnError::Full(args)),
        Err(Refusal::Closed) => Err(TrySpawnError::Closed(args)),
    }
}
