//! One limit for all machines, and what waits when it is reached.

use std::iter::repeat;

use crate::deadline::{soon, until};
use crate::jobs::narrow;
use crate::log;
use crate::site::{Site, answering, empty};

crate::tests! {
    the_limit_holds_over_all_workers,
    a_full_backlog_makes_publishers_wait_and_loses_nothing,
}

async fn the_limit_holds_over_all_workers() {
    let site = Site::new();
    let _workers = site.workers(4, 10);
    let farm = site.farm().await;
    answering(&farm, 4).await;
    // As many as the limit says do run at once.
    let all_at_once = narrow::on(&farm).imap(0..10, repeat(60_000));
    site.begun(10).await;
    drop(all_at_once);
    empty(&farm, "narrow").await;
    let mut results = narrow::on(&farm).window(100).imap(0..400, repeat(10));
    for n in 0..400 {
        assert_eq!(soon("a result", results.next()).await.unwrap().unwrap(), n);
    }
    let executions = &site.executions()[10..];
    assert_eq!(executions.len(), 400);
    assert!(log::peak(executions, log::now()) <= 10);
    assert!(log::processes(executions) > 1);
}

async fn a_full_backlog_makes_publishers_wait_and_loses_nothing() {
    let site = Site::new();
    let farm = greenpool_nats::Farm::builder().backlog(50).connect(site.server.url()).await.unwrap();
    let far = narrow::on(&farm);
    let publishers: Vec<_> = (0..20)
        .map(|publisher| {
            let far = far.clone();
            tokio::spawn(async move {
                for n in 0..20 {
                    far.spawn_n(publisher * 20 + n, 0).await.unwrap();
                }
            })
        })
        .collect();
    until("a full backlog", async || farm.queue("narrow").await.unwrap().waiting == 50).await;
    assert!(!publishers.iter().all(tokio::task::JoinHandle::is_finished));
    let _worker = site.worker(10);
    for publisher in publishers {
        soon("a publisher", publisher).await.unwrap();
    }
    empty(&farm, "narrow").await;
    let mut jobs: Vec<_> = site.executions().iter().map(|run| run.job).collect();
    jobs.sort_unstable();
    jobs.dedup();
    assert!(jobs.into_iter().eq(0..400));
}
