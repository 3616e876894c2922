//! Dropping values whose destructors may panic.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Drops a value that nothing wants. If its destructor panics, the panic hook reports it and nothing else happens, as
/// for the output of a tokio task. A payload that panics in its own destructor is leaked.
pub(crate) fn drop_quietly<T>(value: T) {
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(value)));
    if let Err(payload) = dropped {
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            mem::forget(again);
        }
    }
}
