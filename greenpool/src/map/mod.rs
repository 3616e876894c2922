//! The results of one function over many inputs.

pub(crate) mod buffer;
pub(crate) mod feed;
pub(crate) mod session;
pub(crate) mod shared;
pub(crate) mod source;
pub(crate) mod stream;
pub(crate) mod worker;

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;
use tokio::task::coop;

use crate::inner::Inner;
use crate::job::error::JoinError;
use crate::lending::blocking::WaitGuard;
use crate::map::buffer::Results;
use crate::map::feed::JobSource;
use crate::map::shared::{DynDriver, Shared};
use crate::sync::Exclusive;
use crate::worker::idle::Wakeup;

/// A stream of results, one for each item of a source. After eventlet's `GreenMap`.
///
/// It starts at once, without being polled: the jobs run in the pool, driven by the runtime, while the consumer is busy
/// elsewhere. At most as many items are running or finished and not yet taken as the pool has slots (or as [`window`](Self::window) says),
/// so a source of any length needs constant memory. An item is not read before it can run.
///
/// A job that panics gives an `Err` in its place, and the others go on. A source that panics gives its panic in the place of the item, and then the
/// end.
///
/// **Dropping** the map stops it: the source is not read again, running jobs are aborted. [`detach`](Self::detach) lets them
/// finish.
///
/// # Cancel safety
/// [`next`](Self::next) takes nothing when it is dropped before it is ready.
///
/// # Compared with `StreamExt::buffered`
/// `buffered` moves its futures only while it is polled, all on the consumer's task, and hangs if the consumer waits for something that one
/// of them holds. Use it for futures that borrow, or that are not `Send`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let pool = greenpool::GreenPool::new(10);
/// let mut squares = pool.imap(|n: u64| async move { n * n }, 1..=1000);
/// let mut sum = 0;
/// while let Some(square) = squares.next().await {
///     sum += square.unwrap();
/// }
/// assert_eq!(sum, 333_833_500);
/// # }
/// ```
#[must_use = "dropping it stops the map; take its results with `next`, or call `detach`"]
pub struct GreenMap<T> {
    shared: Arc<Shared<T>>,
    /// Results that have been fetched and not yet taken.
    ready: Exclusive<Results<T>>,
    driver: Arc<dyn DynDriver>,
    guard: WaitGuard,
    /// The crew knows of the job that waits here.
    registered: bool,
    ended: bool,
    detached: bool,
}

// No result is pinned.
impl<T> Unpin for GreenMap<T> {}

impl<T: Send + 'static> GreenMap<T> {
    #[track_caller]
    pub(crate) fn start<S>(inner: &Arc<Inner>, source: S, ordered: bool) -> Self
    where
        S: JobSource,
        S::Job: Future<Output = T>,
    {
        Self::of(worker::start(inner, source, ordered))
    }
}

impl<T: Send + 'static> GreenMap<T> {
    /// A map over an async source.
    #[track_caller]
    pub(crate) fn reading<F, S, Fut>(inner: &Arc<Inner>, apply: F, source: S, ordered: bool) -> Self
    where
        F: FnMut(S::Item) -> Fut + Send + 'static,
        S: Stream + Send + 'static,
        S::Item: Send,
        Fut: Future<Output = T> + Send + 'static,
    {
        Self::of(crate::map::stream::start(inner, apply, source, ordered))
    }

    fn of((shared, driver): (Arc<Shared<T>>, Arc<dyn DynDriver>)) -> Self {
        GreenMap {
            shared,
            ready: Exclusive::new(Results::new()),
            driver,
            guard: WaitGuard::default(),
            registered: false,
            ended: false,
            detached: false,
        }
    }
}

