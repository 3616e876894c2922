//! `Far`: a function on an engine.

use std::fmt;
use std::ops::Deref;

use crate::job::lost::Lost;
use crate::remote::run::Run;
use crate::remote::stats::FarStats;
use crate::remote::verbs::{FarPool, Remote};

/// A function on an engine: the value of `fetch::on(&farm)`. Its verbs are those of the function itself; the jobs run
/// on the engine's workers.
///
/// All `Far`s of one function and engine share one *window*, twice the function's `size` unless
/// [`window`](Self::window) says otherwise: so many jobs of this process may be out at once. Cloning is cheap, and
/// dropping it does nothing to its jobs.
///
/// | verb | returns |
/// |---|---|
/// | `spawn(..).await` | a [`GreenThread`](crate::GreenThread), once there is a place in the window |
/// | `try_spawn(..)` | a [`GreenThread`](crate::GreenThread), or the arguments if there is no place |
/// | `spawn_n(..).await` | `Ok`, once the job is stored |
/// | `call(..)` | a future of the result, outside the window |
/// | `imap(..)` | a [`GreenMap`](crate::GreenMap) over iterables, one per parameter |
/// | `starmap(..)` | a [`GreenMap`](crate::GreenMap) over tuples of arguments |
/// | `imap_stream(..)` | a [`GreenMap`](crate::GreenMap) over a stream of the argument, or of tuples of several |
/// | `try_imap(..)`, `try_imap_stream(..)` | a [`TryGreenMap`](crate::TryGreenMap) over the same as `Result`s |
/// | each map with `_unordered` | the same, with the results as they come |
/// | `pile![on farm; fetch(..)]` | a [`PileOf`](crate::PileOf) |
///
/// A map has all verbs of a local one. At most as many of its items as the window has places are out, or ready and not
/// yet taken. If a job panics or its result is [lost](crate::JoinError::lost), the map yields an `Err` in its place,
/// and the other jobs continue. What aborts local jobs, such as dropping a map or a pile, cancels those on an engine:
/// they are removed from the queue, and the workers are told to stop those that run. Nothing waits for that.
///
/// What a local pool has beyond these verbs makes no sense over a network:
///
/// | local | on an engine |
/// |---|---|
/// | `queue(..)` | `spawn_n(..).await`: the server has the queue, and the job is in it when this returns |
/// | `key = ..`, `spawn_keyed` | `size` is the one limit of all machines |
/// | `slot`, `try_slot` | a place on another machine cannot be held from here |
/// | `running`, `waiting`, `stats`, `jobs`, `report` | [`stats`](Self::stats), which asks the engine |
/// | `waitall` | await the map, the handles, or the pile: an engine has other callers as well |
/// | `close`, `shutdown`, `abort_all` | the engine's own verbs; dropping maps and piles cancels their jobs |
///
/// In a job of a worker, a verb that waits for a result gives [`Lost::InAJob`], and `spawn_n` works.
///
/// ```
/// use greenpool::green_pool;
/// use greenpool::remote::Here;
///
/// #[green_pool(size = 4, remote)]
/// async fn double(n: u32) -> u32 { n * 2 }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), greenpool::JoinError> {
/// let here = Here::new().serve(double::handler());
/// let far = double::on(&here);
/// assert_eq!(far.spawn(21).await.await?, 42);
/// let mut doubles = far.imap(1..=3);
/// let mut sum = 0;
/// while let Some(double) = doubles.next().await {
///     sum += double?;
/// }
/// assert_eq!(sum, 12);
/// # Ok(()) }
/// ```
pub struct Far<P: Remote> {
    pool: FarPool<P>,
    verbs: P::Verbs,
}

impl<P: Remote> Far<P> {
    #[doc(hidden)]
    pub fn of(pool: FarPool<P>) -> Self {
        Far { verbs: P::verbs(pool.clone()), pool }
    }

