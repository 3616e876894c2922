//! A link checker on bounded pools of green threads.
//!
//! ```text
//! cargo run --release --example linkcheck                  # builds a site with known faults and finds them
//! cargo run --release --example linkcheck -- book/book     # serves a folder and checks it
//! cargo run --release --example linkcheck -- http://localhost:8000/docs/
//! ```
//!
//! The modules that use greenpool are `crawl` (jobs that start jobs in their own pool, and a `pile!` for each page) and
//! `outside` (an ordered `imap`). `stop_on_interrupt` below shuts the pools down.

mod args;
mod crawl;
mod html;
mod outside;
mod progress;
mod reason;
mod report;
mod serve;
mod site;
mod verdict;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser as _;
use futures::future;
use reqwest::{Client, redirect};
use tokio::signal;
use url::Url;

use crate::args::{Args, Target};
use crate::crawl::{Crawl, Notes, Visit, fetch, without_fragment};
use crate::outside::{probe, probe_all};
use crate::progress::Progress;
use crate::report::Report;
use crate::serve::World;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    // Fails only if a provider is already installed, which is fine too.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outcome = match run(&args).await {
        Ok(report) => report.print(args.json).map(|()| report).context("cannot print the report"),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(report) if report.has_broken_links() => ExitCode::from(1),
        Ok(report) if report.is_complete() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(130),
        Err(error) => {
            eprintln!("linkcheck: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Finds the site to check, checks it, and sums up the results.
async fn run(args: &Args) -> Result<Report> {
    let world;
    let start = match &args.target {
        None => {
            world = World::open(args.seed, args.pages.into()).await?;
            world.start.clone()
        }
        Some(Target::Folder(folder)) => serve::folder(folder).await?,
        Some(Target::Address(url)) => without_fragment(url),
    };
    let ours = !matches!(args.target, Some(Target::Address(_)));
    let site = client(args.timeout(), redirect::Policy::none(), ours)?;
    let others = || {
        let policy = redirect::Policy::limited(10);
        client(args.timeout(), policy, args.target.is_none())
    };
    let others = (!args.inside).then(others).transpose()?;
    fetch::pool().resize(args.jobs.into());
    probe::pool().resize(probe::pool().size().min(args.jobs.into()));
    tokio::spawn(stop_on_interrupt(args.timeout()));

    eprintln!("checking {start}");
    let began = Instant::now();
    let mut notes = crawl_pages(site, &start).await;
    match notes.visits.get(&start) {
        Some(Visit::Moved(to)) if notes.outside.contains(to) => {
            eprintln!("note: {start} redirects to another host; to check the pages there, give {to}");
        }
        _ => {}
    }
    if let Some(others) = others {
        let visits = probe_outside(others, notes.outside.clone()).await;
        notes.visits.extend(visits);
    }
    Ok(Report::new(&start, &notes, args.inside, began.elapsed()))
}

// ANCHOR: crawl
async fn crawl_pages(client: Client, start: &Url) -> Notes {
    let crawl = Crawl::new(client, start);
    let watched = Arc::clone(&crawl);
    let _progress = Progress::follow("pages", fetch::pool(), move || watched.counts());
    fetch::spawn_n(Arc::clone(&crawl), start.clone()).await;
    // Each job starts jobs for the pages it finds, so when the pool is idle, nothing is
    // left to find.
    fetch::pool().waitall().await;
    crawl.finish()
}
// ANCHOR_END: crawl

async fn probe_outside(client: Client, urls: BTreeSet<Url>) -> Vec<(Url, Visit)> {
    let found = urls.len();
    let done = Arc::new(AtomicUsize::new(0));
    let watched = Arc::clone(&done);
    let counts = move || (found, watched.load(Ordering::Relaxed));
    let _progress = Progress::follow("other hosts", probe::pool(), counts);
    probe_all(client, urls, &done).await
}

// ANCHOR: interrupt
/// The first Ctrl-C closes the pools and lets running and queued requests finish, within
/// `patience`. The second aborts them.
async fn stop_on_interrupt(patience: Duration) {
    if signal::ctrl_c().await.is_err() {
        // Without this handler, Ctrl-C kills the program as usual.
        return;
    }
    let (pages, others) = (fetch::pool(), probe::pool());
    let drained = future::join(pages.shutdown(patience), others.shutdown(patience));
    tokio::select! {
        _ = drained => {}
        _ = signal::ctrl_c() => {
            tokio::join!(pages.abort_all(), others.abort_all());
        }
    }
}
// ANCHOR_END: interrupt

/// A client that handles redirects by `policy`. `local` means that it talks only to servers in this process.
fn client(timeout: Duration, policy: redirect::Policy, local: bool) -> Result<Client> {
    let mut builder = Client::builder().user_agent("greenpool-linkcheck").timeout(timeout).redirect(policy);
    if local {
        // Plain HTTP on the loopback interface must not depend on the machine's proxies or certificates.
        builder = builder.no_proxy().tls_certs_only([]);
    }
    builder.build().context("cannot set up the HTTP client")
}
