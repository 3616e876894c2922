//! The settings that live on the server: who writes them, and who follows them.

use std::time::Duration;

use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::stream::Config;
use greenpool_nats::{Farm, FarmBuilder, FarmError, Worker};

use crate::deadline::{soon, until};
use crate::jobs::{b_left, left, quick};
use crate::site::{Site, answering, empty};

crate::tests! {
    a_worker_changes_the_settings_that_it_sets_and_follows_the_others,
    a_worker_follows_a_lease_that_another_sets_while_it_works,
    a_setting_that_the_server_refuses_ends_the_worker,
    two_namespaces_whose_streams_have_one_name_are_told_so,
    a_result_that_the_server_refuses_is_lost_and_says_so,
}

const HOUR: Duration = Duration::from_secs(3600);

/// What is on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    keep: Duration,
    backlog: i64,
    lease: Duration,
    /// How many jobs may run at once.
    limit: i64,
}

const DEFAULTS: Found =
    Found { keep: Duration::from_secs(24 * 3600), backlog: 1_000_000, lease: Duration::from_secs(30), limit: 3 };

/// Reads what is on the server.
async fn found(site: &Site) -> Found {
    let jetstream = async_nats::jetstream::new(async_nats::connect(site.server.url()).await.unwrap());
    let stream = async |name: String| jetstream.get_stream(name).await.unwrap();
    let config =
        async |name: &str| -> Config { stream(format!("gp_default_{name}")).await.cached_info().config.clone() };
    let jobs = format!("left_{}", signature(site).await);
    let (results, blobs, dead, jobs_config) =
        (config("results").await, config("blobs").await, config("dead").await, config(&jobs).await);
    // What belongs together is the same, and nothing else is touched.
    assert_eq!(results.max_age, blobs.max_age);
    assert_eq!((dead.max_age, dead.max_messages), (Duration::from_secs(7 * 24 * 3600), -1));
    assert_eq!((results.max_messages, jobs_config.max_age), (-1, Duration::ZERO));
    let stream = stream(format!("gp_default_{jobs}")).await;
    let mut consumer = stream.get_consumer::<pull::Config>("workers").await.unwrap();
    let consumer = consumer.info().await.unwrap().config.clone();
    Found {
        keep: results.max_age,
        backlog: jobs_config.max_messages,
        lease: consumer.ack_wait,
        limit: consumer.max_ack_pending,
    }
}

async fn signature(site: &Site) -> String {
    let functions = site.farm().await.functions().await.unwrap();
    functions.into_iter().find(|function| function.name == "left").expect("it has a stream").signature
}

async fn connect(site: &Site, set: impl FnOnce(FarmBuilder) -> FarmBuilder) -> Farm {
    set(Farm::builder()).connect(site.server.url()).await.unwrap()
}

/// Works until one job has run. Returns how much of its lease that job saw.
async fn work(site: &Site, farm: &Farm) -> Duration {
    let submitter = site.farm().await;
    let run = left::on(&submitter);
    let mut seen = None;
    let end = async { seen = Some(soon("a job", run.call()).await.unwrap()) };
    soon("the worker", Worker::on(farm).serve(left::handler()).run_until(end)).await.unwrap();
    Duration::from_millis(seen.unwrap())
}

