//! `spawn_keyed` and its like, `per_key` and `keys`: the limit by key.

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::job::cell::{JobCell, cell_of, is_large};
use crate::job::error::TrySpawnError;
use crate::job::handle::GreenThread;
use crate::lending::deadlock;
use crate::pool::GreenPool;
use crate::pool::spawn::unbox;
use crate::spawn::begin;
use crate::spawn::{Detached, FutureJob, Keyed, SpawnFuture, Unobserved};
use crate::sync::key::Key;

impl GreenPool {
    /// Returns how many jobs with the same key may run at once, or `None` if the pool has no such limit.
    ///
    /// ```
    /// use greenpool::GreenPool;
    ///
    /// assert_eq!(GreenPool::builder(100).per_key(4).build().per_key(), Some(4));
    /// assert_eq!(GreenPool::new(100).per_key(), None);
    /// ```
    pub fn per_key(&self) -> Option<usize> {
        self.inner().slots.per_key()
    }

    /// Sets how many jobs with the same key may run at once. If the pool has no limit by key, this does nothing.
    ///
    /// As with [`resize`](Self::resize), jobs that run go on. New places go to the calls that wait for their key; if
    /// more jobs of a key run than may, none begins until enough of them have ended.
    ///
    /// # Panics
    /// If `jobs` is 0.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let pool = greenpool::GreenPool::builder(100).per_key(4).build();
    /// pool.resize_per_key(1); // the servers are busy
    /// pool.queue_keyed("a.example", async {});
    /// pool.queue_keyed("a.example", async {});
    /// assert_eq!((pool.running(), pool.per_key()), (1, Some(1)));
    /// # }
    /// ```
    #[track_caller]
    pub fn resize_per_key(&self, jobs: usize) {
        assert!(jobs > 0, "with a limit of 0 per key nothing would ever run; write at least 1");
        deadlock::resize_per_key(self.inner(), jobs);
    }

