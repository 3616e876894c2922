//! Dropping values whose destructors may panic, and calling other code that may.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::sync::foreign;

/// Drops a value that nothing wants. If its destructor panics, the panic hook reports it and nothing else happens, as
/// for the output of a tokio task. A payload that panics in its own destructor is leaked.
pub(crate) fn drop_quietly<T>(value: T) {
    run_quietly(|| drop(value));
}

/// Calls `f`. If it panics, nothing else happens either.
pub(crate) fn run_quietly(f: impl FnOnce()) {
    foreign::check();
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            mem::forget(again);
        }
    }
}
