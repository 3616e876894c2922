//! One limit for all machines, and what waits when it is reached.

use std::iter::repeat;

use crate::deadline::{soon, until};
use crate::jobs::{narrow, square};
use crate::log;
use crate::process::Process;
use crate::role::Role;
use crate::site::{Site, answering, empty};

crate::tests! {
    the_limit_holds_over_all_workers,
    the_limit_can_be_set_while_jobs_run,
    a_full_backlog_makes_publishers_wait_and_loses_nothing,
    a_long_map_needs_no_more_memory_than_a_short_one,
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

async fn the_limit_can_be_set_while_jobs_run() {
    let site = Site::new();
    let workers = site.workers(4, 20);
    let farm = site.farm().await;
    answering(&farm, 4).await;
    let far = square::on(&farm);
    let mut squares = far.imap(0..300, repeat(400));
    let mut n = 0;
    let mut take = async |count: u64| {
        for _ in 0..count {
            assert_eq!(soon("a square", squares.next()).await.unwrap().unwrap(), n * n);
            n += 1;
        }
        log::now()
    };
    take(40).await;
    far.resize(10).await.unwrap();
    let narrowed = take(0).await;
    let narrow = take(110).await;
    let stats = far.stats().await.unwrap();
    assert_eq!((stats.size, stats.dead), (10, 0));
    assert!(stats.running <= 10 && stats.waiting > 0, "{stats:?}");
    let mut processes: Vec<_> = stats.workers.iter().map(|worker| (worker.pid, worker.places)).collect();
    processes.sort_unstable();
    let mut expected: Vec<_> = workers.iter().map(|worker| (worker.id(), 20)).collect();
    expected.sort_unstable();
    assert_eq!(processes, expected);
    assert!(stats.workers.iter().map(|worker| worker.done).sum::<u64>() >= 150);
    far.resize(60).await.unwrap();
    let end = take(150).await;
    // A worker that comes later leaves it as it is.
    let _later = site.worker(5);
    answering(&farm, 5).await;
    assert_eq!(far.stats().await.unwrap().size, 60);
    let executions = site.executions();
    assert_eq!(executions.len(), 300);
    assert_eq!(log::peak_between(&executions, executions[0].begin, narrowed), 40);
    // Those that ran when it was set, and those that were on their way to a worker, end as they are.
    let old = log::ended(&executions, log::ended(&executions, narrowed));
    assert_eq!(log::peak_between(&executions, old, narrow), 10);
    assert_eq!(log::peak_between(&executions, narrow, end), 60);
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

async fn a_long_map_needs_no_more_memory_than_a_short_one() {
    let long = std::env::var_os("GREENPOOL_FARM_LONG").is_some();
    let (items, part) = if long { (200_000, 8_000) } else { (10_000, 2_000) };
    let site = Site::new();
    let _workers = site.workers(2, 20);
    let role = Role::Stream { url: site.server.url(), items, part };
    let client = async_nats::connect(site.server.url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let mut submitter = Process::start(&role);
    let mut memory = Vec::new();
    for _ in 0..items / part {
        let line = tokio::task::spawn_blocking(move || {
            submitter.line().expect("it goes on");
            submitter
        });
        submitter = soon("a part of the results", line).await.unwrap();
        memory.push(submitter.memory());
        let results = jetstream.get_stream("gp_default_results").await.unwrap().get_info().await.unwrap();
        // The window, a block that is not taken yet in full, and one that is being removed.
        let kept = results.state.messages;
        assert!(kept <= 80 + 2 * 1024, "the server keeps {kept} results");
    }
    let mebibyte = 1024 * 1024;
    // From a fifth of the items on, it does not grow any more.
    let fifth = memory[(items / 5 / part) as usize - 1];
    assert!(memory[memory.len() - 1] <= fifth + mebibyte, "it has used {memory:?} bytes");
}
