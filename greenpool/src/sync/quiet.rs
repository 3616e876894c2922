//! Dropping values whose destructors may panic, and calling other code that may.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::sync::foreign;

/// Drops a value that nothing wants. If its destructor panics, the panic hook reports it and nothing else happens, as
/// for the output of a tokio task. A payload that panics in its own destructor is leaked.
pub(crate) fn drop_quietly<T>(value: T) {
    let mut value = Some(value);
    run_dyn(&mut || drop(value.take()));
}

/// Calls `f`. If it panics, nothing else happens either.
pub(crate) fn run_quietly(mut f: impl FnMut()) {
    run_dyn(&mut f);
}

/// The first of two panics, if there is one. The second is dropped quietly.
pub(crate) fn first<T>(first: Option<T>, second: Option<T>) -> Option<T> {
    if first.is_none() {
        return second;
    }
    drop_quietly(second);
    first
}

// Not generic, so that it is compiled once.
fn run_dyn(f: &mut dyn FnMut()) {
    foreign::check();
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            mem::forget(again);
        }
    }
}
