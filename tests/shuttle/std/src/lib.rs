//! The standard library as greenpool uses it, with the model checker's locks, and with atomics at which the model
//! checker may switch threads.
//!
//! A crate that declares `extern crate .. as std` uses it instead of the standard library, without changes to its
//! sources.
#![cfg(shuttle)]

pub use std::*;

#[doc(hidden)]
pub use shuttle;

/// Replaces `std::sync`.
pub mod sync {
    pub use std::sync::{Arc, LazyLock, PoisonError, TryLockError, Weak};

    pub use shuttle::sync::{Mutex, MutexGuard};

    pub mod atomic;
    mod once_lock;

    pub use once_lock::OnceLock;
}

/// Replaces `std::thread`.
pub mod thread {
    pub use std::thread::*;

    pub use shuttle::thread::{JoinHandle, spawn};

    mod local_key;

    pub use local_key::LocalKey;
}

/// Functions for the models themselves.
pub mod model {
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A lock that the model checker does not know about.
    pub use std::sync::Mutex as PlainMutex;

    static EXECUTION: AtomicU64 = AtomicU64::new(0);

    /// Starts another execution of a model, in which all `static`s are empty again.
    pub fn begin() {
        EXECUTION.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn execution() -> u64 {
        EXECUTION.load(Ordering::Relaxed)
    }

    /// Lets the model checker switch to another thread.
    pub fn switch() {
        shuttle::thread::sleep(std::time::Duration::ZERO);
    }
}
