//! [`GreenMap`]: the results of one function over many inputs, as its consumer sees them.

pub(crate) mod buffer;
pub(crate) mod feed;
pub(crate) mod indexed;
pub(crate) mod jobs;
pub(crate) mod keyed;
pub(crate) mod registration;
pub(crate) mod session;
pub(crate) mod set;
pub(crate) mod shared;
pub(crate) mod source;
pub(crate) mod stream;
pub(crate) mod try_map;
pub(crate) mod values;
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
use crate::job::handle::spend;
use crate::lending::blocking::WaitGuard;
use crate::map::buffer::{Numbers, Results};
use crate::map::feed::JobSource;
use crate::map::keyed::WithKey;
use crate::map::shared::{DynDriver, Shared};
use crate::map::stream::AppliedStream;
use crate::sync::Exclusive;
use crate::sync::quiet::drop_quietly;
use crate::worker::idle::Wakeup;

/// Yields the result of one job for each item of a source. Modelled on eventlet's `GreenMap`.
///
/// A map starts at once, without being polled: its jobs run in the pool, driven by the runtime, while the consumer is
/// busy elsewhere. At most `size` items are running or finished and not yet taken, where `size` is the size of the pool
/// or the [`window`](Self::window), so a source of any length needs constant memory. An item is not read before it can
/// run, except by [`imap_stream`](crate::GreenPool::imap_stream), which may have read one item that waits for its slot.
///
/// If a job panics, the map yields an `Err` in its place, and the other jobs continue. If the source panics, that panic
/// follows all results, and the map ends. If the pool is [closed](crate::GreenPool::close), the map
/// yields the results of the jobs that have started, then one `Err`, and then ends.
///
/// **Dropping** the map stops it: its source is not read again, and running jobs are aborted. [`detach`](Self::detach)
/// lets them finish.
///
/// # Cancel safety
/// If the future of [`next`](Self::next) is dropped before it is ready, no result is lost.
///
/// # Compared with `StreamExt::buffered`
/// `buffered` polls its futures only while it is polled itself, and all on the task of the consumer. It hangs if the
/// consumer waits for something that one of these futures holds. Use it for futures that borrow or are not `Send`.
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
pub struct GreenMap<T> /* a stream: read it with `next().await`, or `use futures::StreamExt;` */ {
    shared: Arc<Shared<T>>,
    /// Results that have been fetched from the buffer and not yet taken.
    ready: Exclusive<Results<T>>,
    /// The numbers of their items, if the map is unordered.
    numbers: Numbers,
    /// The number of the item of the result that was last taken, if the map is unordered.
    number: Option<u64>,
    driver: Arc<dyn DynDriver>,
    guard: WaitGuard,
    /// Whether `shared` has the job that waits here.
    registered: bool,
    ended: bool,
    detached: bool,
}

// No result is pinned.
impl<T> Unpin for GreenMap<T> {}

impl<T: Send + 'static> GreenMap<T> {
    /// Starts a map.
    #[track_caller]
    pub(crate) fn start<S>(inner: &Arc<Inner>, source: S, ordered: bool) -> Self
    where
        S: JobSource<Output = T>,
    {
        Self::of(worker::start(inner, source, ordered))
    }
}

impl<T: Send + 'static> GreenMap<T> {
    /// Starts a map whose jobs have keys.
    #[track_caller]
    pub(crate) fn start_keyed<S, F>(inner: &Arc<Inner>, source: S, ordered: bool) -> Self
    where
        S: JobSource<Job = WithKey<F>, Output = T>,
        F: Future<Output = T> + Send + 'static,
    {
        Self::of(keyed::start(inner, source, ordered))
    }

    /// Starts a map over an async source.
    #[track_caller]
    pub(crate) fn reading<F, S, Fut>(inner: &Arc<Inner>, apply: F, source: S, ordered: bool) -> Self
    where
        F: FnMut(S::Item) -> Fut + Send + 'static,
        S: Stream + Send + 'static,
        S::Item: Send,
        Fut: Future<Output = T> + Send + 'static,
    {
        Self::start(inner, AppliedStream::new(inner, source, apply), ordered)
    }

    fn of((shared, driver): (Arc<Shared<T>>, Arc<dyn DynDriver>)) -> Self {
        GreenMap {
            shared,
            ready: Exclusive::new(Results::new()),
            numbers: Numbers::default(),
            number: None,
            driver,
            guard: WaitGuard::default(),
            registered: false,
            ended: false,
            detached: false,
        }
    }
}

