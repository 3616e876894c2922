//! The verbs that give values: a panic resumes in the caller, and the first error stops the rest.
#![expect(clippy::unused_async, reason = "they are jobs")]

mod caught;
mod map;
mod pile;
mod stream;
mod thread;
mod waitall;

use std::future::pending;
use std::panic::resume_unwind;

use greenpool_tests::{Gate, Gauge};

/// A job that panics without running the panic hook, so that nothing is printed.
async fn panics<T>(message: &'static str) -> T {
    resume_unwind(Box::new(message));
}

/// A job that never finishes. The gauge counts its future.
fn never<T>(alive: &Gauge) -> impl Future<Output = T> + Send + use<T> {
    let inside = alive.enter();
    async move {
        let _inside = inside;
        pending::<()>().await;
        unreachable!("nothing wakes it")
    }
}

/// A job that finishes when the gate opens.
async fn gated<T>(gate: Gate, value: T) -> T {
    gate.opened().await;
    value
}
