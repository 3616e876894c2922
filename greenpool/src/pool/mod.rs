//! The pool.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;

use crate::inner::Core;
use crate::inner::tracked::JobInfo;
use crate::inner::wait::Outlook;
use crate::job::error::TrySpawnError;
use crate::job::handle::GreenThread;
use crate::lending::blocking::Blocked;
use crate::lending::context;
use crate::lending::deadlock;
use crate::lending::waiter::{Acquire, Begun};
use crate::map::GreenMap;
use crate::map::source::{Arguments, Sources, Spread};
use crate::spawn::begin;
use crate::spawn::{NoHandle, Plain, Spawning};
use crate::sync::slots::{Line, Refusal, Ticket};

/// The size of a pool that is given none, as in eventlet.
const DEFAULT_SIZE: usize = 1000;

/// A bounded pool of jobs: at most `size` of them run at once. After eventlet's `GreenPool`.
///
/// However jobs arrive, by [`spawn`](Self::spawn), [`spawn_n`](Self::spawn_n), [`imap`](Self::imap), [`starmap`](Self::starmap)
/// or a [`GreenPile`](crate::GreenPile), the limit is one, and who has to wait is served first come, first served. Each job is driven by
/// the runtime, and moves on whether or not anybody looks at its result.
///
/// `clone` gives a handle on the same pool. **Dropping** the last handle changes nothing for jobs that run or are queued.
///
/// # Re-entrance
/// A job may use its own pool, also when that is full: it then *lends* its slot to the child, and its `spawn` returns when
/// the child is over. So recursion cannot deadlock, at any depth, and the limit stays exact.
///
/// # Compared with ..
/// * `tokio::sync::Semaphore` + `tokio::spawn`: the same limit by hand. A `GreenPool` also lends, shrinks below what is in use, counts
///   its waiters and can be waited for and shut down.
/// * `tokio::task::JoinSet`: has no limit. Use it for a handful of tasks that belong together.
/// * `StreamExt::buffer_unordered`: polls its futures only while its consumer polls it, all on one task.
///   Use it for futures that borrow.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::GreenPool;
///
/// let pool = GreenPool::new(2);
/// for n in 0..10 {
///     pool.spawn_n(async move { println!("{n}") }).await; // waits for one of the two slots
/// }
/// pool.waitall().await;
/// assert_eq!(pool.running(), 0);
/// # }
/// ```
pub struct GreenPool {
    core: OnceLock<Arc<Core>>,
    size: usize,
}

impl GreenPool {
    /// A pool of `size` slots.
    ///
    /// Size 0 is allowed: nothing runs until [`resize`](Self::resize). Sizes above 2³⁰ - 1 are taken as that.
    ///
    /// ```
    /// let pool = greenpool::GreenPool::new(20);
    /// assert_eq!((pool.size(), pool.free()), (20, 20));
    /// ```
    pub fn new(size: usize) -> Self {
        Self::of(Core::new(size, None))
    }

    /// A pool for a `static`.
    ///
    /// ```
    /// use greenpool::GreenPool;
    /// static POOL: GreenPool = GreenPool::const_new(20);
    /// ```
    pub const fn const_new(size: usize) -> Self {
        GreenPool { core: OnceLock::new(), size }
    }

    pub(crate) fn named(size: usize, name: &'static str) -> Self {
        Self::of(Core::new(size, Some(name)))
    }

    fn of(core: Arc<Core>) -> Self {
        GreenPool { size: core.slots.size(), core: OnceLock::from(core) }
    }

    #[inline]
    pub(crate) fn core(&self) -> &Arc<Core> {
        self.core.get_or_init(|| Core::new(self.size, None))
    }

