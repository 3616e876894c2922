//! What the tests of greenpool share: a deadline for each, and things to watch and steer jobs with.

mod deadline;
mod gate;
mod gauge;

pub use deadline::{at_rest, by_hand, paused, threads};
pub use gate::Gate;
pub use gauge::{Gauge, Log, Tracer};
