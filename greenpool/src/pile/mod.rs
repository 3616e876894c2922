//! [`GreenPile`]: jobs whose results come out in the order in which they were spawned.

pub(crate) mod fixed;
pub(crate) mod set;
pub(crate) mod unordered;
pub(crate) mod values;

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::inner::wait::ReadySource;
use crate::job::error::JoinError;
use crate::job::handle::GreenThread;
use crate::lending::blocking::WaitGuard;
use crate::pile::unordered::Unordered;
use crate::pool::GreenPool;
use crate::spawn::{FutureJob, SpawnFuture};
use crate::sync::wake::wake;
use crate::sync::{Mutex, lock};

/// Runs jobs in a pool and yields their results in the order in which they were spawned. Modelled on eventlet's
/// `GreenPile`.
///
/// Spawning waits for a slot of the pool. Results wait in the pile, without limit, until they are taken. To feed a pile
/// from other tasks, give each of them a [`spawner`](Self::spawner). The pile ends when all results have been taken and
/// no spawner is left. More jobs may be spawned after that.
///
/// **Dropping** the pile aborts its jobs, and spawns that are still queued start nothing. [`detach`](Self::detach) lets
/// the jobs finish.
///
/// # Compared with other tools
/// * [`GreenPool::imap`] runs one function over one source, in constant memory. A pile takes jobs of any origin.
/// * `tokio::task::JoinSet` yields results as they arrive, and has no limit.
/// * [`pile!`](crate::pile!) takes a fixed list of calls, which may have different types.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::GreenPile;
///
/// let mut pile = GreenPile::new(2);
/// for n in 1..=4 {
///     pile.spawn(async move { n * 10 }).await;
/// }
/// let mut all = vec![];
/// while let Some(result) = pile.next().await {
///     all.push(result.unwrap());
/// }
/// assert_eq!(all, [10, 20, 30, 40]);
/// # }
/// ```
#[must_use = "dropping it aborts its jobs; take their results with `next`, or call `detach`"]
pub struct GreenPile<T> {
    shared: Arc<PileShared<T>>,
    /// The first job that is left, if `next` waits for it.
    head: Option<GreenThread<T>>,
    /// The number of that job.
    head_number: usize,
    /// The jobs that `next_unordered` waits for.
    unordered: Unordered<T>,
    guard: WaitGuard,
    detached: bool,
}

struct PileShared<T> {
    pool: GreenPool,
    state: Mutex<PileState<T>>,
    /// A job was added or can no longer come since the consumer last looked.
    news: Arc<AtomicBool>,
}

struct PileState<T> {
    threads: VecDeque<GreenThread<T>>,
    /// The number of the first of them.
    number: usize,
    /// The number of pending spawns.
    coming: usize,
    spawners: usize,
    consumer: Option<Waker>,
    dropped: bool,
}

impl<T> PileState<T> {
    /// Takes the first job and its number.
    fn pop(&mut self) -> Option<(usize, GreenThread<T>)> {
        let thread = self.threads.pop_front()?;
        self.number += 1;
        Some((self.number - 1, thread))
    }
}

impl<T> Unpin for GreenPile<T> {}

