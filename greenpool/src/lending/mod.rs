//! Which job runs here, what it waits for, and who runs in its slot meanwhile.

pub(crate) mod blocking;
pub(crate) mod context;
pub(crate) mod deadlock;
pub(crate) mod inherit;
pub(crate) mod lend;
pub(crate) mod waiter;
