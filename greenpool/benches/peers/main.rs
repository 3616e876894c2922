//! Wall-clock times of greenpool and its peers: `cargo bench -p greenpool --bench peers`.
//!
//! All ways run interleaved in one process (A B C, A B C, ..), on a current-thread runtime and on a multi-thread
//! runtime with two workers. The jobs do nothing, yield once, compute for 1 or 10 microseconds, or sleep for a
//! millisecond. Times on a shared machine drift, so look at the ratios. A ratio is the median of the ratios of the
//! rounds.

#[path = "../report/mod.rs"]
mod report;
#[path = "../ways/mod.rs"]
mod ways;

mod chart;
mod contest;
mod crossing;
mod matrix;
mod producers;
mod rows;
mod runtimes;
mod spreading;

use std::path::PathBuf;
use std::process::ExitCode;
use std::slice;
use std::time::Duration;

use clap::Parser;
use serde_json::json;

use contest::Budget;
use report::bound::{self, Bound};
use runtimes::Runtimes;
use ways::load::Load;

/// Measures the time per job of greenpool and its peers.
#[derive(Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
struct Options {
    /// Fewer rounds and fewer pool sizes. Takes less than a minute.
    #[arg(long)]
    quick: bool,
    /// Measure only cases whose name contains this. Names are `RUNTIME/JOBS/SIZE/WAY`, such as `two/noop/100/imap`, and
    /// `bounds/..`.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Print the tables as Markdown for the book: only those of pools of 100, and of the rows in which jobs block only
    /// the one with the greatest ratio.
    #[arg(long)]
    markdown: bool,
    /// Measure nothing; draw a chart for the book from this file, which an earlier run has written.
    #[arg(long, value_name = "JSON")]
    chart: Option<PathBuf>,
    /// What the jobs of the chart do.
    #[arg(long, value_name = "JOBS", default_value = "noop", value_parser = load, requires = "chart")]
    load: Load,
    /// Fail if a bound does not hold.
    #[arg(long)]
    check: bool,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What to measure, and for how long.
pub(crate) struct Plan {
    filter: Option<String>,
    sizes: &'static [usize],
    budget: Budget,
}

impl Plan {
    fn new(options: &Options) -> Self {
        let filter = options.filter.clone();
        if options.quick {
            let budget = Budget { time: Duration::from_millis(1_500), rounds: 25 };
            Plan { filter, sizes: &[1, 100], budget }
        } else {
            let budget = Budget { time: Duration::from_secs(7), rounds: 101 };
            Plan { filter, sizes: &[1, 10, 100, 10_000], budget }
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()))
    }
}

fn load(name: &str) -> Result<Load, String> {
    let names = || Load::ALL.map(Load::name).join(", ");
    Load::ALL.into_iter().find(|load| load.name() == name).ok_or_else(|| format!("expected one of {}", names()))
}

fn main() -> ExitCode {
    report::exit(run(&Options::parse()))
}

/// Returns whether all checks passed.
fn run(options: &Options) -> Result<bool, String> {
    if let Some(file) = &options.chart {
        let text = std::fs::read_to_string(file).map_err(|why| format!("cannot read {}: {why}", file.display()))?;
        let figures = serde_json::from_str(&text).map_err(|why| format!("{}: {why}", file.display()))?;
        println!("{}", chart::draw(&figures, options.load)?);
        return Ok(true);
    }
    let plan = Plan::new(options);
    let runtimes = Runtimes::new().map_err(|why| format!("cannot start a runtime: {why}"))?;
    let start = crossing::measure();
    let (mut bounds, queue) = rows::measure(&plan, &runtimes);
    let spreading = spreading::measure(&plan);
    let matrix = matrix::measure(&plan, &runtimes);
    let mut tables = if options.markdown { matrix.summary() } else { matrix.tables() };
    // All rows of spreading are alike, so the book has only the greatest ratio.
    let greatest = spreading.iter().max_by(|one, other| one.figure.total_cmp(&other.figure));
    let shown = if options.markdown { greatest.map(slice::from_ref).unwrap_or_default() } else { &spreading };
    tables.extend([queue, bound::table(bounds.iter().chain(shown))]);
    bounds.extend(spreading);
    if tables.iter().all(report::Table::is_empty) {
        return Err("no case has that in its name".into());
    }
    let crossing = [start, crossing::measure()];
    tables.push(crossing::table(crossing));
    report::print(&tables, options.markdown);
    if options.filter.is_none() {
        let (matrix, bounds) = (matrix.json(), bound::json(&bounds));
        let figures = json!({ "quick": options.quick, "lto": bound::LTO, "matrix": matrix, "bounds": bounds, "crossing_ns": crossing });
        report::write("peers", figures).map_err(|why| format!("cannot write the figures: {why}"))?;
    }
    Ok(!options.check || bounds.iter().all(Bound::holds))
}