    /// Runs `future` as a job: waits for a slot, begins the job, and gives the handle on it.
    ///
    /// Nothing happens until the returned future is awaited. The job then runs on the runtime that awaits it. In a job of the
    /// same full pool the caller's slot is lent, and this returns when the child is over. If the pool is closed, the handle
    /// gives a [`JoinError`](crate::JoinError) that says so.
    ///
    /// # Panics
    /// When awaited outside of a tokio runtime.
    ///
    /// # Cancel safety
    /// Dropped before the slot came, it leaves the queue, and `future` is dropped without having run; a slot on its way goes to the next.
    /// Dropped while the caller lends its own slot, it aborts the child, and the slot comes back.
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
        Spawn(Spawning::new(Plain { core: self.core().clone(), future }))
    }

    /// Like [`spawn`](Self::spawn), where no result is wanted.
    ///
    /// A panic in the job is counted in the pool's statistics, told to `tracing` under the feature of that name, and goes no further. If the pool is closed, `future` is dropped
    /// and counted as refused.
    ///
    /// # Panics
    /// When awaited outside of a tokio runtime.
    ///
    /// # Cancel safety
    /// As [`spawn`](Self::spawn).
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
        SpawnN(Spawning::new(NoHandle(Plain { core: self.core().clone(), future })))
    }

    /// Runs `future` as a job if a slot is free and nobody is queued; does not wait.
    ///
    /// # Errors
    /// Gives the future back, if the pool is full or closed.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
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
        match self.core().slots.try_acquire() {
            Ok(()) => Ok(begin::begin(future, self.core(), None)),
            Err(Refusal::Full) => Err(TrySpawnError::Full(future)),
            Err(Refusal::Closed) => Err(TrySpawnError::Closed(future)),
        }
    }

    /// Begins a job if there is a free slot, else puts it into the queue, where it keeps its turn without being awaited.
    #[track_caller]
    pub(crate) fn submit<F>(&self, future: F) -> GreenThread<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let core = self.core();
        match Acquire::begin(core, || context::member_of(core), None) {
            Begun::Closed => begin::refuse(core),
            Begun::Acquired => begin::begin(future, core, None),
            Begun::Queued(acquire) => begin::queue(core, acquire, future),
        }
    }

    /// Runs `f` over the items of `sources`; gives the results in the order of the items.
    ///
    /// `sources` is one iterable, or a tuple of two to twelve of them, which are zipped: `f` takes one argument from each. The map starts at
    /// once and holds at most `size` items that run or are finished and not yet taken; see [`GreenMap`].
    /// It takes its turns in the pool's queue like any other caller.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let mut lengths = pool.imap(|word: &'static str| async move { word.len() }, ["one", "three"]);
    /// assert_eq!(lengths.next().await.unwrap().unwrap(), 3);
    /// assert_eq!(lengths.next().await.unwrap().unwrap(), 5);
    /// assert!(lengths.next().await.is_none());
    ///
    /// let mut sums = pool.imap(|a, b| async move { a + b }, ([1, 2, 3], 10..));
    /// assert_eq!(sums.next().await.unwrap().unwrap(), 11);
    /// # }
    /// ```
    #[track_caller]
    pub fn imap<F, S, Kind>(&self, f: F, sources: S) -> GreenMap<S::Output>
    where
        S: Sources<F, Kind>,
    {
        GreenMap::start(self.core(), sources.into_feed(f), true)
    }

    /// Like [`imap`](Self::imap), with the results as they come.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use std::time::Duration;
    /// use tokio::time::sleep;
    ///
    /// # let pool = greenpool::GreenPool::new(2);
    /// let work = |ms| async move {
    ///     sleep(Duration::from_millis(ms)).await;
    ///     ms
    /// };
    /// let mut map = pool.imap_unordered(work, [50, 10]);
    /// assert_eq!(map.next().await.unwrap().unwrap(), 10);
    /// assert_eq!(map.next().await.unwrap().unwrap(), 50);
    /// # }
    /// ```
    #[track_caller]
    pub fn imap_unordered<F, S, Kind>(&self, f: F, sources: S) -> GreenMap<S::Output>
    where
        S: Sources<F, Kind>,
    {
        GreenMap::start(self.core(), sources.into_feed(f), false)
    }

    /// Like [`imap`](Self::imap), over an iterable of tuples whose fields are the arguments of `f`.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let mut powers = pool.starmap(|base: u32, exponent| async move { base.pow(exponent) }, [(2, 5), (3, 2)]);
    /// assert_eq!(powers.next().await.unwrap().unwrap(), 32);
    /// # }
    /// ```
    #[track_caller]
    pub fn starmap<F, I>(&self, f: F, items: I) -> GreenMap<<I::Item as Arguments<F>>::Output>
    where
        I: IntoIterator<IntoIter: Send + 'static>,
        I::Item: Arguments<F>,
        F: Send + 'static,
    {
        GreenMap::start(self.core(), Spread::new(items.into_iter(), f), true)
    }

    /// Like [`starmap`](Self::starmap), with the results as they come.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let mut sums = pool.starmap_unordered(|a: u32, b: u32| async move { a + b }, [(1, 2), (3, 4)]);
    /// let mut total = 0;
    /// while let Some(sum) = sums.next().await {
    ///     total += sum.unwrap();
    /// }
    /// assert_eq!(total, 10);
    /// # }
    /// ```
    #[track_caller]
    pub fn starmap_unordered<F, I>(&self, f: F, items: I) -> GreenMap<<I::Item as Arguments<F>>::Output>
    where
        I: IntoIterator<IntoIter: Send + 'static>,
        I::Item: Arguments<F>,
        F: Send + 'static,
    {
        GreenMap::start(self.core(), Spread::new(items.into_iter(), f), false)
    }

    /// Like [`imap`](Self::imap), over the items of an async source.
    ///
    /// A task of its own reads the source; it takes its turn for the next job when it has the item, since nobody can know when that will come. So one
    /// item may be read that waits for its slot. (With that, a quiet source holds no slot.)
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let (give, mut take) = tokio::sync::mpsc::channel(1);
    /// let lines = futures::stream::poll_fn(move |cx| take.poll_recv(cx));
    /// let mut lengths = pool.imap_stream(|line: String| async move { line.len() }, lines);
    /// give.send("hello".to_string()).await.unwrap();
    /// assert_eq!(lengths.next().await.unwrap().unwrap(), 5);
    /// drop(give);
    /// assert!(lengths.next().await.is_none());
    /// # }
    /// ```
    #[track_caller]
    pub fn imap_stream<F, S, Fut>(&self, f: F, source: S) -> GreenMap<Fut::Output>
    where
        F: FnMut(S::Item) -> Fut + Send + 'static,
        S: Stream + Send + 'static,
        S::Item: Send,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        GreenMap::reading(self.core(), f, source, true)
    }

    /// Like [`imap_stream`](Self::imap_stream), with the results as they come.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let words = futures::stream::iter(["one", "three"]);
    /// let mut lengths = pool.imap_stream_unordered(|word: &'static str| async move { word.len() }, words);
    /// let mut total = 0;
    /// while let Some(length) = lengths.next().await {
    ///     total += length.unwrap();
    /// }
    /// assert_eq!(total, 8);
    /// # }
    /// ```
    #[track_caller]
    pub fn imap_stream_unordered<F, S, Fut>(&self, f: F, source: S) -> GreenMap<Fut::Output>
    where
        F: FnMut(S::Item) -> Fut + Send + 'static,
        S: Stream + Send + 'static,
        S::Item: Send,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        GreenMap::reading(self.core(), f, source, false)
    }

    /// How many jobs may run at once.
    ///
    /// ```
    /// assert_eq!(greenpool::GreenPool::new(20).size(), 20);
    /// assert_eq!(greenpool::GreenPool::default().size(), 1000);
    /// ```
    pub fn size(&self) -> usize {
        self.core().slots.size()
    }

    /// How many slots are free; negative while more jobs run than a shrink has left slots for.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::future::pending;
    /// # let pool = greenpool::GreenPool::new(2);
    /// pool.spawn_n(pending::<()>()).await;
    /// assert_eq!(pool.free(), 1);
    /// pool.resize(0);
    /// assert_eq!(pool.free(), -1);
    /// # }
    /// ```
    pub fn free(&self) -> isize {
        self.core().slots.free()
    }

    /// How many slots are taken.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::future::pending;
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(pending::<()>()).await;
    /// assert_eq!(pool.running(), 1);
    /// green.abort();
    /// pool.waitall().await;
    /// assert_eq!(pool.running(), 0);
    /// # }
    /// ```
    pub fn running(&self) -> usize {
        self.core().slots.running()
    }

    /// How many callers are queued for a slot.
    ///
    /// (eventlet's counts the debt of a shrink among them; this does not.)
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::future::pending;
    /// # let pool = greenpool::GreenPool::new(1);
    /// pool.spawn_n(pending::<()>()).await;
    /// let queue = pool.clone();
    /// tokio::spawn(async move { queue.spawn_n(async {}).await });
    /// tokio::task::yield_now().await;
    /// assert_eq!(pool.waiting(), 1);
    /// # }
    /// ```
    pub fn waiting(&self) -> usize {
        self.core().slots.waiting()
    }

    /// The name from `#[green_pool(name = "..")]`, or the function's own.
    ///
    /// ```
    /// use greenpool::{GreenPool, green_pool};
    ///
    /// #[green_pool(size = 2)]
    /// async fn fetch(url: String) -> usize { url.len() }
    ///
    /// assert_eq!(fetch::pool().name(), Some("fetch"));
    /// assert_eq!(GreenPool::new(2).name(), None);
    /// ```
    pub fn name(&self) -> Option<&'static str> {
        self.core().name()
    }

    /// Sets how many jobs may run at once, from now on, also for maps and piles that are under way.
    ///
    /// New slots go to those who wait, at once, first come first served. If more jobs run than `size`, all run on, and nothing new
    /// begins until enough have ended; [`free`](Self::free) is negative until then.
    ///
    /// ```
    /// let pool = greenpool::GreenPool::new(10);
    /// pool.resize(3);
    /// assert_eq!((pool.size(), pool.free()), (3, 3));
    /// ```
    pub fn resize(&self, size: usize) {
        deadlock::resize(self.core(), size);
    }

    /// Waits until no job is left and nobody who is queued can be given a slot.
    ///
    /// A job that has given its slot back for a while, with [`lend`](crate::lend), is a job that is left, though it does not count as running.
    /// It is enough that this was so for a moment; jobs may have begun since.
    ///
    /// # Panics
    /// When awaited inside of a job of this pool, which could only wait for itself.
    ///
    /// # Cancel safety
    /// Dropping it has no effect.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// for _ in 0..5 {
    ///     pool.spawn_n(async { tokio::task::yield_now().await }).await;
    /// }
    /// pool.waitall().await;
    /// assert_eq!((pool.running(), pool.waiting()), (0, 0));
    /// # }
    /// ```
    pub fn waitall(&self) -> WaitAll {
        WaitAll { core: self.core().clone(), ticket: None, blocked: Blocked::default() }
    }

    /// Takes no new jobs from now on.
    ///
    /// Callers who are queued already keep their turn. A map that is under way reads no further item: it gives the results of what has begun,
    /// then one [`JoinError`](crate::JoinError) that says that the pool is closed, then its end.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(async { "in time" }).await;
    /// pool.close();
    /// let late = pool.spawn(async { "late" }).await;
    /// assert_eq!(green.await.unwrap(), "in time");
    /// assert!(late.await.unwrap_err().is_closed());
    /// # }
    /// ```
    pub fn close(&self) {
        self.core().slots.close();
    }

    /// Whether [`close`](Self::close) or [`shutdown`](Self::shutdown) was called.
    ///
    /// ```
    /// let pool = greenpool::GreenPool::new(2);
    /// assert!(!pool.is_closed());
    /// pool.close();
    /// assert!(pool.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.core().slots.is_closed()
    }

    /// Closes the pool, gives what runs and is queued `grace` to come to its end, and then aborts the rest.
    ///
    /// When it returns, every job's future has been dropped and every slot is free. The pool is closed at once, the clock starts when
    /// this is first polled. It needs the runtime's timer.
    ///
    /// # Panics
    /// When awaited inside of a job of this pool.
    ///
    /// # Cancel safety
    /// Dropping it leaves the pool closed, and aborts nothing more.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use std::time::Duration;
    /// let pool = greenpool::GreenPool::new(2);
    /// pool.spawn_n(async {}).await;
    /// pool.spawn_n(std::future::pending::<()>()).await;
    /// let report = pool.shutdown(Duration::from_secs(1)).await;
    /// assert_eq!((report.finished, report.aborted), (1, 1));
    /// # }
    /// ```
    pub fn shutdown(&self, grace: Duration) -> Shutdown {
        self.close();
        Shutdown(Box::pin(shutdown(self.clone(), grace, self.stats())))
    }

    /// What has happened in the pool so far. The numbers are read one after the other, not in one instant.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let pool = greenpool::GreenPool::new(2);
    /// pool.spawn_n(async {}).await;
    /// pool.spawn_n(async { panic!("counted, and no more") }).await;
    /// pool.waitall().await;
    /// let stats = pool.stats();
    /// assert_eq!((stats.spawned, stats.finished, stats.panicked), (2, 1, 1));
    /// # }
    /// ```
    pub fn stats(&self) -> PoolStats {
        let core = self.core();
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &core.counters;
        // In this order, a job that begins or ends meanwhile is never among the finished too early.
        let spawned = core.census.begun();
        let live = core.census.live();
        let (panicked, aborted) = (read(&counters.panicked), read(&counters.aborted));
        PoolStats {
            size: self.size(),
            running: self.running(),
            waiting: self.waiting(),
            spawned,
            finished: spawned.saturating_sub(live + panicked + aborted),
            panicked,
            aborted,
            refused: read(&counters.refused),
            overflowed: read(&counters.overflowed),
        }
    }

    /// Keeps a list of the jobs that begin from now on, for [`jobs`](Self::jobs), or stops doing so.
    ///
    /// While this is on, a job costs a lock and an allocation more. It is off at first, and then costs nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use greenpool::green_pool;
    ///
    /// #[green_pool(size = 8)]
    /// async fn fetch(n: u32) -> u32 { n }
    ///
    /// fetch::pool().track(std::env::var_os("DEBUG").is_some());
    /// # assert_eq!(fetch::spawn(7).await.await.unwrap(), 7);
    /// # }
    /// ```
    pub fn track(&self, on: bool) {
        self.core().tracked.switch(on);
    }

    /// The jobs that are not over, the oldest first, with what each of them is doing: those that have begun while
    /// [`track`](Self::track) was on.
    ///
    /// What is queued has not begun, see [`waiting`](Self::waiting). Each job is looked at for itself, not all in one instant.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use std::time::Duration;
    /// # let pool = greenpool::GreenPool::new(2);
    /// pool.track(true);
    /// pool.spawn_n(tokio::time::sleep(Duration::from_secs(100))).await;
    /// tokio::time::sleep(Duration::from_secs(70)).await;
    /// let jobs = pool.jobs();
    /// assert_eq!((jobs.len(), jobs[0].age.as_secs()), (1, 70));
    /// # }
    /// ```
    pub fn jobs(&self) -> Vec<JobInfo> {
        self.core().tracked.jobs()
    }

    /// Aborts every job that is in the pool now. The queue stays, and moves up.
    ///
    /// The jobs are told at once, also if the returned future is not awaited. Awaited, it gives how many they were, when the
    /// futures of all of them have been dropped and their slots are free or taken by others.
    ///
    /// # Panics
    /// The returned future, when awaited inside of a job of this pool.
    ///
    /// # Cancel safety
    /// Dropping it has no effect.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use std::future::pending;
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(pending::<()>()).await;
    /// pool.spawn_n(pending::<()>()).await;
    /// assert_eq!(pool.abort_all().await, 2);
    /// assert!(green.await.unwrap_err().is_cancelled());
    /// pool.spawn_n(async {}).await; // the pool is as good as before
    /// # }
    /// ```
    pub fn abort_all(&self) -> AbortAll {
        AbortAll { aborted: self.core().abort_all() as usize, core: self.core().clone() }
    }
}

