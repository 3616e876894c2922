//! The table of what was measured.

use std::fmt;
use std::time::Duration;

use crate::measure::{Rate, median};
use crate::process::Costs;

/// What was measured, how much, beside what, and what it is to reach.
#[derive(Default)]
pub(crate) struct Rows(Vec<[String; 4]>);

impl Rows {
    fn add(&mut self, what: &str, figure: String, ratio: String, bound: &str) {
        eprintln!("{what}: {figure} {ratio}");
        self.0.push([what.to_owned(), figure, ratio, bound.to_owned()]);
    }

    /// Rates of both sides, in rounds.
    pub(crate) fn rates(&mut self, what: &str, beside: &str, rounds: &[(Rate, Rate)], bound: &str) {
        let rate = median(rounds.iter().map(|(rate, _)| rate.0).collect());
        let ratio = median(rounds.iter().map(|(rate, other)| rate.0 / other.0).collect());
        self.add(what, per_second(rate), format!("{ratio:.2} {beside}"), bound);
    }

    /// Times of both sides, in rounds.
    pub(crate) fn times(&mut self, what: &str, beside: &str, rounds: &[(f64, f64)], bound: &str) {
        let time = median(rounds.iter().map(|(time, _)| *time).collect());
        let ratio = median(rounds.iter().map(|(time, other)| time / other).collect());
        self.add(what, milliseconds(time), format!("{ratio:.1} {beside}"), bound);
    }

    /// What one job takes, and how that is shared.
    pub(crate) fn costs(&mut self, what: &str, costs: &Costs, floor: &Costs) {
        let ([server, workers, submitter], [floor_server, floor_workers, floor_submitter]) =
            (costs.per_job(), floor.per_job());
        let sum = server + workers + submitter;
        let floor = floor_server + floor_workers + floor_submitter;
        let figure = format!("{sum:.0} us: server {server:.0}, workers {workers:.0}, submitter {submitter:.0}");
        self.add(what, figure, format!("{:.1} of the floor", sum / floor), "");
    }

    pub(crate) fn rate(&mut self, what: &str, rounds: &[Rate], bound: &str) {
        let rate = median(rounds.iter().map(|rate| rate.0).collect());
        self.add(what, per_second(rate), String::new(), bound);
    }

    /// Something that could not be measured.
    pub(crate) fn not_run(&mut self, what: &str, why: &str) {
        self.add(what, "not run".to_owned(), why.to_owned(), "");
    }

    pub(crate) fn time(&mut self, what: &str, rounds: &[f64], bound: &str) {
        self.add(what, milliseconds(median(rounds.to_vec())), String::new(), bound);
    }

    pub(crate) fn memory(&mut self, what: &str, bytes: u64, bound: &str) {
        let tenths = bytes * 10 / (1024 * 1024);
        self.add(&format!("memory: {what}"), format!("{}.{} MiB", tenths / 10, tenths % 10), String::new(), bound);
    }

    pub(crate) fn used(&mut self, what: &str, time: Duration, bound: &str) {
        self.add(what, format!("{:.2} s", time.as_secs_f64()), String::new(), bound);
    }
}

fn per_second(rate: f64) -> String {
    format!("{rate:.0}/s")
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.2} ms", seconds * 1e3)
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | measured | ratio | to reach |")?;
        writeln!(f, "|---|---|---|---|")?;
        self.0.iter().try_for_each(|cells| writeln!(f, "| {} |", cells.join(" | ")))
    }
}
