//! Workers and servers that die, stop, and come back.

use std::iter::repeat;
use std::time::Duration;

use futures::StreamExt;
use greenpool::GreenMap;
use greenpool::remote::Lost;
use greenpool_nats::Farm;
use nix::sys::signal::Signal;

use crate::deadline::{soon, until};
use crate::jobs::{block, crowd, poison, square};
use crate::log;
use crate::process::{LEASE, Process};
use crate::proxy::Proxy;
use crate::role::{Role, WorkerRole, addresses};
use crate::server::Server;
use crate::site::{Site, answering, empty};

crate::tests! {
    a_worker_that_is_killed_loses_no_job,
    a_worker_that_was_stopped_does_not_go_on_with_its_old_jobs,
    a_worker_that_was_cut_off_does_not_go_on_with_its_old_jobs,
    jobs_that_nothing_polls_are_dropped_when_their_leases_end,
    a_worker_that_gets_many_jobs_too_late_begins_none_of_them,
    a_submitter_that_was_cut_off_finds_its_results,
    a_server_that_is_killed_and_started_again_loses_no_job,
    a_server_that_loses_its_disk_gets_the_jobs_again,
    three_servers_lose_no_job_when_each_of_them_is_killed,
    a_job_that_takes_its_workers_down_is_given_up_alone,
    a_job_that_blocks_its_thread_keeps_its_lease,
    a_job_that_cannot_begin_since_its_worker_is_blocked_begins_elsewhere,
}

/// Takes the squares of a range, in order.
async fn take(squares: &mut GreenMap<u64>, range: std::ops::Range<u64>) {
    for n in range {
        assert_eq!(soon("a square", squares.next()).await.unwrap().unwrap(), n * n);
    }
}

async fn a_worker_that_is_killed_loses_no_job() {
    let site = Site::new();
    let mut workers = site.workers(3, 10);
    let farm = site.farm().await;
    answering(&farm, 3).await;
    let mut squares = square::on(&farm).imap(0..1000, repeat(10));
    take(&mut squares, 0..200).await;
    workers[0].kill();
    let killed = log::now();
    take(&mut squares, 200..1000).await;
    assert!(squares.next().await.is_none());
    let executions = site.executions();
    assert!(log::repeated(&executions) <= 10, "{} jobs ran twice", log::repeated(&executions));
    assert!(log::peak(&executions, killed) <= 40);
    empty(&farm, "square").await;
}

async fn a_worker_that_was_stopped_does_not_go_on_with_its_old_jobs() {
    let site = Site::new();
    let workers = site.workers(2, 10);
    let farm = site.farm().await;
    answering(&farm, 2).await;
    let mut squares = square::on(&farm).imap(0..300, repeat(100));
    take(&mut squares, 0..40).await;
    workers[0].signal(Signal::SIGSTOP);
    let stopped = log::now();
    // Its jobs are over only when another worker has run them.
    take(&mut squares, 40..300).await;
    assert!(log::now() >= stopped + LEASE / 2);
    workers[0].signal(Signal::SIGCONT);
    answering(&farm, 2).await;
    assert_eq!(soon("a job after that", square::on(&farm).call(3, 0)).await.unwrap(), 9);
    let executions = site.executions();
    assert_eq!(polled_late(&executions, &workers[0], stopped, LEASE), 0);
    assert!(log::peak(&executions, stopped) <= 40);
}

/// How many jobs a worker has polled that were not its own any more, after it was cut off.
pub(crate) fn polled_late(
    executions: &[log::Execution],
    worker: &Process,
    cut_off: Duration,
    lease: Duration,
) -> usize {
    let old = executions.iter().filter(|run| run.process == worker.id() && run.begin < cut_off);
    old.filter(|run| run.polled.is_some_and(|polled| polled > cut_off + lease)).count()
}

async fn a_worker_that_was_cut_off_does_not_go_on_with_its_old_jobs() {
    let site = Site::new();
    let proxy = Proxy::to(&site.server.url()).await;
    let far_away = Process::start(&Role::Worker(WorkerRole { url: proxy.url(), ..site.role(10) }));
    let _near = site.worker(10);
    let farm = site.farm().await;
    answering(&farm, 2).await;
    // Jobs that take longer than a lease.
    let mut squares = square::on(&farm).imap(0..30, repeat(LEASE.as_millis() as u64 * 5 / 4));
    site.begun(15).await;
    proxy.cut(true);
    let cut_off = log::now();
    take(&mut squares, 0..30).await;
    proxy.cut(false);
    answering(&farm, 2).await;
    assert_eq!(soon("a job after that", square::on(&farm).call(3, 0)).await.unwrap(), 9);
    let executions = site.executions();
    assert_eq!(polled_late(&executions, &far_away, cut_off, LEASE), 0);
    assert!(log::peak(&executions, cut_off) <= 40);
    empty(&farm, "square").await;
}