    /// Runs `future` as a job like [`spawn`](Self::spawn), under the limit for `key`: at most
    /// [`per_key`](Self::per_key) jobs with equal keys run at once.
    ///
    /// If that many run already, the call steps aside until one of them ends, and those behind it go on. It then takes
    /// its place in line again: of the calls whose key is free, the one that came first begins first. It takes its key
    /// and its slot in one step, so no slot idles because of a key.
    ///
    /// A job has its key until it ends, also while it waits. There are two exceptions, and both are for calls that
    /// would wait for ever. A job that waits for a call of its own key in its own pool lends it the key together with
    /// its slot, so a job may spawn jobs of its own key to any depth. And if jobs with keys wait for each other in a
    /// circle, one call begins although its key is not free;
    /// [`PoolStats::overflowed`](crate::PoolStats::overflowed) counts it. A circle that leads through a map without
    /// keys, or through `waitall`, is found only when nothing else moves in that pool.
    ///
    /// Keys of different types are never equal. A key is dropped when no job with it runs or is queued. If the pool has
    /// no limit by key, this is `spawn`.
    ///
    /// # Panics
    /// If awaited outside a tokio runtime. A panic in the `Hash` of the key reaches the caller, and one in its `Eq`
    /// whoever awaits.
    ///
    /// # Cancel safety
    /// The same as for [`spawn`](Self::spawn).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use greenpool::GreenPool;
    ///
    /// let pool = GreenPool::builder(100).per_key(1).build();
    /// let slow = pool.spawn_keyed("a.example", std::future::pending::<()>()).await;
    /// pool.queue_keyed("a.example", async {}); // waits for the slow one
    /// let other = pool.spawn_keyed("b.example", async { 3 }).await;
    /// assert_eq!(other.await.unwrap(), 3);
    /// assert_eq!((pool.running(), pool.waiting()), (1, 1));
    ///
    /// slow.abort();
    /// pool.waitall().await;
    /// assert_eq!(pool.stats().finished, 2);
    /// # }
    /// ```
    pub fn spawn_keyed<K, F>(&self, key: K, future: F) -> SpawnKeyed<F>
    where
        K: Hash + Eq + fmt::Debug + Send + Sync + 'static,
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        SpawnKeyed(SpawnFuture::new(Keyed::new(self.job(cell_of!(F, future)), Key::new(key))))
    }

    /// Runs `future` as a job like [`spawn_keyed`](Self::spawn_keyed), but returns no handle. A panic in it is treated
    /// as in [`spawn_n`](Self::spawn_n).
    ///
    /// # Panics
    /// As `spawn_keyed`.
    ///
    /// # Cancel safety
    /// The same as for [`spawn`](Self::spawn).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let pool = greenpool::GreenPool::builder(100).per_key(4).build();
    /// for account in [7, 7, 8] {
    ///     pool.spawn_n_keyed(account, async move { println!("{account}") }).await;
    /// }
    /// pool.waitall().await;
    /// assert_eq!(pool.stats().finished, 3);
    /// # }
    /// ```
    pub fn spawn_n_keyed<K, F>(&self, key: K, future: F) -> SpawnNKeyed<F>
    where
        K: Hash + Eq + fmt::Debug + Send + Sync + 'static,
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        SpawnNKeyed(SpawnFuture::new(Keyed::new(Detached(self.job(cell_of!(F, future))), Key::new(key))))
    }

    /// Runs `future` as a job if a slot is free, the queue is empty, and `key` is free, too. It does not wait.
    ///
    /// # Errors
    /// If the pool is full or closed, or as many jobs with this key run as may. The error gives the future back.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let pool = greenpool::GreenPool::builder(100).per_key(1).build();
    /// let first = pool.try_spawn_keyed("a", async { 1 }).unwrap();
    /// assert!(pool.try_spawn_keyed("a", async { 2 }).unwrap_err().is_full());
    /// let other = pool.try_spawn_keyed("b", async { 3 }).unwrap();
    /// assert_eq!(first.await.unwrap() + other.await.unwrap(), 4);
    /// # }
    /// ```
    #[track_caller]
    pub fn try_spawn_keyed<K, F>(&self, key: K, future: F) -> Result<GreenThread<F::Output>, TrySpawnError<F>>
    where
        K: Hash + Eq + fmt::Debug + Send + Sync + 'static,
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (inner, key) = (self.inner(), Key::new(key));
        if const { is_large::<F>() } {
            let job = |future| self.job(JobCell::with(Box::into_pin(future)));
            match begin::try_submit(inner, &key, Box::new(future), job) {
                Ok(thread) => Ok(thread),
                Err(refused) => unbox(refused),
            }
        } else {
            begin::try_submit(inner, &key, future, |future| self.job(JobCell::with(future)))
        }
    }

    /// Queues `future` as a job like [`queue`](Self::queue), under the limit for `key`, as
    /// [`spawn_keyed`](Self::spawn_keyed) describes it.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let pool = greenpool::GreenPool::builder(100).per_key(1).build();
    /// for host in ["a", "a", "b"] {
    ///     pool.queue_keyed(host, async {});
    /// }
    /// assert_eq!((pool.running(), pool.waiting()), (2, 1));
    /// pool.waitall().await;
    /// assert_eq!(pool.stats().finished, 3);
    /// # }
    /// ```
    #[track_caller]
    pub fn queue_keyed<K, F>(&self, key: K, future: F)
    where
        K: Hash + Eq + fmt::Debug + Send + Sync + 'static,
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        begin::queue_job(self.inner(), cell_of!(F, future), Some(&Key::new(key)));
    }

    /// Lists the keys in use, those with the most calls first: how many jobs of each run, and how many calls wait.
    ///
    /// A key that no job and no queued call has is not listed, and takes no memory.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let pool = greenpool::GreenPool::builder(100).per_key(1).build();
    /// for host in ["a", "a", "b"] {
    ///     pool.queue_keyed(host, async {});
    /// }
    /// let keys = pool.keys();
    /// assert_eq!((keys[0].key::<&str>(), keys[0].running, keys[0].waiting), (Some(&"a"), 1, 1));
    /// assert_eq!(keys[1].to_string(), "\"b\": 1 running, 0 waiting");
    /// # }
    /// ```
    pub fn keys(&self) -> Vec<KeyInfo> {
        let mut keys: Vec<KeyInfo> = self
            .inner()
            .slots
            .key_uses()
            .into_iter()
            .map(|used| KeyInfo { running: used.running, waiting: used.waiting, key: used.key })
            .collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.running + key.waiting));
        keys
    }
}

