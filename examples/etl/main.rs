//! Loads CSV into `SQLite`, at the speed of the database.
//!
//! ```text
//! cargo run --release --example etl                              # generates half a million rows and loads them
//! cargo run --release --example etl -- sales.csv --db sales.db
//! ```
//!
//! The parts that use greenpool are `sale::convert` (a worker mapped over the batches of an async source),
//! `database::store` (a pool of one slot for the one writer), and `load` below, which joins them.

mod args;
mod database;
mod sale;
mod sample;
mod source;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Parser as _;
use comfy_table::{CellAlignment, Table, presets};
use greenpool_examples::until_interrupt;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use tempfile::TempDir;

use crate::args::Args;
use crate::database::{Database, Stock, store};
use crate::sale::{Reject, convert};

/// How many bad rows the report names. All of them are in the database.
const NAMED: usize = 5;

/// The progress so far.
#[derive(Default)]
struct Done {
    sales: u64,
    rejects: u64,
    named: Vec<Reject>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("etl: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(args: &Args) -> Result<ExitCode> {
    if let Some(jobs) = args.jobs {
        convert::pool().resize(jobs as usize);
    }
    let Some(files) = until_interrupt(files(args)).await else {
        println!("interrupted; nothing was loaded");
        return Ok(ExitCode::from(130));
    };
    let (_folder, file, path) = files?;
    let sales = database::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    let began = Instant::now();
    let mut done = Done::default();
    // If it is dropped, so is its map: nothing more is read, and batches that are not stored are discarded.
    let ended = until_interrupt(load(&file, args.batch as usize, &sales, &mut done)).await;
    // A batch that is being stored is still stored completely.
    store::pool().waitall().await;
    let stock = database::take_stock(&sales).context("cannot read the database")?;
    let seconds = began.elapsed().as_secs_f64();
    let (sales, rejects) = (HumanCount(stock.sales), HumanCount(stock.rejects));
    println!("{sales} rows stored, {rejects} set aside, in {seconds:.1} s");
    let Some(ended) = ended else {
        println!("interrupted; the rest of the file was not loaded");
        return Ok(ExitCode::from(130));
    };
    ended.with_context(|| format!("{} was loaded only in part", file.display()))?;
    ensure!((stock.sales, stock.rejects) == (done.sales, done.rejects), "rows were lost: this is a bug in etl");
    report(&stock, &done.named);
    let as_planned = stock.rejects == 0 || args.file.is_none();
    Ok(if as_planned { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

// ANCHOR: load
/// Reads, converts and stores, all at the same time.
///
/// Nothing piles up. The map holds at most as many batches as its pool has slots. While
/// `store` is busy, the loop takes no batch from the map, so the map reads none, and the
/// reader waits.
async fn load(file: &Path, size: usize, database: &Database, done: &mut Done) -> Result<()> {
    let bar = bar(file.metadata()?.len());
    let mut batches = convert::imap_stream(source::batches(file, size));
    while let Some(batch) = batches.next().await {
        // One batch at a time: this wait sets the pace of everything upstream.
        let batch = store::spawn(database.clone(), batch??).await.await??;
        bar.set_position(batch.read);
        done.sales += batch.sales.len() as u64;
        done.rejects += batch.rejects.len() as u64;
        let room = NAMED - done.named.len();
        done.named.extend(batch.rejects.into_iter().take(room));
        let (stored, aside) = (HumanCount(done.sales), HumanCount(done.rejects));
        bar.set_message(format!("{stored} stored, {aside} set aside"));
    }
    Ok(())
}
// ANCHOR_END: load

/// The file, the database, and the temporary folder of generated files, which is removed when it is dropped.
async fn files(args: &Args) -> Result<(Option<TempDir>, PathBuf, PathBuf)> {
    if let (Some(file), Some(db)) = (&args.file, &args.db) {
        return Ok((None, file.clone(), db.clone()));
    }
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let (file, rows, seed) = (folder.path().join("sales.csv"), args.rows, args.seed);
    eprintln!("generating {} rows", HumanCount(rows.into()));
    sample::write(&file, rows, seed).await.context("cannot write the rows")?;
    let db = args.db.clone().unwrap_or_else(|| folder.path().join("sales.db"));
    Ok((Some(folder), file, db))
}

/// A progress bar on standard error, if that is a terminal. Dropping it clears it.
fn bar(length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template("loading {wide_bar} {bytes}/{total_bytes}  {msg}") {
        bar.set_style(style);
    }
    bar.with_finish(indicatif::ProgressFinish::AndClear)
}

fn report(stock: &Stock, named: &[Reject]) {
    for Reject { line, reason, text } in named {
        println!("  line {line}: {reason}: {text}");
    }
    let more = stock.rejects - named.len() as u64;
    if more > 0 {
        println!("  and {} more in the table `rejects`", HumanCount(more));
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(["item", "sold", "for"]);
    for (item, sold, cents) in &stock.best {
        let sum = format!("{}.{:02}", HumanCount(cents.unsigned_abs() / 100), cents % 100);
        table.add_row([item, &HumanCount(*sold).to_string(), &sum]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
}
