//! `FarStats`: what the machines do of one function.

/// What all machines do of one function; returned by [`Far::stats`](super::Far::stats).
///
/// The numbers are read one after the other while jobs begin and end, so they need not fit each other exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FarStats {
    /// How many jobs may run at once, over all workers.
    pub size: usize,
    /// Jobs that a worker has.
    pub running: u64,
    /// Jobs that no worker has.
    pub waiting: u64,
    /// Jobs in the dead list: those that were given up, and those without a caller that failed.
    pub dead: u64,
    /// The workers that serve the function. On some engines, only those that answer in time.
    pub workers: Vec<FarWorker>,
}

/// A worker that serves a function; see [`FarStats::workers`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FarWorker {
    /// The worker's id, which is unique.
    pub id: String,
    /// The name of its machine, if it knows it.
    pub host: String,
    /// The id of its process.
    pub pid: u32,
    /// Whether it takes no new jobs.
    pub draining: bool,
    /// How many jobs of the function it runs at once at most.
    pub places: usize,
    /// How many it runs.
    pub running: u64,
    /// How many have returned a value.
    pub done: u64,
    /// How many have panicked, or could not be read.
    pub failed: u64,
}