impl Clone for GreenPool {
    fn clone(&self) -> Self {
        Self::of(self.core().clone())
    }
}

impl Default for GreenPool {
    /// A pool of 1000 slots.
    fn default() -> Self {
        Self::new(DEFAULT_SIZE)
    }
}

impl fmt::Debug for GreenPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("GreenPool");
        if let Some(name) = self.name() {
            debug.field("name", &name);
        }
        debug.field("size", &self.size()).field("running", &self.running()).field("waiting", &self.waiting());
        if self.is_closed() {
            debug.field("closed", &true);
        }
        debug.finish()
    }
}

/// How long `shutdown` waits for a job that has a slot and has not begun, before it looks again.
const STRAGGLERS: Duration = Duration::from_millis(5);

async fn shutdown(pool: GreenPool, grace: Duration, before: PoolStats) -> ShutdownReport {
    let core = pool.core().clone();
    if tokio::time::timeout(grace, pool.waitall()).await.is_err() {
        core.slots.refuse_waiters();
        // Again, since a spawn that had been given its slot just before may begin its job only now.
        loop {
            pool.abort_all().await;
            if tokio::time::timeout(STRAGGLERS, pool.waitall()).await.is_ok() {
                break;
            }
        }
    }
    let now = pool.stats();
    let ended = |stats: PoolStats| stats.finished + stats.panicked;
    ShutdownReport {
        finished: ended(now).saturating_sub(ended(before)) as usize,
        aborted: (now.aborted - before.aborted) as usize,
    }
}

