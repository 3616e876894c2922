//! Ways to run many jobs with a concurrency limit: those of greenpool and of its peers.

mod cpu;
pub(crate) mod load;
mod map;
pub(crate) mod queue;
pub(crate) mod spawn;
pub(crate) mod work;

use std::future::Future;
use std::pin::Pin;

use tokio::runtime::Runtime;

use self::work::Work;

pub(crate) type Running = Pin<Box<dyn Future<Output = u64> + Send>>;

/// A way to run a number of jobs in a pool of some size. Returns the sum of the jobs' outputs.
pub(crate) struct Way {
    /// Name on the command line.
    pub(crate) id: &'static str,
    /// Name in a table.
    pub(crate) title: &'static str,
    /// The peer whose figures are the baseline of its ratios.
    pub(crate) against: &'static str,
    run: fn(usize, u64) -> Running,
}

impl Way {
    pub(crate) fn new(
        id: &'static str,
        title: &'static str,
        against: &'static str,
        run: fn(usize, u64) -> Running,
    ) -> Self {
        Way { id, title, against, run }
    }

    /// Runs the jobs on `runtime`.
    pub(crate) fn run(&self, runtime: &Runtime, caller: Caller, size: usize, jobs: u64) {
        let run = (self.run)(size, jobs);
        let total = runtime.block_on(async {
            match caller {
                Caller::Task => tokio::spawn(run).await.expect("a way does not panic"),
                Caller::Main => run.await,
            }
        });
        assert_eq!(total, work::sum(jobs), "{} has lost a job", self.id);
    }
}

/// Who starts the jobs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Caller {
    /// A task of the runtime, as in a server.
    Task,
    /// The future of `block_on`, as in `main`.
    Main,
}

impl Caller {
    pub(crate) const ALL: [Caller; 2] = [Caller::Task, Caller::Main];
}

macro_rules! ways {
    ($(against $against:literal: $($id:literal, $title:literal, $function:expr;)*)*) => {
        vec![$($(
            Way::new($id, $title, $against, |size, jobs| Box::pin($function(size, jobs)))
        ),*),*]
    };
}

/// All ways, for one kind of job.
pub(crate) fn all<W: Work>() -> Vec<Way> {
    ways! {
        against "tokio-spawn":
        "tokio-spawn", "tokio::spawn + await, no limit", spawn::tokio_spawn::<W>;
        "semaphore", "Semaphore + tokio::spawn + await", spawn::semaphore::<W>;
        "semaphore-detached", "Semaphore + tokio::spawn, detached", spawn::semaphore_detached::<W>;
        "task-tracker", "Semaphore + TaskTracker", spawn::task_tracker::<W>;
        "join-set", "JoinSet bounded by join_next", spawn::join_set::<W>;
        "spawn", "greenpool f::spawn + await", spawn::declared::<W>;
        "spawn-n", "greenpool f::spawn_n + waitall", spawn::declared_n::<W>;
        "pool-spawn", "greenpool GreenPool::spawn + await", spawn::pool::<W>;
        "pool-spawn-n", "greenpool GreenPool::spawn_n + waitall", spawn::pool_n::<W>;

        against "map-spawn-buffered":
        "map-spawn-buffered", "map(tokio::spawn).buffered(n)", map::spawn_buffered::<W>;
        "buffered", "map(f).buffered(n), one task", map::buffered::<W>;
        "buffer-unordered", "map(f).buffer_unordered(n), one task", map::buffer_unordered::<W>;
        "futures-buffered", "futures-buffered, ordered, one task", map::futures_buffered::<W>;
        "futures-buffered-unordered", "futures-buffered, unordered, one task", map::futures_buffered_unordered::<W>;
        "futures-concurrency", "futures-concurrency, unordered, one task", map::futures_concurrency::<W>;
        "imap", "greenpool f::imap", map::declared::<W>;
        "imap-unordered", "greenpool f::imap_unordered", map::declared_unordered::<W>;
        "pool-imap", "greenpool GreenPool::imap", map::pool::<W>;
    }
}
