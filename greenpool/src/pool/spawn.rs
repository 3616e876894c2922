//! `spawn`, `spawn_n`, `try_spawn` and `submit`: the verbs that run one job.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::job::cell::{JobBox, JobCell, cell_of, is_large};
use crate::job::error::TrySpawnError;
use crate::job::handle::GreenThread;
use crate::pool::GreenPool;
use crate::spawn::begin;
use crate::spawn::{Detached, FutureJob, SpawnFuture, Unobserved};

impl GreenPool {
    /// Runs `future` as a job: waits for a slot, starts the job, and returns its handle. Inside a job of the same pool,
    /// if the pool is full, it lends the caller's slot to the new job instead and returns when that job has finished.
    ///
    /// Nothing happens until the returned future is first polled. If no slot is free then, the job is queued, and from
    /// then on it belongs to the pool: it begins when its turn comes, on the runtime of that poll, whether or not the
    /// returned future is polled again. For the reasons to lend a slot, see
    /// [Spawning inside a full pool](crate#spawning-inside-a-full-pool). If the pool is closed, `future` is dropped
    /// without having run, and the handle returns a [`JoinError`](crate::JoinError) for which
    /// [`is_closed`](crate::JoinError::is_closed) is true.
    ///
    /// # Panics
    /// If awaited outside a tokio runtime.
    ///
    /// # Cancel safety
    /// If the returned future is dropped before it is ready, the job leaves the queue and never starts. If the job has
    /// started meanwhile, it is aborted, since nothing has its handle.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(async { "done" }).await;
    /// assert_eq!(green.await.unwrap(), "done");
    /// # }
    /// ```
    #[inline]
    pub fn spawn<F>(&self, future: F) -> Spawn<F>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Spawn(SpawnFuture::new(self.job(cell_of!(F, future))))
    }

    /// Runs `future` as a job like [`spawn`](Self::spawn), but returns no handle.
    ///
    /// For work that a job finds in its own pool, use [`queue`](Self::queue), which does not wait.
    ///
    /// A panic in the job goes no further: it is counted in the pool's [statistics](Self::stats) and, with the feature
    /// `tracing`, emitted as an event. If the pool is closed, `future` is dropped without having run and counted as
    /// refused.
    ///
    /// # Panics
    /// If awaited outside a tokio runtime.
    ///
    /// # Cancel safety
    /// The same as for [`spawn`](Self::spawn).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// for n in 0..10 {
    ///     pool.spawn_n(async move { println!("{n}") }).await; // two at once
    /// }
    /// pool.waitall().await;
    /// assert_eq!(pool.stats().finished, 10);
    /// # }
    /// ```
    #[inline]
    pub fn spawn_n<F>(&self, future: F) -> SpawnN<F>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        SpawnN(SpawnFuture::new(Detached(self.job(cell_of!(F, future)))))
    }

    /// Runs `future` as a job if a slot is free and the queue is empty. It does not wait.
    ///
    /// # Errors
    /// If the pool is full or closed. The error gives the future back.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let pool = greenpool::GreenPool::new(1);
    /// let first = pool.try_spawn(async { 1 }).unwrap();
    /// let refused = pool.try_spawn(async { 2 }).unwrap_err();
    /// assert!(refused.is_full());
    /// assert_eq!(first.await.unwrap() + refused.into_inner().await, 3);
    /// # }
    /// ```
    #[track_caller]
    pub fn try_spawn<F>(&self, future: F) -> Result<GreenThread<F::Output>, TrySpawnError<F>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        if const { is_large::<F>() } {
            match self.try_spawn_with(Box::new(future), |future| JobCell::with(Box::into_pin(future))) {
                Ok(thread) => Ok(thread),
                Err(refused) => unbox(refused),
            }
        } else {
            self.try_spawn_with(future, JobCell::with)
        }
    }

    /// Runs the job that `make` makes of `args` in the same way.
    #[track_caller]
    pub(crate) fn try_spawn_with<A, T>(
        &self,
        args: A,
        make: impl FnOnce(A) -> JobBox,
    ) -> Result<GreenThread<T>, TrySpawnError<A>>
    where
        T: 'static,
    {
        match begin::try_acquire(self.inner()) {
            Ok(runtime) => Ok(begin::spawn(make(args), self.inner(), None, &runtime)),
            Err(refusal) => Err(begin::give_back(refusal, args)),
        }
    }
}

/// Gives back a large future. In a function of its own, since it needs much stack.
#[cold]
pub(crate) fn unbox<T, F>(refused: TrySpawnError<Box<F>>) -> Result<T, TrySpawnError<F>> {
    let make = if refused.is_full() { TrySpawnError::Full } else { TrySpawnError::Closed };
    Err(make(*refused.into_inner()))
}

impl GreenPool {
    /// Starts a job if a slot is free. Otherwise queues it; it then keeps its turn without being awaited.
    #[track_caller]
    pub(crate) fn submit<F>(&self, future: F) -> GreenThread<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        begin::submit(self.job(cell_of!(F, future)))
    }

    /// A job of this pool that is in its cell, and gives a `T`.
    #[inline]
    pub(crate) fn job<T>(&self, job: JobBox) -> FutureJob<T> {
        FutureJob::new(self.inner().clone(), job)
    }
}

/// Waits for a slot and starts the job: the future returned by [`GreenPool::spawn`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::future::{Ready, ready};
/// use greenpool::{GreenPool, Spawn};
///
/// let spawn: Spawn<Ready<u32>> = GreenPool::new(1).spawn(ready(7));
/// assert_eq!(spawn.await.await.unwrap(), 7);
/// # }
/// ```
#[must_use = "nothing is spawned until it is awaited; write `.await`"]
pub struct Spawn<F: Future>(SpawnFuture<FutureJob<F::Output>, GreenThread<F::Output>, GreenThread<F::Output>>);

/// Waits for a slot and starts the job: the future returned by [`GreenPool::spawn_n`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::future::{Ready, ready};
/// use greenpool::{GreenPool, SpawnN};
///
/// let spawn: SpawnN<Ready<()>> = GreenPool::new(1).spawn_n(ready(()));
/// spawn.await;
/// # }
/// ```
#[must_use = "nothing is spawned until it is awaited; write `.await`"]
pub struct SpawnN<F: Future>(SpawnFuture<Detached<FutureJob<F::Output>>, Unobserved<GreenThread<F::Output>>, ()>);

// The future of the job does not move.
impl<F: Future> Unpin for Spawn<F> {}

impl<F: Future> Unpin for SpawnN<F> {}

impl<F: Future> Future for Spawn<F> {
    type Output = GreenThread<F::Output>;

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

impl<F: Future> Future for SpawnN<F> {
    type Output = ();

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll(cx)
    }
}
