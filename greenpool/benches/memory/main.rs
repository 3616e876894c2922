//! Memory use of a map over many items and of many waiting jobs: `cargo bench -p greenpool --bench memory`.
//!
//! Each case runs in its own process, which counts its heap allocations and reads its peak resident memory from Linux.

#[path = "../report/mod.rs"]
mod report;

mod case;
mod jobs;
mod usage;

use std::process::{Command, ExitCode, Stdio};

use clap::Parser;
use serde_json::{Value, json};

use case::Case;
use report::Table;
use report::bound::{self, Bound};
use usage::Usage;

/// Measures the memory use of maps and of waiting jobs.
#[derive(Parser)]
struct Options {
    /// Numbers of items of the smaller and the larger map.
    #[arg(long, num_args = 2, value_names = ["FEWER", "MORE"], default_values_t = [10_000, 10_000_000])]
    items: Vec<usize>,
    /// Number of waiting jobs.
    #[arg(long, default_value_t = 1_000_000)]
    jobs: usize,
    /// Print the tables as Markdown for the book.
    #[arg(long)]
    markdown: bool,
    /// Fail if a bound does not hold.
    #[arg(long)]
    check: bool,
    /// Internal: this process is the one being measured, with a case and its number of jobs.
    #[arg(long, hide = true, num_args = 2)]
    measured: Option<Vec<String>>,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

const MIB: f64 = 1024.0 * 1024.0;

fn main() -> ExitCode {
    report::exit(run(&Options::parse()))
}

/// Returns whether all checks passed.
fn run(options: &Options) -> Result<bool, String> {
    if let Some([id, number]) = options.measured.as_deref() {
        let number = number.parse().map_err(|why| format!("`{number}`: {why}"))?;
        let all = case::maps().into_iter().chain(case::running()).chain(case::queued()).chain(case::calls());
        let case = all.into_iter().find(|case| case.id == id).ok_or_else(|| format!("unknown case `{id}`"))?;
        println!("{}", (case.run)(number));
        return Ok(true);
    }
    let &[fewer, more] = &options.items[..] else { return Err("--items takes two numbers".into()) };
    let maps = maps([fewer, more])?;
    let running = measure_all(case::running(), options.jobs)?;
    let queued = measure_all(case::queued(), options.jobs)?;
    let calls = measure_all(case::calls(), options.jobs)?;
    let tables = [
        map_table(&maps),
        jobs_table(
            &format!("{} running jobs, all pending: bytes per job (and above the first)", options.jobs),
            &running,
            options.jobs,
        ),
        jobs_table(
            &format!("{} tasks that wait for a slot: bytes per task (and above the first)", options.jobs),
            &queued,
            options.jobs,
        ),
        jobs_table(
            &format!("{} queued calls with a `u64`: bytes per call (and above the first)", options.jobs),
            &calls,
            options.jobs,
        ),
    ];
    let mut bounds = bounds(&maps, &running, options.jobs);
    bounds.push(calls_bound(&calls, options.jobs));
    report::print(&tables, options.markdown);
    report::print(&[bound::table(&bounds)], options.markdown);
    let figures = json!({
        "maps": maps.iter().flatten().map(Measured::json).collect::<Vec<_>>(),
        "running": running.iter().map(Measured::json).collect::<Vec<_>>(),
        "queued": queued.iter().map(Measured::json).collect::<Vec<_>>(),
        "calls": calls.iter().map(Measured::json).collect::<Vec<_>>(),
        "bounds": bound::json(&bounds),
    });
    report::write("memory", figures).map_err(|why| format!("cannot write the figures: {why}"))?;
    Ok(!options.check || bounds.iter().all(Bound::holds))
}

/// The memory use of one case.
struct Measured {
    case: Case,
    number: usize,
    usage: Usage,
}

impl Measured {
    /// Runs a case in its own process.
    fn new(case: Case, number: usize) -> Result<Self, String> {
        eprintln!("measuring {} with {number}", case.id);
        let program = std::env::current_exe().map_err(|why| format!("cannot find this program: {why}"))?;
        let output = Command::new(program)
            .args(["--measured", case.id, &number.to_string()])
            .stderr(Stdio::inherit())
            .output()
            .map_err(|why| format!("cannot start {}: {why}", case.id))?;
        if !output.status.success() {
            return Err(format!("{} with {number} exited with {}", case.id, output.status));
        }
        let usage = String::from_utf8_lossy(&output.stdout).parse()?;
        Ok(Measured { case, number, usage })
    }

