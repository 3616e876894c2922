//! `imap`, `starmap` and `imap_stream`: the verbs that run one job for each item of a source.

use std::future::Future;

use futures_core::Stream;

use crate::map::GreenMap;
use crate::map::source::{Arguments, Sources, Spread};
use crate::pool::GreenPool;

impl GreenPool {
    /// Runs `f` on each item of `sources`, and yields the results in the order of the items.
    ///
    /// `sources` is one iterable or a tuple of two to twelve iterables, which are zipped: `f` takes one argument from
    /// each. The map starts at once, and waits in the pool's queue like any other caller. It holds at most `size` items
    /// that are running or finished and not yet taken; see [`GreenMap`].
    ///
    /// # Panics
    /// If called outside a tokio runtime.
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
        GreenMap::start(self.inner(), sources.into_jobs(f), true)
    }

    /// Runs `f` on each item of `sources` like [`imap`](Self::imap), but yields each result as soon as its job
    /// finishes.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
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
        GreenMap::start(self.inner(), sources.into_jobs(f), false)
    }

    /// Runs `f` on each tuple of `items`, whose fields become the arguments of `f`; otherwise like
    /// [`imap`](Self::imap).
    ///
    /// # Panics
    /// If called outside a tokio runtime.
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
        GreenMap::start(self.inner(), Spread::new(items.into_iter(), f), true)
    }

    /// Runs `f` on each tuple of `items` like [`starmap`](Self::starmap), but yields each result as soon as its job
    /// finishes.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
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
        GreenMap::start(self.inner(), Spread::new(items.into_iter(), f), false)
    }

    /// Runs `f` on each item of an async source; otherwise like [`imap`](Self::imap).
    ///
    /// A source that has no item yet holds no slot: the map queues for one when it has an item. So one item may have
    /// been read that still waits for its slot.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
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
        GreenMap::reading(self.inner(), f, source, true)
    }

    /// Runs `f` on each item of an async source like [`imap_stream`](Self::imap_stream), but yields each result as soon
    /// as its job finishes.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
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
        GreenMap::reading(self.inner(), f, source, false)
    }
}