async fn a_worker_changes_the_settings_that_it_sets_and_follows_the_others() {
    type Case = (&'static str, bool, fn(FarmBuilder) -> FarmBuilder, Found);
    let kept = Found { keep: HOUR, ..DEFAULTS };
    let short = Found { backlog: 500, ..kept };
    let leased = Found { lease: HOUR, ..short };
    let all = Found { keep: 2 * HOUR, backlog: 700, lease: Duration::from_secs(120), limit: 3 };
    let cases: [Case; 10] = [
        ("a worker that sets nothing", true, |farm| farm, DEFAULTS),
        ("a worker that sets `keep`", true, |farm| farm.keep(HOUR), kept),
        ("a submitter that sets `keep`", false, |farm| farm.keep(2 * HOUR), kept),
        ("a worker that sets `backlog`", true, |farm| farm.backlog(500), short),
        ("a submitter that sets `backlog`", false, |farm| farm.backlog(5), short),
        ("a worker that sets `lease`", true, |farm| farm.lease(HOUR), leased),
        ("a submitter that sets `lease`", false, |farm| farm.lease(Duration::from_secs(2)), leased),
        ("another worker that sets nothing", true, |farm| farm, leased),
        ("a worker that sets what is there", true, |farm| farm.lease(HOUR).keep(HOUR).replicas(1), leased),
        (
            "a worker that sets all",
            true,
            |farm| farm.keep(2 * HOUR).backlog(700).lease(Duration::from_secs(120)).replicas(1),
            all,
        ),
    ];
    let site = Site::new();
    let first = site.farm().await;
    work(&site, &first).await;
    left::on(&first).resize(3).await.unwrap();
    for (who, is_worker, set, expected) in cases {
        let farm = connect(&site, set).await;
        if is_worker {
            let seen = work(&site, &farm).await;
            assert!(seen <= expected.lease && seen > expected.lease / 2, "{who}: {seen:?} of its lease was left");
        } else {
            left::on(&farm).spawn_n().await.unwrap();
            left::on(&farm).stats().await.unwrap();
        }
        assert_eq!(found(&site).await, expected, "after {who}");
        farm.close().await;
    }
}

async fn a_worker_follows_a_lease_that_another_sets_while_it_works() {
    let [six, nine, three] = [6, 9, 3].map(Duration::from_secs);
    let site = Site::new();
    let farm = connect(&site, |farm| farm.lease(six)).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = Worker::on(&farm).serve(left::handler());
    let working = tokio::spawn(worker.run_until(async { stopped.await.unwrap() }));
    answering(&farm, 1).await;
    let far = left::on(&farm);
    let seen = async || Duration::from_millis(soon("a job", far.call()).await.unwrap());
    assert!(seen().await <= six);
    for (lease, followed) in [(nine, (|seen| seen > 6000) as fn(u128) -> bool), (three, |seen| seen <= 3000)] {
        // Another worker that comes and leaves.
        let other = connect(&site, |farm| farm.lease(lease)).await;
        soon("another worker", Worker::on(&other).serve(left::handler()).run_until(async {})).await.unwrap();
        until("the worker to follow", async || followed(seen().await.as_millis())).await;
    }
    stop.send(()).unwrap();
    soon("the worker to end", working).await.unwrap().unwrap();
}

async fn a_setting_that_the_server_refuses_ends_the_worker() {
    let site = Site::new();
    let first = site.farm().await;
    work(&site, &first).await;
    let farm = connect(&site, |farm| farm.replicas(3)).await;
    let error = soon("the worker", Worker::on(&farm).serve(left::handler()).run()).await.unwrap_err();
    assert!(matches!(error, FarmError::Refused { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("gp_default_results") && text.contains("replicas"), "{text}");
}

async fn two_namespaces_whose_streams_have_one_name_are_told_so() {
    let site = Site::new();
    let other = connect(&site, |farm| farm.namespace("a")).await;
    soon("the worker", Worker::on(&other).serve(b_left::handler()).run_until(async {})).await.unwrap();
    let farm = connect(&site, |farm| farm.namespace("a_b")).await;
    let error = soon("the worker", Worker::on(&farm).serve(left::handler()).run()).await.unwrap_err();
    assert!(error.to_string().contains("belongs to another namespace or function"), "{error}");
    let lost = soon("the submitter", left::on(&farm).call()).await.unwrap_err();
    assert!(lost.to_string().contains("belongs to another namespace or function"), "{lost}");
}

async fn a_result_that_the_server_refuses_is_lost_and_says_so() {
    let site = Site::new();
    let _worker = site.worker(4);
    let farm = site.farm().await;
    let jetstream = async_nats::jetstream::new(async_nats::connect(site.server.url()).await.unwrap());
    let mut stream = jetstream.get_stream("gp_default_results").await.unwrap();
    let mut config = stream.info().await.unwrap().config.clone();
    config.max_message_size = 2000;
    jetstream.update_stream(&config).await.unwrap();
    let far = quick::on(&farm);
    let text = "x".repeat(3000);
    // This one comes straight from the worker.
    assert_eq!(soon("a result", far.run("nightly").call(text.clone())).await.unwrap(), text);
    // It is not run again and again.
    empty(&farm, "quick").await;
    let error = soon("the error", far.run("nightly").call(text)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the output of the job cannot be written or read: the server refused it: message size exceeds maximum allowed \
         (error 10054)"
    );
}