impl<T: Send + 'static> GreenPile<T> {
    /// Creates a pile with a new pool of `size` slots.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use greenpool::GreenPile;
    ///
    /// let mut pile = GreenPile::new(2);
    /// assert_eq!(pile.pool().size(), 2);
    /// pile.spawn(async { 7 }).await;
    /// assert_eq!(pile.next().await.unwrap().unwrap(), 7);
    /// # }
    /// ```
    pub fn new(size: usize) -> Self {
        Self::on(&GreenPool::new(size))
    }

    /// Creates a pile on an existing pool. Its jobs count towards the limit of that pool.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use greenpool::{GreenPile, GreenPool};
    ///
    /// let pool = GreenPool::new(2);
    /// let mut words = GreenPile::on(&pool);
    /// let mut numbers = GreenPile::on(&pool); // both together run two jobs at once
    /// words.spawn(async { "seven" }).await;
    /// numbers.spawn(async { 7 }).await;
    /// assert_eq!(words.next().await.unwrap().unwrap(), "seven");
    /// assert_eq!(numbers.next().await.unwrap().unwrap(), 7);
    /// # }
    /// ```
    pub fn on(pool: &GreenPool) -> Self {
        let state =
            PileState { threads: VecDeque::new(), number: 0, coming: 0, spawners: 0, consumer: None, dropped: false };
        let shared = Arc::new(PileShared { pool: pool.clone(), state: Mutex::new(state), news: Arc::default() });
        GreenPile {
            shared,
            head: None,
            head_number: 0,
            unordered: Unordered::new(),
            guard: WaitGuard::default(),
            detached: false,
        }
    }

    /// Runs `future` as a job of the pile: waits for a slot and starts the job.
    ///
    /// Inside a job of the same full pool it lends the caller's slot to the new job, and returns when that job has
    /// finished, as [`GreenPool::spawn`] does. If the pool is closed, `future` is dropped without having run, and the
    /// pile yields a [`JoinError`] in its place.
    ///
    /// # Panics
    /// If awaited outside a tokio runtime.
    ///
    /// # Cancel safety
    /// The job is in the pile once the returned future has completed. If that future is dropped before it has acquired
    /// a slot, the job never starts. If it is dropped while the caller's slot is lent, the child has started already
    /// and is aborted. Either way the pile yields nothing for it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut pile = greenpool::GreenPile::new(2);
    /// pile.spawn(async { 1 }).await;
    /// pile.spawn(async { panic!("a bug") }).await;
    /// assert_eq!(pile.next().await.unwrap().unwrap(), 1);
    /// assert!(pile.next().await.unwrap().unwrap_err().is_panic());
    /// # }
    /// ```
    pub fn spawn<F>(&self, future: F) -> PileSpawn<F>
    where
        F: Future<Output = T> + Send + 'static,
    {
        PileSpawn::new(&self.shared, future)
    }

    /// Returns a handle that spawns into this pile, for a producer in another task. Clone it for more producers.
    ///
    /// The pile does not end while a spawner exists: [`next`](Self::next) waits for the jobs that may still come.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut pile = greenpool::GreenPile::new(2);
    /// let spawner = pile.spawner();
    /// tokio::spawn(async move {
    ///     for n in 0..3 {
    ///         spawner.spawn(async move { n }).await;
    ///     }
    /// });
    /// let mut seen = 0;
    /// while let Some(result) = pile.next().await {
    ///     assert_eq!(result.unwrap(), seen);
    ///     seen += 1;
    /// }
    /// assert_eq!(seen, 3);
    /// # }
    /// ```
    pub fn spawner(&self) -> PileSpawner<T> {
        lock(&self.shared.state).spawners += 1;
        PileSpawner { shared: self.shared.clone() }
    }

    /// Returns the pool that the jobs run in.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut pile = greenpool::GreenPile::new(2);
    /// pile.spawn(async { 7 }).await;
    /// pile.pool().waitall().await;
    /// assert_eq!(pile.pool().stats().finished, 1);
    /// # assert_eq!(pile.next().await.unwrap().unwrap(), 7);
    /// # }
    /// ```
    pub fn pool(&self) -> &GreenPool {
        &self.shared.pool
    }
}

