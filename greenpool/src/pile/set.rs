//! A pile as a set: its results as they come, its length, and what is ready now.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::task::coop;

use crate::inner::wait::ReadySource;
use crate::job::error::JoinError;
use crate::pile::GreenPile;
use crate::pile::fixed::{Handles, PileOf, SameType};
use crate::sync::lock;
use crate::sync::quiet::drop_quietly;

impl<T> GreenPile<T> {
    /// Waits for the next result that comes, of whichever job. Returns it with the number of its job: jobs are numbered
    /// in the order of spawning, from 0. Returns `None` when no job is left and none can come.
    ///
    /// It can be mixed with [`next`](Self::next), which returns the result of the first job that is left.
    ///
    /// # Cancel safety
    /// If the returned future is dropped before it is ready, no result is lost.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use std::time::Duration;
    /// use tokio::time::sleep;
    ///
    /// let mut pile = greenpool::GreenPile::new(2);
    /// for ms in [50, 10] {
    ///     pile.spawn(sleep(Duration::from_millis(ms))).await;
    /// }
    /// let (number, result) = pile.next_unordered().await.unwrap();
    /// assert_eq!((number, result.is_ok()), (1, true));
    /// assert_eq!(pile.next_unordered().await.unwrap().0, 0);
    /// assert!(pile.next_unordered().await.is_none());
    /// # }
    /// ```
    pub fn next_unordered(&mut self) -> PileNextUnordered<'_, T> {
        PileNextUnordered { pile: self }
    }

    /// Returns how many results are left: those that have not been taken, whether their jobs have finished or not.
    ///
    /// A [`spawn`](Self::spawn) that still waits for its slot does not count.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut pile = greenpool::GreenPile::new(2);
    /// assert!(pile.is_empty());
    /// pile.spawn(async { 7 }).await;
    /// pile.spawn(async { 8 }).await;
    /// assert_eq!(pile.len(), 2);
    /// assert_eq!(pile.next().await.unwrap().unwrap(), 7);
    /// assert_eq!(pile.len(), 1);
    /// # }
    /// ```
    pub fn len(&self) -> usize {
        self.own() + lock(&self.shared.state).jobs()
    }

    /// Returns whether no result is left. More jobs may be spawned.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let pile = greenpool::GreenPile::<()>::new(2);
    /// assert!(pile.is_empty());
    /// # }
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the next result, in the order of spawning, if it is ready now. It does not wait.
    ///
    /// `None` means that the next job has not finished, or that there is none: see [`is_empty`](Self::is_empty). Unlike
    /// [`next`](Self::next), it returns all results that are ready, however many, and never yields to other tasks.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut pile = greenpool::GreenPile::new(2);
    /// pile.spawn(async { 7 }).await;
    /// assert!(pile.try_next().is_none());
    /// pile.pool().waitall().await;
    /// assert_eq!(pile.try_next().unwrap().unwrap(), 7);
    /// # }
    /// ```
    pub fn try_next(&mut self) -> Option<Result<T, JoinError>> {
        loop {
            if self.head.is_none() {
                let next = self.unordered.pop_first().or_else(|| lock(&self.shared.state).pop());
                let (number, head) = next?;
                (self.head_number, self.head) = (number, Some(head));
            }
            let head = self.head.as_mut()?;
            let (spawn, result) = (head.spawn, head.thread.try_take()?);
            self.head = None;
            if spawn.is_none() || !lock(&self.shared.state).take_withdrawn(spawn) {
                return Some(result);
            }
            drop_quietly(result);
        }
    }

    /// Returns a result that is ready now, of whichever job, with the number of its job. It does not wait.
    ///
    /// `None` means that no job that is left has finished, or that there is none: see [`is_empty`](Self::is_empty).
    /// Like [`try_next`](Self::try_next), it returns all results that are ready, however many.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use std::time::Duration;
    /// use tokio::time::sleep;
    ///
    /// let mut pile = greenpool::GreenPile::new(2);
    /// for ms in [50, 10] {
    ///     pile.spawn(sleep(Duration::from_millis(ms))).await;
    /// }
    /// assert!(pile.try_next_unordered().is_none());
    /// sleep(Duration::from_millis(20)).await;
    /// assert_eq!(pile.try_next_unordered().unwrap().0, 1);
    /// assert!(pile.try_next_unordered().is_none());
    /// # }
    /// ```
    pub fn try_next_unordered(&mut self) -> Option<(usize, Result<T, JoinError>)> {
        self.gather();
        loop {
            let (number, spawn, result) = self.unordered.try_next()?;
            if spawn.is_none() || !lock(&self.shared.state).take_withdrawn(spawn) {
                return Some((number, result));
            }
            drop_quietly(result);
        }
    }

    /// Moves the jobs that are left to those that are waited for in any order.
    fn gather(&mut self) {
        if let Some(head) = self.head.take() {
            self.unordered.insert(self.head_number, head);
        }
        let mut state = lock(&self.shared.state);
        while let Some((number, entry)) = state.pop() {
            self.unordered.insert(number, entry);
        }
    }

    fn poll_unordered(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, Result<T, JoinError>)>> {
        let may_grow = self.shared.listen(cx.waker());
        self.gather();
        if !may_grow && self.unordered.len() == 0 {
            ready!(self.guard.poll_reacquire(cx));
            ready!(coop::poll_proceed(cx)).made_progress();
            return Poll::Ready(None);
        }
        while let Poll::Ready((number, spawn, result)) = self.unordered.poll(cx) {
            if spawn.is_none() || !lock(&self.shared.state).take_withdrawn(spawn) {
                return Poll::Ready(Some((number, result)));
            }
            drop_quietly(result);
            if !may_grow && self.unordered.len() == 0 {
                ready!(self.guard.poll_reacquire(cx));
                return Poll::Ready(None);
            }
        }
        if may_grow {
            self.guard.register(self.shared.pool.inner(), None, || ReadySource::Flag(self.shared.news.clone()), cx);
        } else {
            // No job can come any longer.
            self.guard.clear();
        }
        Poll::Pending
    }
}

