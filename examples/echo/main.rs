//! An echo server that cannot be overrun, and ten thousand clients that try.
//!
//! ```text
//! cargo run --release --example echo                                # server and clients in one process
//! cargo run --release --example echo -- --listen 127.0.0.1:7000     # the server alone; Ctrl-C ends it in good order
//! cargo run --release --example echo -- --connect 127.0.0.1:7000    # the clients alone
//! ```
//!
//! The greenpool parts are `server` (`spawn_n` for each client that is accepted), `load` (an unordered map of clients), and
//! `drain` below, which winds the server down.

mod args;
mod board;
mod files;
mod load;
mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use indicatif::HumanCount;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio::{pin, signal};

use crate::args::Args;
use crate::board::Board;
use crate::load::{Outcome, Plan, client};
use crate::server::{Counts, handle};

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("echo: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(args: &Args) -> Result<ExitCode> {
    handle::pool().resize(args.handlers as usize);
    let Some(server) = args.connect else {
        let address = args.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
        let listener = listen(address)?;
        let address = listener.local_addr()?;
        let (counts, stop) = (Arc::default(), Arc::new(Notify::new()));
        let server = tokio::spawn(server::serve(listener, Arc::clone(&counts), Arc::clone(&stop)));
        println!("serving up to {} clients at once on {address}", HumanCount(args.handlers.into()));
        let code = match args.listen {
            Some(_) => serve_alone(args, &counts, &stop).await,
            None => send_clients(args, address, Some((&counts, &stop))).await,
        };
        server.await.context("the server failed")?;
        return code;
    };
    send_clients(args, server, None).await
}

/// The server alone, until Ctrl-C.
async fn serve_alone(args: &Args, counts: &Arc<Counts>, stop: &Notify) -> Result<ExitCode> {
    files::make_room(u64::from(args.handlers) + 1).context("the limit of open files is not known")?;
    let board = Board::follow(Some(Arc::clone(counts)), None);
    signal::ctrl_c().await.context("Ctrl-C cannot be heard")?;
    drain(stop, grace(args)).await;
    drop(board);
    report_server(counts);
    Ok(ExitCode::SUCCESS)
}

/// The clients, and the server if it is ours.
async fn send_clients(args: &Args, address: SocketAddr, ours: Option<(&Arc<Counts>, &Notify)>) -> Result<ExitCode> {
    let at_once = clients_at_once(args, ours.is_some())?;
    client::pool().resize(at_once as usize);
    let pause = Duration::from_millis(args.pause.into());
    let plan = Arc::new(Plan { server: address, rounds: args.rounds, pause, connected: AtomicUsize::new(0) });
    let board = Board::follow(ours.map(|(counts, _)| Arc::clone(counts)), Some((Arc::clone(&plan), args.clients)));
    let load = load::run(plan, args.clients);
    pin!(load);
    let (outcome, interrupted) = tokio::select! {
        outcome = &mut load => (Some(outcome), false),
        _ = signal::ctrl_c() => (None, true),
    };
    client::pool().close();
    if let Some((_, stop)) = ours {
        // The clients under way go on meanwhile, though nobody awaits their map: jobs are driven by the runtime.
        drain(stop, grace(args)).await;
    }
    let outcome = match outcome {
        Some(outcome) => outcome,
        None => load.await,
    };
    drop(board);
    report_clients(&outcome, args.clients, interrupted);
    if let Some((counts, _)) = ours {
        report_server(counts);
    }
    Ok(match outcome.failed {
        _ if interrupted => ExitCode::from(130),
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(1),
    })
}

// ANCHOR: drain
/// Ends the server in good order: accepts no more, gives those inside some time, and then ends the rest.
async fn drain(stop: &Notify, grace: Duration) {
    stop.notify_one();
    let report = tokio::select! {
        report = handle::pool().shutdown(grace) => report,
        // A second Ctrl-C does not wait.
        _ = signal::ctrl_c() => handle::pool().shutdown(Duration::ZERO).await,
    };
    if report.aborted > 0 {
        println!("{} clients were cut off", HumanCount(report.aborted as u64));
    }
}
// ANCHOR_END: drain

/// A listener with a longer queue than usual, since so many come in one moment.
fn listen(address: SocketAddr) -> Result<TcpListener> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(4096)
    };
    open().with_context(|| format!("cannot listen on {address}; give another address or port with --listen"))
}

/// How many clients may be there at the same time: as many as asked for, if the system lets us open so many files.
fn clients_at_once(args: &Args, both_ends: bool) -> Result<u32> {
    let wanted = args.at_once.min(args.clients);
    let ends = if both_ends { 2 } else { 1 };
    let room = files::make_room(u64::from(wanted) * ends).context("the limit of open files is not known")?;
    let at_once = u32::try_from(room / ends).unwrap_or(u32::MAX).max(1);
    if at_once < wanted {
        let (wanted, at_once) = (HumanCount(wanted.into()), HumanCount(at_once.into()));
        eprintln!("note: {at_once} clients at a time instead of {wanted}, for want of open files; see `ulimit -Hn`");
    }
    Ok(at_once)
}

fn grace(args: &Args) -> Duration {
    Duration::from_secs(args.grace.into())
}

fn report_clients(outcome: &Outcome, clients: u32, interrupted: bool) {
    let Outcome { served, failed, reason, time } = outcome;
    let n = |count: usize| HumanCount(count as u64);
    // Who waits in the system's queue when the listener goes is turned away by the system.
    let word = if interrupted { "turned away" } else { "failed" };
    let all = HumanCount(clients.into());
    println!("clients: {} of {all} served, {} {word}, in {:.1} s", n(*served), n(*failed), time.as_secs_f64());
    match reason {
        Some(reason) if !interrupted => println!("the first that failed: {reason}"),
        _ => {}
    }
}

fn report_server(counts: &Counts) {
    let n = |counter: &AtomicUsize| HumanCount(counter.load(Ordering::Relaxed) as u64);
    let Counts { accepted, served, lost, peak, .. } = counts;
    println!("server: {} accepted, {} served, {} lost", n(accepted), n(served), n(lost));
    println!("most at once: {}; the pool's size is {}", n(peak), HumanCount(handle::pool().size() as u64));
}
