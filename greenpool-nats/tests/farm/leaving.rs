//! How a worker leaves.

use std::iter::repeat;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::deadline::soon;
use crate::jobs::square;
use crate::log;
use crate::process::Process;
use crate::role::{Role, WorkerRole};
use crate::site::{Site, answering};

crate::tests! {
    a_worker_that_is_told_to_leave_ends_its_jobs,
    what_does_not_end_within_the_grace_begins_elsewhere_at_once,
}

async fn a_worker_that_is_told_to_leave_ends_its_jobs() {
    let site = Site::new();
    let mut workers = site.workers(3, 10);
    let farm = site.farm().await;
    answering(&farm, 3).await;
    let mut squares = square::on(&farm).imap(0..600, repeat(10));
    for n in 0..600 {
        if n == 100 || n == 200 {
            workers[n as usize / 100 - 1].signal(Signal::SIGTERM);
        }
        assert_eq!(soon("a square", squares.next()).await.unwrap().unwrap(), n * n);
    }
    for worker in &mut workers[..2] {
        assert!(worker.ended().await);
        let report = worker.line().unwrap();
        // What was on its way to it may have been handed back.
        assert!(report.ends_with("0 lost, 0 given up, 0 cancelled"), "{report}");
    }
    let executions = site.executions();
    assert_eq!((executions.len(), log::repeated(&executions)), (600, 0));
}

async fn what_does_not_end_within_the_grace_begins_elsewhere_at_once() {
    let site = Site::new();
    // With a lease of an hour, only a job that is handed back begins elsewhere within the test.
    let role = WorkerRole { lease: Duration::from_secs(3600), grace: Duration::from_millis(100), ..site.role(4) };
    let mut leaving = Process::start(&Role::Worker(role.clone()));
    let farm = site.farm().await;
    let far = square::on(&farm);
    let squares = far.starmap([(1, 1500), (2, 1500)]);
    site.begun(2).await;
    let _staying = Process::start(&Role::Worker(role));
    answering(&farm, 2).await;
    leaving.signal(Signal::SIGTERM);
    assert!(leaving.ended().await);
    let report = leaving.line().unwrap();
    assert!(report.starts_with("0 done, 0 failed, 2 handed back"), "{report}");
    let mut squares = squares;
    assert_eq!(soon("a square", squares.next()).await.unwrap().unwrap(), 1);
    assert_eq!(soon("a square", squares.next()).await.unwrap().unwrap(), 4);
    assert_eq!(site.executions().len(), 4);
}
