//! Run this for each of those, at most N at once.
//!
//! greenpool brings the bounded pools of Python's eventlet to tokio. Annotate an `async fn`, and the annotation sets
//! its limit:
//!
//! ```
//! use greenpool::{green_pool, pile};
//!
//! /// Returns the length of a page.
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
//! measure::spawn_n("fire and forget".into()).await;
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
//! # Contents
//!
//! A *job* is one future that runs in a pool; a *slot* is the right to run one.
//!
//! * [`#[green_pool]`](macro@green_pool) declares a pool for a function. [`pile!`] fans out calls of such functions.
//! * [`GreenPool`] is a pool for futures of any kind. A declared function can also run on one of these; see
//!   [`OnPool`]. [`GreenThread`] is the handle to one job.
//! * [`GreenMap`] yields the results of one function over many inputs, and [`TryGreenMap`] over inputs that can fail.
//!   [`GreenPile`] yields the results of any jobs, in the order of spawning.
//! * [`inherit`] carries the membership of a job over to another task. [`lend`] gives a slot back while a job waits.
//! * [`futures`](mod@futures) has the futures of the verbs, for code that has to name them.
//!
//! The repository has more. The book, in the folder `book`, teaches all of this, from the first pool to a whole
//! crawler: `mdbook serve book --open`. The folder `examples` has whole programs. The README has the figures of the
//! benches, against `Semaphore`, `JoinSet`, `buffered` and others.
//!
//! # Verbs
//!
//! A pool takes futures, a declared function `f` takes its arguments, and `f::on(&pool)` runs `f` in that pool instead
//! of its own. The verbs of the last rows belong to pools; the pool of a function is `f::pool()`.
//!
//! | verb | what it does | `pool.` | `f::` | `f::on(&pool).` |
//! |---|---|:-:|:-:|:-:|
//! | [`spawn`] | waits for a slot, starts a job, returns its handle | yes | yes | yes |
//! | [`spawn_n`] | the same without a handle | yes | yes | yes |
//! | [`try_spawn`] | starts a job if a slot is free | yes | yes | yes |
//! | [`queue`] | puts a job in line and returns at once | yes | yes | yes |
//! | these with `_keyed`: [`spawn_keyed`] | the same, [limited by key](#limits-by-key) | yes | `key = ..` | yes |
//! | [`slot`], [`try_slot`] | takes a slot without a job | yes | | |
//! | [`imap`], [`starmap`] | one job for each item, results in order | yes | yes | yes |
//! | [`imap_stream`] | the same over an async source | yes | yes | yes |
//! | [`try_imap`], [`try_imap_stream`] | the same over a source that can fail | yes | yes | yes |
//! | each map with `_unordered` | the same, results as they come | yes | yes | yes |
//! | [`pile!`] | a fixed number of jobs | `[in pool; ..]` | `[f(a), ..]` | `[on pool; f(a), ..]` |
//! | [`GreenPile::on`] | any number of jobs, results in order | yes | | |
//! | [`waitall`], [`waitall_or_panic`] | waits until the pool is idle | yes | | |
//! | [`close`], [`reopen`] | refuses new jobs, or accepts them again | yes | | |
//! | [`shutdown`], [`abort_all`] | stops the pool, or all jobs in it | yes | | |
//!
//! [`spawn`]: GreenPool::spawn
//! [`spawn_n`]: GreenPool::spawn_n
//! [`try_spawn`]: GreenPool::try_spawn
//! [`queue`]: GreenPool::queue
//! [`spawn_keyed`]: GreenPool::spawn_keyed
//! [`slot`]: GreenPool::slot
//! [`try_slot`]: GreenPool::try_slot
//! [`imap`]: GreenPool::imap
//! [`starmap`]: GreenPool::starmap
//! [`imap_stream`]: GreenPool::imap_stream
//! [`try_imap`]: GreenPool::try_imap
//! [`try_imap_stream`]: GreenPool::try_imap_stream
//! [`waitall`]: GreenPool::waitall
//! [`waitall_or_panic`]: GreenPool::waitall_or_panic
//! [`close`]: GreenPool::close
//! [`reopen`]: GreenPool::reopen
//! [`shutdown`]: GreenPool::shutdown
//! [`abort_all`]: GreenPool::abort_all
//!
//! # Spawning inside a full pool
//!
//! Outside the pool, or while a slot is free, `spawn` waits for a slot, starts the job, and returns its handle.
//!
//! Inside a job of the same pool, if the pool is full, waiting for a slot could deadlock: every job could be waiting
//! for the others. So the job *lends* its own slot to the child. The child starts at once, ahead of the queue, and
//! `spawn` returns when the child has finished and the slot has come back. The limit stays exact, and recursion works
//! at any depth, but a job that spawns several children one after the other runs them one at a time while the pool is
//! full.
//!
//! Work that a job finds, and that it need not wait for, is better [queued](GreenPool::queue): `queue` lends nothing
//! and returns at once.
//!
//! This holds for every form of `spawn`: [`GreenPool::spawn`] and [`spawn_n`](GreenPool::spawn_n), the same verbs of a
//! declared function, and [`GreenPile::spawn`]. [`try_spawn`](GreenPool::try_spawn) never waits; in a full pool it
//! returns an error.
//!
//! While its slot is lent, the job is not polled, whatever wakes it: it goes on when it has a slot again, ahead of new
//! jobs. So a timeout around such a `spawn` takes effect only then.
//!
//! # Limits by key
//!
//! `#[green_pool(size = 100, key = host(&url), per_key = 4)]` runs a hundred jobs at once, and at most four for each
//! host. The expression names the arguments, and is evaluated when a verb is first polled or called. All verbs of the
//! function respect the limit: a call whose key is not free steps aside until a job of that key ends, the others go on
//! in order, and when the key is free, the call takes its place in line again. It gets its key and its slot in one
//! step, so no slot idles because of a key.
//!
//! A map reads an item to learn its key. So it may hold items that wait for their key, within its
//! [`window`](GreenMap::window), and a wide window keeps one busy key from holding up the others. When the pool is
//! closed, each item that was read has its result.
//!
//! The limit belongs to the pool, and the key to the call: `f::on(&pool)` and `pool = POOL` have the limit of that
//! pool, made with [`GreenPool::builder`], or none. [`GreenPool::keys`] shows which keys are in use, and
//! [`PoolStats::waiting_for_key`] how many calls wait for theirs. [`spawn_keyed`] tells what happens if a job waits for
//! another one of its own key.
//!
//! # Queued calls
//!
//! If no slot is free when a `spawn` is first polled, its job is queued, and from then on it belongs to the pool. It
//! begins when its turn comes, even if the future of the `spawn` has lost a `select!`, sits in a stream of futures, or
//! is forgotten. If that future is dropped before it is ready, the job leaves the queue, or is aborted if it has
//! started.
//!
//! # Promises
//!
//! 1. **One limit that is one limit.** However jobs arrive, at most `size` of a pool's jobs run at once: a job is
//!    polled only while it has a slot. The queue is first come, first served, and no fast path overtakes it; only a job
//!    that starts in a lent slot does.
//! 2. **Constant memory.** A map holds at most `size` items; [`window`](GreenMap::window) sets another number. It does
//!    not read an item before that item can run.
//! 3. **Jobs make progress while the consumer is busy.** The runtime drives every job. No job depends on its results
//!    being polled.
//! 4. **No deadlock from greenpool's own verbs.** A job can wait for a slot, a result, a map or a pile, in its own pool
//!    or in other pools that wait for each other in a cycle, and the wait ends. This promise does not cover a job that
//!    waits for a channel or a lock that a queued job holds.
//! 5. **Nothing vanishes.** A panic reaches the code that awaits the job, or is counted. It never takes the pool down.
//! 6. **Dropping means what the documentation of each type says.**
//!
//! # When not to use it
//!
//! * Your futures borrow from the caller. Jobs are tasks and outlive it; use `buffer_unordered`, whose futures can each
//!   take a [slot](GreenPool::slot).
//! * You want a handful of tasks without a limit. Use `tokio::task::JoinSet`, or `tokio::join!` for two or three.
//! * You limit one step of a longer task. Use `tokio::sync::Semaphore`.
//! * You limit a rate (governor), compute on all cores (rayon), or retry (backon). greenpool works with all of these.
//!
//! # Features
//!
//! * `metrics` (off by default): `GreenPool::publish_metrics` publishes the numbers of a pool through the `metrics`
//!   crate, with histograms of how long its jobs wait and run.
//! * `tracing` (off by default): each job runs in a span `job` of level `DEBUG`, from its first poll until its future
//!   is dropped. The parent is the span of the call or, for the jobs of a map, the span in which the map was made. If
//!   `job` is filtered out, the job runs in that span itself. A panic in a job without a handle
//!   ([`spawn_n`](GreenPool::spawn_n)) emits one event of level `ERROR` and target `greenpool`. All carry the name of
//!   the pool.
//! * `remote` (off by default): `#[green_pool(remote)]` and the module `remote`, for functions that run on other
//!   machines. The crate `greenpool-nats` runs them over NATS `JetStream`.

