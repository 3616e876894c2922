//! What greenpool costs to compile: `cargo bench -p greenpool --bench build`.
//!
//! Each case is a small library in a scratch workspace under the target directory. Cargo builds it with the defaults of
//! its profiles. This program stands between cargo and rustc, and reads what rustc used for the library alone: the
//! processor time of all its threads, and its peak memory.

#[path = "../report/mod.rs"]
mod report;

mod case;
mod scratch;
mod text;
mod usage;

use std::process::ExitCode;

use clap::Parser;
use serde_json::{Value, json};

use case::Case;
use report::Table;
use report::bound::{self, Bound};
use scratch::{Profile, Scratch};
use usage::Usage;

/// Measures what the functions of a program cost to compile.
#[derive(Parser)]
struct Options {
    /// Functions that are called.
    #[arg(long, default_value_t = 40)]
    functions: usize,
    /// Public functions that nothing calls.
    #[arg(long, default_value_t = 300)]
    unused: usize,
    /// Builds of each case and profile, of which the cheapest counts.
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// Build only these cases (ids of the tables), separated by commas.
    #[arg(long, value_name = "CASES", value_delimiter = ',')]
    only: Vec<String>,
    /// Print tables for the book.
    #[arg(long)]
    markdown: bool,
    /// Fail if a bound does not hold.
    #[arg(long)]
    check: bool,
    /// Cargo passes this.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    if let Some(file) = usage::wanted() {
        return usage::run_rustc(&file);
    }
    report::exit(run(&Options::parse()))
}

/// Whether the bounds hold, or need not.
fn run(options: &Options) -> Result<bool, String> {
    if options.rounds == 0 || options.functions == 0 || options.unused == 0 {
        return Err("--rounds, --functions and --unused take numbers from 1 on".into());
    }
    let is_wanted = |case: &Case| options.only.is_empty() || options.only.iter().any(|only| only == case.id);
    if let Some(unknown) = options.only.iter().find(|only| case::all().iter().all(|case| case.id != **only)) {
        let ids: Vec<_> = case::all().iter().map(|case| case.id).collect();
        return Err(format!("no case is called `{unknown}`; the cases are {}", ids.join(", ")));
    }
    let scratch = Scratch::new()?;
    let measure = |cases: &[Case], functions| {
        let wanted = cases.iter().filter(|case| is_wanted(case));
        wanted.map(|case| Measured::new(&scratch, *case, functions, options.rounds)).collect::<Result<Vec<_>, _>>()
    };
    let used = measure(&case::USED, options.functions)?;
    let unused = measure(&case::UNUSED, options.unused)?;
    let bounds = bounds(&used, &unused);
    let tables = [
        table(&format!("{} functions, each called once", options.functions), &used),
        table(&format!("{} public functions that nothing calls", options.unused), &unused),
        bound::table(&bounds),
    ];
    report::print(&tables, options.markdown);
    if options.only.is_empty() {
        let figures = json!({
            "functions": options.functions,
            "unused": options.unused,
            "rounds": options.rounds,
            "cases": used.iter().chain(&unused).map(Measured::json).collect::<Vec<_>>(),
            "bounds": bound::json(&bounds),
        });
        report::write("build", figures).map_err(|why| format!("cannot write the figures: {why}"))?;
    }
    Ok(!options.check || bounds.iter().all(Bound::holds))
}

/// What one case costs.
struct Measured {
    case: Case,
    functions: usize,
    debug: Usage,
    release: Usage,
    /// Machine code of the release build.
    text: u64,
}

impl Measured {
    fn new(scratch: &Scratch, case: Case, functions: usize, rounds: usize) -> Result<Self, String> {
        let package = scratch.package(case, functions)?;
        let cheapest = |profile| {
            let built = (0..rounds).map(|_| package.build(profile)).collect::<Result<Vec<_>, _>>()?;
            let cheapest = built.into_iter().min_by(|one, other| one.seconds.total_cmp(&other.seconds));
            cheapest.ok_or_else(|| "there is at least one round".to_owned())
        };
        let debug = cheapest(Profile::Debug)?;
        let release = cheapest(Profile::Release)?;
        let text = text::bytes(&package.library(Profile::Release))?;
        eprintln!("built {}: {:.2} s in debug, {:.2} s in release", case.id, debug.seconds, release.seconds);
        Ok(Measured { case, functions, debug, release, text })
    }

    #[expect(clippy::cast_precision_loss, reason = "bytes are far below 2^52")]
    fn text_each(&self) -> f64 {
        self.text as f64 / self.functions as f64
    }

    fn json(&self) -> Value {
        let Measured { case, functions, debug, release, text } = self;
        json!({
            "case": case.id,
            "title": case.title,
            "functions": functions,
            "debug": debug.json(),
            "release": release.json(),
            "text_bytes": text,
        })
    }
}

/// The first row is what the others are compared with.
fn table(title: &str, measured: &[Measured]) -> Table {
    let figures = ["debug", "ratio", "release", "ratio", "peak, debug", "peak, release", "text a function", "ratio"];
    let mut table = Table::new(title, &["way", "id"], &figures);
    for one in measured {
        let against = &measured[0];
        table.row(vec![
            one.case.title.into(),
            one.case.id.into(),
            format!("{:.2} s", one.debug.seconds),
            format!("{:.2}", one.debug.seconds / against.debug.seconds),
            format!("{:.2} s", one.release.seconds),
            format!("{:.2}", one.release.seconds / against.release.seconds),
            format!("{:.0} MiB", one.debug.mebibytes()),
            format!("{:.0} MiB", one.release.mebibytes()),
            format!("{:.0} B", one.text_each()),
            // Of a function that nothing calls, rustc may compile nothing.
            if against.text == 0 { String::new() } else { format!("{:.2}", one.text_each() / against.text_each()) },
        ]);
    }
    table
}

/// All bounds whose two sides have been measured.
///
/// A function that nothing calls costs what its companion type costs, about 25 ms. With no verb at all, the type, the
/// pool and the implementation of `PooledFn` cost 2.1 times the bare function, and with four verbs 2.8 times. The rest
/// is about a millisecond for each further verb. Verbs that are written once, in the library, would be cheaper, but
/// then a mistake in a call is reported in the library, without the names of the parameters.
fn bounds(used: &[Measured], unused: &[Measured]) -> Vec<Bound> {
    let bound = |measured: &[Measured], what, against, profile, limit| {
        let find = |id| measured.iter().find(|one| one.case.id == id);
        let (what, against): (&Measured, &Measured) = (find(what)?, find(against)?);
        let seconds = |one: &Measured| match profile {
            Profile::Debug => one.debug.seconds,
            Profile::Release => one.release.seconds,
        };
        Some(Bound {
            what: what.case.title.into(),
            against: against.case.title.into(),
            setting: format!("{} functions, {}", what.functions, profile.name()),
            figure: seconds(what) / seconds(against),
            main: None,
            limit,
            at_least: false,
            unit: "",
        })
    };
    let bounds = [
        bound(used, "spawn", "tokio-spawn", Profile::Release, 2.5),
        bound(unused, "declared", "bare", Profile::Debug, 5.0),
        bound(unused, "declared", "bare", Profile::Release, 8.0),
    ];
    bounds.into_iter().flatten().collect()
}