/// The future of [`GreenPool::spawn`].
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
pub struct Spawn<F: Future>(Spawning<Plain<F>, F::Output, GreenThread<F::Output>>);

/// The future of [`GreenPool::spawn_n`].
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
pub struct SpawnN<F: Future>(Spawning<NoHandle<Plain<F>>, F::Output, ()>);

// The job's future is moved into its task, and not pinned before that.
impl<F: Future> Unpin for Spawn<F> {}

impl<F: Future> Unpin for SpawnN<F> {}

impl<F> Future for Spawn<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Output = GreenThread<F::Output>;

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

impl<F> Future for SpawnN<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Output = ();

    #[inline]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll(cx)
    }
}

/// The future of [`GreenPool::waitall`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPool, WaitAll};
///
/// let idle: WaitAll = GreenPool::new(1).waitall();
/// idle.await;
/// # }
/// ```
#[must_use = "it waits only while it is awaited; write `.await`"]
pub struct WaitAll {
    core: Arc<Core>,
    ticket: Option<Ticket>,
    blocked: Blocked,
}

impl Future for WaitAll {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        assert!(
            !context::is_inside(&this.core),
            "`waitall` inside of a job of the same pool: the job could only wait for itself"
        );
        let ticket = match this.ticket {
            Some(ticket) => ticket,
            None => match this.core.slots.enqueue(Line::Idlers, None) {
                Ok(Some(ticket)) => *this.ticket.insert(ticket),
                Ok(None) | Err(_) => return Poll::Ready(()),
            },
        };
        if this.core.slots.poll(ticket, cx.waker()).is_pending() {
            this.blocked.pend(&this.core, None, || Outlook::Idle, cx);
            return Poll::Pending;
        }
        this.blocked.poll_resume(cx)
    }
}

