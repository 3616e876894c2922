//! Random programs of all verbs, with drops, aborts, panics, resizes and runtimes that are shut down. Each must end, with no slot,
//! job or value lost or made.
//!
//! `GREENPOOL_PROGRAMS=100000` runs so many instead of 2,000, `GREENPOOL_SEED=7` others than usual.

mod act;
mod chance;
mod declared;
mod fan;
mod job;
mod listing;
mod map;
mod pile;
mod program;
mod trial;
mod world;

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::program::Program;
use crate::trial::{Kind, attempt};

/// Real time that one program may take; most take less than a millisecond.
const DEADLINE: Duration = Duration::from_secs(30);

/// The tests share the declared functions' pool.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|why| panic!("{name}={value}: {why}")))
}

/// A thread that runs programs, so that one that spins or blocks for ever can be left behind.
struct Bench {
    give: Sender<Program>,
    take: Receiver<Result<(), String>>,
}

impl Bench {
    fn new(kind: Kind) -> Self {
        let (give, programs) = channel::<Program>();
        let (results, take) = channel();
        std::thread::Builder::new()
            .stack_size(16 << 20)
            .spawn(move || {
                for program in programs {
                    let _ = results.send(attempt(&program, kind));
                }
            })
            .expect("a thread");
        Bench { give, take }
    }
}

fn run(kind: Kind, programs: u64) {
    let _alone = ONE_AT_A_TIME.lock();
    let config = Config {
        cases: programs as u32,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let seed = variable("GREENPOOL_SEED").unwrap_or(0).to_le_bytes().repeat(4);
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let bench = Bench::new(kind);
    let spoiled = Cell::new(false);
    let failed = runner.run(&chance::program(), |program| {
        if spoiled.get() {
            // The thread that was left behind goes on with the declared pool: nothing that runs now says anything.
            return Ok(());
        }
        bench.give.send(program).expect("the bench is there");
        let result = bench.take.recv_timeout(DEADLINE).unwrap_or_else(|late| {
            spoiled.set(true);
            Err(format!("not over after {DEADLINE:?}: {late}"))
        });
        result.map_err(TestCaseError::fail)
    });
    if let Err(failed) = failed {
        panic!("with a runtime of kind {kind:?}: {failed}");
    }
}

#[test]
fn every_program_ends_and_leaves_its_pools_as_they_were() {
    run(Kind::Paused, variable("GREENPOOL_PROGRAMS").unwrap_or(2_000));
}

#[test]
fn every_program_ends_on_two_threads_too() {
    run(Kind::Threads, variable("GREENPOOL_PROGRAMS").unwrap_or(2_000) / 4);
}
