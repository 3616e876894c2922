//! Shared test support: a deadline for each test, and tools to observe and control jobs.

mod deadline;
mod gate;
mod gauge;
mod waiting;

pub use deadline::{paused, threads, until_idle, with_deadline};
pub use gate::Gate;
pub use gauge::{Gauge, GaugeGuard, Log};
pub use waiting::{block_on, spawn_waiter_for};
