//! How costs grow with the amount of work: `cargo bench -p greenpool --bench growth`.
//!
//! Each case runs under `valgrind --tool=callgrind` with no work, with some, and with 4 and 16 times as much. The
//! growth is the number of instructions that a piece of work takes in the larger runs, divided by what it takes in the
//! smallest. No clock is involved, so a busy machine does not disturb the result.

#[path = "../report/mod.rs"]
mod report;

mod cases;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use serde_json::json;

use cases::{CASES, Case};
use report::bound::{self, Bound};
use report::{Table, callgrind};

/// How much more a piece of work may cost in the larger runs.
const LIMIT: f64 = 1.3;

/// Measures how costs grow with the amount of work.
#[derive(Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
struct Options {
    /// Measure only these cases (comma-separated ids).
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The amount of work of the smallest run.
    #[arg(long, default_value_t = 500)]
    work: usize,
    /// Print the table as Markdown for the book.
    #[arg(long)]
    markdown: bool,
    /// Fail if a cost is not linear.
    #[arg(long)]
    check: bool,
    /// Internal: this process is the one being counted.
    #[arg(long, hide = true)]
    counted: bool,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    report::exit(run(&Options::parse()))
}

/// Returns whether all checks passed.
fn run(options: &Options) -> Result<bool, String> {
    let wanted = |case: &&Case| options.only.is_empty() || options.only.iter().any(|only| only == case.id);
    let cases: Vec<&Case> = CASES.iter().filter(wanted).collect();
    if cases.is_empty() {
        let ids: Vec<_> = CASES.iter().map(|case| case.id).collect();
        return Err(format!("no such case; expected some of {}", ids.join(", ")));
    }
    if options.counted {
        for case in cases {
            case.run(options.work);
        }
        return Ok(true);
    }
    let mut table = Table::new("Growth of costs", &["what"], &["instructions each", "4 times the work", "16 times"]);
    let mut bounds = Vec::new();
    callgrind::check_valgrind()?;
    let growths = callgrind::measure_all(&cases, |case| {
        eprintln!("counting {}", case.id);
        measure(case, options.work)
    });
    for (case, growth) in cases.iter().zip(growths) {
        let [each, four, sixteen] = growth?;
        let cells = [format!("{each:.0}"), format!("{four:.2}"), format!("{sixteen:.2}")];
        table.row(std::iter::once(case.title.to_owned()).chain(cells).collect());
        let times = [("4 times the work", four), ("16 times the work", sixteen)];
        bounds.extend(times.map(|(setting, figure)| Bound {
            what: case.title.into(),
            against: "linear growth".into(),
            setting: setting.into(),
            figure,
            limit: LIMIT,
            at_least: false,
            unit: "",
        }));
    }
    let figures = json!({ "work": options.work, "bounds": bound::json(&bounds) });
    bounds.retain(|bound| !bound.holds());
    report::print(&[table], options.markdown);
    if !bounds.is_empty() {
        report::print(&[bound::table(&bounds)], options.markdown);
    }
    report::write("growth", figures).map_err(|why| format!("cannot write the figures: {why}"))?;
    Ok(!options.check || bounds.is_empty())
}

/// The instructions that a piece of work takes in the smallest run, and the growth for 4 and 16 times as much.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn measure(case: &Case, work: usize) -> Result<[f64; 3], String> {
    let none = count(case, 0)?;
    let each = |times: usize| {
        Ok::<_, String>((count(case, times * work)?.saturating_sub(none)) as f64 / (times * work) as f64)
    };
    let one = each(1)?;
    Ok([one, each(4)? / one, each(16)? / one])
}

/// The instructions of a process that does this amount of work.
fn count(case: &Case, work: usize) -> Result<u64, String> {
    callgrind::count(&["--counted", "--only", case.id, "--work", &work.to_string()], Path::new("/dev/null"))
}
