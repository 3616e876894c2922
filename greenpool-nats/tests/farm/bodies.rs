//! What arguments and results are: what a worker has itself, and bodies that are larger than a message.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use greenpool::green_pool;
use greenpool::remote::{Handler, Lost};
use greenpool_nats::{Farm, Worker};
use serde::{Deserialize, Serialize};
use tokio::task::AbortHandle;

use crate::deadline::{soon, until};
use crate::server::Server;

crate::tests! {
    each_worker_gives_its_jobs_a_value_of_its_own,
    arguments_and_results_can_be_larger_than_a_message,
    a_run_keeps_its_large_results_until_it_is_forgotten,
    a_large_job_that_fails_without_a_caller_can_be_run_again,
    a_large_job_is_stored_again_if_the_server_has_lost_it,
    an_output_that_is_too_large_is_lost_and_says_so,
    a_job_in_json_is_answered_in_json,
}

const MEGABYTE: usize = 1024 * 1024;

/// Works until the test ends.
fn serve(farm: &Farm, handlers: impl IntoIterator<Item = Handler>) -> AbortHandle {
    let worker = handlers.into_iter().fold(Worker::on(farm), Worker::serve);
    tokio::spawn(worker.run_until(std::future::pending())).abort_handle()
}

/// How many messages a stream has.
async fn messages(server: &Server, stream: &str) -> u64 {
    let client = async_nats::connect(server.url()).await.unwrap();
    let mut stream = async_nats::jetstream::new(client).get_stream(stream).await.unwrap();
    stream.info().await.unwrap().state.messages
}

async fn no_blob_is_left(server: &Server) {
    until("the blobs to be removed", async || messages(server, "gp_default_blobs").await == 0).await;
}

#[green_pool(size = 4, remote)]
async fn add(n: u64, #[shared] sum: Arc<AtomicU64>) -> u64 {
    sum.fetch_add(n, Ordering::Relaxed) + n
}

async fn each_worker_gives_its_jobs_a_value_of_its_own() {
    let server = Server::start();
    let farm = Farm::connect(server.url()).await.unwrap();
    let sums = [Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0))];
    let workers = sums.each_ref().map(|sum| serve(&farm, [add::handler(sum.clone())]));
    let mut results = add::on(&farm).imap(1..=200);
    let mut largest = 0;
    while let Some(result) = soon("a sum", results.next()).await {
        largest = largest.max(result.unwrap());
    }
    let sums = sums.map(|sum| sum.load(Ordering::Relaxed));
    assert_eq!(sums[0] + sums[1], 200 * 201 / 2);
    assert_eq!(largest, sums[0].max(sums[1]));
    workers.iter().for_each(AbortHandle::abort);
}

/// Gives a text back, in capitals.
#[green_pool(size = 4, remote)]
async fn shout(text: String) -> String {
    assert!(!text.starts_with("panic"), "{}", &text[..5]);
    text.to_uppercase()
}

async fn arguments_and_results_can_be_larger_than_a_message() {
    let server = Server::start();
    let farm = Farm::connect(server.url()).await.unwrap();
    let worker = serve(&farm, [shout::handler()]);
    // Around the largest message, and well above it.
    let sizes = [MEGABYTE - 8 * 1024 - 100, MEGABYTE - 8 * 1024, MEGABYTE, MEGABYTE + 1, 8 * MEGABYTE, 10];
    let texts = sizes.map(|size| format!("{size:010}").repeat(size / 10));
    let mut results = shout::on(&farm).imap(texts.clone());
    for text in texts {
        assert!(soon("a text", results.next()).await.unwrap().unwrap() == text);
    }
    // A job that panics leaves nothing either.
    let panic = soon("a job", shout::on(&farm).call("panic".repeat(MEGABYTE))).await.unwrap_err();
    assert_eq!(panic.to_string(), "the job panicked: panic");
    no_blob_is_left(&server).await;
    worker.abort();
    farm.close().await;
}

async fn a_run_keeps_its_large_results_until_it_is_forgotten() {
    let server = Server::start();
    let farm = Farm::connect(server.url()).await.unwrap();
    let text = "a large text ".repeat(MEGABYTE / 10);
    let far = shout::on(&farm);
    // Two submitters, before there is a worker: one of the two stores the job.
    let other = Farm::connect(server.url()).await.unwrap();
    let threads =
        [far.run("large").spawn(text.clone()).await, shout::on(&other).run("large").spawn(text.clone()).await];
    until("the job to be stored", async || farm.queue("shout").await.unwrap().waiting == 1).await;
    let worker = serve(&farm, [shout::handler()]);
    for thread in threads {
        assert!(soon("the result", thread).await.unwrap() == text.to_uppercase());
    }
    assert!(soon("the stored result", far.run("large").call(text.clone())).await.unwrap() == text.to_uppercase());
    let others = soon("other arguments", far.run("large").call("another".to_owned() + &text)).await.unwrap_err();
    assert_eq!(others.lost(), Some(&Lost::OtherArguments));
    assert!(messages(&server, "gp_default_blobs").await > 0);
    assert_eq!(soon("forget", far.forget("large")).await, Ok(1));
    no_blob_is_left(&server).await;
    worker.abort();
}

