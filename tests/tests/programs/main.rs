//! Random programs that use every verb, with drops, aborts, panics, resizes and runtime shutdowns. Each program must
//! complete, and the counts of slots, jobs and values must be right at the end.
//!
//! `GREENPOOL_PROGRAMS=100000` runs that many programs instead of 2,000. `GREENPOOL_SEED=7` selects other programs.

mod act;
mod declared;
mod fan;
mod generate;
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

/// Wall-clock limit for one program. Most results less than a millisecond.
const DEADLINE: Duration = Duration::from_secs(30);

/// Serializes the tests, which share the declared functions' pool.
static LOCK: Mutex<()> = Mutex::new(());

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|why| panic!("{name}={value}: {why}")))
}

/// A thread that runs programs. If a program spins or blocks forever, the thread is left behind.
struct Runner {
    programs: Sender<Program>,
    results: Receiver<Result<(), String>>,
}

impl Runner {
    fn new(kind: Kind) -> Self {
        let (programs, received) = channel::<Program>();
        let (sender, results) = channel();
        std::thread::Builder::new()
            .stack_size(16 << 20)
            .spawn(move || {
                for program in received {
                    let _ = sender.send(attempt(&program, kind));
                }
            })
            .expect("a thread");
        Runner { programs, results }
    }
}

fn run(kind: Kind, programs: u64) {
    let _lock = LOCK.lock();
    let config = Config {
        cases: programs as u32,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let seed = variable("GREENPOOL_SEED").unwrap_or(0).to_le_bytes().repeat(4);
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let thread = Runner::new(kind);
    let abandoned = Cell::new(false);
    let failed = runner.run(&generate::program(), |program| {
        if abandoned.get() {
            // The abandoned thread still uses the declared pool, so further results would mean nothing.
            return Ok(());
        }
        thread.programs.send(program).expect("the thread is running");
        let result = thread.results.recv_timeout(DEADLINE).unwrap_or_else(|late| {
            abandoned.set(true);
            Err(format!("not completed after {DEADLINE:?}: {late}"))
        });
        result.map_err(TestCaseError::fail)
    });
    if let Err(failed) = failed {
        panic!("with a runtime of kind {kind:?}: {failed}");
    }
}

#[test]
fn every_program_completes_and_leaves_its_pools_as_they_were() {
    run(Kind::Paused, variable("GREENPOOL_PROGRAMS").unwrap_or(2_000));
}

#[test]
fn every_program_completes_on_two_threads() {
    run(Kind::Threads(2), variable("GREENPOOL_PROGRAMS").unwrap_or(2_000) / 4);
}

#[test]
fn every_program_completes_on_four_threads() {
    run(Kind::Threads(4), variable("GREENPOOL_PROGRAMS").unwrap_or(2_000) / 8);
}

#[test]
fn every_program_completes_on_eight_threads() {
    run(Kind::Threads(8), variable("GREENPOOL_PROGRAMS").unwrap_or(2_000) / 8);
}
