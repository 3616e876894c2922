//! The semaphore of a pool, and the locks and atomics that the crate uses; under `--cfg loom`, the model checker's.

pub(crate) mod foreign;
pub(crate) mod key;
pub(crate) mod quiet;
pub(crate) mod slots;
pub(crate) mod wake;

use std::ops::{Deref, DerefMut};

#[cfg(not(loom))]
pub(crate) use std::sync::{
    Mutex, MutexGuard as SourceGuard,
    atomic::{AtomicU64, Ordering},
};

#[cfg(loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard as SourceGuard,
    atomic::{AtomicU64, Ordering},
};

/// A locked mutex. While one exists on a thread, no [foreign] code may run there.
pub(crate) struct MutexGuard<'a, T: ?Sized> {
    guard: SourceGuard<'a, T>,
    _held: foreign::Forbidden,
}

/// Locks the mutex, poisoned or not.
#[inline]
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    MutexGuard { guard: lock_source(mutex), _held: foreign::Forbidden::new() }
}

/// Locks the source of a map, poisoned or not: the one lock under which foreign code runs, the source and the function
/// of the map. The map deals with their panics.
#[inline]
pub(crate) fn lock_source<T: ?Sized>(mutex: &Mutex<T>) -> SourceGuard<'_, T> {
    // A closure would be compiled once more for each type of value.
    match mutex.lock() {
        Ok(guard) => guard,
        Err(poisoned) => poisoned.into_inner(),
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
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
