//! [`GreenPile`]: jobs whose results come out in the order in which they were spawned.

pub(crate) mod fixed;
pub(crate) mod set;
pub(crate) mod values;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;
use tokio::runtime::Handle;
use tokio::task::coop;

use crate::inner::wait::ReadySource;
use crate::inner::{ErasedJob, Inner};
use crate::job::cell::{JobBox, cell_of};
use crate::job::entry::Entry;
use crate::job::error::JoinError;
use crate::job::handle::GreenThread;
use crate::job::reply::AbortTarget;
use crate::job::reply_ref::ReplyRef;
use crate::job::unordered::Unordered;
use crate::lending::blocking::WaitGuard;
use crate::lending::waiter::WaiterRef;
use crate::pool::GreenPool;
use crate::spawn::{FutureJob, Kept, POLLED_AFTER_READY, SpawnFuture, Spawnable};
use crate::sync::quiet::drop_quietly;
use crate::sync::slots::Ticket;
use crate::sync::wake::wake;
use crate::sync::{Mutex, MutexGuard, lock};

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
pub struct GreenPile<T> /* a stream: read it with `next().await`, or `use futures::StreamExt;` */ {
    shared: Arc<PileShared<T>>,
    /// The first job that is left, if `next` waits for it.
    head: Option<Entry<T>>,
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
    threads: VecDeque<Entry<T>>,
    /// Jobs whose spawn has not returned yet, and may be dropped. They come after all others.
    pending: VecDeque<Entry<T>>,
    /// The number of the job that is taken next.
    number: usize,
    /// The number of the next pending spawn.
    next_spawn: u64,
    /// The number of spawns that have been polled, and whose job is neither queued nor has begun.
    coming: usize,
    /// Pending threads that the consumer took and has not returned, and whether their spawns were dropped then.
    taken: HashMap<u64, bool>,
    spawners: usize,
    consumer: Option<Waker>,
    dropped: bool,
}

impl<T> PileState<T> {
    /// Takes the job whose result comes next, and its number.
    fn pop(&mut self) -> Option<(usize, Entry<T>)> {
        let entry = self.threads.pop_front().or_else(|| self.pending.pop_front())?;
        self.taken.extend(entry.spawn.map(|spawn| (spawn, false)));
        self.number += 1;
        Some((self.number - 1, entry))
    }
}

impl<T> PileShared<T> {
    /// Whether another job may come. Then `waker` is woken for it.
    fn listen(&self, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut state = lock(&self.state);
        // SeqCst as in `GreenPile::poll_take`.
        self.news.store(false, Ordering::SeqCst);
        let may_grow = state.coming > 0 || state.spawners > 0;
        let old = if may_grow { state.consumer.replace(waker) } else { None };
        drop(state);
        drop(old);
        may_grow
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
        let state = PileState {
            threads: VecDeque::new(),
            pending: VecDeque::new(),
            number: 0,
            next_spawn: 0,
            coming: 0,
            taken: HashMap::new(),
            spawners: 0,
            consumer: None,
            dropped: false,
        };
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
    /// The job is in the pile from the first poll of the returned future on, and begins when its turn comes, even if
    /// that future is not polled again. If it is dropped before it is ready, the job leaves the queue or, if it has
    /// begun meanwhile, is aborted, and the pile yields nothing for it.
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
        PileSpawn::new(&self.shared, cell_of!(F, future))
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
                ready!(head.thread.poll_ready(cx));
                let (spawn, result) = (head.spawn, head.thread.take());
                self.head = None;
                if spawn.is_some() && lock(&self.shared.state).take_withdrawn(spawn) {
                    drop_quietly(result);
                    continue;
                }
                return Poll::Ready(result);
            }
            let waker = cx.waker().clone();
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
                    ready!(coop::poll_proceed(cx)).made_progress();
                    return Poll::Ready(None);
                }
                let old = state.consumer.replace(waker);
                drop(state);
                drop(old);
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
            head.thread.stop_waiting();
        }
    }

    /// The number of jobs that the consumer has taken and not returned.
    fn own(&self) -> usize {
        self.unordered.len() + usize::from(self.head.is_some())
    }
}

