//! Jobs of functions declared with `#[green_pool]`.

pub(crate) mod arguments;
pub(crate) mod maps;
pub(crate) mod on;
pub(crate) mod on_verbs;
pub(crate) mod queue;
pub(crate) mod rows;
pub(crate) mod shared;
pub(crate) mod signature;
pub(crate) mod sources;
pub(crate) mod spawn_on;

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use crate::inner::{ErasedJob, Inner};
use crate::job::cell;
use crate::job::error::TrySpawnError;
use crate::job::handle::GreenThread;
use crate::pool::GreenPool;
use crate::spawn::begin;
use crate::spawn::{Detached, POLLED_AFTER_READY, SpawnFuture, Spawnable, Unobserved};
use crate::sync::key::Key;
use crate::worker::group::Executor;
use crate::worker::{self, WorkersCell};

/// Describes a function declared with `#[green_pool]`, for code that is generic over such functions.
///
/// `Args` is the tuple of the function's arguments, `Output` is what it returns. The companion type of the function
/// implements this trait.
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
    /// Returns the function's name, or the one given with `name = ".."`.
    fn name() -> &'static str;

    /// Returns the pool that the function's jobs run in.
    fn pool() -> &'static GreenPool;

    /// Calls the function itself. Its future runs where it is awaited, outside of the pool.
    fn call(args: Args) -> impl Future<Output = Output> + Send + 'static;

    /// Whether the function is declared with `key = ..`.
    #[doc(hidden)]
    const HAS_KEY: bool = false;

    /// The key of a call, if the function has one.
    #[doc(hidden)]
    fn key(args: Args) -> (Args, Option<Key>) {
        (args, None)
    }

    /// The cell of the function's executor, if its future always has the same type.
    #[doc(hidden)]
    fn workers() -> Option<&'static WorkersCell> {
        None
    }
}

/// Means that an output can be sent back from the thread that ran the job. As a supertrait of [`PooledFn`] it is
/// implied by that, so a mistake in a declared function is a single error, at its return type.
pub trait SentBackFromItsThread<Output>: Implies<Output, Is: Send + 'static> {}

impl<P: ?Sized, Output: Send + 'static> SentBackFromItsThread<Output> for P {}

/// Lets a supertrait imply a bound: with `P: Implies<T, Is: Bound>`, `T: Bound` is known wherever `P` is.
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

impl<P, A, O> Call<P, A, O>
where
    P: PooledFn<A, O>,
{
    fn new(args: A) -> Self {
        Call { args, function: PhantomData }
    }
}

