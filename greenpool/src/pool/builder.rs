//! `builder`: pools with more than a size.

use std::sync::OnceLock;

use crate::pool::GreenPool;

impl GreenPool {
    /// Begins to build a pool of `size` slots that also has a limit by key.
    ///
    /// As for [`new`](Self::new), size 0 is allowed, and a `size` above the maximum of 2³⁰ - 1 is reduced to it.
    ///
    /// ```
    /// use greenpool::GreenPool;
    ///
    /// static CRAWL: GreenPool = GreenPool::builder(100).per_key(4).build();
    /// assert_eq!((CRAWL.size(), CRAWL.per_key()), (100, Some(4)));
    /// ```
    pub const fn builder(size: usize) -> GreenPoolBuilder {
        GreenPoolBuilder { size, per_key: None }
    }
}

/// Builds a [`GreenPool`] with a limit by key; made by [`GreenPool::builder`].
///
/// ```
/// let pool = greenpool::GreenPool::builder(100).per_key(4).build();
/// assert_eq!(pool.per_key(), Some(4));
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "it is no pool yet; call `build`"]
pub struct GreenPoolBuilder {
    size: usize,
    per_key: Option<usize>,
}

impl GreenPoolBuilder {
    /// Sets how many jobs with the same key may run at once: those of [`spawn_keyed`](GreenPool::spawn_keyed) and its
    /// like, and those of functions declared with `key = ..`.
    ///
    /// # Panics
    /// If `jobs` is 0; in a `static`, this is a compile error.
    ///
    /// ```
    /// let pool = greenpool::GreenPool::builder(100).per_key(4).build();
    /// assert_eq!((pool.size(), pool.per_key()), (100, Some(4)));
    /// ```
    pub const fn per_key(self, jobs: usize) -> Self {
        assert!(jobs > 0, "with a limit of 0 per key nothing would ever run; write at least 1");
        GreenPoolBuilder { size: self.size, per_key: Some(jobs) }
    }

    /// Returns the pool.
    ///
    /// ```
    /// let pool = greenpool::GreenPool::builder(100).build();
    /// assert_eq!((pool.size(), pool.per_key()), (100, None));
    /// ```
    #[must_use]
    pub const fn build(self) -> GreenPool {
        GreenPool { inner: OnceLock::new(), size: self.size, per_key: self.per_key }
    }
}