impl Drop for WaitAll {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.core.slots.cancel(ticket);
        }
    }
}

/// The future of [`GreenPool::abort_all`]; the jobs have been told already.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{AbortAll, GreenPool};
///
/// let aborted: AbortAll = GreenPool::new(1).abort_all();
/// assert_eq!(aborted.await, 0);
/// # }
/// ```
pub struct AbortAll {
    core: Arc<Core>,
    aborted: usize,
}

impl Future for AbortAll {
    type Output = usize;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        assert!(
            !context::is_inside(&self.core),
            "`abort_all` awaited inside of a job of the same pool: the job could only wait for itself"
        );
        if self.core.census.poll_outdated(cx.waker()) { Poll::Ready(self.aborted) } else { Poll::Pending }
    }
}

/// The future of [`GreenPool::shutdown`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// use greenpool::{GreenPool, Shutdown};
/// use std::time::Duration;
///
/// let shutdown: Shutdown = GreenPool::new(1).shutdown(Duration::from_secs(1));
/// assert_eq!(shutdown.await.aborted, 0);
/// # }
/// ```
#[must_use = "the pool is closed, but is waited for only while this is awaited; write `.await`"]
pub struct Shutdown(Pin<Box<dyn Future<Output = ShutdownReport> + Send>>);

impl Future for Shutdown {
    type Output = ShutdownReport;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ShutdownReport> {
        self.0.as_mut().poll(cx)
    }
}

