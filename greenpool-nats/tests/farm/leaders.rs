//! Leaders of a cluster that change, or that are cut off from the other servers.

use std::iter::repeat;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::Consumer;
use async_nats::jetstream::consumer::pull::Config;
use futures::TryStreamExt;
use greenpool_nats::Farm;
use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::time::sleep;

use crate::deadline::{soon, until};
use crate::jobs::narrow;
use crate::log;
use crate::process::{LEASE, Process};
use crate::role::{Role, WorkerRole, addresses};
use crate::server::Server;
use crate::site::{Site, answering, empty};

crate::tests! {
    a_new_leader_hands_out_no_job_that_a_worker_still_has,
    a_leader_without_the_other_servers_extends_no_lease,
}

/// The size of `narrow`.
const LIMIT: u64 = 10;

struct Cluster {
    site: Site,
    servers: [Server; 3],
}

impl Cluster {
    fn new() -> Self {
        Cluster { site: Site::new(), servers: Server::cluster() }
    }

    fn url(&self) -> String {
        self.servers.each_ref().map(Server::url).join(",")
    }

    fn worker(&self, url: String) -> Process {
        let role = WorkerRole { url, replicas: 3, ..self.site.role(LIMIT as usize) };
        Process::start(&Role::Worker(role))
    }
}

async fn connect(url: &str) -> Farm {
    let connect = async || Farm::builder().replicas(3).connect(addresses(url)).await;
    // Servers of a cluster have to find each other.
    until("the servers", async || connect().await.is_ok()).await;
    connect().await.unwrap()
}

/// The consumer of the jobs of `narrow`.
async fn consumer(jetstream: &Context) -> Consumer<Config> {
    let names: Vec<_> = jetstream.stream_names().try_collect().await.unwrap();
    let name = names.iter().find(|name| name.contains("narrow")).expect("a worker has made the stream");
    jetstream.get_consumer_from_stream("workers", name).await.unwrap()
}

/// A server that is shut down in order, as for an upgrade, hands its leadership over at once. The new leader knows of
/// each job when it was stored, and not when it was handed out, until its lease has been extended.
async fn a_new_leader_hands_out_no_job_that_a_worker_still_has() {
    let cluster = Cluster::new();
    let farm = connect(&cluster.url()).await;
    let _workers = [(); 2].map(|()| cluster.worker(cluster.url()));
    answering(&farm, 2).await;
    let jetstream = async_nats::jetstream::new(async_nats::connect(addresses(&cluster.url())).await.unwrap());
    // The second half waits in the queue for longer than a lease.
    let time = (LEASE * 3 / 2).as_millis() as u64;
    let mut results = narrow::on(&farm).window(3 * LIMIT as usize).imap_unordered(0..2 * LIMIT, repeat(time));
    cluster.site.begun(LIMIT as usize + 1).await;
    let info = consumer(&jetstream).await.get_info().await.unwrap();
    let down = format!("CONSUMER.LEADER.STEPDOWN.{}.{}", info.stream_name, info.name);
    let answer: Value = jetstream.request(down, &()).await.unwrap();
    assert_eq!(answer["success"], true, "{answer}");
    let mut count = 0;
    while let Some(result) = soon("a result", results.next()).await {
        result.unwrap();
        count += 1;
    }
    assert_eq!(count, 2 * LIMIT);
    let led = consumer(&jetstream).await.get_info().await.unwrap().cluster.unwrap();
    assert_ne!(led.leader, info.cluster.unwrap().leader, "the leader has not changed");
    let executions = cluster.site.executions();
    assert_eq!((log::peak(&executions, log::now()), log::repeated(&executions)), (LIMIT as i64, 0));
    empty(&farm, "narrow").await;
}

async fn a_leader_without_the_other_servers_extends_no_lease() {
    let cluster = Cluster::new();
    let farm = connect(&cluster.url()).await;
    let mut first = cluster.worker(cluster.url());
    answering(&farm, 1).await;
    soon("a job", narrow::on(&farm).call(0, 0)).await.unwrap();
    let jetstream = async_nats::jetstream::new(async_nats::connect(addresses(&cluster.url())).await.unwrap());
    let info = consumer(&jetstream).await.get_info().await.unwrap();
    let leader = info.cluster.and_then(|cluster| cluster.leader).expect("it has a leader");
    let (leader, others): (Vec<_>, Vec<_>) = cluster.servers.iter().partition(|server| server.name() == leader);
    first.kill();

    let beside = cluster.worker(leader[0].url());
    let farm = connect(&leader[0].url()).await;
    answering(&farm, 1).await;
    let time = 10 * LEASE;
    let job = narrow::on(&farm).spawn(1, time.as_millis() as u64).await;
    cluster.site.begun(2).await;
    sleep(LEASE).await;
    let cut_off = log::now();
    for server in &others {
        server.signal(Signal::SIGSTOP);
    }
    let dropped = || {
        let executions = cluster.site.executions();
        executions.iter().find(|run| run.process == beside.id()).and_then(|run| run.dropped)
    };
    until("the job to be dropped", async || dropped().is_some()).await;
    let late = dropped().unwrap().saturating_sub(cut_off);
    for server in &others {
        server.signal(Signal::SIGCONT);
    }
    // A server hears of the others once a second.
    assert!(late < LEASE + Duration::from_millis(1500), "the lease went on for {late:?}");
    job.abort();
}