/// Waits for the next result of any job: the future returned by [`GreenPile::next_unordered`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPile, PileNextUnordered};
///
/// let mut pile = GreenPile::<u32>::new(2);
/// let next: PileNextUnordered<'_, u32> = pile.next_unordered();
/// assert!(next.await.is_none());
/// # }
/// ```
#[must_use = "it takes a result only when it is awaited; write `.await`"]
pub struct PileNextUnordered<'a, T> {
    pile: &'a mut GreenPile<T>,
}

impl<T> Future for PileNextUnordered<'_, T> {
    type Output = Option<(usize, Result<T, JoinError>)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.pile.poll_unordered(cx)
    }
}

impl<T> Drop for PileNextUnordered<'_, T> {
    fn drop(&mut self) {
        // The job that awaited it no longer waits for the pile.
        self.pile.stop_waiting();
        self.pile.unordered.stop_waiting();
    }
}

impl<R: Handles, N> PileOf<R, N> {
    /// Waits for the next result that comes, of whichever job. Returns it with the index of its entry. Returns `None`
    /// when all results have been taken.
    ///
    /// It can be mixed with [`next`](Self::next), which returns the result of the first entry that is left.
    ///
    /// # Cancel safety
    /// If the returned future is dropped before it is ready, no result is lost.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use greenpool::{green_pool, pile};
    /// use std::time::Duration;
    ///
    /// #[green_pool(size = 2)]
    /// async fn sleep(ms: u64) -> u64 {
    ///     tokio::time::sleep(Duration::from_millis(ms)).await;
    ///     ms
    /// }
    ///
    /// let mut pile = pile![sleep(50), sleep(10)];
    /// let (index, result) = pile.next_unordered().await.unwrap();
    /// assert_eq!((index, result.unwrap()), (1, 10));
    /// let (index, result) = pile.next_unordered().await.unwrap();
    /// assert_eq!((index, result.unwrap()), (0, 50));
    /// assert!(pile.next_unordered().await.is_none());
    /// # }
    /// ```
    pub fn next_unordered<T>(&mut self) -> FanNextUnordered<'_, R, N, T>
    where
        R: SameType<Output = T>,
    {
        FanNextUnordered { pile: self, poll: Self::poll_unordered }
    }

    /// Returns the next result, in the order written, if it is ready now. It does not wait.
    ///
    /// `None` means that the job has not finished, or that there is none left: see [`is_empty`](Self::is_empty).
    ///
    /// ```
    /// # use greenpool::{green_pool, pile};
    /// #
    /// # #[green_pool(size = 2)]
    /// # async fn double(n: u32) -> u32 { n * 2 }
    /// #
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut pile = pile![double(1), double(2)];
    /// assert!(pile.try_next().is_none());
    /// double::pool().waitall().await;
    /// assert_eq!(pile.try_next().unwrap().unwrap(), 2);
    /// assert_eq!(pile.try_next().unwrap().unwrap(), 4);
    /// assert!(pile.is_empty());
    /// # }
    /// ```
    pub fn try_next<T>(&mut self) -> Option<Result<T, JoinError>>
    where
        R: SameType<Output = T>,
    {
        let at = self.taken.first_left();
        let result = self.handles.handle(at)?.try_take()?;
        self.taken.take(at);
        Some(result)
    }

