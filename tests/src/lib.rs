//! Shared test support: a deadline for each test, and tools to observe and control jobs.

mod deadline;
mod gate;
mod gauge;

pub use deadline::{paused, threads, until_idle, with_deadline};
pub use gate::Gate;
pub use gauge::{Gauge, GaugeGuard, Log};
