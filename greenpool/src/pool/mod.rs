//! [`GreenPool`]: its constructors and its counters. Each family of verbs has a file of its own.

pub(crate) mod builder;
pub(crate) mod keyed;
pub(crate) mod map;
#[cfg(feature = "metrics")]
pub(crate) mod metrics;
pub(crate) mod queue;
pub(crate) mod reopen;
pub(crate) mod report;
pub(crate) mod shutdown;
pub(crate) mod slot;
pub(crate) mod spawn;
pub(crate) mod stats;
pub(crate) mod try_map;
pub(crate) mod waitall;
pub(crate) mod waitall_or_panic;

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, OnceLock};

use crate::inner::Inner;
use crate::lending::deadlock;

/// The size of a pool by default, as in eventlet.
const DEFAULT_SIZE: usize = 1000;

/// Runs jobs, at most `size` of them at once. Modelled on eventlet's `GreenPool`.
///
/// One limit covers all jobs, whether they arrive by [`spawn`](Self::spawn), [`spawn_n`](Self::spawn_n),
/// [`queue`](Self::queue), [`imap`](Self::imap), [`starmap`](Self::starmap) or a [`GreenPile`](crate::GreenPile).
/// Waiters are served first come, first served. The runtime drives each job, whether or not anything awaits its result.
///
/// `clone` returns another handle to the same pool. **Dropping** the last handle does not affect jobs that run or are
/// queued.
///
/// # Re-entrance
/// A job may spawn into its own pool even when the pool is full: the job *lends* its slot to the child, and its `spawn`
/// returns when the child has finished. So recursion does not deadlock at any depth, and the limit stays exact.
///
/// # Compared with other tools
/// * `tokio::sync::Semaphore` with `tokio::spawn` builds the same limit by hand. A `GreenPool` also lends slots,
///   shrinks below what is in use, counts its waiters, and can be waited for and shut down.
/// * `tokio::task::JoinSet` has no limit. Use it for a handful of tasks that belong together.
/// * `StreamExt::buffer_unordered` polls its futures only while its consumer polls it, and all on one task. Use it for
///   futures that borrow.
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
    inner: OnceLock<Arc<Inner>>,
    size: usize,
    /// Read only until there is an `inner`.
    per_key: Option<usize>,
}

impl GreenPool {
    /// Creates a pool of `size` slots.
    ///
    /// Size 0 is allowed: nothing runs until the pool is [resized](Self::resize). The maximum is 2³⁰ - 1; a larger
    /// `size` is reduced to it.
    ///
    /// ```
    /// let pool = greenpool::GreenPool::new(20);
    /// assert_eq!((pool.size(), pool.free()), (20, 20));
    /// ```
    pub fn new(size: usize) -> Self {
        Self::of(Inner::with_keys(size, None, None))
    }

    /// Creates a pool of `size` slots for a `static`.
    ///
    /// As for [`new`](Self::new), size 0 is allowed, and a `size` above the maximum of 2³⁰ - 1 is reduced to it.
    ///
    /// ```
    /// use greenpool::GreenPool;
    /// static POOL: GreenPool = GreenPool::const_new(20);
    /// ```
    pub const fn const_new(size: usize) -> Self {
        GreenPool { inner: OnceLock::new(), size, per_key: None }
    }

    pub(crate) fn named(size: usize, per_key: Option<usize>, name: &'static str) -> Self {
        Self::of(Inner::with_keys(size, per_key, Some(name)))
    }

    fn of(inner: Arc<Inner>) -> Self {
        GreenPool { size: inner.slots.size(), per_key: None, inner: OnceLock::from(inner) }
    }

    #[inline]
    pub(crate) fn inner(&self) -> &Arc<Inner> {
        self.inner.get_or_init(|| Inner::with_keys(self.size, self.per_key, None))
    }

    /// Returns how many jobs may run at once.
    ///
    /// ```
    /// assert_eq!(greenpool::GreenPool::new(20).size(), 20);
    /// assert_eq!(greenpool::GreenPool::default().size(), 1000);
    /// ```
    pub fn size(&self) -> usize {
        self.inner().slots.size()
    }

    /// Returns how many slots are free.
    ///
    /// It is negative after a shrink, while more jobs run than the pool now has slots.
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
        self.inner().slots.free()
    }

    /// Returns how many slots are in use: by jobs, or [held](Self::slot) without one.
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
        self.inner().slots.running()
    }

    /// Returns how many calls are queued for a slot.
    ///
    /// Calls of [`queue`](Self::queue) are counted, too. A job that lent its slot, and waits for one to go on, is not
    /// counted. Unlike eventlet's `waiting`, the number does not include the slots that a shrink still has to reclaim.
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
        self.inner().slots.waiting()
    }

    /// Returns the name given by `#[green_pool(name = "..")]`, or the name of the declared function.
    ///
    /// A pool that was not made by `#[green_pool]` has no name.
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
        self.inner().name()
    }

    /// Sets how many jobs may run at once. This also applies to maps and piles that have already started.
    ///
    /// New slots go to the waiters at once, first come, first served. If more than `size` jobs are running, they all
    /// continue, and no job starts until enough of them have finished; until then [`free`](Self::free) is negative. The
    /// maximum is 2³⁰ - 1; a larger `size` is reduced to it.
    ///
    /// ```
    /// let pool = greenpool::GreenPool::new(10);
    /// pool.resize(3);
    /// assert_eq!((pool.size(), pool.free()), (3, 3));
    /// ```
    pub fn resize(&self, size: usize) {
        deadlock::resize(self.inner(), size);
    }
}

// A panic in a job or in a caller leaves no part of the pool half changed.
impl UnwindSafe for GreenPool {}
impl RefUnwindSafe for GreenPool {}

impl Clone for GreenPool {
    fn clone(&self) -> Self {
        Self::of(self.inner().clone())
    }
}

impl Default for GreenPool {
    /// Creates a pool of 1000 slots.
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
