//! Bounded pools of green threads for tokio.

mod call;
mod claim;
mod crew;
mod error;
mod fan;
mod flow;
mod heart;
mod kin;
mod knot;
mod lineage;
mod map;
mod member;
mod pile;
mod pool;
mod ring;
mod slots;
mod sources;
mod stream;
mod sync;
mod thread;
mod worker;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use call::{PooledFn, SpawnCall, SpawnCallN};
pub use error::{JoinError, TrySpawnError};
pub use fan::{FanNext, Handles, InOrder, Join, PileOf, Record, SameType, TryJoin};
pub use kin::{Inherit, Lend, inherit, lend};
pub use map::{GreenMap, Next};
pub use pile::{GreenPile, PileNext, PileSpawn, PileSpawner};
pub use pool::{AbortAll, GreenPool, PoolStats, Shutdown, ShutdownReport, Spawn, SpawnN, WaitAll};
pub use sources::{Arguments, Sources};
pub use thread::{AbortHandle, GreenThread, JobId};

pub use greenpool_macros::green_pool;

/// Runs calls of different `#[green_pool]` functions side by side, each in its own function's pool.
///
/// Each call takes its place in its pool's queue at once, in the order written; nothing waits here. The macro gives a [`PileOf`]. Dropping it aborts
/// what still runs.
///
/// | written | gives |
/// |---|---|
/// | `pile![f(a), g(b)]` | `.join().await`: a tuple of `Result`s; `.try_join().await`: a tuple of values, or the first [`JoinError`] |
/// | the same, all of one type | also `.next().await` and `Stream`, in the order written |
/// | `pile! { user: f(a), posts: g(b) }` | the results by name: `r.user`, `r.posts` |
/// | `pile![in POOL; x, y]` | any futures, in the pool that is named |
/// | `pile![size = 4; x, y]` | any futures, in a new pool of that size |
/// | `pile!(< f(a), g(b) >)` | as without the angle brackets; any delimiter will do |
///
/// Rust gives a macro call only `()`, `[]` or `{}`, so `pile!< .. >` never reaches the macro. An entry is a call of a function by its name or path: no `.await`, and not
/// `fetch::spawn(..)`. A pile has at most 32 entries; for more, or for a number that is not known, use a [`GreenPile`].
///
/// ```
/// use greenpool::{green_pool, pile};
///
/// #[green_pool(size = 10)]
/// async fn user(id: u32) -> String { format!("user {id}") }
///
/// #[green_pool(size = 10)]
/// async fn posts(id: u32) -> Vec<u32> { vec![id] }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), greenpool::JoinError> {
/// let (name, all) = pile![user(7), posts(7)].try_join().await?;
/// assert_eq!((name.as_str(), all), ("user 7", vec![7]));
///
/// let page = pile! { name: user(7), all: posts(7) }.join().await;
/// assert_eq!(page.name?, "user 7");
///
/// let (sum,) = pile![size = 1; async { 1 + 1 }].try_join().await?;
/// assert_eq!(sum, 2);
/// # Ok(()) }
/// ```
#[macro_export]
macro_rules! pile {
    ($($entries:tt)*) => { $crate::__private::__pile!(($crate) $($entries)*) };
}