impl<T> GreenPile<T> {
    /// Waits for the next result, in the order of spawning. Returns `None` when no job is left and none can come.
    ///
    /// # Cancel safety
    /// If the returned future is dropped before it is ready, no result is lost.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut pile = greenpool::GreenPile::new(2);
    /// pile.spawn(async { 7 }).await;
    /// assert_eq!(pile.next().await.unwrap().unwrap(), 7);
    /// assert!(pile.next().await.is_none());
    /// # }
    /// ```
    pub fn next(&mut self) -> PileNext<'_, T> {
        PileNext { pile: self }
    }

    /// Detaches the jobs: they run to completion, and their results are dropped. Spawns that are still queued start
    /// nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use greenpool::{GreenPile, GreenPool};
    ///
    /// let pool = GreenPool::new(2);
    /// let pile = GreenPile::on(&pool);
    /// pile.spawn(async {}).await;
    /// pile.detach();
    /// pool.waitall().await;
    /// assert_eq!(pool.stats().finished, 1);
    /// # }
    /// ```
    pub fn detach(mut self) {
        self.detached = true;
    }

    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        loop {
            if let Some(head) = &mut self.head {
                ready!(head.poll_ready(cx));
                let result = head.take();
                self.head = None;
                return Poll::Ready(result);
            }
            let mut state = lock(&self.shared.state);
            // SeqCst pairs with the load in `WaitEdge::readiness`. Both stores are under the lock of the state, so this
            // clears only what the rest of this poll finds anyway.
            self.shared.news.store(false, Ordering::SeqCst);
            if let Some((number, head)) = self.unordered.pop_first().or_else(|| state.pop()) {
                (self.head_number, self.head) = (number, Some(head));
            } else {
                if state.coming == 0 && state.spawners == 0 {
                    drop(state);
                    ready!(self.guard.poll_reacquire(cx));
                    return Poll::Ready(None);
                }
                state.consumer = Some(cx.waker().clone());
                drop(state);
                self.guard.register(self.shared.pool.inner(), None, || ReadySource::Flag(self.shared.news.clone()), cx);
                return Poll::Pending;
            }
            drop(state);
            self.guard.clear();
        }
    }

    /// The job that awaited the next result no longer waits for the pile.
    fn stop_waiting(&mut self) {
        self.guard.clear();
        if let Some(head) = &mut self.head {
            head.stop_waiting();
        }
    }

    /// The number of jobs whose results are left, and of pending spawns.
    fn expected(&self) -> usize {
        let coming = lock(&self.shared.state).coming;
        coming + self.len()
    }
}

impl<T> Stream for GreenPile<T> {
    type Item = Result<T, JoinError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_take(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let spawners = lock(&self.shared.state).spawners;
        // A pending spawn may still be dropped.
        (self.len(), (spawners == 0).then(|| self.expected()))
    }
}

impl<T> FusedStream for GreenPile<T> {
    fn is_terminated(&self) -> bool {
        self.expected() == 0 && lock(&self.shared.state).spawners == 0
    }
}

impl<T> Drop for GreenPile<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.shared.state);
        state.dropped = true;
        let threads = std::mem::take(&mut state.threads);
        drop(state);
        if !self.detached {
            for thread in threads.iter().chain(&self.head).chain(self.unordered.threads()) {
                thread.abort();
            }
        }
    }
}

impl<T> fmt::Debug for GreenPile<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GreenPile").field("pool", &self.shared.pool).field("jobs", &self.len()).finish()
    }
}

/// Spawns into a [`GreenPile`] from another task; returned by [`GreenPile::spawner`].
///
/// **Dropping** the last spawner lets the pile end. Once the pile itself has been dropped, spawning starts nothing.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPile, PileSpawner};
///
/// async fn produce(spawner: PileSpawner<u32>) {
///     for n in 0..3 {
///         spawner.spawn(async move { n }).await;
///     }
/// }
///
/// let mut pile = GreenPile::new(2);
/// tokio::spawn(produce(pile.spawner()));
/// tokio::spawn(produce(pile.spawner()));
/// let mut sum = 0;
/// while let Some(n) = pile.next().await {
///     sum += n.unwrap();
/// }
/// assert_eq!(sum, 6);
/// # }
/// ```
#[must_use = "the pile waits for it until it is dropped"]
pub struct PileSpawner<T> {
    shared: Arc<PileShared<T>>,
}

impl<T: Send + 'static> PileSpawner<T> {
    /// Runs `future` as a job of the pile, exactly like [`GreenPile::spawn`].
    ///
    /// # Panics
    /// If awaited outside a tokio runtime.
    ///
    /// # Cancel safety
    /// The same as for [`GreenPile::spawn`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut pile = greenpool::GreenPile::new(2);
    /// let spawner = pile.spawner();
    /// spawner.spawn(async { 7 }).await;
    /// drop(spawner); // now the pile can end
    /// assert_eq!(pile.next().await.unwrap().unwrap(), 7);
    /// assert!(pile.next().await.is_none());
    /// # }
    /// ```
    pub fn spawn<F>(&self, future: F) -> PileSpawn<F>
    where
        F: Future<Output = T> + Send + 'static,
    {
        PileSpawn::new(&self.shared, future)
    }
}

