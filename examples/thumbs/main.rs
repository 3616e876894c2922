//! Thumbnails: CPU work from async code, on a bounded number of threads.
//!
//! ```text
//! cargo run --release --example thumbs                              # generates pictures and makes thumbnails of them
//! cargo run --release --example thumbs -- pictures --out small
//! ```
//!
//! The parts that use greenpool are `picture::thumb` (`spawn_blocking`, bounded by a pool) and the maps below, which
//! return results in the order in which pictures are finished.

mod args;
mod picture;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser as _;
use greenpool_examples::{peak_memory, until_interrupt};
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use crate::args::Args;
use crate::picture::{Failed, MOST_AT_WORK, draw, pool, thumb};

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("thumbs: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(args: &Args) -> Result<ExitCode> {
    if let Some(jobs) = args.jobs {
        pool().resize(jobs as usize);
    }
    let ours = tempfile::tempdir().context("cannot create a temporary folder")?;
    let folder = match &args.folder {
        Some(folder) => folder,
        None => ours.path(),
    };
    if args.folder.is_none() {
        let Some(drawn) = until_interrupt(draw_all(folder, args.pictures, args.seed)).await else {
            println!("interrupted; no thumbnail was made");
            return Ok(ExitCode::from(130));
        };
        drawn.context("cannot generate the pictures")?;
    }
    let pictures = find(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let out = args.out.clone().unwrap_or_else(|| ours.path().join("small"));
    std::fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    let began = Instant::now();
    let (mut sums, all) = (Sums::default(), pictures.len() as u64);
    // If it is dropped, so is its map, and no further picture is begun. A picture that is on a thread is finished.
    let ended = until_interrupt(thumb_all(pictures, &out, args.size, &mut sums)).await;
    report(&sums, began.elapsed());
    let Some(ended) = ended else {
        let left = all - sums.made - sums.failed.len() as u64;
        println!("interrupted; {} pictures are left", HumanCount(left));
        return Ok(ExitCode::from(130));
    };
    ended?;
    Ok(if sums.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

#[derive(Default)]
struct Sums {
    made: u64,
    pixels: u64,
    failed: Vec<Failed>,
}

// ANCHOR: all
/// Makes all thumbnails. A picture that cannot be read is reported, and the others go on.
async fn thumb_all(pictures: Vec<PathBuf>, out: &Path, size: u32, sums: &mut Sums) -> Result<()> {
    eprintln!("making thumbnails of {} pictures", pictures.len());
    let bar = bar("thumbnails", pictures.len());
    let mut thumbs = thumb::imap_unordered(pictures, out.to_owned(), size);
    while let Some(result) = thumbs.next().await {
        // A panic in the decoder would be a `JoinError` and end the run.
        match result? {
            Ok(made) => {
                sums.made += 1;
                sums.pixels += made.pixels;
            }
            Err(failed) => sums.failed.push(failed),
        }
        bar.inc(1);
    }
    Ok(())
}
// ANCHOR_END: all

/// Generates the pictures, in the same pool.
async fn draw_all(folder: &Path, pictures: u32, seed: u64) -> Result<()> {
    eprintln!("generating {pictures} pictures");
    let bar = bar("pictures", pictures as usize);
    let end = |n| if n % 4 == 0 { "png" } else { "jpg" };
    let folder = folder.to_owned();
    let paths = (0..pictures).map(move |n| folder.join(format!("{n:04}.{}", end(n))));
    let seeds = (0..).map(move |n| seed.wrapping_mul(1_000_003).wrapping_add(n));
    let mut drawn = pool().imap_unordered(draw, (paths, seeds));
    while let Some(result) = drawn.next().await {
        result??;
        bar.inc(1);
    }
    Ok(())
}

/// The pictures in a folder, sorted by name.
fn find(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let is_picture = |path: &PathBuf| {
        let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_ascii_lowercase();
        ["png", "jpg", "jpeg"].contains(&&*end) && path.is_file()
    };
    let paths = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    let mut pictures: Vec<_> = paths.into_iter().filter(is_picture).collect();
    pictures.sort();
    Ok(pictures)
}

/// A progress bar on standard error, if that is a terminal. Dropping it clears it.
fn bar(what: &'static str, length: usize) -> ProgressBar {
    let bar = ProgressBar::new(length as u64).with_prefix(what);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len}  {eta} left") {
        bar.set_style(style);
    }
    bar.with_finish(indicatif::ProgressFinish::AndClear)
}

fn report(sums: &Sums, time: Duration) {
    let mut failed: Vec<_> = sums.failed.iter().collect();
    failed.sort_by_key(|failed| &failed.picture);
    for Failed { picture, error } in failed {
        println!("{}: {error}", picture.display());
    }
    let (made, failed) = (HumanCount(sums.made), HumanCount(sums.failed.len() as u64));
    let (megapixels, seconds) = (HumanCount(sums.pixels / 1_000_000), time.as_secs_f64());
    println!("{made} thumbnails, {failed} failed; {megapixels} megapixels in {seconds:.1} s");
    println!("most at once: {}; pool size: {}", MOST_AT_WORK.load(Ordering::Relaxed), pool().size());
    if let Some(peak) = peak_memory() {
        println!("peak memory: {}", HumanBytes(peak));
    }
}
