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
mod css;
mod html;
mod outside;
mod progress;
mod reason;
mod report;
mod serve;
mod site;
mod sources;
mod verdict;
mod visit;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser as _;
use futures::future;
use reqwest::{Client, redirect};
use tokio::{signal, time};
use url::Url;

use crate::args::{Args, Target};
use crate::crawl::{Crawl, fetch};
use crate::outside::{probe, probe_all};
use crate::progress::Progress;
use crate::report::Report;
use crate::serve::World;
use crate::visit::without_fragment;

/// How many second tries run at once. A server that was too slow for many requests gets few.
const GENTLE: usize = 4;
/// What a busy server gets to recover before second tries.
const PAUSE: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    // Fails only if a provider is already installed, which is fine too.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outcome = match run(&args).await {
        Ok(report) => print(&report, &args).map(|()| report).context("cannot print the report"),
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
    let others = client(args.timeout(), redirect::Policy::limited(10), args.target.is_none())?;
    fetch::pool().resize(args.jobs.into());
    probe::pool().resize(probe::pool().size().min(args.jobs.into()));
    probe::pool().resize_per_key(args.per_host.into());
    tokio::spawn(stop_on_interrupt(args.timeout()));

    eprintln!("checking {start}");
    let began = Instant::now();
    let crawl = Crawl::new(site, &start, args.inside);
    let progress = Progress::follow(&crawl);
    crawl_pages(&crawl, &start).await;
    probe_outside(&crawl, &others).await;
    drop(progress);
    if let Some(to) = crawl.leaves() {
        eprintln!("note: {start} redirects to another host; to check the pages there, give {to}");
    }
    Ok(Report::new(&start, &crawl.finish(), args.inside, began.elapsed()))
}

// ANCHOR: crawl
async fn crawl_pages(crawl: &Arc<Crawl>, start: &Url) {
    let pool = fetch::pool();
    fetch::queue(Arc::clone(crawl), start.clone());
    // Each job queues jobs for the pages it finds, so when the pool is idle, nothing is
    // left to find.
    pool.waitall().await;

    let mut again = crawl.second_tries(true, &[]);
    if !again.is_empty() {
        pool.resize(pool.size().min(GENTLE));
        time::sleep(PAUSE).await;
    }
    while !again.is_empty() && !pool.is_closed() {
        for url in &again {
            fetch::queue(Arc::clone(crawl), url.clone());
        }
        pool.waitall().await;
        again = crawl.second_tries(true, &again);
    }
}
// ANCHOR_END: crawl

async fn probe_outside(crawl: &Crawl, client: &Client) {
    let note = |url, visit| {
        crawl.note(url, visit);
    };
    probe_all(client, crawl.outside(), note).await;
    let mut again = crawl.second_tries(false, &[]);
    if !again.is_empty() {
        probe::pool().resize(probe::pool().size().min(GENTLE));
        probe::pool().resize_per_key(1);
        time::sleep(PAUSE).await;
    }
    while !again.is_empty() && !probe::pool().is_closed() {
        probe_all(client, again.clone(), note).await;
        again = crawl.second_tries(false, &again);
    }
}

fn print(report: &Report, args: &Args) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if args.json {
        return report.print_json(&mut out);
    }
    let few = out.is_terminal() && !args.all;
    report.print(&mut out, few)
}

// ANCHOR: interrupt
/// The first Ctrl-C closes the pools: what is queued is dropped, and what runs may finish
/// within `patience`. The second aborts it.
async fn stop_on_interrupt(patience: Duration) {
    if signal::ctrl_c().await.is_err() {
        // Without this handler, Ctrl-C kills the program as usual.
        return;
    }
    let (pages, others) = (fetch::pool(), probe::pool());
    pages.close();
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
