//! The futures of `spawn` and `spawn_n` of a function on another pool.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use crate::declared::{PooledFn, key};
use crate::inner::{ErasedJob, Inner};
use crate::job::cell::JobCell;
use crate::job::error::TrySpawnError;
use crate::job::handle::GreenThread;
use crate::job::permit::Permit;
use crate::pool::GreenPool;
use crate::spawn::{Detached, POLLED_AFTER_READY, SpawnFuture, Spawnable, Unobserved, begin};
use crate::sync::key::Key;

/// A function, its arguments, and a pool that may be another one than the function's own.
struct CallOn<P, A, O> {
    inner: Arc<Inner>,
    args: A,
    function: PhantomData<fn() -> (P, O)>,
}

impl<P, A, O> CallOn<P, A, O> {
    fn new(pool: &GreenPool, args: A) -> Self {
        CallOn { inner: pool.inner().clone(), args, function: PhantomData }
    }
}

impl<P, A, O> Spawnable for CallOn<P, A, O>
where
    P: PooledFn<A, O>,
{
    type Kept = GreenThread<O>;
    type Handle = GreenThread<O>;

    const KEYED: bool = P::HAS_KEY;

    fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    fn key(this: &mut Option<Self>) -> Option<Key> {
        let CallOn { inner, args, function } = this.take().expect(POLLED_AFTER_READY);
        let (args, key) = P::key(args);
        *this = Some(CallOn { inner, args, function });
        key
    }

    fn begin(this: &mut Option<Self>, runtime: &Handle, has_handle: bool) -> Option<GreenThread<O>> {
        let CallOn { inner, args, .. } = this.take().expect(POLLED_AFTER_READY);
        begin::begin(JobCell::of(P::call(args)), &inner, Permit::new(&inner, None), has_handle, runtime)
    }

    fn queued(this: &mut Option<Self>, runtime: Option<&Handle>) -> (Box<dyn ErasedJob>, GreenThread<O>) {
        let CallOn { inner, args, .. } = this.take().expect(POLLED_AFTER_READY);
        begin::queued(JobCell::of(P::call(args)), &inner, runtime)
    }

    fn handle(kept: Option<GreenThread<O>>) -> GreenThread<O> {
        kept.expect(POLLED_AFTER_READY)
    }
}

/// Spawns a job of a declared function in a given pool; made by the `spawn` of an [`OnPool`](crate::OnPool).
///
/// It resolves to the handle of the job once the job has a slot. In a job of the same full pool, it lends the caller's
/// slot to the new job, and resolves when that job has ended.
///
/// # Panics
/// Panics if it is awaited outside of a tokio runtime.
///
/// # Cancel safety
/// The same as for [`GreenPool::spawn`](crate::GreenPool::spawn).
///
/// ```
/// use greenpool::{GreenPool, SpawnOn, green_pool};
///
/// #[green_pool(size = 2)]
/// async fn double(n: u32) -> u32 { n * 2 }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let pool = GreenPool::new(1);
/// let spawn: SpawnOn<double, (u32,), u32> = double::on(&pool).spawn(21); // nothing runs yet
/// assert_eq!(spawn.await.await.unwrap(), 42);
/// # }
/// ```
#[must_use = "nothing is spawned until it is awaited; write `.await`"]
pub struct SpawnOn<P, A, O>(SpawnFuture<CallOn<P, A, O>, GreenThread<O>, GreenThread<O>>);

/// Spawns a job of a declared function in a given pool, and returns no handle; made by the `spawn_n` of an
/// [`OnPool`](crate::OnPool).
///
/// Otherwise it works like [`SpawnOn`].
///
/// # Panics
/// Panics if it is awaited outside of a tokio runtime.
///
/// # Cancel safety
/// The same as for [`GreenPool::spawn`](crate::GreenPool::spawn).
///
/// ```
/// use greenpool::{GreenPool, SpawnOnN, green_pool};
///
/// #[green_pool(size = 2)]
/// async fn double(n: u32) -> u32 { n * 2 }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let pool = GreenPool::new(1);
/// let spawn: SpawnOnN<double, (u32,), u32> = double::on(&pool).spawn_n(21); // nothing runs yet
/// spawn.await;
/// pool.waitall().await;
/// # }
/// ```
#[must_use = "nothing is spawned until it is awaited; write `.await`"]
pub struct SpawnOnN<P, A, O>(SpawnFuture<Detached<CallOn<P, A, O>>, Unobserved<GreenThread<O>>, ()>);

impl<P, A, O> SpawnOn<P, A, O>
where
    P: PooledFn<A, O>,
{
    pub(crate) fn new(pool: &GreenPool, args: A) -> Self {
        SpawnOn(SpawnFuture::new(CallOn::new(pool, args)))
    }
}

impl<P, A, O> SpawnOnN<P, A, O>
where
    P: PooledFn<A, O>,
{
    pub(crate) fn new(pool: &GreenPool, args: A) -> Self {
        SpawnOnN(SpawnFuture::new(Detached(CallOn::new(pool, args))))
    }
}

// Arguments are only moved here, never pinned.
impl<P, A, O> Unpin for SpawnOn<P, A, O> {}

impl<P, A, O> Unpin for SpawnOnN<P, A, O> {}

impl<P, A, O> Future for SpawnOn<P, A, O> {
    type Output = GreenThread<O>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<GreenThread<O>> {
        self.0.poll(cx)
    }
}

impl<P, A, O> Future for SpawnOnN<P, A, O> {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll(cx)
    }
}

/// The function's `try_spawn` in a given pool.
#[track_caller]
pub(crate) fn try_spawn_on<P, A, O>(pool: &GreenPool, args: A) -> Result<GreenThread<O>, TrySpawnError<A>>
where
    P: PooledFn<A, O>,
{
    let inner = pool.inner();
    match key::<P, A, O>(inner, args) {
        (args, None) => pool.try_spawn_with(args, |args| JobCell::of(P::call(args))),
        (args, Some(key)) => begin::try_submit(inner, &key, args, |args| CallOn::<P, A, O>::new(pool, args)),
    }
}

/// Submits an entry of a pile in a given pool.
#[track_caller]
pub(crate) fn submit_on<P, A, O>(pool: &GreenPool, args: A) -> GreenThread<O>
where
    P: PooledFn<A, O>,
{
    begin::submit(CallOn::<P, A, O>::new(pool, args))
}
