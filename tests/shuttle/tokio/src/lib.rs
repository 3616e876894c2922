//! The part of tokio that greenpool uses, for the model checker: a runtime on threads of the model.
//!
//! What tokio does not specify is random here, and the model checker can repeat its choices: which ready task runs
//! next, after how many operations a task must yield, and when a timeout elapses. What tokio promises also holds here.
//! A future is dropped before its completion is reported. A task that is aborted while it is polled is dropped after
//! that poll. A runtime that shuts down drops all its tasks, on its own threads, and drops tasks that are spawned later
//! at once. A task that a thread wakes or spawns may have to wait until that thread is free.
//!
//! Code without an operation of the model checker is never interrupted. So the runtime itself uses plain locks and
//! holds them only over such code.
#![cfg(shuttle)]

mod queue;
pub mod runtime;
pub mod task;
pub mod time;

pub use task::spawn;

use shuttle::rand::Rng;

/// A random number below `end`.
fn random_below(end: usize) -> usize {
    shuttle::rand::thread_rng().gen_range(0..end)
}

/// Lets the model checker switch to another thread.
fn switch() {
    shuttle::thread::sleep(std::time::Duration::ZERO);
}