    fn json(&self) -> Value {
        let Usage { heap, heap_peak, resident_peak, resident_rise, handle } = self.usage;
        json!({
            "case": self.case.id,
            "number": self.number,
            "heap": heap,
            "heap_peak": heap_peak,
            "resident_peak": resident_peak,
            "resident_rise": resident_rise,
            "handle": handle,
        })
    }
}

fn maps(items: [usize; 2]) -> Result<Vec<[Measured; 2]>, String> {
    let [fewer, more] = items;
    let both = case::maps().into_iter().zip(case::maps());
    both.map(|(small, large)| Ok([Measured::new(small, fewer)?, Measured::new(large, more)?])).collect()
}

fn measure_all<const N: usize>(cases: [Case; N], number: usize) -> Result<Vec<Measured>, String> {
    cases.into_iter().map(|case| Measured::new(case, number)).collect()
}

fn map_table(maps: &[[Measured; 2]]) -> Table {
    let mut table = Table::new("A map, pool of 100", &["map"], &["items", "peak heap", "peak resident"]);
    for Measured { case, number, usage } in maps.iter().flatten() {
        table.row(vec![
            case.title.into(),
            number.to_string(),
            format!("{:.3} MiB", in_mib(usage.heap_peak)),
            format!("{:.2} MiB", in_mib(usage.resident_peak)),
        ]);
    }
    table
}

fn jobs_table(title: &str, jobs: &[Measured], number: usize) -> Table {
    let figures = ["heap", "handle", "resident"];
    let mut table = Table::new(title, &["way"], &figures);
    let each = |bytes| each(bytes, number);
    for Measured { case, usage, .. } in jobs {
        table.row(vec![
            case.title.into(),
            format!("{:.0} ({:+.0})", each(usage.heap), each(usage.heap) - each(jobs[0].usage.heap)),
            usage.handle.to_string(),
            format!("{:.0}", each(usage.resident_rise)),
        ]);
    }
    table
}

fn bounds(maps: &[[Measured; 2]], running: &[Measured], jobs: usize) -> Vec<Bound> {
    let map = |[small, large]: &[Measured; 2]| Bound {
        what: format!("{}, {} items", large.case.title, large.number),
        against: format!("{} items", small.number),
        setting: "peak resident".into(),
        figure: in_mib(large.usage.resident_peak) - in_mib(small.usage.resident_peak),
        main: None,
        limit: 1.0,
        at_least: false,
        unit: " MiB",
    };
    let raw = &running[0];
    let job = |job: &Measured| Bound {
        what: format!("{}, {jobs} jobs", job.case.title),
        against: raw.case.title.into(),
        setting: "pending, heap per job".into(),
        figure: each(job.usage.heap, jobs) - each(raw.usage.heap, jobs),
        main: None,
        limit: 64.0,
        at_least: false,
        unit: " B",
    };
    maps.iter().map(map).chain(running[1..].iter().map(job)).collect()
}

/// A queued call costs what its arguments cost.
fn calls_bound(calls: &[Measured], number: usize) -> Bound {
    let [deque, .., queue] = calls else { unreachable!("there are three cases") };
    Bound {
        what: format!("{}, {number} calls", queue.case.title),
        against: deque.case.title.into(),
        setting: "queued, heap per call".into(),
        figure: each(queue.usage.heap, number) - each(deque.usage.heap, number),
        main: None,
        limit: 1.0,
        at_least: false,
        unit: " B",
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes are far below 2^52")]
fn in_mib(bytes: usize) -> f64 {
    bytes as f64 / MIB
}

#[expect(clippy::cast_precision_loss, reason = "bytes are far below 2^52")]
fn each(bytes: usize, jobs: usize) -> f64 {
    bytes as f64 / jobs as f64
}
