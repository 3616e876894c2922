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

/// Fans out calls of pooled functions.
#[macro_export]
macro_rules! pile {
    ($($entries:tt)*) => { $crate::__private::__pile!(($crate) $($entries)*) };
}
