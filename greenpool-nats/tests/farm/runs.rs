//! Runs with a name, which outlive their submitter.

use std::iter::repeat;

use greenpool::remote::Lost;

use crate::deadline::{soon, until};
use crate::jobs::square;
use crate::log;
use crate::process::Process;
use crate::role::Role;
use crate::site::{Site, empty};

crate::tests! {
    a_submitter_that_was_killed_takes_its_run_up_again,
    a_name_of_a_run_is_an_idempotency_key,
    a_named_job_without_a_result_leaves_a_receipt,
}

async fn a_submitter_that_was_killed_takes_its_run_up_again() {
    const ITEMS: u64 = 600;
    let site = Site::new();
    let _workers = site.workers(2, 10);
    let run = "nightly 2026.11".to_owned();
    let mut submitter = Process::start(&Role::Submitter { url: site.server.url(), run, items: ITEMS, milliseconds: 5 });
    let mut submitter = soon(
        "the first results",
        tokio::task::spawn_blocking(move || {
            for n in 0..200_u64 {
                assert_eq!(submitter.line(), Some((n * n).to_string()));
            }
            submitter
        }),
    )
    .await
    .unwrap();
    submitter.kill();
    let farm = site.farm().await;
    let far = square::on(&farm);
    for _ in 0..2 {
        let mut squares = far.run("nightly 2026.11").imap(0..ITEMS, repeat(5));
        for n in 0..ITEMS {
            assert_eq!(soon("a square", squares.next()).await.unwrap().unwrap(), n * n);
        }
    }
    let executions = site.executions();
    assert_eq!((executions.len() as u64, log::repeated(&executions)), (ITEMS, 0));
    let other = soon("other arguments", far.run("nightly 2026.11").call(7, 7)).await.unwrap_err();
    assert_eq!(other.lost(), Some(&Lost::OtherArguments));
    assert_eq!(soon("forget", far.forget("nightly 2026.11")).await, Ok(ITEMS));
    assert_eq!(soon("it to run again", far.run("nightly 2026.11").call(7, 7)).await.unwrap(), 49);
    assert_eq!(site.executions().len() as u64, ITEMS + 1);
}

async fn a_name_of_a_run_is_an_idempotency_key() {
    let site = Site::new();
    let farm = site.farm().await;
    let other = site.farm().await;
    let (far, far_other) = (square::on(&farm), square::on(&other));
    let threads = [
        far.run("order 7").spawn(7, 50).await,
        far.run("order 7").spawn(7, 50).await,
        far_other.run("order 7").spawn(7, 50).await,
    ];
    until("the job to be stored", async || farm.queue("square").await.unwrap().waiting > 0).await;
    let _worker = site.worker(4);
    for thread in threads {
        assert_eq!(soon("the result", thread).await.unwrap(), 49);
    }
    assert_eq!(soon("the stored result", far_other.run("order 7").call(7, 50)).await.unwrap(), 49);
    assert_eq!(site.executions().len(), 1);
    // A call that is dropped is cancelled, and the same name can be used again.
    let dropped = far.run("order 8").spawn(8, 60_000).await;
    site.begun(2).await;
    dropped.abort();
    empty(&farm, "square").await;
    assert!(soon("the abort", dropped).await.unwrap_err().is_cancelled());
    assert_eq!(soon("the same name", far.run("order 8").call(8, 0)).await.unwrap(), 64);
}

async fn a_named_job_without_a_result_leaves_a_receipt() {
    let site = Site::new();
    let _worker = site.worker(4);
    let farm = site.farm().await;
    let far = square::on(&farm);
    soon("the job to be stored", far.run("mail 1").spawn_n(1, 0)).await.unwrap();
    until("the job to run", async || site.executions().iter().any(|run| run.end.is_some())).await;
    empty(&farm, "square").await;
    soon("the same job", far.run("mail 1").spawn_n(1, 0)).await.unwrap();
    assert_eq!(soon("another job", far.run("mail 1").spawn_n(2, 0)).await, Err(Lost::OtherArguments));
    empty(&farm, "square").await;
    assert_eq!(site.executions().len(), 1);
}