impl<T> PileState<T> {
    /// The number of jobs that the consumer has not taken.
    fn jobs(&self) -> usize {
        self.threads.len() + self.pending.len()
    }

    /// Adds a job whose spawn has not returned. Returns the number of that spawn.
    fn push_pending(&mut self, thread: GreenThread<T>) -> u64 {
        let spawn = self.next_spawn;
        self.next_spawn += 1;
        self.pending.push_back(Entry { thread, spawn: Some(spawn) });
        spawn
    }

    /// Removes a job whose spawn has returned, or was dropped, unless the consumer took it already.
    fn remove_pending(&mut self, spawn: u64) -> Option<GreenThread<T>> {
        let at = self.pending.binary_search_by_key(&Some(spawn), |entry| entry.spawn).ok()?;
        self.pending.remove(at).map(|entry| entry.thread)
    }

    /// Whether the job was withdrawn while the consumer had it.
    fn take_withdrawn(&mut self, spawn: Option<u64>) -> bool {
        let Some(spawn) = spawn else { return false };
        self.taken.remove(&spawn).unwrap_or_default()
    }
}

impl<T> Stream for GreenPile<T> {
    type Item = Result<T, JoinError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_take(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let own = self.own();
        let taken = self.head.iter().chain(self.unordered.entries()).filter(|entry| entry.spawn.is_some()).count();
        // All under one lock: other threads add jobs meanwhile.
        let state = lock(&self.shared.state);
        let lower = own - taken + state.threads.len();
        let upper = own + state.jobs() + state.coming;
        // A pending spawn may still be dropped.
        (lower, (state.spawners == 0).then_some(upper))
    }
}

impl<T> FusedStream for GreenPile<T> {
    fn is_terminated(&self) -> bool {
        let state = lock(&self.shared.state);
        self.own() + state.jobs() + state.coming + state.spawners == 0
    }
}

