//! A key of a job: what `per_key` limits.
//!
//! # Implementation details
//!
//! The type of a key is the user's, and so are its `Hash`, `Eq`, `Debug` and `Drop`. None of them runs under a lock of
//! the pool. A key is hashed before the lock is taken. Gates with the same hash are compared with it after the lock has
//! been released, and they stay where they are meanwhile: see [`Slots::enter`](crate::sync::slots::Slots::enter).

use std::any::{Any, TypeId};
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, LazyLock};

use crate::sync::foreign;

/// A value that can be a key, whatever its type.
trait AnyKey: fmt::Debug + Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn equals(&self, other: &dyn Any) -> bool;
}

impl<K: Eq + fmt::Debug + Send + Sync + 'static> AnyKey for K {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<K>().is_some_and(|other| self == other)
    }
}

/// A key, and its hash. Keys of different types are never equal.
#[derive(Clone)]
pub struct Key {
    pub(crate) hash: u64,
    value: Arc<dyn AnyKey>,
}

/// One for all pools, and unknown to whoever sends the keys.
static HASHES: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Key {
    pub(crate) fn new<K: Hash + Eq + fmt::Debug + Send + Sync + 'static>(key: K) -> Self {
        foreign::check();
        let hash = HASHES.hash_one((TypeId::of::<K>(), &key));
        Key { hash, value: Arc::new(key) }
    }

    /// Whether both are the same value. Runs the user's `Eq`.
    pub(crate) fn equals(&self, other: &Key) -> bool {
        foreign::check();
        self.hash == other.hash && self.value.equals(other.value.as_any())
    }

    pub(crate) fn downcast_ref<K: 'static>(&self) -> Option<&K> {
        self.value.as_any().downcast_ref()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
