//! A crawl of generated pages: `f::queue` beside a `VecDeque` with a bounded `JoinSet`, which is how one would write it
//! on tokio alone: `cargo bench -p greenpool --bench crawl`.
//!
//! Both ways visit the same pages, 100 at once, and keep the same set of addresses. A visit waits once and then has its
//! links. Each crawl runs in its own process, which reads its peak resident memory from Linux. The ways take turns, and
//! a ratio is the median of the ratios of the rounds.

#[path = "../report/mod.rs"]
mod report;

mod ways;
mod web;

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::json;
use tokio::runtime::Runtime;

use report::bound::{self, Bound};
use report::process::{RUNTIMES, cpu_time, median, start};
use report::{Table, resident};

/// Measures the time and the peak memory of a crawl.
#[derive(Parser)]
struct Options {
    /// Number of pages.
    #[arg(long, default_value_t = 1_000_000)]
    pages: u64,
    /// Number of rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Print the tables as Markdown for the book.
    #[arg(long)]
    markdown: bool,
    /// Fail if a bound does not hold.
    #[arg(long)]
    check: bool,
    /// Internal: this process is the one being measured, with a runtime and a way.
    #[arg(long, hide = true, num_args = 2)]
    measured: Option<Vec<String>>,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A way to crawl. Returns how many pages it has visited.
struct Way {
    id: &'static str,
    title: &'static str,
    crawl: fn(&Runtime, u64) -> u64,
}

const WAYS: [Way; 2] = [
    Way { id: "peer", title: "VecDeque, JoinSet", crawl: |runtime, pages| run_task(runtime, ways::join_set(pages)) },
    Way { id: "queue", title: "f::queue", crawl: |runtime, pages| run_task(runtime, ways::queue(pages)) },
];

/// What one crawl took.
#[derive(Clone, Copy)]
struct Cost {
    time: Duration,
    /// Of all threads, in user code and in the system.
    cpu: Duration,
    memory: usize,
}

fn main() -> ExitCode {
    report::exit(run(&Options::parse()))
}

/// Returns whether all checks passed.
fn run(options: &Options) -> Result<bool, String> {
    if let Some([runtime, way]) = options.measured.as_deref() {
        return measure(runtime, way, options.pages).map(|()| true);
    }
    let title = format!("A crawl of {} pages with {} links each, pool of {}", options.pages, web::LINKS, ways::SIZE);
    let mut table = Table::new(&title, &["runtime", "way"], &["time", "CPU time", "peak resident"]);
    let mut bounds = Vec::new();
    for (runtime, setting) in RUNTIMES {
        let mut costs = [Vec::new(), Vec::new()];
        for _ in 0..options.rounds.max(1) {
            for (way, costs) in WAYS.iter().zip(&mut costs) {
                costs.push(measure_apart(runtime, way, options.pages)?);
            }
        }
        for (way, costs) in WAYS.iter().zip(&costs) {
            let time = median(costs.iter().map(|cost| cost.time.as_secs_f64()));
            let cpu = median(costs.iter().map(|cost| cost.cpu.as_secs_f64()));
            let memory = median(costs.iter().map(|cost| in_mib(cost.memory)));
            let cells = [format!("{time:.3} s"), format!("{cpu:.3} s"), format!("{memory:.1} MiB")];
            table.row([setting, way.title].map(String::from).into_iter().chain(cells).collect());
        }
        let ratio = |of: fn(&Cost) -> f64| {
            let [peer, queue] = &costs;
            median(queue.iter().zip(peer).map(|(queue, peer)| of(queue) / of(peer)))
        };
        let bound = |what: &str, figure, limit| Bound {
            what: format!("f::queue, {what}"),
            against: WAYS[0].title.into(),
            setting: setting.into(),
            figure,
            main: None,
            limit,
            at_least: false,
            unit: "",
        };
        bounds.push(bound("peak memory", ratio(|cost| in_mib(cost.memory)), 1.3));
        bounds.push(bound("time", ratio(|cost| cost.time.as_secs_f64()), 1.0));
    }
    report::print(&[table, bound::table(&bounds)], options.markdown);
    report::write("crawl", json!({ "pages": options.pages, "bounds": bound::json(&bounds) }))
        .map_err(|why| format!("cannot write the figures: {why}"))?;
    Ok(!options.check || bounds.iter().all(Bound::holds))
}

/// Crawls in this process, and prints the cost.
fn measure(runtime: &str, way: &str, pages: u64) -> Result<(), String> {
    let way = WAYS.iter().find(|known| known.id == way).ok_or_else(|| format!("unknown way `{way}`"))?;
    let runtime = start(runtime)?;
    let before = Instant::now();
    let visited = (way.crawl)(&runtime, pages);
    let time = before.elapsed();
    if visited != pages {
        return Err(format!("{} visited {visited} of {pages} pages", way.title));
    }
    println!("{} {} {}", time.as_nanos(), cpu_time()?.as_nanos(), resident::peak());
    Ok(())
}

/// Crawls in a process of its own.
fn measure_apart(runtime: &str, way: &Way, pages: u64) -> Result<Cost, String> {
    eprintln!("measuring {runtime}/{}", way.id);
    let program = std::env::current_exe().map_err(|why| format!("cannot find this program: {why}"))?;
    let output = Command::new(program)
        .args(["--pages", &pages.to_string(), "--measured", runtime, way.id])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|why| format!("cannot start {runtime}/{}: {why}", way.id))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Result<Vec<u64>, _> = text.split_whitespace().map(str::parse).collect();
    match numbers.as_deref() {
        Ok(&[time, cpu, memory]) if output.status.success() => {
            let [time, cpu] = [time, cpu].map(Duration::from_nanos);
            Ok(Cost { time, cpu, memory: usize::try_from(memory).map_err(|why| why.to_string())? })
        }
        _ => Err(format!("{runtime}/{} exited with {} and printed `{text}`", way.id, output.status)),
    }
}

/// Runs the crawl in a task, as most programs do.
fn run_task(runtime: &Runtime, crawl: impl Future<Output = u64> + Send + 'static) -> u64 {
    runtime.block_on(async { tokio::spawn(crawl).await }).expect("the crawl does not panic")
}

#[expect(clippy::cast_precision_loss, reason = "bytes are far below 2^52")]
fn in_mib(bytes: usize) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
