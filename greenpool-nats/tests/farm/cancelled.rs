//! Jobs that are cancelled: nothing of them is left, and what others store under their names is not touched.

use std::future::pending;
use std::time::Duration;

use futures::poll;
use greenpool::green_pool;
use greenpool_nats::Worker;
use tokio::time::sleep;

use crate::deadline::{soon, until};
use crate::jobs::{narrow, square};
use crate::site::{Site, answering, empty};

crate::tests! {
    a_job_without_a_caller_is_run_although_its_name_was_cancelled,
    a_cancel_stops_only_the_messages_that_it_names,
    a_large_job_of_a_run_that_was_cancelled_can_be_called_again,
    a_closed_farm_leaves_no_call_in_the_queue,
}

async fn a_job_without_a_caller_is_run_although_its_name_was_cancelled() {
    let site = Site::new();
    let _worker = site.worker(4);
    let (farm, other) = (site.farm().await, site.farm().await);
    answering(&farm, 1).await;
    for n in 0..40 {
        let (name, begun) = (format!("order {n}"), site.executions().len());
        let thread = square::on(&farm).run(&name).spawn(n, 60_000).await;
        if n % 2 == 0 {
            site.begun(begun + 1).await;
        }
        thread.abort();
        let relies = if n % 4 < 2 { &farm } else { &other };
        soon("the job to be stored", square::on(relies).run(&name).spawn_n(n, 0)).await.unwrap();
    }
    empty(&farm, "square").await;
    let mut ended: Vec<_> = site.executions().iter().filter(|run| run.end.is_some()).map(|run| run.job).collect();
    ended.sort_unstable();
    assert!(ended.into_iter().eq(0..40));
}

async fn a_cancel_stops_only_the_messages_that_it_names() {
    let site = Site::new();
    let _worker = site.worker(4);
    let farm = site.farm().await;
    answering(&farm, 1).await;
    let client = async_nats::connect(site.server.url()).await.unwrap();
    let cancel = async |what: &'static str| {
        client.publish("gp.default.cancel.square", what.into()).await.unwrap();
        client.flush().await.unwrap();
    };
    let far = square::on(&farm);
    soon("the first message", far.run("late").spawn_n(7, 500)).await.unwrap();
    site.begun(1).await;
    // Those of messages before it, and what is no cancel.
    for what in ["late.0 0", "late.0 x", "late.0 ", "late 1"] {
        cancel(what).await;
    }
    let thread = far.run("named").spawn(8, 60_000).await;
    site.begun(2).await;
    cancel("named.0 2").await;
    until("it to be stopped", async || site.executions().iter().any(|run| run.job == 8 && run.dropped.is_some())).await;
    thread.abort();
    empty(&farm, "square").await;
    assert!(site.executions().iter().any(|run| run.job == 7 && run.end.is_some()));
}

#[green_pool(size = 4, remote)]
async fn length(text: String) -> usize {
    text.len()
}

/// Its arguments go when it is cancelled, and its worker may have read a part of them.
async fn a_large_job_of_a_run_that_was_cancelled_can_be_called_again() {
    let site = Site::new();
    let (farm, working) = (site.farm().await, site.farm().await);
    let worker = tokio::spawn(Worker::on(&working).serve(length::handler()).run_until(pending()));
    let (far, text) = (length::on(&farm), "x".repeat(8 << 20));
    for n in 0..5 {
        let name = format!("large {n}");
        let thread = far.run(&name).spawn(text.clone()).await;
        until("it to be handed out", async || farm.queue("length").await.is_ok_and(|queue| queue.running == 1)).await;
        thread.abort();
        empty(&farm, "length").await;
        let again = far.run(&name).call(text.clone());
        assert_eq!(soon("the result", again).await.unwrap(), text.len(), "{name}");
    }
    worker.abort();
}

async fn a_closed_farm_leaves_no_call_in_the_queue() {
    let site = Site::new();
    let watches = site.farm().await;
    for n in 0..20 {
        let farm = site.farm().await;
        let far = narrow::on(&farm);
        let mut calls: Vec<_> = (0..50).map(|n| Box::pin(far.call(n, 60_000))).collect();
        for call in &mut calls {
            assert!(poll!(call).is_pending());
        }
        sleep(Duration::from_micros(300 * n)).await;
        soon("the farm to close", farm.close()).await;
        assert_eq!(watches.queue("narrow").await.map_or(0, |queue| queue.waiting), 0, "in round {n}");
    }
}
