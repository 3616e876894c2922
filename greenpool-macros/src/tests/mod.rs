//! Tests of what the macros write.

mod fuzz;
mod snapshots;
