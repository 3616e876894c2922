//! As much of tokio as greenpool uses, for the model checker: a runtime whose threads are the model's.
//!
//! What tokio leaves open is left to chance, which the model checker draws and can repeat: which of the ready tasks is run next, after how
//! many operations a task is to let others run, when a time has passed. What tokio promises holds here too: a future is dropped before anybody hears of its
//! end; a task that is aborted while it is polled is dropped after that poll; a runtime that is shut down drops all its tasks, on its own
//! threads, and at once what is spawned into it later; and what a thread wakes or spawns may wait until that same thread is free.
//!
//! A piece of code without an operation of the model checker in it is never interrupted, so the runtime's own locks are plain ones, held for no longer
//! than that.
#![cfg(shuttle)]

mod queue;
pub mod runtime;
pub mod task;
pub mod time;

pub use task::spawn;

use shuttle::rand::Rng;

/// A number below `end`, by chance.
fn any_below(end: usize) -> usize {
    shuttle::rand::thread_rng().gen_range(0..end)
}

/// Another thread may run now.
fn switch() {
    shuttle::thread::sleep(std::time::Duration::ZERO);
}