    /// Returns the same function with a window of its own, of `jobs` jobs.
    ///
    /// # Panics
    /// If `jobs` is 0 or more than 65,536.
    ///
    /// ```
    /// # use greenpool::green_pool;
    /// # use greenpool::remote::Here;
    /// # #[green_pool(size = 4, remote)]
    /// # async fn double(n: u32) -> u32 { n * 2 }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), greenpool::JoinError> {
    /// # let here = Here::new().serve(double::handler());
    /// let far = double::on(&here).window(1);
    /// let first = far.try_spawn(1).unwrap();
    /// assert!(far.try_spawn(2).unwrap_err().is_full());
    /// assert_eq!(first.await?, 2);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn window(&self, jobs: usize) -> Self {
        assert!((1..=65_536).contains(&jobs), "a window has from 1 to 65,536 jobs, and not {jobs}");
        Self::of(self.pool.with_window(jobs))
    }

    /// Returns the run of this name: its verbs give their jobs numbers from 0 on, and the results are kept under the
    /// name and these numbers, for as long as the engine keeps results. Does no I/O.
    ///
    /// # Panics
    /// If the name is empty or longer than 200 bytes.
    ///
    /// ```
    /// # use greenpool::green_pool;
    /// # use greenpool::remote::Here;
    /// # #[green_pool(size = 4, remote)]
    /// # async fn double(n: u32) -> u32 { n * 2 }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let here = Here::new().serve(double::handler());
    /// let far = double::on(&here);
    /// assert_eq!(far.run("order 7").spawn(21).await.await?, 42);
    /// assert_eq!(far.run("order 7").spawn(21).await.await?, 42); // the stored result
    /// assert_eq!(here.executions(), 1);
    /// assert_eq!(far.forget("order 7").await?, 1);
    /// # Ok(()) }
    /// ```
    pub fn run(&self, name: &str) -> Run<P> {
        assert!((1..=200).contains(&name.len()), "the name of a run has from 1 to 200 bytes, and not {}", name.len());
        Run::of(self.pool.named(name))
    }

    /// Sets how many jobs of the function may run at once, over all workers. It stays so until the size in the code
    /// changes, or the server loses its disk. Jobs that run are not stopped: if there are more than `size`, none begins
    /// before enough have ended. The window of this process stays what it is.
    ///
    /// # Errors
    /// [`Lost::Refused`] if the engine cannot do it.
    ///
    /// # Panics
    /// If `size` is 0 or more than 100,000.
    ///
    /// ```
    /// # use greenpool::green_pool;
    /// # use greenpool::remote::Here;
    /// # #[green_pool(size = 4, remote)]
    /// # async fn double(n: u32) -> u32 { n * 2 }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let here = Here::new().serve(double::handler());
    /// let far = double::on(&here);
    /// far.resize(2).await?;
    /// assert_eq!(far.stats().await?.size, 2);
    /// # Ok(()) }
    /// ```
    pub async fn resize(&self, size: usize) -> Result<(), Lost> {
        assert!((1..=100_000).contains(&size), "a size is from 1 to 100,000, and not {size}");
        self.pool.resize(size).await
    }

    /// Returns what all workers together do of this function.
    ///
    /// # Errors
    /// [`Lost::Refused`] if the engine cannot say it.
    ///
    /// ```
    /// # use greenpool::green_pool;
    /// # use greenpool::remote::Here;
    /// # #[green_pool(size = 4, remote)]
    /// # async fn double(n: u32) -> u32 { n * 2 }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let here = Here::new().serve(double::handler());
    /// let stats = double::on(&here).stats().await?;
    /// assert_eq!((stats.size, stats.running, stats.waiting), (4, 0, 0));
    /// # Ok(()) }
    /// ```
    pub async fn stats(&self) -> Result<FarStats, Lost> {
        self.pool.stats().await
    }

    /// Removes the stored results of a run, and returns how many there were.
    ///
    /// # Errors
    /// [`Lost::Refused`] if the engine cannot do it.
    pub async fn forget(&self, name: &str) -> Result<u64, Lost> {
        self.pool.forget(name).await
    }
}

impl<P: Remote> Deref for Far<P> {
    type Target = P::Verbs;

    fn deref(&self) -> &P::Verbs {
        &self.verbs
    }
}

impl<P: Remote> Clone for Far<P> {
    fn clone(&self) -> Self {
        Self::of(self.pool.clone())
    }
}

impl<P: Remote> fmt::Debug for Far<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Far").field("function", &P::NAME).field("window", &self.pool.window_size()).finish()
    }
}
