//! What a farm promises, on a real server that each test starts itself.
//!
//! The workers are processes of this binary. They append the beginning and end of each job to a log, with a clock that
//! all processes share.

#![allow(clippy::unused_async, reason = "pooled functions are async")]

mod away;
mod bodies;
mod cancelled;
mod chaos;
mod command;
mod deadline;
mod events;
mod faults;
mod full;
mod jobs;
mod leaders;
mod leaving;
mod limits;
mod log;
mod once;
mod process;
mod proxy;
mod results;
mod rights;
mod role;
mod runs;
mod server;
mod settings;
mod site;
mod suspects;
mod watching;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(role) = role::of_this_process() {
        return role.run();
    }
    events::collect();
    let tests = [
        results::TESTS,
        bodies::TESTS,
        faults::TESTS,
        leaders::TESTS,
        away::TESTS,
        limits::TESTS,
        cancelled::TESTS,
        settings::TESTS,
        leaving::TESTS,
        runs::TESTS,
        once::TESTS,
        suspects::TESTS,
        rights::TESTS,
        watching::TESTS,
        command::TESTS,
        chaos::TESTS,
    ]
    .concat();
    let long = std::env::var_os("GREENPOOL_FARM_LONG").is_some();
    let long_ones = if long { full::tests() } else { Vec::new() };
    let tests = tests.into_iter().filter(|(name, _)| long || !LONG.contains(name)).chain(long_ones);
    let trials = tests.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// The long form: faults at random, and elections of three servers, which take most of the time. They run if
/// `GREENPOOL_FARM_LONG` is set.
const LONG: [&str; 5] = [
    "a_worker_that_joins_later_gets_no_job_that_another_one_still_has",
    "a_leader_does_not_count_on_a_server_that_is_gone",
    "chaos_of_workers_and_server_loses_no_job",
    "chaos_of_workers_and_three_servers_loses_no_job_and_keeps_the_limit",
    "three_servers_lose_no_job_when_each_of_them_is_killed",
];

/// A name, and a test that panics if it fails.
type Test = (&'static str, fn());

/// The tests of one file: functions that are `async` and have a deadline.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        pub(crate) const TESTS: &[crate::Test] =
            &[$((stringify!($name), || crate::deadline::run($name()))),*];
    };
}

use tests;