async fn jobs_that_nothing_polls_are_dropped_when_their_leases_end() {
    const LONG: Duration = Duration::from_secs(6);
    let site = Site::new();
    let proxy = Proxy::to(&site.server.url()).await;
    let role = WorkerRole { url: proxy.url(), lease: LONG, ..site.role(10) };
    let _far_away = Process::start(&Role::Worker(role));
    let farm = site.farm().await;
    answering(&farm, 1).await;
    let _squares = square::on(&farm).imap(0..10, repeat(60_000));
    site.begun(10).await;
    proxy.cut(true);
    let cut_off = log::now();
    until("all to be dropped", async || site.executions().iter().all(|run| run.dropped.is_some())).await;
    // Their leases are extended, or found to be over, each third of a lease: that would be 2 s late.
    let last = site.executions().iter().filter_map(|run| run.dropped).max().expect("ten have begun");
    assert!(last < cut_off + LONG + Duration::from_secs(1), "one was dropped after {:?}", last.abs_diff(cut_off));
}

async fn a_worker_that_gets_many_jobs_too_late_begins_none_of_them() {
    const ITEMS: u64 = 600;
    let site = Site::new();
    let proxy = Proxy::to(&site.server.url()).await;
    let far_away = Process::start(&Role::Worker(WorkerRole { url: proxy.url(), ..site.role(10) }));
    let farm = site.farm().await;
    answering(&farm, 1).await;
    proxy.cut(true);
    // It has asked for as many, and so all of them are on their way to it.
    let mut results = crowd::on(&farm).window(ITEMS as usize).imap(0..ITEMS);
    until("all to be handed out", async || farm.queue("crowd").await.unwrap().running == ITEMS).await;
    let _near = site.worker(10);
    for n in 0..ITEMS {
        assert_eq!(soon("a result", results.next()).await.unwrap().unwrap(), n);
    }
    empty(&farm, "crowd").await;
    proxy.cut(false);
    until("it to drop what it has", async || {
        let workers = farm.workers().await.unwrap();
        workers.len() == 2 && workers.iter().all(|worker| worker.running.is_empty())
    })
    .await;
    let begun = site.executions().iter().filter(|run| run.process == far_away.id()).count();
    assert_eq!(begun, 0);
}

async fn a_submitter_that_was_cut_off_finds_its_results() {
    let site = Site::new();
    let _worker = site.worker(10);
    let proxy = Proxy::to(&site.server.url()).await;
    let farm = Farm::connect(proxy.url()).await.unwrap();
    let mut squares = square::on(&farm).imap(0..100, repeat(100));
    take(&mut squares, 0..20).await;
    proxy.cut(true);
    // It has no more than its window out, so the worker has nothing left to do.
    let near = site.farm().await;
    empty(&near, "square").await;
    let executions = site.executions().len();
    proxy.cut(false);
    take(&mut squares, 20..100).await;
    assert!(squares.next().await.is_none());
    assert!(executions <= 100 && site.executions().len() == 100);
}

async fn a_server_that_is_killed_and_started_again_loses_no_job() {
    let mut site = Site::new();
    let _workers = site.workers(2, 10);
    let farm = site.farm().await;
    answering(&farm, 2).await;
    let mut squares = square::on(&farm).imap(0..600, repeat(10));
    take(&mut squares, 0..100).await;
    site.server.kill();
    site.server.restart();
    take(&mut squares, 100..600).await;
    assert!(squares.next().await.is_none());
    empty(&farm, "square").await;
}

async fn a_server_that_loses_its_disk_gets_the_jobs_again() {
    let mut site = Site::new();
    let _workers = site.workers(2, 10);
    let farm = site.farm().await;
    answering(&farm, 2).await;
    let far = square::on(&farm);
    let mut squares = far.imap(0..600, repeat(10));
    take(&mut squares, 0..100).await;
    site.server.kill();
    site.server.wipe();
    site.server.restart();
    take(&mut squares, 100..600).await;
    assert!(squares.next().await.is_none());
    assert_eq!(soon("a job after that", far.call(3, 0)).await.unwrap(), 9);
    empty(&farm, "square").await;
}

async fn three_servers_lose_no_job_when_each_of_them_is_killed() {
    let mut servers = Server::cluster();
    let url = servers.each_ref().map(Server::url).join(",");
    let connect = async || Farm::builder().replicas(3).connect(addresses(&url)).await;
    // The servers have to find each other, and to elect a leader.
    until("the cluster", async || connect().await.is_ok()).await;
    let farm = connect().await.unwrap();
    let site = Site::new();
    let role = WorkerRole { url: url.clone(), replicas: 3, ..site.role(10) };
    let _workers = [(); 3].map(|()| Process::start(&Role::Worker(role.clone())));
    answering(&farm, 3).await;
    let mut squares = square::on(&farm).imap(0..700, repeat(20));
    take(&mut squares, 0..100).await;
    for (killed, server) in servers.iter_mut().enumerate() {
        server.kill();
        let from = 100 + 200 * killed as u64;
        take(&mut squares, from..from + 200).await;
        server.restart();
        // What another server needs to be killed: this one has caught up.
        until("the server to catch up", async || is_current(&farm, &url).await).await;
    }
    assert!(squares.next().await.is_none());
    let executions = site.executions();
    assert!(log::peak(&executions, log::now()) <= 40);
    empty(&farm, "square").await;
}

