//! Run this for each of those, at most N at once.
//!
//! greenpool gives tokio the bounded pools of Python's eventlet. Annotate an `async fn`, and the annotation owns its limit:
//!
//! ```
//! use greenpool::{green_pool, pile};
//!
//! /// Says how long a page is.
//! #[green_pool(size = 100)]
//! async fn measure(page: String) -> usize {
//!     page.len()
//! }
//!
//! #[green_pool(size = 8)]
//! async fn shout(word: String) -> String {
//!     word.to_uppercase()
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), greenpool::JoinError> {
//! let length = measure("still the plain async fn".into()).await;
//! assert_eq!(length, 24);
//!
//! let green = measure::spawn("one".into()).await; // waits for one of the 100 slots
//! assert_eq!(green.await?, 3);
//! measure::spawn_n("no result wanted".into()).await;
//!
//! let mut lengths = measure::imap(["a", "bc", "def"].map(String::from)); // ordered, in constant memory
//! let mut sum = 0;
//! while let Some(length) = lengths.next().await {
//!     sum += length?;
//! }
//! assert_eq!(sum, 6);
//!
//! let (length, word) = pile![measure("four".into()), shout("five".into())].join().await;
//! assert_eq!((length?, word?.as_str()), (4, "FIVE"));
//!
//! measure::pool().waitall().await;
//! # Ok(()) }
//! ```
//!
//! # The parts
//!
//! * [`#[green_pool]`](macro@green_pool) turns a function into a pooled task type; [`pile!`] fans out calls of such functions.
//! * [`GreenPool`] is the pool itself, for futures of any kind; [`GreenThread`] is the handle on one job.
//! * [`GreenMap`] gives the results of one function over many inputs; [`GreenPile`] those of jobs of any origin, in order.
//! * [`inherit`] and [`lend`] are for jobs that know what they do.
//!
//! A *job* is one call that runs in a pool; a *slot* is the right to run one.
//!
//! # The promises
//!
//! 1. **One limit that is one limit.** However jobs arrive, at most `size` of a pool's jobs run at once. Waiters are served first come, first
//!    served, and nothing overtakes them.
//! 2. **Constant memory.** A map holds at most `size` items, or as many as [`window`](GreenMap::window) says. An item is not read before it
//!    can run.
//! 3. **Jobs move on while the consumer is busy.** The runtime drives every job; nothing depends on polling a result stream.
//! 4. **No deadlock from greenpool's own verbs.** Waiting for a slot, a result, a map or a pile from inside a job always ends, also over
//!    pools in a cycle. A job that blocks on a lock or channel held by a queued job is beyond this.
//! 5. **Nothing vanishes.** A panic reaches whoever awaits the job, or is counted; it never takes the pool down.
//! 6. **Dropping means what the documentation of each type says.**
//!
//! # When not to use it
//!
//! * Your futures borrow from the caller: jobs are tasks and outlive it. Use `buffer_unordered`.
//! * You want a handful of tasks without a limit: use `tokio::task::JoinSet`, or `tokio::join!` for two or three.
//! * You guard one step of a longer job: use `tokio::sync::Semaphore`.
//! * You limit a rate and not a number (governor), compute on all cores (rayon), or retry (backon). greenpool goes with all of them.
//!
//! # Features
//!
//! * `tracing`, off by default: the panic of a job that nobody has a handle on ([`spawn_n`](GreenPool::spawn_n)) is one event of level `ERROR` and target
//!   `greenpool`, with the name of the pool; and each job is polled in a span `job` of level `DEBUG` with that name.

mod declared;
mod inner;
mod job;
mod lending;
mod map;
mod pile;
mod pool;
mod spawn;
mod sync;
mod worker;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use declared::{PooledFn, SpawnCall, SpawnCallN};
pub use greenpool_macros::green_pool;
pub use inner::tracked::JobInfo;
pub use job::error::{JoinError, TrySpawnError};
pub use job::handle::{AbortHandle, GreenThread};
pub use job::id::JobId;
pub use lending::inherit::{Inherit, inherit};
pub use lending::lend::{Lend, lend};
pub use map::source::{Arguments, Sources};
pub use map::{GreenMap, Next};
pub use pile::fixed::{FanNext, Handles, InOrder, Join, PileOf, Record, SameType, TryJoin};
pub use pile::{GreenPile, PileNext, PileSpawn, PileSpawner};
pub use pool::GreenPool;
pub use pool::shutdown::{AbortAll, Shutdown, ShutdownReport};
pub use pool::spawn::{Spawn, SpawnN};
pub use pool::stats::PoolStats;
pub use pool::waitall::WaitAll;

/// Fans out calls of pooled functions: submits each to its own function's pool, in order, and returns at once.
///
/// | form | gives |
/// |---|---|
/// | `pile![f(a), g(b)]` | a [`PileOf`] over the calls, up to 32 |
/// | `pile! { user: f(a), posts: g(b) }` | the same; `join` gives a struct with these fields |
/// | `pile![in POOL; x, y]` | runs any futures in that pool |
/// | `pile![size = 4; x, y]` | runs any futures in a new pool of that size |
/// | `pile!(< f(a), g(b) >)` | as without the angle brackets |
///
/// What finds no free slot stands in the queue, in order, without being awaited. Entries are evaluated in order, once. Results of one type come with
/// [`next`](PileOf::next) or as a `Stream`; results of any types with [`join`](PileOf::join) or [`try_join`](PileOf::try_join).
///
/// # What an entry is
///
/// - Without a pool: a call of a `#[green_pool]` function by its path, and nothing behind it. No `.await`, no `?`, no `spawn`; no method, and no function
///   of a type. Its generic arguments stand where those of `spawn` do.
/// - Behind `in POOL;` or `size = N;`: any future that is `Send` and `'static`.
/// - All entries have names, or none has.
///
/// Rust's grammar gives a macro call only `()`, `[]` or `{}`, so `pile!<f(a)>` cannot be.
///
/// # Panics
///
/// Outside of a tokio runtime.
///
/// # Examples
///
/// ```
/// use greenpool::{GreenPool, green_pool, pile};
///
/// #[green_pool(size = 4)]
/// async fn double(n: u32) -> u32 { n * 2 }
///
/// #[green_pool(size = 4)]
/// async fn spell(n: u32) -> String { n.to_string() }
///
/// static POOL: GreenPool = GreenPool::const_new(2);
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), greenpool::JoinError> {
/// let both = pile! { number: double(21), word: spell(7) }.try_join().await?;
/// assert_eq!((both.number, both.word.as_str()), (42, "7"));
///
/// let mut doubles = pile![double(1), double(2)];
/// assert_eq!(doubles.next().await.unwrap()?, 2);
///
/// let (a, b) = pile![in POOL; async { 1 }, async { "two" }].try_join().await?;
/// assert_eq!((a, b), (1, "two"));
/// # Ok(()) }
/// ```
#[macro_export]
macro_rules! pile {
    ($($entries:tt)*) => { $crate::__private::__pile!(($crate) $($entries)*) };
}
