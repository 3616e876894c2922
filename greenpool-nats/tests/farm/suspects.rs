//! Jobs that have been delivered often, and have killed nobody.

use std::time::Duration;

use greenpool::GreenThread;
use greenpool_nats::Farm;
use nix::sys::signal::Signal;

use crate::deadline::{soon, until};
use crate::jobs::square;
use crate::process::{LEASE, Process};
use crate::role::{Role, WorkerRole};
use crate::site::{Site, empty};

crate::tests! {
    a_job_that_is_handed_back_again_and_again_is_not_given_up,
    a_job_that_outlives_its_leases_is_not_given_up,
    a_suspect_that_is_cancelled_leaves_no_mark,
}

/// From so many deliveries on, a job runs alone.
const SUSPECT: usize = 3;

/// A job that takes so many milliseconds, handed back by so many workers.
async fn handed_back(site: &Site, farm: &Farm, times: usize, milliseconds: u64) -> GreenThread<u64> {
    let thread = square::on(farm).spawn(3, milliseconds).await;
    for delivery in 1..=times {
        let role = WorkerRole { grace: Duration::ZERO, ..site.role(4) };
        let mut worker = Process::start(&Role::Worker(role));
        site.begun(delivery).await;
        worker.signal(Signal::SIGTERM);
        assert!(worker.ended().await);
        let report = worker.line().unwrap();
        assert!(report.starts_with("0 done, 0 failed, 1 handed back"), "{report}");
    }
    thread
}

/// How many marks and dead jobs the server has.
async fn marks(site: &Site) -> u64 {
    let client = async_nats::connect(site.server.url()).await.unwrap();
    let mut stream = async_nats::jetstream::new(client).get_stream("gp_default_dead").await.unwrap();
    stream.info().await.unwrap().state.messages
}

async fn a_job_that_is_handed_back_again_and_again_is_not_given_up() {
    let site = Site::new();
    let farm = site.farm().await;
    // The workers give a job up after 2 deaths.
    let thread = handed_back(&site, &farm, SUSPECT + 3, 1000).await;
    assert_eq!(marks(&site).await, 0);
    let _worker = site.worker(4);
    assert_eq!(soon("the job", thread).await.unwrap(), 9);
    assert_eq!(site.executions().len(), SUSPECT + 4);
    empty(&farm, "square").await;
}

async fn a_job_that_outlives_its_leases_is_not_given_up() {
    let site = Site::new();
    let farm = site.farm().await;
    let thread = handed_back(&site, &farm, SUSPECT - 1, 1500).await;
    let (mut running, mut other) = (site.worker(4), None);
    for delivery in SUSPECT..SUSPECT + 2 {
        site.begun(delivery).await;
        assert_eq!(site.executions()[delivery - 1].process, running.id());
        let next = other.take().unwrap_or_else(|| site.worker(4));
        running.signal(Signal::SIGSTOP);
        // Its lease ends, and the other one begins.
        site.begun(delivery + 1).await;
        running.signal(Signal::SIGCONT);
        other = Some(std::mem::replace(&mut running, next));
    }
    assert_eq!(soon("the job", thread).await.unwrap(), 9);
    until("the mark to be removed", async || marks(&site).await == 0).await;
    let executions = site.executions();
    assert_eq!(executions.len(), SUSPECT + 2);
    assert!(executions[SUSPECT].begin > executions[SUSPECT - 1].begin + LEASE / 2);
    empty(&farm, "square").await;
}

async fn a_suspect_that_is_cancelled_leaves_no_mark() {
    let site = Site::new();
    let farm = site.farm().await;
    let thread = handed_back(&site, &farm, SUSPECT - 1, 60_000).await;
    let _worker = site.worker(4);
    site.begun(SUSPECT).await;
    assert_eq!(marks(&site).await, 1);
    thread.abort();
    until("the mark to be removed", async || marks(&site).await == 0).await;
    empty(&farm, "square").await;
}
