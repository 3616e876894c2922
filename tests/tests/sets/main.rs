//! Maps and piles as sets: results as they come, with the input or entry they belong to, and what is ready now.

mod map;
mod pile;

use greenpool_tests::Gate;

/// A job that finishes when the gate opens.
async fn gated<T>(gate: Gate, value: T) -> T {
    gate.opened().await;
    value
}
