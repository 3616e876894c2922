//! The semaphore of a pool, and the locks and atomics that the crate uses; under `--cfg loom`, the model checker's.

#[cfg(not(loom))]
pub(crate) mod quiet;
pub(crate) mod slots;
pub(crate) mod wake;

#[cfg(not(loom))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};

#[cfg(loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};

/// Locks the mutex, poisoned or not. The only user code that runs under a lock is the source and the function of a map,
/// and the map deals with their panics.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A value that only its owner touches, through `&mut`. So the owner is `Sync` if the value is `Send`.
///
/// The standard library's `Exclusive` is not stable yet. Nothing ever locks this lock.
#[cfg(not(loom))]
pub(crate) struct Exclusive<T>(Mutex<T>);

#[cfg(not(loom))]
impl<T> Exclusive<T> {
    pub(crate) fn new(value: T) -> Self {
        Exclusive(Mutex::new(value))
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
