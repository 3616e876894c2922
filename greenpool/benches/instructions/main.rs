//! Instructions per job, counted by callgrind: `cargo bench -p greenpool --bench instructions`.
//!
//! Each way runs twice under `valgrind --tool=callgrind`, with fewer and with more jobs. The difference between the
//! counts, divided by the difference in jobs, is the cost of one job. The startup of the process, the runtime and the
//! pool cancels out. No clock is involved, so a busy machine does not disturb the result.

#[path = "../report/mod.rs"]
mod report;
#[path = "../ways/mod.rs"]
mod ways;

mod bounds;
mod callgrind;
mod profile;
mod waiters;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use serde_json::{Value, json};

use callgrind::Folder;
use report::Table;
use report::bound::{self, Bound};
use report::callgrind::{check_valgrind, measure_all};
use ways::load::Load;
use ways::{Caller, Way};

const SIZE: usize = 100;

/// Loads that compute or sleep are left out, since greenpool does not affect their cost.
const LOADS: &[Load] = Load::ALL.split_at(4).0;

/// Counts the instructions per job of greenpool and its peers.
#[derive(Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
struct Options {
    /// Count only these ways (comma-separated ids; the message about a wrong one lists them).
    #[arg(long, value_name = "WAYS", value_delimiter = ',')]
    only: Vec<String>,
    /// What the jobs of `--only` do: noop, yields, takes (an argument of 192 bytes) or may-sleep (two arguments).
    #[arg(long, default_value = "noop", value_parser = load)]
    load: Load,
    /// Who starts the jobs of `--only`: a task, or the future of `block_on` in main.
    #[arg(long, default_value = "task", value_parser = caller)]
    caller: Caller,
    /// Keep the files of callgrind in this folder, for `callgrind_annotate`.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Show which functions of greenpool, tokio and the allocator the instructions of `--only` are spent in.
    #[arg(long, requires = "only")]
    profile: bool,
    /// Numbers of jobs of the smaller and the larger run.
    #[arg(long, num_args = 2, value_names = ["FEWER", "MORE"], default_values_t = [1_000, 11_000])]
    jobs: Vec<u64>,
    /// Print the tables as Markdown for the book.
    #[arg(long)]
    markdown: bool,
    /// Fail if a figure exceeds its bound.
    #[arg(long)]
    check: bool,
    /// Internal: this process is the one being counted.
    #[arg(long, hide = true)]
    counted: Option<u64>,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What is counted.
pub(crate) struct Case {
    way: Way,
    load: Load,
    caller: Caller,
}

impl Case {
    fn is(&self, way: &str, load: Load, caller: Caller) -> bool {
        self.way.id == way && self.load == load && self.caller == caller
    }
}

/// The cost of one job of a case.
pub(crate) struct Count {
    case: Case,
    instructions: f64,
}

impl Count {
    fn json(&self) -> Value {
        let Count { case: Case { way, load, caller }, instructions } = self;
        let (load, caller) = (load.name(), name_of(*caller));
        json!({ "way": way.id, "title": way.title, "load": load, "caller": caller, "instructions": instructions })
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    report::exit(run(&options))
}

/// Returns whether all checks passed.
fn run(options: &Options) -> Result<bool, String> {
    if let ([only], Some(jobs)) = (&options.only[..], options.counted) {
        run_jobs(&way(only, options.load)?, options.caller, jobs);
        return Ok(true);
    }
    let &[fewer, more] = &options.jobs[..] else { return Err("--jobs takes two numbers".into()) };
    if fewer >= more {
        return Err(format!("--jobs takes the smaller number first, but {fewer} is not less than {more}"));
    }
    check_valgrind()?;
    let folder = Folder::new(options.keep.as_deref())?;
    let counts = count_all(wanted(options)?, &folder, [fewer, more])?;
    let compared = bounds::compare(&counts);
    report::print(&tables(&counts), options.markdown);
    report::print(&[bound::table(&compared)], options.markdown);
    if options.profile {
        let profiles = counts.iter().map(|count| folder.profile(&count.case, [fewer, more]));
        report::print(&profiles.collect::<Result<Vec<_>, _>>()?, options.markdown);
    }
    if options.only.is_empty() {
        let figures = json!({
            "size": SIZE,
            "lto": bound::LTO,
            "jobs": [fewer, more],
            "future_bytes": LOADS.iter().map(|load| (load.name(), load.bytes())).collect::<BTreeMap<_, _>>(),
            "instructions_a_job": counts.iter().map(Count::json).collect::<Vec<_>>(),
            "bounds": bound::json(&compared),
        });
        report::write("instructions", figures).map_err(|why| format!("cannot write the figures: {why}"))?;
    }
    Ok(!options.check || compared.iter().all(Bound::holds))
}

/// Everything from a task, and from main what has a bound.
fn wanted(options: &Options) -> Result<Vec<Case>, String> {
    if options.only.is_empty() {
        let all = Caller::ALL.into_iter().flat_map(|caller| LOADS.iter().map(move |&load| (load, caller)));
        let cases = all.flat_map(|(load, caller)| {
            let ways = ways_of(load).into_iter().filter(move |way| caller == Caller::Task || bounds::has(way.id, load));
            ways.map(move |way| Case { way, load, caller })
        });
        return Ok(cases.collect());
    }
    let Options { load, caller, .. } = *options;
    options.only.iter().map(|only| Ok(Case { way: way(only, load)?, load, caller })).collect()
}

/// The ways to run this load. The queue does not depend on the load, so it is included only once.
fn ways_of(load: Load) -> Vec<Way> {
    let queue = if load == Load::Noop { waiters::ways() } else { Vec::new() };
    load.ways().into_iter().chain(queue).collect()
}

fn load(name: &str) -> Result<Load, String> {
    let all = LOADS.iter().copied();
    all.clone().find(|load| load.name() == name).ok_or_else(|| {
        let names: Vec<_> = all.map(Load::name).collect();
        format!("expected one of {}", names.join(", "))
    })
}

fn caller(name: &str) -> Result<Caller, String> {
    let names = || Caller::ALL.map(name_of).join(", ");
    Caller::ALL
        .into_iter()
        .find(|caller| name_of(*caller) == name)
        .ok_or_else(|| format!("expected one of {}", names()))
}

/// The name of a caller on the command line.
fn name_of(caller: Caller) -> &'static str {
    match caller {
        Caller::Task => "task",
        Caller::Main => "main",
    }
}

fn way(id: &str, load: Load) -> Result<Way, String> {
    let ways = ways_of(load);
    let ids: Vec<_> = ways.iter().map(|way| way.id).collect();
    let unknown = format!("unknown way `{id}`; expected one of {}", ids.join(", "));
    ways.into_iter().find(|way| way.id == id).ok_or(unknown)
}

/// Runs the jobs in the counted process.
fn run_jobs(way: &Way, caller: Caller, jobs: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    way.run(&runtime, caller, SIZE, jobs);
}

/// Counts each way with fewer and with more jobs.
fn count_all(wanted: Vec<Case>, folder: &Folder, jobs: [u64; 2]) -> Result<Vec<Count>, String> {
    let counted = measure_all(&wanted, |case| {
        eprintln!("counting {} ({}, {})", case.way.id, case.load.name(), name_of(case.caller));
        folder.difference(case, jobs)
    });
    let count = |(case, instructions)| Ok(Count { case, instructions: instructions? });
    wanted.into_iter().zip(counted).map(count).collect()
}

/// One table for each load, and one for the queue: from a task. The bounds say what differs from main.
fn tables(counts: &[Count]) -> Vec<Table> {
    let queue: Vec<_> = waiters::ways().iter().map(|way| way.id).collect();
    let is_queue = |count: &&Count| queue.contains(&count.case.way.id) && count.case.caller == Caller::Task;
    let is_job = |count: &&Count| !queue.contains(&count.case.way.id) && count.case.caller == Caller::Task;
    let mut tables: Vec<_> = LOADS
        .iter()
        .map(|load| {
            let rows = counts.iter().filter(|count| count.case.load == *load && is_job(count));
            table(load.title(), counts, rows)
        })
        .collect();
    tables.push(table("a pool with waiters", counts, counts.iter().filter(is_queue)));
    tables
}

fn table<'a>(about: &str, counts: &[Count], rows: impl Iterator<Item = &'a Count>) -> Table {
    let title = format!("Instructions per job, {about}");
    let mut table = Table::new(&title, &["way"], &["instructions", "ratio"]);
    for Count { case: Case { way, load, caller }, instructions } in rows {
        let against = counts.iter().find(|count| count.case.is(way.against, *load, *caller));
        let ratio = against.map(|against| instructions / against.instructions);
        table.row(vec![
            way.title.into(),
            format!("{instructions:.0}"),
            ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        ]);
    }
    table
}