/// The executor for jobs of `P`, which run in this pool.
#[inline]
fn executor<P, A, O>(inner: &'static Arc<Inner>) -> &'static Executor
where
    P: PooledFn<A, O>,
{
    match P::workers() {
        Some(cell) => cell.of(inner),
        None => worker::executor_of(inner),
    }
}

/// Makes a job of `P`. With a slot, which was just acquired, it begins. Otherwise it is returned, for the queue or,
/// without a runtime, to be refused.
fn start<P, A, O>(
    args: A,
    runtime: Option<&Handle>,
    has_slot: bool,
    has_handle: bool,
) -> (Option<Box<dyn ErasedJob>>, Option<GreenThread<O>>)
where
    P: PooledFn<A, O>,
{
    let inner = pool::<P, A, O>();
    let executor = executor::<P, A, O>(inner);
    let start = |job: cell::NewJob<'_>| executor.start_in_static(inner, runtime, has_slot, job);
    let (job, receiver) = cell::place(P::call(args), has_handle, start);
    (job, receiver.map(GreenThread::new))
}

/// Begins a job of `P` in a slot that was just acquired.
#[inline]
fn begin<P, A, O>(args: A, runtime: &Handle, has_handle: bool) -> Option<GreenThread<O>>
where
    P: PooledFn<A, O>,
{
    start::<P, A, O>(args, Some(runtime), true, has_handle).1
}

/// A job of `P` that can be queued for a slot, and its handle.
fn queued<P, A, O>(args: A, runtime: Option<&Handle>) -> (Box<dyn ErasedJob>, GreenThread<O>)
where
    P: PooledFn<A, O>,
{
    match start::<P, A, O>(args, runtime, false, true) {
        (Some(job), Some(thread)) => (job, thread),
        _ => unreachable!("it has no slot, and a handle"),
    }
}

/// The key of a call in that pool, if the function has one and the pool has a limit by key.
#[inline]
pub(crate) fn key<P, A, O>(inner: &Inner, args: A) -> (A, Option<Key>)
where
    P: PooledFn<A, O>,
{
    if P::HAS_KEY && inner.slots.is_keyed() { P::key(args) } else { (args, None) }
}

/// The pool that a function's jobs run in.
#[inline]
fn pool<P, A, O>() -> &'static Arc<Inner>
where
    P: PooledFn<A, O>,
{
    P::pool().inner()
}

impl<P, A, O> Spawnable for Call<P, A, O>
where
    P: PooledFn<A, O>,
{
    type Kept = GreenThread<O>;
    type Handle = GreenThread<O>;

    const KEYED: bool = P::HAS_KEY;

    #[inline]
    fn inner(&self) -> &Arc<Inner> {
        pool::<P, A, O>()
    }

    fn key(this: &mut Option<Self>) -> Option<Key> {
        let (args, key) = P::key(this.take().expect(POLLED_AFTER_READY).args);
        *this = Some(Call::new(args));
        key
    }

    #[inline]
    fn begin(this: &mut Option<Self>, runtime: &Handle, has_handle: bool) -> Option<GreenThread<O>> {
        begin::<P, A, O>(this.take().expect(POLLED_AFTER_READY).args, runtime, has_handle)
    }

    fn queued(this: &mut Option<Self>, runtime: Option<&Handle>) -> (Box<dyn ErasedJob>, GreenThread<O>) {
        queued::<P, A, O>(this.take().expect(POLLED_AFTER_READY).args, runtime)
    }

    #[inline]
    fn handle(kept: Option<GreenThread<O>>) -> GreenThread<O> {
        kept.expect(POLLED_AFTER_READY)
    }
}

/// Spawns a job of a declared function; made by the function's `spawn`.
///
/// It resolves to the handle of the job once the job has a slot. In a job of the same full pool, it lends the caller's
/// slot to the new job, and resolves when the caller has a slot again: as a rule, when the new job has ended.
///
/// # Panics
/// Panics if it is awaited outside of a tokio runtime.
///
/// # Cancel safety
/// From its first poll on, the job is in the queue, and begins when its turn comes, even if this is not polled again.
/// **Dropping** this before it is ready takes the job out of the queue or, if it has begun meanwhile, aborts it.
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
pub struct SpawnCall<P, A, O>(SpawnFuture<Call<P, A, O>, GreenThread<O>, GreenThread<O>>);

/// Spawns a job of a declared function, and returns no handle; made by the function's `spawn_n`.
///
/// Otherwise it works like [`SpawnCall`].
///
/// # Panics
/// Panics if it is awaited outside of a tokio runtime.
///
/// # Cancel safety
/// The same as for [`SpawnCall`].
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
pub struct SpawnCallN<P, A, O>(SpawnFuture<Detached<Call<P, A, O>>, Unobserved<GreenThread<O>>, ()>);

impl<P, A, O> SpawnCall<P, A, O>
where
    P: PooledFn<A, O>,
{
    #[inline]
    pub(crate) fn new(args: A) -> Self {
        SpawnCall(SpawnFuture::new(Call::new(args)))
    }
}

impl<P, A, O> SpawnCallN<P, A, O>
where
    P: PooledFn<A, O>,
{
    #[inline]
    pub(crate) fn new(args: A) -> Self {
        SpawnCallN(SpawnFuture::new(Detached(Call::new(args))))
    }
}

// Arguments and results are only moved here, never pinned.
impl<P, A, O> Unpin for SpawnCall<P, A, O> {}

impl<P, A, O> Unpin for SpawnCallN<P, A, O> {}

impl<P, A, O> Future for SpawnCall<P, A, O> {
    type Output = GreenThread<O>;

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<GreenThread<O>> {
        self.0.poll(cx)
    }
}

impl<P, A, O> Future for SpawnCallN<P, A, O> {
    type Output = ();

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll(cx)
    }
}

/// A declared function's `try_spawn`.
#[track_caller]
pub(crate) fn try_spawn<P, A, O>(args: A) -> Result<GreenThread<O>, TrySpawnError<A>>
where
    P: PooledFn<A, O>,
{
    let inner = pool::<P, A, O>();
    let args = match key::<P, A, O>(inner, args) {
        (args, None) => args,
        (args, Some(key)) => return begin::try_submit(inner, &key, args, Call::<P, A, O>::new),
    };
    match begin::try_acquire(inner) {
        Ok(runtime) => Ok(Call::<P, A, O>::handle(begin::<P, A, O>(args, &runtime, true))),
        Err(refusal) => Err(begin::give_back(refusal, args)),
    }
}

/// Begins an entry of `pile!` if a slot is free. Otherwise the job queues, and keeps its place without being awaited.
#[track_caller]
pub(crate) fn submit<P, A, O>(args: A) -> GreenThread<O>
where
    P: PooledFn<A, O>,
{
    begin::submit(Call::<P, A, O>::new(args))
}