/// Whether all replicas of all streams are up to date.
pub(crate) async fn is_current(farm: &Farm, url: &str) -> bool {
    let Ok(client) = async_nats::connect(addresses(url)).await else { return false };
    let jetstream = async_nats::jetstream::new(client);
    if farm.queue("square").await.is_err() {
        return false;
    }
    let mut streams = jetstream.streams();
    let mut count = 0;
    while let Some(stream) = streams.next().await {
        let cluster = stream.ok().and_then(|info| info.cluster);
        let current = cluster.is_some_and(|cluster| {
            cluster.leader.is_some() && cluster.replicas.len() == 2 && cluster.replicas.iter().all(|peer| peer.current)
        });
        if !current {
            return false;
        }
        count += 1;
    }
    count >= 3
}

async fn a_job_that_takes_its_workers_down_is_given_up_alone() {
    let site = Site::new();
    let farm = site.farm().await;
    // In a run with a name, the number of a job is that of its item. In any other, it is the order in which jobs start.
    let mut results = poison::on(&farm).run("poisoned").imap(0..30);
    let mut worker = site.worker(10);
    let mut deaths = 0;
    let mut given_up = None;
    for n in 0..30 {
        // Whoever watches over the workers starts them again.
        let result = soon("a result", async {
            loop {
                tokio::select! {
                    result = results.next() => break result.unwrap(),
                    () = tokio::time::sleep(Duration::from_millis(50)) => {
                        if worker.has_ended() {
                            deaths += 1;
                            worker = site.worker(10);
                        }
                    }
                }
            }
        })
        .await;
        match result {
            Ok(value) => assert_eq!(value, n),
            Err(error) => assert_eq!(given_up.replace((n, error.lost().cloned())), None),
        }
    }
    // Twice beside others, and as often alone as the worker allows.
    assert_eq!(given_up, Some((5, Some(Lost::GaveUp { deaths: 2 }))));
    assert_eq!(deaths, 4);
    let client = async_nats::connect(site.server.url()).await.unwrap();
    let stream = async_nats::jetstream::new(client).get_stream("gp_default_dead").await.unwrap();
    until("its mark to be removed", async || stream.get_info().await.unwrap().state.messages == 1).await;
    empty(&farm, "poison").await;
    let dead = farm.dead().list().await.unwrap();
    let [job] = &dead[..] else { panic!("there are {} dead jobs", dead.len()) };
    assert_eq!((job.function.as_str(), job.run.as_str(), job.n), ("poison", "poisoned", 5));
    assert_eq!(job.why, "workers that it has taken down: 2");
    // It does it again.
    farm.dead().retry(job).await.unwrap();
    assert!(!worker.ended().await, "it was killed by the job");
    farm.dead().remove(job).await.unwrap();
    assert!(farm.dead().list().await.unwrap().is_empty());
}

async fn a_job_that_blocks_its_thread_keeps_its_lease() {
    let site = Site::new();
    let _blocked = Process::start(&Role::Worker(WorkerRole { one_thread: true, ..site.role(4) }));
    let farm = site.farm().await;
    let thread = block::on(&farm).spawn(1, 3 * LEASE.as_millis() as u64).await;
    site.begun(1).await;
    let _other = site.worker(4);
    assert_eq!(soon("the job", thread).await.unwrap(), 1);
    assert_eq!(site.executions().len(), 1);
}

async fn a_job_that_cannot_begin_since_its_worker_is_blocked_begins_elsewhere() {
    let site = Site::new();
    let blocked = Process::start(&Role::Worker(WorkerRole { one_thread: true, ..site.role(4) }));
    let farm = site.farm().await;
    let thread = block::on(&farm).spawn(1, 4 * LEASE.as_millis() as u64).await;
    site.begun(1).await;
    let stuck = square::on(&farm).spawn(3, 0).await;
    until("the job to be on its way", async || farm.queue("square").await.unwrap().running == 1).await;
    let other = site.worker(4);
    assert_eq!(soon("the job", stuck).await.unwrap(), 9);
    assert!(!thread.is_finished());
    let executions = site.executions();
    let of_the_square: Vec<_> = executions.iter().filter(|execution| execution.job == 3).collect();
    assert_eq!((of_the_square.len(), of_the_square[0].process), (1, other.id()));
    assert_eq!(soon("the job that blocks", thread).await.unwrap(), 1);
    drop(blocked);
    // It did not begin the square afterwards.
    assert_eq!(site.executions().iter().filter(|execution| execution.job == 3).count(), 1);
}
