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
use tokio::time::{sleep, timeout};

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
    a_worker_that_joins_later_gets_no_job_that_another_one_still_has,
    a_leader_does_not_count_on_a_server_that_is_gone,
    a_worker_that_was_stopped_hands_back_no_job_that_another_one_has,
    a_map_that_is_dropped_while_no_server_leads_is_removed,
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

    async fn jetstream(&self) -> Context {
        async_nats::jetstream::new(async_nats::connect(addresses(&self.url())).await.unwrap())
    }

    fn worker(&self, url: String) -> Process {
        self.worker_with(url, LEASE)
    }

    fn worker_with(&self, url: String, lease: Duration) -> Process {
        let role = WorkerRole { url, replicas: 3, lease, ..self.site.role(LIMIT as usize) };
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

/// Asks the leader to hand over. Returns which server it is.
async fn step_down(jetstream: &Context) -> Option<String> {
    let info = consumer(jetstream).await.get_info().await.unwrap();
    let down = format!("CONSUMER.LEADER.STEPDOWN.{}.{}", info.stream_name, info.name);
    let answer: Value = jetstream.request(down, &()).await.unwrap();
    assert_eq!(answer["success"], true, "{answer}");
    info.cluster.unwrap().leader
}

/// When a job of a worker is dropped at the latest after the server has lost the others: these hear of each other every
/// one to two seconds.
const LATEST: Duration = LEASE.saturating_add(Duration::from_millis(1500));

/// How long after a moment the job of a worker was dropped.
async fn dropped(site: &Site, worker: &Process, after: Duration) -> Duration {
    let dropped = || site.executions().iter().find(|run| run.process == worker.id()).and_then(|run| run.dropped);
    until("the job to be dropped", async || dropped().is_some()).await;
    dropped().unwrap().saturating_sub(after)
}

/// A server that is shut down in order, as for an upgrade, hands its leadership over at once. The new leader knows of
/// each job when it was stored, and not when it was handed out, until its lease has been extended.
async fn a_new_leader_hands_out_no_job_that_a_worker_still_has() {
    let cluster = Cluster::new();
    let farm = connect(&cluster.url()).await;
    let _workers = [(); 2].map(|()| cluster.worker(cluster.url()));
    answering(&farm, 2).await;
    let jetstream = cluster.jetstream().await;
    // The second half waits in the queue for longer than a lease.
    let time = (LEASE * 3 / 2).as_millis() as u64;
    let mut results = narrow::on(&farm).window(3 * LIMIT as usize).imap_unordered(0..2 * LIMIT, repeat(time));
    cluster.site.begun(LIMIT as usize + 1).await;
    let led = step_down(&jetstream).await;
    let mut count = 0;
    while let Some(result) = soon("a result", results.next()).await {
        result.unwrap();
        count += 1;
    }
    assert_eq!(count, 2 * LIMIT);
    let leads = consumer(&jetstream).await.get_info().await.unwrap().cluster.unwrap();
    assert_ne!(leads.leader, led, "the leader has not changed");
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
    let jetstream = cluster.jetstream().await;
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
    let late = dropped(&cluster.site, &beside, cut_off).await;
    for server in &others {
        server.signal(Signal::SIGCONT);
    }
    assert!(late < LATEST, "the lease went on for {late:?}");
    job.abort();
}

/// A job that the new leader takes for overdue waits in it until a worker asks, although its lease is extended.
async fn a_worker_that_joins_later_gets_no_job_that_another_one_still_has() {
    let cluster = Cluster::new();
    let farm = connect(&cluster.url()).await;
    let lease = 3 * LEASE;
    let _worker = cluster.worker_with(cluster.url(), lease);
    answering(&farm, 1).await;
    let jetstream = cluster.jetstream().await;
    // The second half waits in the queue for longer than a lease, and runs for several.
    let times = (0..2 * LIMIT).map(move |n| if n < LIMIT { 9_000 } else { 24_000 });
    let mut results = narrow::on(&farm).window(3 * LIMIT as usize).imap_unordered(0..2 * LIMIT, times);
    cluster.site.begun(2 * LIMIT as usize).await;
    step_down(&jetstream).await;
    sleep(lease + Duration::from_secs(1)).await;
    let _other = cluster.worker_with(cluster.url(), lease);
    while let Some(result) = soon("a result", results.next()).await {
        result.unwrap();
    }
    let executions = cluster.site.executions();
    assert_eq!((log::peak(&executions, log::now()), log::repeated(&executions)), (LIMIT as i64, 0));
}

async fn a_leader_does_not_count_on_a_server_that_is_gone() {
    let mut cluster = Cluster::new();
    let farm = connect(&cluster.url()).await;
    let mut first = cluster.worker(cluster.url());
    answering(&farm, 1).await;
    soon("a job", narrow::on(&farm).call(0, 0)).await.unwrap();
    let jetstream = cluster.jetstream().await;
    let leader = async || {
        let names: Vec<_> = jetstream.stream_names().try_collect().await.ok()?;
        let name = names.iter().find(|name| name.contains("narrow"))?;
        let consumer: Consumer<Config> = jetstream.get_consumer_from_stream("workers", name).await.ok()?;
        consumer.cached_info().cluster.as_ref()?.leader.clone()
    };
    let gone = leader().await.expect("it has a leader");
    first.kill();
    cluster.servers.iter_mut().find(|server| server.name() == gone).expect("one of them").kill();
    let mut new = gone.clone();
    until("a new leader", async || {
        new = timeout(Duration::from_secs(1), leader()).await.ok().flatten().unwrap_or_else(|| gone.clone());
        new != gone
    })
    .await;
    let left: Vec<_> = cluster.servers.iter().filter(|server| server.name() != gone).collect();
    let (leads, other) = if left[0].name() == new { (left[0], left[1]) } else { (left[1], left[0]) };

    let beside = cluster.worker(leads.url());
    let farm = connect(&leads.url()).await;
    answering(&farm, 1).await;
    let job = narrow::on(&farm).spawn(1, 20 * LEASE.as_millis() as u64).await;
    cluster.site.begun(2).await;
    sleep(LEASE).await;
    let cut_off = log::now();
    other.signal(Signal::SIGSTOP);
    let late = dropped(&cluster.site, &beside, cut_off).await;
    other.signal(Signal::SIGCONT);
    assert!(late < LATEST, "the lease went on for {late:?}");
    job.abort();
}

/// What came for it while it was stopped is another worker's by now.
async fn a_worker_that_was_stopped_hands_back_no_job_that_another_one_has() {
    let site = Site::new();
    let farm = site.farm().await;
    let mut first = site.worker(10);
    answering(&farm, 1).await;
    // It has asked for jobs.
    sleep(Duration::from_millis(500)).await;
    first.signal(Signal::SIGSTOP);
    let job = narrow::on(&farm).spawn(1, 9_000).await;
    until("the job to be handed out", async || farm.queue("narrow").await.unwrap().running == 1).await;
    let _others = site.workers(3, 10);
    site.begun(1).await;
    first.signal(Signal::SIGTERM);
    first.signal(Signal::SIGCONT);
    first.ended().await;
    soon("the job", job).await.unwrap();
    assert_eq!(log::peak(&site.executions(), log::now()), 1);
}

/// Until another server leads, nobody answers whoever cancels a job.
async fn a_map_that_is_dropped_while_no_server_leads_is_removed() {
    let mut cluster = Cluster::new();
    connect(&cluster.url()).await.close().await;
    let stores = Farm::builder().replicas(3).connect(addresses(&cluster.url())).await.unwrap();
    soon("a job to make the stream", narrow::on(&stores).spawn_n(0, 60_000)).await.unwrap();
    let jetstream = cluster.jetstream().await;
    let names: Vec<_> = jetstream.stream_names().try_collect().await.unwrap();
    let name = names.iter().find(|name| name.contains("narrow")).expect("it is there");
    let info = jetstream.get_stream(name).await.unwrap().get_info().await.unwrap();
    let leader = info.cluster.and_then(|cluster| cluster.leader).expect("it has a leader");
    let at = cluster.servers.iter().position(|server| server.name() == leader).expect("one of the three");
    // Through another server, so that its connection stays.
    let farm = connect(&cluster.servers[(at + 1) % 3].url()).await;
    let map = narrow::on(&farm).imap_unordered(0..20, repeat(60_000));
    until("the jobs to be stored", async || farm.queue("narrow").await.is_ok_and(|queue| queue.waiting == 21)).await;
    cluster.servers[at].kill();
    drop(map);
    until("them to be gone", async || {
        let queue = timeout(Duration::from_secs(2), farm.queue("narrow")).await;
        queue.is_ok_and(|queue| queue.is_ok_and(|queue| queue.waiting == 1))
    })
    .await;
}
