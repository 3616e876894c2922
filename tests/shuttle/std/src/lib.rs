//! The standard library as greenpool uses it, with the model checker's locks, and atomics at which it may switch to another thread.
//!
//! A crate that says `extern crate .. as std` has it in the place of the standard library; its sources stay as they are.
#![cfg(shuttle)]

pub use std::*;

#[doc(hidden)]
pub use shuttle;

/// As `std::sync`.
pub mod sync {
    pub use std::sync::{Arc, PoisonError, Weak};

    pub use shuttle::sync::{Mutex, MutexGuard};

    pub mod atomic;
    mod once_lock;

    pub use once_lock::OnceLock;
}

/// As `std::thread`.
pub mod thread {
    pub use std::thread::*;

    pub use shuttle::thread::{JoinHandle, spawn};

    mod local_key;

    pub use local_key::LocalKey;
}

/// What the model checker's user has to say.
pub mod model {
    use std::sync::atomic::{AtomicU64, Ordering};

    /// A lock that the model checker knows nothing of.
    pub use std::sync::Mutex as PlainMutex;

    static EXECUTION: AtomicU64 = AtomicU64::new(0);

    /// One more execution of a model begins: what `static`s have been given, they have lost.
    pub fn begin() {
        EXECUTION.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn execution() -> u64 {
        EXECUTION.load(Ordering::Relaxed)
    }

    /// Another thread may run now.
    pub fn switch() {
        shuttle::thread::sleep(std::time::Duration::ZERO);
    }
}
