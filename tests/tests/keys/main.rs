//! Limits by key: `GreenPool::builder(size).per_key(n)`, `spawn_keyed` and its like, and `key = ..` in the attribute.

mod declared;
mod ends;
mod foreign;
mod instance;
mod lending;
mod maps;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use greenpool::GreenPool;
use greenpool_tests::{Gauge, GaugeGuard};

/// A pool with a limit by key.
pub(crate) fn keyed(size: usize, per_key: usize) -> GreenPool {
    GreenPool::builder(size).per_key(per_key).build()
}

/// A gauge for each key.
#[derive(Clone, Default)]
pub(crate) struct Gauges(Arc<Mutex<HashMap<u32, Gauge>>>);

impl Gauges {
    pub(crate) fn enter(&self, key: u32) -> GaugeGuard {
        self.of(key).enter()
    }

    pub(crate) fn of(&self, key: u32) -> Gauge {
        self.0.lock().unwrap().entry(key).or_default().clone()
    }

    /// The highest number of jobs with one key at once.
    pub(crate) fn peak(&self) -> usize {
        self.0.lock().unwrap().values().map(Gauge::peak).max().unwrap_or_default()
    }
}