    /// Returns how many results have not been taken.
    ///
    /// ```
    /// # use greenpool::{green_pool, pile};
    /// #
    /// # #[green_pool(size = 2)]
    /// # async fn double(n: u32) -> u32 { n * 2 }
    /// #
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut pile = pile![double(1), double(2)];
    /// assert_eq!(pile.len(), 2);
    /// assert_eq!(pile.next().await.unwrap().unwrap(), 2);
    /// assert_eq!(pile.len(), 1);
    /// # }
    /// ```
    pub fn len(&self) -> usize {
        R::LEN - self.taken.count()
    }

    /// Returns whether all results have been taken.
    ///
    /// ```
    /// # use greenpool::{green_pool, pile};
    /// #
    /// # #[green_pool(size = 2)]
    /// # async fn double(n: u32) -> u32 { n * 2 }
    /// #
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut pile = pile![double(1)];
    /// assert!(!pile.is_empty());
    /// assert_eq!(pile.next().await.unwrap().unwrap(), 2);
    /// assert!(pile.is_empty());
    /// # }
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a result that is ready now, of whichever job, with the index of its entry. It does not wait.
    ///
    /// `None` means that no job that is left has finished, or that there is none: see [`is_empty`](Self::is_empty).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use greenpool::{green_pool, pile};
    /// use std::time::Duration;
    ///
    /// #[green_pool(size = 2)]
    /// async fn sleep(ms: u64) {
    ///     tokio::time::sleep(Duration::from_millis(ms)).await;
    /// }
    ///
    /// let mut pile = pile![sleep(50), sleep(10)];
    /// tokio::time::sleep(Duration::from_millis(20)).await;
    /// assert_eq!(pile.try_next_unordered().unwrap().0, 1);
    /// assert!(pile.try_next_unordered().is_none());
    /// # }
    /// ```
    pub fn try_next_unordered<T>(&mut self) -> Option<(usize, Result<T, JoinError>)>
    where
        R: SameType<Output = T>,
    {
        for at in 0..R::LEN {
            let Some(handle) = self.handles.handle(at).filter(|_| !self.taken.has(at)) else { continue };
            if let Some(result) = handle.try_take() {
                self.taken.take(at);
                return Some((at, result));
            }
        }
        None
    }

    fn poll_unordered(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, Result<R::Output, JoinError>)>>
    where
        R: SameType,
    {
        for at in 0..R::LEN {
            let Some(handle) = self.handles.handle(at).filter(|_| !self.taken.has(at)) else { continue };
            if handle.poll_ready(cx).is_ready() {
                self.taken.take(at);
                return Poll::Ready(handle.take().map(|result| (at, result)));
            }
        }
        if self.is_empty() {
            ready!(coop::poll_proceed(cx)).made_progress();
            return Poll::Ready(None);
        }
        Poll::Pending
    }
}

/// Waits for the next result of any job: the future returned by [`PileOf::next_unordered`].
///
/// ```
/// # use greenpool::{green_pool, pile};
/// #
/// # #[green_pool(size = 2)]
/// # async fn double(n: u32) -> u32 { n * 2 }
/// #
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let mut pile = pile![double(1)];
/// let next: greenpool::FanNextUnordered<'_, _, _, u32> = pile.next_unordered();
/// let (index, result) = next.await.unwrap();
/// assert_eq!((index, result.unwrap()), (0, 2));
/// # }
/// ```
// Like `FanNext`, its `Future` impl has no `SameType` bound.
#[must_use = "it takes a result only when it is awaited; write `.await`"]
pub struct FanNextUnordered<'a, R: Handles, N, T> {
    pile: &'a mut PileOf<R, N>,
    poll: PollAny<R, N, T>,
}

type PollAny<R, N, T> = fn(&mut PileOf<R, N>, &mut Context<'_>) -> Poll<Option<(usize, Result<T, JoinError>)>>;

impl<R: Handles, N, T> Future for FanNextUnordered<'_, R, N, T> {
    type Output = Option<(usize, Result<T, JoinError>)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        (self.poll)(self.pile, cx)
    }
}

impl<R: Handles, N, T> Drop for FanNextUnordered<'_, R, N, T> {
    fn drop(&mut self) {
        // The job that awaited it no longer waits for these results.
        self.pile.handles.stop_waiting();
    }
}