impl<T> GreenMap<T> {
    /// Waits for the next result. Returns `None` at the end, and on each call after it.
    ///
    /// # Cancel safety
    /// If the returned future is dropped before it is ready, no result is lost.
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

    /// Sets how many items may be running or finished and not yet taken. The default is the size of the pool, and the
    /// minimum is 1.
    ///
    /// A larger window lets the jobs run ahead of a consumer that is sometimes slow; a smaller one keeps results fresh.
    /// eventlet reads one item more than the size of the pool. Call `window` right after the map is made: it does not
    /// undo what has started already.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// // Two jobs at once, but up to a hundred results may be ready.
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

    /// Detaches the running jobs: they run to completion, and their results are dropped. The source is not read again.
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

    #[inline]
    fn wake(&self, wakeup: Wakeup) {
        wakeup.run(|key| self.driver.clone().spawn_worker(key));
    }

    /// The job that awaited the next result no longer waits for the map.
    fn stop_waiting(&mut self) {
        self.guard.clear();
        if self.registered {
            self.registered = false;
            self.shared.deregister();
        }
    }

    #[inline]
    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        let coop = ready!(coop::poll_proceed(cx));
        if self.ended {
            spend(coop);
            return Poll::Ready(None);
        }
        if self.ready.get_mut().is_empty() && !self.fetch(cx) {
            return Poll::Pending;
        }
        ready!(self.guard.poll_reacquire(cx));
        spend(coop);
        if self.registered {
            self.registered = false;
            self.shared.deregister();
        }
        Poll::Ready(self.take_fetched())
    }

    /// Takes the first of the fetched results. If there is none, the map has ended.
    #[inline]
    fn take_fetched(&mut self) -> Option<Result<T, JoinError>> {
        if let Some(number) = self.numbers.pop() {
            self.number = Some(number);
        }
        let Some(taken) = self.ready.get_mut().pop_front() else {
            (self.number, self.ended) = (None, true);
            return self.shared.state().buffer.last().map(Err);
        };
        if self.shared.signals.take() {
            let wakeup = self.shared.state().notify(self.shared.inner.slots.size(), 0);
            self.wake(wakeup);
        }
        taken
    }

    /// Fetches the ready results. Returns false if there are none and the map has not ended; then the consumer will be
    /// woken.
    fn fetch(&mut self, cx: &mut Context<'_>) -> bool {
        let mut clone = None;
        loop {
            let mut state = self.shared.state();
            if state.buffer.is_ready() {
                state.buffer.fetch(self.ready.get_mut());
                state.buffer.fetch_numbers(&mut self.numbers);
                return true;
            }
            if state.buffer.set_consumer(cx.waker(), &mut clone) {
                break;
            }
            drop(state);
            clone = Some(cx.waker().clone());
        }
        drop(clone);
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

    /// Returns bounds on the number of results left, as exact as the size hint of the source.
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
        // This drops the source. If that panics, the rest must be done anyway.
        let stopped = catch_unwind(AssertUnwindSafe(|| self.driver.stop()));
        if !self.detached {
            self.shared.abort();
        }
        // One by one: each may panic when it is dropped, and the panic of one must not meet that of another.
        let results = self.shared.state().buffer.clear();
        self.ready.get_mut().drain(..).chain(results).for_each(drop_quietly);
        if let Err(payload) = stopped {
            resume_unwind(payload);
        }
    }
}

impl<T> fmt::Debug for GreenMap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GreenMap").field("remaining", &self.size_hint()).field("ended", &self.ended).finish()
    }
}

/// Waits for the next result: the future returned by [`GreenMap::next`].
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
        self.map.stop_waiting();
    }
}