impl<T> GreenMap<T> {
    /// The next result, or `None` at the end, and again after it.
    ///
    /// # Cancel safety
    /// Dropping the future takes nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let mut map = pool.imap(|n: u32| async move { n + 1 }, [1]);
    /// assert_eq!(map.next().await.unwrap().unwrap(), 2);
    /// assert!(map.next().await.is_none());
    /// # }
    /// ```
    pub fn next(&mut self) -> Next<'_, T> {
        Next { map: self }
    }

    /// Lets up to `items` items (at least one) be running or finished and not yet taken, instead of as many as the pool has slots.
    ///
    /// More lets the jobs run ahead of a consumer that is slow at times; less keeps results fresh. eventlet's own read-ahead is the size and one more. Call it
    /// at once: what has begun already is not taken back.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// // Two at once, but up to a hundred results may lie ready.
    /// let mut map = pool.imap(|n: u32| async move { n + 1 }, 0..1000).window(100);
    /// assert_eq!(map.next().await.unwrap().unwrap(), 1);
    /// # }
    /// ```
    pub fn window(self, items: usize) -> Self {
        let mut state = self.shared.state();
        state.buffer.set_window(items);
        let wakeup = state.notify(self.shared.inner.slots.size(), 0);
        drop(state);
        self.wake(wakeup);
        self
    }

    /// Reads no more of the source, and lets the jobs that run finish; their results are dropped.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let map = pool.imap(|n: u32| async move { n + 1 }, 0..2);
    /// tokio::task::yield_now().await;
    /// map.detach();
    /// pool.waitall().await;
    /// assert_eq!(pool.stats().aborted, 0);
    /// # }
    /// ```
    pub fn detach(mut self) {
        self.detached = true;
    }

    /// There is room for one worker more.
    #[inline]
    fn wake(&self, wakeup: Wakeup) {
        wakeup.run(|key| self.driver.clone().spawn_worker(key));
    }

    #[inline]
    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let turn = ready!(coop::poll_proceed(cx));
        if self.ready.get_mut().is_empty() && !self.fetch(cx) {
            return Poll::Pending;
        }
        ready!(self.guard.poll_reacquire(cx));
        turn.made_progress();
        if self.registered {
            self.registered = false;
            self.shared.resume();
        }
        let Some(taken) = self.ready.get_mut().pop_front() else {
            self.ended = true;
            return Poll::Ready(self.shared.state().buffer.last().map(Err));
        };
        if self.shared.signals.take() {
            let wakeup = self.shared.state().notify(self.shared.inner.slots.size(), 0);
            self.wake(wakeup);
        }
        Poll::Ready(taken)
    }

    /// Fetches what is there. False: there is nothing, and somebody will wake the caller.
    fn fetch(&mut self, cx: &mut Context<'_>) -> bool {
        let mut state = self.shared.state();
        if state.buffer.is_ready() {
            state.buffer.fetch(self.ready.get_mut());
            return true;
        }
        state.buffer.wait(cx.waker());
        drop(state);
        self.shared.register(&self.driver, &mut self.guard, cx);
        self.registered = true;
        false
    }
}

impl<T> Stream for GreenMap<T> {
    type Item = Result<T, JoinError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_take(cx)
    }

    /// As exact as the source's own.
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.shared.state().buffer.size_hint()
    }
}

impl<T> FusedStream for GreenMap<T> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<T> Drop for GreenMap<T> {
    fn drop(&mut self) {
        // This drops the source. If that panics, the rest is to be done all the same.
        let dismissed = catch_unwind(AssertUnwindSafe(|| self.driver.stop()));
        if !self.detached {
            self.shared.abort();
        }
        let results = self.shared.state().buffer.clear();
        self.ready.get_mut().clear();
        drop(results);
        if let Err(payload) = dismissed {
            resume_unwind(payload);
        }
    }
}

impl<T> fmt::Debug for GreenMap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GreenMap").field("remaining", &self.size_hint()).field("ended", &self.ended).finish()
    }
}

/// The future of [`GreenMap::next`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPool, Next};
///
/// let mut map = GreenPool::new(2).imap(|n: u32| async move { n + 1 }, [1]);
/// let next: Next<'_, u32> = map.next();
/// assert_eq!(next.await.unwrap().unwrap(), 2);
/// # }
/// ```
#[must_use = "it takes a result only when it is awaited; write `.await`"]
pub struct Next<'a, T> {
    map: &'a mut GreenMap<T>,
}

impl<T> Future for Next<'_, T> {
    type Output = Option<Result<T, JoinError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.map.poll_take(cx)
    }
}

impl<T> Drop for Next<'_, T> {
    fn drop(&mut self) {
        // The job that awaited it does not wait for the map any more.
        self.map.guard.clear();
        if self.map.registered {
            self.map.registered = false;
            self.map.shared.resume();
        }
    }
}
