//! What a job on a farm costs, beside its floor: the same function with the same arguments, by request and reply of
//! core NATS through a queue group of as many processes, where nothing is stored and nothing is promised. On both sides
//! the connection has a thread of its own.
//!
//! The bounds are those of the prototype, less a third. It reached 0.16 of this floor: its own figure, 0.27, is of a
//! floor whose time began before it had a connection.
//!
//! `cargo bench -p greenpool-nats --bench farm` starts a server, four workers of 25 places, and four processes of the
//! floor, and measures both in turn. Times on a shared machine drift, so look at the ratios, which are the medians of
//! the ratios of the rounds. Celery and `BullMQ`, both with Redis, are measured in turn with a farm if they are there:
//! `bash greenpool-nats/benches/farm/peers/install.sh`. `-- --long` also measures three servers with three replicas,
//! and 1,000,000 queued jobs.

#[path = "../../tests/farm/server.rs"]
#[allow(dead_code, reason = "the tests use the rest of it")]
mod server;

mod floor;
mod measure;
mod peer;
mod process;
mod rows;
mod work;

use std::process::ExitCode;
use std::time::Duration;

use greenpool::remote::Far;
use greenpool_nats::Farm;

use self::floor::Floor;
use self::measure::Rate;
use self::peer::Peer;
use self::process::{Costs, Process, Role};
use self::rows::Rows;
use self::server::Server;

/// As many processes work on each side.
const PROCESSES: usize = 4;

/// How many jobs each of them runs at once.
const PLACES: usize = 25;

/// How many jobs are in one map.
const JOBS: u64 = 10_000;

fn main() -> ExitCode {
    if let Some(role) = process::role() {
        return role.run();
    }
    let long = std::env::args().any(|argument| argument == "--long");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the system has one");
    runtime.block_on(async {
        let mut rows = Rows::default();
        one_server(&mut rows).await;
        beside_peers(&mut rows).await;
        if long {
            three_servers(&mut rows).await;
            backlog(&mut rows).await;
        }
        print!("{rows}");
    });
    ExitCode::SUCCESS
}

async fn one_server(rows: &mut Rows) {
    let server = Server::start();
    let url = server.url();
    let workers = start(Role::Worker, &url, 1);
    let floor_workers = start(Role::Floor, &url, 1);
    let farm = farm(&url, 1).await;
    let floor = Floor::connect(&url).await;
    let far = work::work::on(&farm);
    // All are there, and the first job of each has warmed it up.
    measure::throughput(&far, 2_000, 0).await;
    floor.throughput(2_000).await;

    let (mut maps, mut singles, mut waits, mut firsts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut at_once, mut in_turn) = (Vec::new(), Vec::new());
    let (mut costs, mut floor_costs) = (Costs::new(&server, &workers), Costs::new(&server, &floor_workers));
    for _ in 0..5 {
        let far_map = costs.of(JOBS, measure::throughput(&far, JOBS, 0)).await;
        maps.push((far_map, floor_costs.of(JOBS, floor.throughput(JOBS)).await));
        singles.push((measure::single(&far, 300).await, floor.single(300).await));
        waits.push((measure::throughput(&far, 2_000, 20).await, measure::local(2_000, 20).await));
        firsts.push(measure::first(&far).await);
        at_once.push(measure::stored(&far, 10_000, 200).await);
        measure::empty(&farm).await;
        in_turn.push(measure::stored(&far, 1_000, 1).await);
        measure::empty(&farm).await;
    }
    rows.rates("jobs that do nothing, `imap`", "of the floor", &maps, ">= 0.12");
    rows.costs("processors' time of one of them", &costs, &floor_costs);
    rows.times("one job, p50", "of the floor", &singles, "<= 3.0");
    rows.rates("jobs of 20 ms, 100 at once", "of the local pool", &waits, ">= 0.85");
    rows.time("the first result of a map", &firsts, "<= 20 ms");
    rows.rate("`spawn_n`, 200 at once", &at_once, ">= 31,500/s");
    rows.rate("`spawn_n`, one after the other", &in_turn, ">= 3,710/s");
    idle(rows, &workers, &server).await;
    let largest = workers.iter().map(Process::memory).max().unwrap_or(0);
    rows.memory("a worker", largest, "<= 16 MiB");
    rows.memory("this submitter", process::memory(std::process::id()), "<= 16 MiB");
    farm.close().await;
}

