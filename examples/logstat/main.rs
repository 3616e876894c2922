//! Sums up a log of any size, in memory that does not grow.
//!
//! ```text
//! cargo run --release --example logstat                     # generates a log of 256 MiB and sums it up
//! cargo run --release --example logstat -- access.log
//! ```
//!
//! The parts that use greenpool are the worker `sums::tally`, and the ordered map over the blocks of the file in
//! `sum_up` below.

mod args;
mod block;
mod sample;
mod sums;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser as _;
use comfy_table::{CellAlignment, Table, presets};
use greenpool_examples::{peak_memory, until_interrupt};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use crate::args::Args;
use crate::sums::{Tally, tally};

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("logstat: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(args: &Args) -> Result<ExitCode> {
    if let Some(jobs) = args.jobs {
        tally::pool().resize(jobs as usize);
    }
    let folder;
    let log = if let Some(file) = &args.file {
        file.clone()
    } else {
        folder = tempfile::tempdir().context("cannot create a temporary folder")?;
        let (path, size) = (folder.path().join("access.log"), u64::from(args.size) << 20);
        let write = async {
            eprintln!("writing a log of {}", HumanBytes(size));
            sample::write(&path, size, args.seed, &bar("writing", size)).await
        };
        let Some(written) = until_interrupt(write).await else {
            println!("interrupted; nothing was summed up");
            return Ok(ExitCode::from(130));
        };
        written.context("cannot write the log")?;
        path
    };
    let began = Instant::now();
    let length = log.metadata().with_context(|| format!("cannot read {}", log.display()))?.len();
    let mut sums = Sums::default();
    // If it is dropped, so is its map, which aborts the jobs.
    let ended = until_interrupt(sum_up(&log, length, u64::from(args.block) << 10, &mut sums)).await;
    report(&sums.total, args.top as usize);
    report_costs(sums.bytes, began.elapsed());
    match ended {
        Some(ended) => ended.with_context(|| format!("cannot read all of {}", log.display()))?,
        None => {
            println!(
                "interrupted; these are the sums of the first {} of {}",
                HumanBytes(sums.bytes),
                HumanBytes(length)
            );
            return Ok(ExitCode::from(130));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What was read so far.
#[derive(Default)]
struct Sums {
    total: Tally,
    bytes: u64,
}

// ANCHOR: sum
/// Sums up the log, block by block. The blocks are read concurrently, and their sums come in
/// the order of the file.
async fn sum_up(log: &Path, length: u64, size: u64, sums: &mut Sums) -> Result<()> {
    let blocks = (0..length.div_ceil(size)).map(move |n| n * size..length.min((n + 1) * size));
    let bar = bar("reading", length);
    let mut tallies = tally::imap(Arc::from(log), blocks);
    while let Some(tally) = tallies.next().await {
        sums.total.append(tally??);
        sums.bytes = length.min(sums.bytes + size);
        bar.set_position(sums.bytes);
    }
    Ok(())
}
// ANCHOR_END: sum

/// A progress bar in bytes on standard error, if that is a terminal. Dropping it clears it.
fn bar(what: &'static str, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length).with_prefix(what);
    let template = "{prefix} {wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.with_finish(indicatif::ProgressFinish::AndClear)
}

fn report(total: &Tally, top: usize) {
    let mut paths: Vec<_> = total.paths.iter().collect();
    paths.sort_by_key(|(path, visits)| (std::cmp::Reverse(visits.requests), path.as_str()));
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(["path", "requests", "failed", "sent"]);
    for (path, visits) in paths.iter().take(top) {
        let (requests, failed) = (HumanCount(visits.requests), HumanCount(visits.failed));
        table.add_row([
            path.as_str(),
            &requests.to_string(),
            &failed.to_string(),
            &HumanBytes(visits.bytes).to_string(),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
    if paths.len() > top {
        println!("and {} more paths", HumanCount((paths.len() - top) as u64));
    }
    let statuses = total.statuses.iter().map(|(status, requests)| format!("{status}: {}", HumanCount(*requests)));
    println!("statuses: {}", statuses.collect::<Vec<_>>().join(", "));
    println!("lines: {}, malformed: {}", HumanCount(total.lines), HumanCount(total.odd));
    for (line, text) in &total.named {
        println!("  line {line}: {text}");
    }
}

fn report_costs(length: u64, time: Duration) {
    let jobs = tally::pool().size();
    println!("{} in {:.1} s, up to {jobs} blocks at once", HumanBytes(length), time.as_secs_f64());
    if let Some(peak) = peak_memory() {
        println!("peak memory: {}", HumanBytes(peak));
    }
}
