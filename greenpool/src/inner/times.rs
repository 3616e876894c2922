//! How long jobs wait and run, with the feature `metrics`. Measured only by pools that publish their numbers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics::Histogram;
use tokio::time::Instant;

use crate::sync::quiet::run_quietly;
use crate::sync::{Mutex, lock};

/// Where the times of a pool's jobs go.
#[derive(Default)]
pub(crate) struct Times {
    on: AtomicBool,
    histograms: Mutex<Option<Arc<Histograms>>>,
}

/// The times of jobs, in seconds.
pub(crate) struct Histograms {
    /// From the call to the begin.
    pub(crate) waiting: Histogram,
    /// From the begin to the end.
    pub(crate) running: Histogram,
}

/// A job that runs. Dropping it records for how long.
pub(crate) struct RunTime {
    histograms: Arc<Histograms>,
    begun: Instant,
}

impl Times {
    /// Measures times from now on.
    pub(crate) fn publish(&self, histograms: Histograms) {
        let old = lock(&self.histograms).replace(Arc::new(histograms));
        self.on.store(true, Ordering::Relaxed);
        drop(old);
    }

    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// A job begins that was called then, if that is known.
    #[inline]
    pub(crate) fn begin(&self, called: Option<Instant>) -> Option<RunTime> {
        if self.is_on() { self.measure(called) } else { None }
    }

    #[cold]
    fn measure(&self, called: Option<Instant>) -> Option<RunTime> {
        let histograms = lock(&self.histograms).clone()?;
        let begun = Instant::now();
        if let Some(called) = called {
            record(&histograms.waiting, called, begun);
        }
        Some(RunTime { histograms, begun })
    }
}

/// A recorder is foreign code, which must not unwind into a worker.
fn record(histogram: &Histogram, from: Instant, to: Instant) {
    run_quietly(|| histogram.record(to.saturating_duration_since(from)));
}

impl Drop for RunTime {
    fn drop(&mut self) {
        record(&self.histograms.running, self.begun, Instant::now());
    }
}
