//! The pool.

pub(crate) mod map;
pub(crate) mod shutdown;
pub(crate) mod spawn;
pub(crate) mod stats;
pub(crate) mod waitall;

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, OnceLock};

use crate::inner::Inner;
use crate::lending::deadlock;

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
    inner: OnceLock<Arc<Inner>>,
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
        Self::of(Inner::new(size, None))
    }

    /// A pool for a `static`.
    ///
    /// ```
    /// use greenpool::GreenPool;
    /// static POOL: GreenPool = GreenPool::const_new(20);
    /// ```
    pub const fn const_new(size: usize) -> Self {
        GreenPool { inner: OnceLock::new(), size }
    }

    pub(crate) fn named(size: usize, name: &'static str) -> Self {
        Self::of(Inner::new(size, Some(name)))
    }

    fn of(inner: Arc<Inner>) -> Self {
        GreenPool { size: inner.slots.size(), inner: OnceLock::from(inner) }
    }

    #[inline]
    pub(crate) fn inner(&self) -> &Arc<Inner> {
        self.inner.get_or_init(|| Inner::new(self.size, None))
    }

    /// How many jobs may run at once.
    ///
    /// ```
    /// assert_eq!(greenpool::GreenPool::new(20).size(), 20);
    /// assert_eq!(greenpool::GreenPool::default().size(), 1000);
    /// ```
    pub fn size(&self) -> usize {
        self.inner().slots.size()
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
        self.inner().slots.free()
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
        self.inner().slots.running()
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
        self.inner().slots.waiting()
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
        self.inner().name()
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
        deadlock::resize(self.inner(), size);
    }
}

// A panic in one of its jobs, or in a caller, leaves the pool as good as before.
impl UnwindSafe for GreenPool {}
impl RefUnwindSafe for GreenPool {}

impl Clone for GreenPool {
    fn clone(&self) -> Self {
        Self::of(self.inner().clone())
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