impl<T> Clone for PileSpawner<T> {
    fn clone(&self) -> Self {
        lock(&self.shared.state).spawners += 1;
        PileSpawner { shared: self.shared.clone() }
    }
}

impl<T> Drop for PileSpawner<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.shared.state);
        state.spawners -= 1;
        wake_consumer(&self.shared, state);
    }
}

impl<T> fmt::Debug for PileSpawner<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PileSpawner").field("pool", &self.shared.pool).finish()
    }
}

fn wake_consumer<T>(shared: &PileShared<T>, mut state: crate::sync::MutexGuard<'_, PileState<T>>) {
    // SeqCst pairs with the load in `WaitEdge::readiness`: the job that spawned here releases its slot after this, so a
    // search that finds the slot released finds the flag set.
    shared.news.store(true, Ordering::SeqCst);
    let consumer = state.consumer.take();
    drop(state);
    wake(consumer);
}

/// Waits for a slot and starts the job: the future returned by [`GreenPile::spawn`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::future::{Ready, ready};
/// use greenpool::{GreenPile, PileSpawn};
///
/// let mut pile = GreenPile::new(2);
/// let spawn: PileSpawn<Ready<u32>> = pile.spawn(ready(7));
/// spawn.await;
/// assert_eq!(pile.next().await.unwrap().unwrap(), 7);
/// # }
/// ```
#[must_use = "nothing is spawned until it is awaited; write `.await`"]
pub struct PileSpawn<F: Future> {
    shared: Arc<PileShared<F::Output>>,
    spawn: SpawnFuture<FutureJob<F>, F::Output, GreenThread<F::Output>>,
    /// Whether this spawn is counted in [`PileState::coming`].
    coming: bool,
}

// The future of the job is pinned only once it has been moved to where it runs.
impl<F: Future> Unpin for PileSpawn<F> {}

impl<F> PileSpawn<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn new(shared: &Arc<PileShared<F::Output>>, future: F) -> Self {
        let spawn = SpawnFuture::new(FutureJob { inner: shared.pool.inner().clone(), future });
        PileSpawn { shared: shared.clone(), spawn, coming: false }
    }
}

impl<F: Future> Future for PileSpawn<F> {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        {
            let mut state = lock(&this.shared.state);
            if state.dropped {
                drop(state);
                return this.spawn.poll_reacquire(cx);
            }
            state.coming += usize::from(!std::mem::replace(&mut this.coming, true));
        }
        let thread = ready!(this.spawn.poll(cx));
        let mut state = lock(&this.shared.state);
        this.coming = false;
        state.coming -= 1;
        if state.dropped {
            drop(state);
            thread.abort();
        } else {
            state.threads.push_back(thread);
            wake_consumer(&this.shared, state);
        }
        Poll::Ready(())
    }
}

impl<F: Future> Drop for PileSpawn<F> {
    fn drop(&mut self) {
        if self.coming {
            let mut state = lock(&self.shared.state);
            state.coming -= 1;
            wake_consumer(&self.shared, state);
        }
    }
}

/// Waits for the next result: the future returned by [`GreenPile::next`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPile, PileNext};
///
/// let mut pile = GreenPile::<u32>::new(2);
/// let next: PileNext<'_, u32> = pile.next();
/// assert!(next.await.is_none());
/// # }
/// ```
#[must_use = "it takes a result only when it is awaited; write `.await`"]
pub struct PileNext<'a, T> {
    pile: &'a mut GreenPile<T>,
}

impl<T> Future for PileNext<'_, T> {
    type Output = Option<Result<T, JoinError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.pile.poll_take(cx)
    }
}

impl<T> Drop for PileNext<'_, T> {
    fn drop(&mut self) {
        self.pile.stop_waiting();
    }
}