mod declared;
mod inner;
mod job;
mod lending;
mod map;
mod misuse;
mod pile;
mod pool;
#[cfg(feature = "remote")]
pub mod remote;
mod spawn;
mod sync;
mod worker;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use declared::PooledFn;
pub use declared::on::{OnPool, Runs};
pub use greenpool_macros::green_pool;
pub use inner::tracked::JobInfo;
pub use job::error::{JoinError, TrySpawnError};
pub use job::handle::{AbortHandle, GreenThread};
pub use job::id::JobId;
pub use job::values::{JobResults, Values};
pub use lending::inherit::inherit;
pub use lending::lend::lend;
pub use map::GreenMap;
pub use map::indexed::Indexed;
pub use map::source::{Arguments, Sources};
pub use map::try_map::{TryGreenMap, TryMapError};
pub use map::values::TryOutput;
pub use pile::fixed::{Handles, InOrder, PileOf, Record, SameType};
pub use pile::values::{ResultHandles, TryHandles};
pub use pile::{GreenPile, PileSpawner};
pub use pool::GreenPool;
pub use pool::builder::GreenPoolBuilder;
pub use pool::keyed::KeyInfo;
pub use pool::report::PoolReport;
pub use pool::shutdown::ShutdownReport;
pub use pool::slot::Slot;
pub use pool::stats::PoolStats;

