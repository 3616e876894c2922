//! The link checker on several processes: a NATS server, two workers that request the pages of a site with known
//! faults, and a submitter that finds the faults in what they return.
//!
//! ```text
//! cargo run --release --example farm              # checks the site
//! cargo run --release --example farm -- --kill    # kills one of the workers in the middle
//! ```
//!
//! `crawl` has the function that runs on the workers, and the crawl that calls it. The parsers, the site and the
//! verdict are those of the example `linkcheck`.

#[path = "../linkcheck/css.rs"]
mod css;
#[path = "../linkcheck/html.rs"]
#[allow(dead_code, reason = "linkcheck uses the rest of it")]
mod html;
#[path = "../linkcheck/reason.rs"]
#[allow(dead_code, reason = "linkcheck uses the rest of it")]
mod reason;
#[path = "../linkcheck/serve.rs"]
#[allow(dead_code, reason = "linkcheck uses the rest of it")]
mod serve;
#[path = "../linkcheck/site.rs"]
mod site;
#[path = "../linkcheck/sources.rs"]
mod sources;
#[path = "../linkcheck/verdict.rs"]
mod verdict;
#[path = "../linkcheck/visit.rs"]
mod visit;

mod crawl;
mod processes;
mod progress;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{self, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use futures::StreamExt as _;
use greenpool_nats::{Farm, Worker};
use indicatif::HumanCount;
use reqwest::{Client, redirect};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time;
use url::Url;

use crate::crawl::{Crawl, Jobs, fetch};
use crate::processes::Processes;
use crate::progress::Progress;
use crate::serve::World;
use crate::site::Fault;
use crate::verdict::broken_links;

/// How many pages each worker requests at once.
const PLACES: usize = 8;

/// What a worker gets to finish its jobs, and the time limit for one page.
const PATIENCE: Duration = Duration::from_secs(3);

/// Checks every link of a site with known faults, on two worker processes.
///
/// Exit status: 0 if exactly the known faults are found, 1 if not, 2 if the check failed, 130 if it was interrupted.
#[derive(Debug, Parser)]
#[command(name = "farm")]
struct Args {
    /// Kill one of the workers in the middle
    #[arg(long)]
    kill: bool,

    /// Number of pages of the site
    #[arg(long, value_name = "N", default_value = "5000", value_parser = clap::value_parser!(u16).range(1..))]
    pages: u16,

    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// What the example starts as its workers
    #[command(hide = true)]
    Worker { server: String },
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match &args.role {
        Some(Role::Worker { server }) => work(server).await.map(|()| ExitCode::SUCCESS),
        None => submit(&args).await,
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("farm: {error:#}");
        ExitCode::from(2)
    })
}

/// What a worker process does, until it is told to leave.
async fn work(server: &str) -> Result<()> {
    // Fails only if a provider is already installed, which is fine too.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none());
    let client = client.no_proxy().tls_certs_only([]).build().context("cannot set up the HTTP client")?;
    // A short lease, so that the jobs of a worker that was killed begin elsewhere soon.
    let farm = Farm::builder().lease(Duration::from_secs(2)).connect(server).await?;
    let report = Worker::on(&farm).serve(fetch::handler(client).places(PLACES)).grace(PATIENCE).run().await?;
    println!("worker {}: {report}", process::id());
    Ok(())
}

async fn submit(args: &Args) -> Result<ExitCode> {
    let mut processes = Processes::new()?;
    let server = processes.start_server()?;
    processes.start_worker(&server)?;
    processes.start_worker(&server)?;
    let farm = Farm::connect(&server).await?;
    let world = World::open(1, args.pages.into()).await?;

    eprintln!("checking {}", world.start);
    let began = Instant::now();
    let mut crawl = Crawl::new(&world.start);
    let progress = Progress::follow(&farm);
    let check = check(&farm, &mut crawl, &progress, args.kill.then_some(&mut processes), args.pages.into());
    // The processes would outlive this one.
    let mut terminate = signal(SignalKind::terminate()).context("cannot hear signals")?;
    let check = async {
        tokio::select! {
            checked = check => Some(checked),
            _ = terminate.recv() => None,
        }
    };
    let checked = greenpool_examples::until_interrupt(check).await;
    progress.clear(checked.is_none()).await;
    checked.flatten().transpose()?;
    let time = began.elapsed();
    // What is queued goes, and what runs is told to stop.
    let _ = time::timeout(PATIENCE, farm.close()).await;
    processes.stop_workers()?;
    Ok(sum_up(&world, &crawl, time))
}

/// Visits all pages. `kill` are the processes of which one is to be killed after a third of the pages.
async fn check(
    farm: &Farm,
    crawl: &mut Crawl,
    progress: &Progress,
    mut kill: Option<&mut Processes>,
    pages: usize,
) -> Result<()> {
    let far = fetch::on(farm);
    let mut jobs = Jobs::new();
    loop {
        crawl.submit(&far, &mut jobs);
        let Some((url, visit)) = jobs.next().await else { return Ok(()) };
        crawl.note(url, visit);
        progress.set(crawl.counts());
        if let Some(processes) = kill.take_if(|_| crawl.counts().1 >= pages / 3) {
            let id = processes.kill_worker()?;
            progress.say(&format!("killed worker {id}: its jobs begin again elsewhere when their lease of 2 s ends"));
        }
    }
}

/// Prints what was found. If all pages were visited, these must be exactly the faults that were planted.
fn sum_up(world: &World, crawl: &Crawl, time: Duration) -> ExitCode {
    let faults = faults(&world.start, crawl);
    let (known, done) = crawl.counts();
    let (known, done) = (HumanCount(known as u64), HumanCount(done as u64));
    let seconds = time.as_secs_f64();
    let stopped = if crawl.is_complete() { "" } else { "interrupted: " };
    println!("{stopped}{done} of {known} addresses were visited in {seconds:.1} s, {} links are broken", faults.len());
    let mut reasons = BTreeMap::<_, usize>::new();
    for fault in &faults {
        *reasons.entry(fault.reason).or_default() += 1;
    }
    for (reason, count) in reasons {
        println!("{count:6} {reason}");
    }
    if !crawl.is_complete() {
        return ExitCode::from(130);
    }
    if faults == world.faults {
        println!("these are all the faults of the site, and nothing else");
        return ExitCode::SUCCESS;
    }
    let missed = world.faults.difference(&faults).count();
    let wrong = faults.difference(&world.faults).count();
    println!("{missed} faults of the site were missed, and {wrong} are none");
    ExitCode::FAILURE
}

/// The broken links, with addresses of the site as paths.
fn faults(start: &Url, crawl: &Crawl) -> BTreeSet<Fault> {
    let origin = start.origin().ascii_serialization();
    let short = |address: &str| address.strip_prefix(&origin).unwrap_or(address).to_owned();
    let broken = broken_links(start, &crawl.visits).into_iter();
    broken
        .flat_map(|broken| {
            let (link, reason) = (short(&broken.link), broken.reason.class());
            broken.pages.into_iter().map(move |page| (page, link.clone(), reason))
        })
        .map(|(page, link, reason)| Fault { page: short(&page), link, reason })
        .collect()
}
