//! An echo server that cannot be overloaded, and ten thousand clients that try.
//!
//! ```text
//! cargo run --release --example echo                                # server and clients in one process
//! cargo run --release --example echo -- --listen 127.0.0.1:7000     # the server alone; Ctrl-C stops it gracefully
//! ```
//!
//! The parts that use greenpool are `server` (a slot, then a client, then a job for it), `load` (an unordered map of
//! clients), and `drain` below, which shuts the server down.

mod args;
mod board;
mod load;
mod server;

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::Poll;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use futures::poll;
use indicatif::HumanCount;
use rlimit::increase_nofile_limit;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal;
use tokio::sync::Notify;

use crate::args::Args;
use crate::board::{Board, count};
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
    let listener = listen(args.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into()))?;
    let address = listener.local_addr()?;
    let mut interrupt = pin!(signal::ctrl_c());
    // The first poll installs the handler, so Ctrl-C works once the next line is printed.
    if let Poll::Ready(deaf) = poll!(interrupt.as_mut()) {
        deaf.context("cannot install a handler for Ctrl-C")?;
    }
    println!("serving up to {} clients at once on {address}", HumanCount(args.handlers.into()));
    let (counts, stop) = (Arc::default(), Arc::new(Notify::new()));
    let server = tokio::spawn(server::serve(listener, Arc::clone(&counts), Arc::clone(&stop)));
    let code = match args.listen {
        Some(_) => serve_alone(args, &counts, &stop, interrupt).await,
        None => send_clients(args, address, &counts, &stop, interrupt).await,
    };
    server.await.context("the server failed")?;
    code
}

/// The server alone, until Ctrl-C.
async fn serve_alone(args: &Args, counts: &Arc<Counts>, stop: &Notify, interrupt: impl Future) -> Result<ExitCode> {
    make_room(u64::from(args.handlers) + 1)?;
    let board = Board::follow(Arc::clone(counts), None);
    interrupt.await;
    drain(stop, grace(args)).await;
    drop(board);
    report_server(counts);
    Ok(ExitCode::SUCCESS)
}

/// The server and its clients, in one process.
async fn send_clients(
    args: &Args,
    server: SocketAddr,
    counts: &Arc<Counts>,
    stop: &Notify,
    interrupt: impl Future,
) -> Result<ExitCode> {
    client::pool().resize(clients_at_once(args)? as usize);
    let pause = Duration::from_millis(args.pause.into());
    let (clients, rounds) = (args.clients, args.rounds);
    let plan = Arc::new(Plan { server, clients, rounds, pause, connected: AtomicUsize::new(0) });
    let board = Board::follow(Arc::clone(counts), Some(Arc::clone(&plan)));
    let mut load = pin!(load::run(plan));
    let (outcome, interrupted) = tokio::select! {
        outcome = &mut load => (Some(outcome), false),
        _ = interrupt => (None, true),
    };
    client::pool().close();
    // Running clients continue although nothing polls their map: the runtime drives the jobs.
    drain(stop, grace(args)).await;
    let outcome = match outcome {
        Some(outcome) => outcome,
        None => load.await,
    };
    drop(board);
    report_clients(&outcome, args.clients, interrupted);
    report_server(counts);
    Ok(match outcome.failed {
        _ if interrupted => ExitCode::from(130),
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(1),
    })
}

// ANCHOR: drain
/// Stops the server gracefully: accepts no more clients, gives the running handlers some
/// time, then aborts the rest.
async fn drain(stop: &Notify, grace: Duration) {
    stop.notify_one();
    let report = tokio::select! {
        report = handle::pool().shutdown(grace) => report,
        // A second Ctrl-C does not wait.
        _ = signal::ctrl_c() => handle::pool().shutdown(Duration::ZERO).await,
    };
    if report.aborted > 0 {
        println!("clients cut off: {}", HumanCount(report.aborted as u64));
    }
}
// ANCHOR_END: drain

/// A listener with a longer queue than usual, since many clients connect at the same moment.
fn listen(address: SocketAddr) -> Result<TcpListener> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(4096)
    };
    open().with_context(|| format!("cannot listen on {address}; give another address or port with --listen"))
}

/// How many clients may be connected at once: as many as requested, if the limit on open files allows it.
fn clients_at_once(args: &Args) -> Result<u32> {
    let wanted = args.at_once.min(args.clients);
    // Both ends of a connection are in this process.
    let room = make_room(u64::from(wanted) * 2)? / 2;
    let at_once = u32::try_from(room).unwrap_or(u32::MAX).clamp(1, wanted);
    if at_once < wanted {
        let (wanted, at_once) = (HumanCount(wanted.into()), HumanCount(at_once.into()));
        let why = "because of the limit on open files; see `ulimit -Hn`";
        eprintln!("note: {at_once} clients at a time instead of {wanted}, {why}");
    }
    Ok(at_once)
}

/// Raises the limit on open files to make room for `connections`, and returns how many fit.
///
/// Most systems let a process raise its soft limit up to a hard limit, which only the administrator can raise.
fn make_room(connections: u64) -> Result<u64> {
    // For the standard streams, the runtime and the listener.
    let spare = 64;
    let limit = increase_nofile_limit(connections + spare).context("cannot determine the limit on open files")?;
    Ok(limit.saturating_sub(spare))
}

fn grace(args: &Args) -> Duration {
    Duration::from_secs(args.grace.into())
}

fn report_clients(outcome: &Outcome, clients: u32, interrupted: bool) {
    let Outcome { served, failed, reason, time } = outcome;
    let n = |count: usize| HumanCount(count as u64);
    // When the listener is closed, the system turns away the clients in its queue.
    let word = if interrupted { "turned away" } else { "failed" };
    let all = HumanCount(clients.into());
    println!("clients: {} of {all} served, {} {word}, in {:.1} s", n(*served), n(*failed), time.as_secs_f64());
    match reason {
        Some(reason) if !interrupted => println!("first failure: {reason}"),
        _ => {}
    }
}

fn report_server(counts: &Counts) {
    let (accepted, served, lost) = (count(&counts.accepted), count(&counts.served), count(&counts.lost));
    println!("server: {accepted} accepted, {served} served, {lost} lost");
    println!("most at once: {}; pool size: {}", count(&counts.peak), HumanCount(handle::pool().size() as u64));
}
