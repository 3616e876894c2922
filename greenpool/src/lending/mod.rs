//! Which job runs on this thread, what it waits for, and which job runs in its slot meanwhile.
//!
//! `README.md` in this folder tells the whole protocol: when a slot is lent, how it comes home, how deadlocks are found
//! and resolved, and which races there are.

pub(crate) mod blocking;
pub(crate) mod context;
pub(crate) mod deadlock;
pub(crate) mod inherit;
pub(crate) mod lend;
pub(crate) mod taken;
pub(crate) mod waiter;