impl<T> Drop for GreenPile<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.shared.state);
        state.dropped = true;
        let mut threads = std::mem::take(&mut state.threads);
        threads.append(&mut state.pending);
        drop(state);
        // First, so that the slots of those that run do not go to those that are queued.
        let queued = threads.iter().chain(&self.head).chain(self.unordered.entries());
        queued.for_each(|entry| entry.thread.abort_queued());
        if !self.detached {
            for entry in threads.iter().chain(&self.head).chain(self.unordered.entries()) {
                entry.thread.abort();
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
        PileSpawn::new(&self.shared, cell_of!(F, future))
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

fn wake_consumer<T>(shared: &PileShared<T>, mut state: MutexGuard<'_, PileState<T>>) {
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
    spawn: SpawnFuture<PileJob<F::Output>, KeptInPile<F::Output>, ()>,
    /// Whether this spawn is counted in [`PileState::coming`].
    coming: bool,
}

/// A future that will be a job of this pile.
struct PileJob<T> {
    job: FutureJob<T>,
    shared: Arc<PileShared<T>>,
}

/// A job of the pile that is queued, and whose spawn may still be dropped.
struct KeptInPile<T> {
    /// `None` if the job is in the pile.
    thread: Option<GreenThread<T>>,
    spawn: u64,
    job: AbortTarget,
    shared: Arc<PileShared<T>>,
    /// Whether the spawn has its result.
    over: bool,
}

impl<T> PileShared<T> {
    /// Puts the handle of a job into the pile, unless the pile was dropped.
    fn push(&self, thread: GreenThread<T>) {
        let state = lock(&self.state);
        if state.dropped {
            drop(state);
            return thread.abort();
        }
        self.push_to(state, thread);
    }

    fn push_to(&self, mut state: MutexGuard<'_, PileState<T>>, thread: GreenThread<T>) {
        state.threads.push_back(Entry { thread, spawn: None });
        wake_consumer(self, state);
    }
}

impl<T: Send + 'static> Spawnable for PileJob<T> {
    type Kept = KeptInPile<T>;
    type Handle = ();

    fn inner(&self) -> &Arc<Inner> {
        self.job.inner()
    }

    fn begin(this: &mut Option<Self>, runtime: &Handle, _has_handle: bool) -> Option<KeptInPile<T>> {
        let PileJob { job, shared } = this.take().expect(POLLED_AFTER_READY);
        shared.push(FutureJob::handle(FutureJob::begin(&mut Some(job), runtime, true)));
        None
    }

    fn queued(this: &mut Option<Self>, runtime: Option<&Handle>) -> (Box<dyn ErasedJob>, KeptInPile<T>) {
        let PileJob { job, shared } = this.take().expect(POLLED_AFTER_READY);
        let (job, thread) = FutureJob::queued(&mut Some(job), runtime);
        let Some(target) = thread.abort_target() else { unreachable!("nothing has taken its result") };
        (job, KeptInPile { thread: Some(thread), spawn: 0, job: target, shared, over: false })
    }

    fn handle(_kept: Option<KeptInPile<T>>) {}
}

impl<T: Send + 'static> Kept for KeptInPile<T> {
    fn note_queued(&mut self, ticket: Ticket) {
        let Some(mut thread) = self.thread.take() else { return };
        thread.set_waiter(WaiterRef::new(self.shared.pool.inner(), ticket));
        let mut state = lock(&self.shared.state);
        if state.dropped {
            drop(state);
            return thread.abort();
        }
        self.spawn = state.push_pending(thread);
        wake_consumer(&self.shared, state);
    }

    fn reply(&self) -> ReplyRef<'_> {
        self.job.reply()
    }

    fn leave(&mut self) {
        // Before the result, a cancellation, is there.
        self.withdraw();
    }

    fn begun(&mut self) {
        self.over = true;
        if let Some(thread) = self.thread.take() {
            // The job did not have to queue after all.
            return self.shared.push(thread);
        }
        // It is in the pile. Under one lock, so that it is in one of the two lists at any time.
        let mut state = lock(&self.shared.state);
        if let Some(thread) = state.remove_pending(self.spawn) {
            self.shared.push_to(state, thread);
        }
    }
}

impl<T> KeptInPile<T> {
    /// The pile yields nothing for this job.
    fn withdraw(&mut self) {
        if std::mem::replace(&mut self.over, true) || self.thread.is_some() {
            return;
        }
        let mut state = lock(&self.shared.state);
        let thread = state.remove_pending(self.spawn);
        if let Some(withdrawn) = state.taken.get_mut(&self.spawn) {
            *withdrawn = true;
        }
        wake_consumer(&self.shared, state);
        drop(thread);
    }
}

impl<T> Drop for KeptInPile<T> {
    fn drop(&mut self) {
        self.withdraw();
    }
}

// The future of the job does not move.
impl<F: Future> Unpin for PileSpawn<F> {}

impl<F> PileSpawn<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn new(shared: &Arc<PileShared<F::Output>>, job: JobBox) -> Self {
        let job = FutureJob::new(shared.pool.inner().clone(), job);
        let spawn = SpawnFuture::new(PileJob { job, shared: shared.clone() });
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
            if this.spawn.has_not_begun() && !std::mem::replace(&mut this.coming, true) {
                state.coming += 1;
            }
        }
        let polled = this.spawn.poll(cx);
        if !this.spawn.has_not_begun() {
            this.stop_coming();
        }
        polled
    }
}

impl<F: Future> PileSpawn<F> {
    /// The job is in the pile, or never comes.
    fn stop_coming(&mut self) {
        if std::mem::take(&mut self.coming) {
            let mut state = lock(&self.shared.state);
            state.coming -= 1;
            wake_consumer(&self.shared, state);
        }
    }
}

impl<F: Future> Drop for PileSpawn<F> {
    fn drop(&mut self) {
        self.stop_coming();
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
