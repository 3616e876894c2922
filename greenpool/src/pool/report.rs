//! `report`: the state of a pool, as a table for people.

use std::fmt;
use std::time::Duration;

use crate::inner::tracked::JobInfo;
use crate::pool::GreenPool;
use crate::pool::keyed::KeyInfo;
use crate::pool::stats::PoolStats;

/// How many keys the table shows.
const MAX_KEYS: usize = 20;

impl GreenPool {
    /// Returns a table for people: how full the pool is, who waits, and what each job has been doing for how long.
    ///
    /// Print it when a program seems stuck, for example on a signal or in a debug page. The jobs are listed only if the
    /// pool [tracks](Self::track) them. The parts are read one after the other, so they are not a snapshot of one
    /// instant.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
    /// use std::time::Duration;
    /// use greenpool::green_pool;
    /// use tokio::time::sleep;
    ///
    /// #[green_pool(size = 2)]
    /// async fn fetch(seconds: u64) { sleep(Duration::from_secs(seconds)).await }
    ///
    /// fetch::pool().track(true);
    /// fetch::spawn_n(600).await;
    /// sleep(Duration::from_millis(68_250)).await;
    /// fetch::spawn_n(10).await;
    /// sleep(Duration::from_millis(1_750)).await;
    /// let report = fetch::pool().report().to_string();
    /// assert_eq!(report, "\
    /// pool `fetch`: 2 of 2 slots in use, nothing is queued
    /// 2 jobs begun: 0 finished, 0 panicked, 0 aborted; 0 refused
    ///      job        age  state
    ///        0    1m 10s   waits for something outside greenpool
    ///        1     1.75s   waits for something outside greenpool
    /// ");
    /// # }
    /// ```
    pub fn report(&self) -> PoolReport {
        let pools = self.inner().awaited_by.pools();
        PoolReport {
            name: self.name(),
            stats: self.stats(),
            closed: self.is_closed(),
            tracks: self.inner().tracked.is_on(),
            jobs: self.jobs(),
            awaited_by: pools.iter().map(|pool| pool.name()).collect(),
            keys: self.keys(),
        }
    }
}

/// Shows the state of a pool as a table; returned by [`GreenPool::report`].
///
/// [`Display`](fmt::Display) prints the table. Its form may change in any release.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPool, PoolReport};
///
/// let report: PoolReport = GreenPool::new(8).report();
/// println!("{report}");
/// assert_eq!(report.stats.size, 8);
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolReport {
    /// The name of the pool, if it has one.
    pub name: Option<&'static str>,
    /// What has happened in the pool.
    pub stats: PoolStats,
    /// Whether the pool is closed.
    pub closed: bool,
    /// Whether the pool tracks its jobs.
    pub tracks: bool,
    /// The jobs that are tracked, oldest first.
    pub jobs: Vec<JobInfo>,
    /// The names of the pools that have a job which waits for something in this pool. The pool itself may be one.
    pub awaited_by: Vec<Option<&'static str>>,
    /// The keys in use, those with the most calls first. The table has those that calls wait for.
    pub keys: Vec<KeyInfo>,
}

impl fmt::Display for PoolReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PoolReport { stats, .. } = self;
        match self.name {
            Some(name) => write!(f, "pool `{name}`")?,
            None => f.write_str("a pool without a name")?,
        }
        write!(f, ": {} of {} slots in use, ", stats.running, stats.size)?;
        match stats.waiting {
            0 => f.write_str("nothing is queued")?,
            waiting => write!(f, "{waiting} queued")?,
        }
        if stats.waiting_for_key > 0 {
            write!(f, ", {} of them for their key", stats.waiting_for_key)?;
        }
        if stats.suspended > 0 {
            write!(f, ", {} suspended", stats.suspended)?;
        }
        writeln!(f, "{}", if self.closed { ", closed" } else { "" })?;
        let PoolStats { spawned, finished, panicked, aborted, refused, .. } = stats;
        write!(f, "{spawned} jobs begun: {finished} finished, {panicked} panicked, {aborted} aborted; ")?;
        writeln!(f, "{refused} refused")?;
        if !self.awaited_by.is_empty() {
            let names: Vec<&str> = self.awaited_by.iter().map(|name| name.unwrap_or("one without a name")).collect();
            writeln!(f, "awaited by jobs of these pools: {}", names.join(", "))?;
        }
        for key in self.keys.iter().filter(|key| key.waiting > 0).take(MAX_KEYS) {
            writeln!(f, "key {key}")?;
        }
        if !self.tracks && self.jobs.is_empty() {
            return writeln!(
                f,
                "the jobs are not listed; call `track(true)` on the pool to list those that begin later"
            );
        }
        writeln!(f, "     job        age  state")?;
        for job in &self.jobs {
            writeln!(f, "{:>8} {:>9}   {}", job.number, Age(job.age).to_string(), state(job))?;
        }
        Ok(())
    }
}

/// What a job is doing.
fn state(job: &JobInfo) -> &'static str {
    match (job.waits, job.lends) {
        (true, true) => "waits for greenpool, and its slot is lent",
        (true, false) => "waits for greenpool",
        (false, true) => "goes on without a slot, which it has given back",
        (false, false) if job.polled => "computes, or blocks its thread",
        (false, false) => "waits for something outside greenpool",
    }
}

/// A time in the two largest units that people need.
struct Age(Duration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            seconds @ 0..60 => write!(f, "{seconds}.{:02}s", self.0.subsec_millis() / 10),
            seconds @ 60..3600 => write!(f, "{}m {:02}s", seconds / 60, seconds % 60),
            seconds @ 3600..86400 => write!(f, "{}h {:02}m", seconds / 3600, seconds / 60 % 60),
            seconds => write!(f, "{}d {:02}h", seconds / 86400, seconds / 3600 % 24),
        }
    }
}