/// What [`GreenPool::shutdown`] has done.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// use std::time::Duration;
/// # let pool = greenpool::GreenPool::new(2);
/// pool.spawn_n(std::future::pending::<()>()).await;
/// let report = pool.shutdown(Duration::from_secs(1)).await;
/// println!("{} finished, {} had to be stopped", report.finished, report.aborted);
/// assert_eq!(report.aborted, 1);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Jobs that came to their end since, by themselves or in a panic.
    pub finished: usize,
    /// Jobs that were aborted.
    pub aborted: usize,
}

/// What has happened in a pool; made by [`GreenPool::stats`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let pool = greenpool::GreenPool::new(2);
/// pool.spawn(async {}).await.await.unwrap();
/// let stats = pool.stats();
/// assert_eq!((stats.size, stats.spawned, stats.finished, stats.running), (2, 1, 1, 0));
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// How many jobs may run at once.
    pub size: usize,
    /// How many slots are taken.
    pub running: usize,
    /// How many callers are queued for a slot.
    pub waiting: usize,
    /// Jobs that have begun.
    pub spawned: u64,
    /// Jobs that came to their end.
    pub finished: u64,
    /// Jobs that panicked.
    pub panicked: u64,
    /// Jobs that were aborted, or dropped with their runtime.
    pub aborted: u64,
    /// Spawns that came to a closed pool.
    pub refused: u64,
    /// Jobs that begun in the idle slot of one that was blocked, to break a cycle of pools that waited for each other.
    pub overflowed: u64,
}
