//! The futures of `spawn` and `spawn_n` of a function on another pool.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use crate::declared::{PooledFn, key};
use crate::job::error::TrySpawnError;
use crate::job::handle::GreenThread;
use crate::pool::GreenPool;
use crate::pool::keyed::{SpawnKeyed, SpawnNKeyed};
use crate::spawn::{Keyed, POLLED_AFTER_READY, begin};

type Boxed<H> = Pin<Box<dyn Future<Output = H> + Send>>;

/// Holds the arguments until it is polled, so that its type does not have that of the function's future: a function can
/// spawn itself. And its type has no bounds, for the same reason as that of `SpawnFuture`.
struct SpawnLater<A, H> {
    pool: GreenPool,
    args: Option<A>,
    spawn: fn(&GreenPool, A) -> Boxed<H>,
    spawning: Option<Boxed<H>>,
}

impl<A, H> SpawnLater<A, H> {
    fn new(pool: &GreenPool, args: A, spawn: fn(&GreenPool, A) -> Boxed<H>) -> Self {
        SpawnLater { pool: pool.clone(), args: Some(args), spawn, spawning: None }
    }

    #[track_caller]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<H> {
        // Behind the box, a panic would have another line than the caller's.
        if let Err(error) = Handle::try_current() {
            panic!("{error}");
        }
        if let Some(args) = self.args.take() {
            self.spawning = Some((self.spawn)(&self.pool, args));
        }
        let spawning = self.spawning.as_mut().expect(POLLED_AFTER_READY);
        let polled = spawning.as_mut().poll(cx);
        if polled.is_ready() {
            self.spawning = None;
        }
        polled
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
pub struct SpawnOn<P, A, O> {
    spawn: SpawnLater<A, GreenThread<O>>,
    function: PhantomData<fn() -> P>,
}

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
pub struct SpawnOnN<P, A, O> {
    spawn: SpawnLater<A, ()>,
    function: PhantomData<fn() -> (P, O)>,
}

impl<P, A, O> SpawnOn<P, A, O>
where
    P: PooledFn<A, O>,
{
    pub(crate) fn new(pool: &GreenPool, args: A) -> Self {
        let spawn = SpawnLater::new(pool, args, |pool, args| match key::<P, A, O>(pool.inner(), args) {
            (args, None) => Box::pin(pool.spawn(P::call(args))),
            (args, Some(key)) => Box::pin(SpawnKeyed::new(pool, key, P::call(args))),
        });
        SpawnOn { spawn, function: PhantomData }
    }
}

impl<P, A, O> SpawnOnN<P, A, O>
where
    P: PooledFn<A, O>,
{
    pub(crate) fn new(pool: &GreenPool, args: A) -> Self {
        let spawn = SpawnLater::new(pool, args, |pool, args| match key::<P, A, O>(pool.inner(), args) {
            (args, None) => Box::pin(pool.spawn_n(P::call(args))),
            (args, Some(key)) => Box::pin(SpawnNKeyed::new(pool, key, P::call(args))),
        });
        SpawnOnN { spawn, function: PhantomData }
    }
}

// Arguments are only moved here, never pinned.
impl<P, A, O> Unpin for SpawnOn<P, A, O> {}

impl<P, A, O> Unpin for SpawnOnN<P, A, O> {}

impl<P, A, O> Future for SpawnOn<P, A, O> {
    type Output = GreenThread<O>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<GreenThread<O>> {
        self.spawn.poll(cx)
    }
}

impl<P, A, O> Future for SpawnOnN<P, A, O> {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.spawn.poll(cx)
    }
}

/// The function's `try_spawn` in a given pool.
#[track_caller]
pub(crate) fn try_spawn_on<P, A, O>(pool: &GreenPool, args: A) -> Result<GreenThread<O>, TrySpawnError<A>>
where
    P: PooledFn<A, O>,
{
    match key::<P, A, O>(pool.inner(), args) {
        (args, None) => pool.try_spawn_with(args, P::call),
        (args, Some(key)) => begin::try_submit(pool.inner(), &key, args, |args| pool.job(P::call(args))),
    }
}

/// Submits an entry of a pile in a given pool.
#[track_caller]
pub(crate) fn submit_on<P, A, O>(pool: &GreenPool, args: A) -> GreenThread<O>
where
    P: PooledFn<A, O>,
{
    match key::<P, A, O>(pool.inner(), args) {
        (args, None) => pool.submit(P::call(args)),
        (args, Some(key)) => begin::submit(Keyed::new(pool.job(P::call(args)), key)),
    }
}
