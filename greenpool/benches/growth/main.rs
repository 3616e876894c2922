//! How costs grow with the amount of work: `cargo bench -p greenpool-growth`.
//!
//! Each case runs with no work, with some, and with 4 and 16 times as much. The growth is what a piece of work takes in
//! the larger runs, divided by what it takes in the smallest. What is counted are instructions, under
//! `valgrind --tool=callgrind`: no clock is involved, so a busy machine does not disturb the result. With `--quick`,
//! there is less work, and where there is no valgrind CPU time is measured instead.

#[path = "../report/mod.rs"]
mod report;

mod cases;
mod cost;

use std::process::ExitCode;

use clap::Parser;
use serde_json::json;

use cases::{CASES, Case};
use cost::Cost;
use report::bound::{self, Bound};
use report::{Table, callgrind};

/// Measures how costs grow with the amount of work.
#[derive(Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
struct Options {
    /// Measure only these cases (comma-separated ids).
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The amount of work of the smallest run. By default 500, or 60 if it is quick and there is valgrind.
    #[arg(long)]
    work: Option<usize>,
    /// Print the table as Markdown for the book.
    #[arg(long)]
    markdown: bool,
    /// Fail if a cost is not linear.
    #[arg(long)]
    check: bool,
    /// Measure only what 16 times the work costs, in less than a minute, and do without valgrind if there is none.
    #[arg(long)]
    quick: bool,
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
            case.run(options.work.unwrap_or_default());
        }
        return Ok(true);
    }
    let cost = Cost::choose(options.quick)?;
    let work = options.work.unwrap_or(if options.quick && cost == Cost::Instructions { 60 } else { 500 });
    let times: &[usize] = if options.quick { &[16] } else { &[4, 16] };
    let growths = measure(&cases, cost, work, times)?;
    let heads: Vec<String> = times.iter().map(|times| format!("{times} times the work")).collect();
    let columns: Vec<&str> = std::iter::once(cost.unit()).chain(heads.iter().map(String::as_str)).collect();
    let mut table = Table::new("Growth of costs", &["what"], &columns);
    let mut bounds = Vec::new();
    for (case, Growth { each, growth }) in cases.iter().zip(growths) {
        let figures = growth.iter().map(|growth| format!("{growth:.2}"));
        table.row([case.title.to_owned(), format!("{each:.0}")].into_iter().chain(figures).collect());
        bounds.extend(heads.iter().zip(growth).map(|(setting, figure)| Bound {
            what: case.title.into(),
            against: "linear growth".into(),
            setting: setting.clone(),
            figure,
            main: None,
            limit: cost.limit(),
            at_least: false,
            unit: "",
        }));
    }
    let figures = json!({ "work": work, "cost": cost.unit(), "bounds": bound::json(&bounds) });
    bounds.retain(|bound| !bound.holds());
    report::print(&[table], options.markdown);
    if !bounds.is_empty() {
        report::print(&[bound::table(&bounds)], options.markdown);
    }
    report::write("growth", figures).map_err(|why| format!("cannot write the figures: {why}"))?;
    Ok(!options.check || bounds.is_empty())
}

/// What a piece of work costs in the smallest run, and the growth in the larger ones.
struct Growth {
    each: f64,
    growth: Vec<f64>,
}

fn measure(cases: &[&Case], cost: Cost, work: usize, times: &[usize]) -> Result<Vec<Growth>, String> {
    let measure = |case: &&Case| {
        eprintln!("measuring {}", case.id);
        let none = cost.of(case, 0)?;
        #[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^52")]
        let each = |work: usize| Ok::<_, String>((cost.of(case, work)? - none).max(0.0) / work as f64);
        let one = each(work)?;
        let growth = times.iter().map(|times| Ok(each(times * work)? / one)).collect::<Result<_, String>>()?;
        Ok(Growth { each: one, growth })
    };
    match cost {
        Cost::Instructions => callgrind::measure_all(cases, measure).into_iter().collect(),
        Cost::CpuTime => cases.iter().map(measure).collect(),
    }
}
