//! What a limit by key costs: `cargo bench -p greenpool --bench keys`.
//!
//! Each way runs the same number of no-op jobs, 100 at once, on a current-thread runtime. The keys take turns. The ways
//! take turns too, and a figure is the median of the rounds.

#[allow(dead_code, reason = "this bench prints one table")]
#[path = "../report/mod.rs"]
mod report;

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use greenpool::GreenPool;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use report::{Table, resident};

const SIZE: usize = 100;
const PER_KEY: usize = 4;

/// Measures the time of jobs with keys.
#[derive(Parser)]
struct Options {
    /// Number of jobs.
    #[arg(long, default_value_t = 100_000)]
    jobs: u64,
    /// Number of rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A way to run jobs, with so many keys.
struct Way {
    title: &'static str,
    run: fn(&Runtime, jobs: u64, keys: u64),
}

const WAYS: [Way; 4] = [
    Way { title: "queue, no keys", run: queue },
    Way { title: "queue_keyed", run: queue_keyed },
    Way { title: "spawn_n_keyed", run: spawn_n_keyed },
    Way { title: "two Semaphores, a HashMap, a JoinSet", run: semaphores },
];

fn queue(runtime: &Runtime, jobs: u64, _keys: u64) {
    runtime.block_on(async {
        let pool = GreenPool::new(SIZE);
        (0..jobs).for_each(|_| pool.queue(async {}));
        pool.waitall().await;
        assert_eq!(pool.stats().finished, jobs, "a job was lost");
    });
}

fn queue_keyed(runtime: &Runtime, jobs: u64, keys: u64) {
    runtime.block_on(async {
        let pool = GreenPool::builder(SIZE).per_key(PER_KEY).build();
        (0..jobs).for_each(|n| pool.queue_keyed(n % keys, async {}));
        pool.waitall().await;
        assert_eq!((pool.stats().finished, pool.keys().len()), (jobs, 0), "a job was lost, or a key left");
    });
}

fn spawn_n_keyed(runtime: &Runtime, jobs: u64, keys: u64) {
    runtime.block_on(async {
        let pool = GreenPool::builder(SIZE).per_key(PER_KEY).build();
        for n in 0..jobs {
            pool.spawn_n_keyed(n % keys, async {}).await;
        }
        pool.waitall().await;
        assert_eq!((pool.stats().finished, pool.keys().len()), (jobs, 0), "a job was lost, or a key left");
    });
}

/// How one would write it on tokio alone. It keeps all keys, and a task for each job that waits.
fn semaphores(runtime: &Runtime, jobs: u64, keys: u64) {
    runtime.block_on(async {
        let slots = Arc::new(Semaphore::new(SIZE));
        let mut gates = HashMap::new();
        let mut tasks = JoinSet::new();
        for n in 0..jobs {
            let gate = gates.entry(n % keys).or_insert_with(|| Arc::new(Semaphore::new(PER_KEY))).clone();
            let slots = slots.clone();
            tasks.spawn(async move {
                let _key = gate.acquire_owned().await;
                let _slot = slots.acquire_owned().await;
            });
        }
        assert_eq!(tasks.join_all().await.len() as u64, jobs, "a job was lost");
    });
}

fn main() -> ExitCode {
    report::exit(run(&Options::parse()))
}

fn run(options: &Options) -> Result<bool, String> {
    let runtime = Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    let jobs = options.jobs;
    let counts = [1, 100, jobs];
    let title = format!("{jobs} no-op jobs, {SIZE} at once, {PER_KEY} of each key: ns per job");
    let mut table = Table::new(&title, &["way"], &["1 key", "100 keys", "as many keys as jobs"]);
    let mut times = vec![vec![Vec::new(); counts.len()]; WAYS.len()];
    for _ in 0..options.rounds {
        for (way, times) in WAYS.iter().zip(&mut times) {
            for (keys, times) in counts.into_iter().zip(times) {
                let start = Instant::now();
                (way.run)(&runtime, jobs, keys);
                times.push(start.elapsed());
            }
        }
    }
    for (way, times) in WAYS.iter().zip(times) {
        let cell = |mut times: Vec<Duration>| {
            times.sort_unstable();
            (times[times.len() / 2].as_nanos() / u128::from(jobs)).to_string()
        };
        table.row(std::iter::once(way.title.to_owned()).chain(times.into_iter().map(cell)).collect());
    }
    println!("{table}");
    println!("peak resident memory of all of it: {} MB", resident::peak() / 1_000_000);
    Ok(true)
}