/// Describes one key in use, as returned by [`GreenPool::keys`]. It is a snapshot: dropping it changes nothing.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPool, KeyInfo};
///
/// let pool = GreenPool::builder(100).per_key(4).build();
/// pool.queue_keyed(7, async {});
/// let keys: Vec<KeyInfo> = pool.keys();
/// assert_eq!((keys.len(), keys[0].running), (1, 1));
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct KeyInfo {
    /// How many jobs with the key run. It counts a job that has lent its slot.
    pub running: usize,
    /// How many calls with the key wait: for a job of the key to end, or for a slot.
    pub waiting: usize,
    key: Key,
}

// The key is only read, and only with the user's own methods.
impl UnwindSafe for KeyInfo {}
impl RefUnwindSafe for KeyInfo {}

impl KeyInfo {
    /// Returns the key, if it is a `K`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let pool = greenpool::GreenPool::builder(100).per_key(4).build();
    /// pool.queue_keyed("a.example".to_string(), async {});
    /// let keys = pool.keys();
    /// assert_eq!(keys[0].key::<String>().unwrap(), "a.example");
    /// assert_eq!(keys[0].key::<u32>(), None);
    /// # }
    /// ```
    pub fn key<K: 'static>(&self) -> Option<&K> {
        self.key.downcast_ref()
    }
}

impl fmt::Debug for KeyInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KeyInfo { running, waiting, key } = self;
        f.debug_struct("KeyInfo").field("key", key).field("running", running).field("waiting", waiting).finish()
    }
}

impl fmt::Display for KeyInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {} running, {} waiting", self.key, self.running, self.waiting)
    }
}

/// Waits for a slot and for a key, and starts the job: the future returned by [`GreenPool::spawn_keyed`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::future::{Ready, ready};
/// use greenpool::GreenPool;
/// use greenpool::futures::SpawnKeyed;
///
/// let pool = GreenPool::builder(8).per_key(1).build();
/// let spawn: SpawnKeyed<Ready<u32>> = pool.spawn_keyed("key", ready(7));
/// assert_eq!(spawn.await.await.unwrap(), 7);
/// # }
/// ```
#[must_use = "nothing is spawned until it is awaited; write `.await`"]
pub struct SpawnKeyed<F: Future>(
    SpawnFuture<Keyed<FutureJob<F::Output>>, GreenThread<F::Output>, GreenThread<F::Output>>,
);

/// Waits for a slot and for a key, and starts the job: the future returned by [`GreenPool::spawn_n_keyed`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::future::{Ready, ready};
/// use greenpool::GreenPool;
/// use greenpool::futures::SpawnNKeyed;
///
/// let pool = GreenPool::builder(8).per_key(1).build();
/// let spawn: SpawnNKeyed<Ready<()>> = pool.spawn_n_keyed("key", ready(()));
/// spawn.await;
/// # }
/// ```
#[must_use = "nothing is spawned until it is awaited; write `.await`"]
pub struct SpawnNKeyed<F: Future>(
    SpawnFuture<Keyed<Detached<FutureJob<F::Output>>>, Unobserved<GreenThread<F::Output>>, ()>,
);

// The future of the job does not move.
impl<F: Future> Unpin for SpawnKeyed<F> {}

impl<F: Future> Unpin for SpawnNKeyed<F> {}

impl<F: Future> Future for SpawnKeyed<F> {
    type Output = GreenThread<F::Output>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

impl<F: Future> Future for SpawnNKeyed<F> {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll(cx)
    }
}