/// The processors' time of those that have nothing to do.
async fn idle(rows: &mut Rows, workers: &[Process], server: &Server) {
    let used = || -> (Duration, Duration) {
        (workers.iter().map(|worker| process::used(worker.id())).sum(), process::used(server.id()))
    };
    // The server still puts away what it was given last.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = used();
    tokio::time::sleep(Duration::from_secs(20)).await;
    let after = used();
    rows.used("idle for 20 s: 4 workers", after.0.saturating_sub(before.0), "<= 0.06 s");
    rows.used("idle for 20 s: the server", after.1.saturating_sub(before.1), "<= 0.14 s");
}

/// The peers, each in turn with a farm.
async fn beside_peers(rows: &mut Rows) {
    let server = Server::start();
    let url = server.url();
    let _workers = start(Role::Worker, &url, 1);
    let farm = farm(&url, 1).await;
    let far = work::work::on(&farm);
    measure::throughput(&far, 2_000, 0).await;
    for peer in Peer::all().await {
        match peer {
            Ok(mut peer) => match beside(&far, &mut peer).await {
                Ok((maps, singles)) => {
                    rows.rates(&format!("{}, jobs that do nothing", peer.name), "of the farm", &maps, "");
                    rows.times(&format!("{}, one job, p50", peer.name), "of the farm", &singles, "");
                }
                Err(why) => rows.not_run(peer.name, &why),
            },
            Err((name, why)) => rows.not_run(name, &why),
        }
    }
    farm.close().await;
}

/// What a peer and a farm do in the same minutes.
async fn beside(far: &Far<work::work>, peer: &mut Peer) -> Result<(Vec<(Rate, Rate)>, Vec<(f64, f64)>), String> {
    let (mut maps, mut singles) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let (rate, time) = peer.measure(1_000, 50)?;
        maps.push((rate, measure::throughput(far, JOBS, 0).await));
        singles.push((time, measure::single(far, 300).await));
    }
    Ok((maps, singles))
}

async fn three_servers(rows: &mut Rows) {
    let servers = Server::cluster();
    let url = servers.each_ref().map(Server::url).join(",");
    // They have to find each other first.
    while Farm::builder().replicas(3).connect(process::addresses(&url)).await.is_err() {}
    let _workers = start(Role::Worker, &url, 3);
    let farm = farm(&url, 3).await;
    let far = work::work::on(&farm);
    measure::throughput(&far, 1_000, 0).await;
    let (mut maps, mut singles) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        maps.push(measure::throughput(&far, 5_000, 0).await);
        singles.push(measure::single(&far, 300).await);
    }
    rows.rate("three servers: jobs that do nothing", &maps, ">= 0.25 of one");
    rows.time("three servers: one job, p50", &singles, "");
    farm.close().await;
}

async fn backlog(rows: &mut Rows) {
    let server = Server::start();
    let farm = farm(&server.url(), 1).await;
    let far = work::work::on(&farm);
    let rate = measure::stored(&far, 1_000_000, 500).await;
    rows.rate("1,000,000 jobs queued", &[rate], "");
    rows.memory("the server with them", process::memory(server.id()), "<= 600 MiB");
    let looks: Vec<_> = futures::future::join_all((0..5).map(|_| measure::look(&farm))).await;
    rows.time("a look at them", &looks, "");
}

fn start(role: fn(String, usize) -> Role, url: &str, replicas: usize) -> Vec<Process> {
    (0..PROCESSES).map(|_| Process::start(&role(url.to_owned(), replicas))).collect()
}

async fn farm(url: &str, replicas: usize) -> Farm {
    Farm::builder().replicas(replicas).connect(process::addresses(url)).await.expect("the server listens")
}
