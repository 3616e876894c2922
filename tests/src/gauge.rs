use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the live guards, their peak and their total. Clones share the same gauge.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    now: AtomicUsize,
    peak: AtomicUsize,
    total: AtomicUsize,
}

impl Gauge {
    /// Counts as one more until the returned guard is dropped.
    #[must_use]
    pub fn enter(&self) -> GaugeGuard {
        let now = self.0.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.peak.fetch_max(now, Ordering::SeqCst);
        self.0.total.fetch_add(1, Ordering::SeqCst);
        GaugeGuard(self.clone())
    }

    /// Number of live guards.
    #[must_use]
    pub fn now(&self) -> usize {
        self.0.now.load(Ordering::SeqCst)
    }

    /// Highest number of guards alive at once.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.0.peak.load(Ordering::SeqCst)
    }

    /// Number of guards ever created.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.total.load(Ordering::SeqCst)
    }
}

/// Counts in its [`Gauge`] until it is dropped.
#[derive(Debug)]
pub struct GaugeGuard(Gauge);

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Events in the order they happened. Clones share the same log.
#[derive(Debug)]
pub struct Log<T>(Arc<Mutex<Vec<T>>>);

impl<T> Log<T> {
    /// Creates an empty log.
    #[must_use]
    pub fn new() -> Self {
        Log(Arc::default())
    }

    /// Adds an event.
    pub fn push(&self, event: T) {
        self.events().push(event);
    }

    /// Takes the events so far.
    #[must_use]
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.events())
    }

    fn events(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Log(self.0.clone())
    }
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Log::new()
    }
}