// The same futures as in the module, by the names that generated code has for them.
#[doc(hidden)]
pub use futures::*;

/// The futures that the verbs return, for code that has to name one.
///
/// Await them, or pass them to `timeout`, `select!` and `join!`. The documentation of each verb says what dropping its
/// future does.
pub mod futures {
    pub use crate::declared::spawn_on::{SpawnOn, SpawnOnN};
    pub use crate::declared::{SpawnCall, SpawnCallN};
    pub use crate::job::value::Value;
    pub use crate::job::values::NextValue;
    pub use crate::lending::inherit::Inherit;
    pub use crate::lending::lend::Lend;
    pub use crate::map::Next;
    pub use crate::map::indexed::NextIndexed;
    pub use crate::map::try_map::TryNext;
    pub use crate::map::values::TryCollect;
    pub use crate::pile::fixed::{FanNext, Join, TryJoin};
    pub use crate::pile::set::{FanNextUnordered, PileNextUnordered};
    pub use crate::pile::values::TryValues;
    pub use crate::pile::{PileNext, PileSpawn};
    pub use crate::pool::keyed::{SpawnKeyed, SpawnNKeyed};
    pub use crate::pool::shutdown::{AbortAll, Shutdown};
    pub use crate::pool::slot::TakeSlot;
    pub use crate::pool::spawn::{Spawn, SpawnN};
    pub use crate::pool::waitall::WaitAll;
    pub use crate::pool::waitall_or_panic::WaitAllOrPanic;
}

/// Fans out calls of pooled functions: submits each call to the pool of its function, in order, and returns at once.
///
/// | form | result |
/// |---|---|
/// | `pile![f(a), g(b)]` | a [`PileOf`] over the calls, up to 32 |
/// | `pile! { user: f(a), posts: g(b) }` | the same; `join` returns a struct with these fields |
/// | `pile![on POOL; f(a), g(b)]` | runs the calls in that pool instead of the pools of their functions |
/// | `pile![in POOL; x, y]` | runs any futures in that pool |
/// | `pile![size = 4; x, y]` | runs any futures in a new pool of that size |
/// | `pile!(< f(a), g(b) >)` | the same as without the angle brackets |
///
/// Each entry is evaluated once, in order. A job that finds no free slot is queued, in order, and keeps its turn
/// without being awaited. If all results have the same type, take them with [`next`](PileOf::next) or as a `Stream`.
/// Otherwise use [`join`](PileOf::join) or [`try_join`](PileOf::try_join).
///
/// # Entries
///
/// - Without a pool and after `on POOL;`, an entry is a call of a `#[green_pool]` function by its path, with nothing
///   after the call: no `.await`, `?` or `spawn`. It cannot be a method or an associated function. Generic arguments,
///   as in `f::<T>(a)`, are those of `f::spawn::<T>(a)`.
/// - After `in POOL;` or `size = N;`, an entry is any future that is `Send` and `'static`.
/// - Either all entries have names, or none has.
///
/// Rust's grammar allows only `()`, `[]` or `{}` around the arguments of a macro, so `pile!<f(a)>` is not possible.
///
/// # Panics
///
/// If called outside a tokio runtime. If the evaluation of an entry panics, the jobs of the entries before it keep
/// running, and their results are dropped.
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