async fn a_large_job_that_fails_without_a_caller_can_be_run_again() {
    let server = Server::start();
    let farm = Farm::connect(server.url()).await.unwrap();
    let worker = serve(&farm, [shout::handler()]);
    soon("the job to be stored", shout::on(&farm).spawn_n("panic".repeat(MEGABYTE))).await.unwrap();
    let dead = async || farm.dead().list().await.unwrap();
    until("the job to be dead", async || dead().await.len() == 1).await;
    no_blob_is_left(&server).await;
    let job = dead().await.remove(0);
    assert_eq!(job.why, "the job panicked: panic");
    farm.dead().retry(&job).await.unwrap();
    // It fails again, as it was.
    until("the job to be dead again", async || dead().await.len() == 1).await;
    assert_eq!(dead().await[0].why, "the job panicked: panic");
    no_blob_is_left(&server).await;
    farm.dead().remove(&dead().await[0]).await.unwrap();
    until("the dead list to be empty", async || messages(&server, "gp_default_dead").await == 0).await;
    worker.abort();
}

async fn a_large_job_is_stored_again_if_the_server_has_lost_it() {
    let mut server = Server::start();
    let farm = Farm::connect(server.url()).await.unwrap();
    let text = "lost ".repeat(MEGABYTE);
    let thread = shout::on(&farm).spawn(text.clone()).await;
    until("the job to be stored", async || farm.queue("shout").await.unwrap().waiting == 1).await;
    server.kill();
    server.wipe();
    server.restart();
    let worker = serve(&farm, [shout::handler()]);
    assert!(soon("the job", thread).await.unwrap() == text.to_uppercase());
    no_blob_is_left(&server).await;
    worker.abort();
}

async fn an_output_that_is_too_large_is_lost_and_says_so() {
    #[green_pool(size = 1, remote)]
    async fn large(megabytes: usize) -> String {
        "x".repeat(megabytes * MEGABYTE)
    }
    let server = Server::start();
    let farm = Farm::connect(server.url()).await.unwrap();
    let worker = serve(&farm, [large::handler()]);
    let error = soon("a job", large::on(&farm).call(257)).await.unwrap_err();
    assert!(matches!(error.lost(), Some(Lost::Unreadable { .. })), "{error}");
    assert_eq!(soon("a job after that", large::on(&farm).call(1)).await.unwrap().len(), MEGABYTE);
    worker.abort();
}

#[derive(Serialize, Deserialize)]
struct Order {
    article: String,
    count: Option<u32>,
}

#[green_pool(size = 2, remote, name = "order-json")]
async fn order(order: Order, express: bool) -> Result<Order, String> {
    let count = order.count.ok_or_else(|| "no count".to_owned())?;
    Ok(Order { article: order.article, count: Some(count + u32::from(express)) })
}

async fn a_job_in_json_is_answered_in_json() {
    let server = Server::start();
    let farm = Farm::connect(server.url()).await.unwrap();
    let worker = serve(&farm, [order::handler()]);
    until("the worker", async || farm.workers().await.unwrap().len() == 1).await;
    let signature = farm.workers().await.unwrap()[0].functions[0].signature.clone();
    let client = async_nats::connect(server.url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let results = jetstream.get_stream("gp_default_results").await.unwrap();
    let jobs = [
        (r#"[{"article": "tea", "count": 3}, true]"#, "ok", r#"{"Ok":{"article":"tea","count":4}}"#),
        (r#"[{"article": "tea", "more": [1.5]}, false]"#, "ok", r#"{"Err":"no count"}"#),
        ("[1", "unreadable", "EOF while parsing a list at line 1 column 2"),
        (r#"[{"article": "tea"}]"#, "unreadable", "expected 2 arguments, found 1"),
    ];
    for (n, (json, end, body)) in jobs.into_iter().enumerate() {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Gp-Codec", "json");
        let subject = format!("gp.default.job.order-json.{signature}.by-hand.{n}");
        jetstream.publish_with_headers(subject, headers, json.into()).await.unwrap().await.unwrap();
        let subject = format!("gp.default.res.order-json.by-hand.0.{n}");
        let mut result = None;
        until("the result", async || {
            result = results.get_last_raw_message_by_subject(&subject).await.ok();
            result.is_some()
        })
        .await;
        let result = result.unwrap();
        assert_eq!(result.headers.get("Gp-End").unwrap().as_str(), end);
        assert_eq!(result.headers.get("Gp-Codec").unwrap().as_str(), "json");
        assert_eq!(std::str::from_utf8(&result.payload).unwrap(), body);
    }
    worker.abort();
}
