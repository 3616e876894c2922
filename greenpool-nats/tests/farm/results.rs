//! How results reach their caller.

use std::iter::repeat;
use std::time::Duration;

use greenpool::remote::{Lost, job};
use greenpool_nats::{Farm, FarmError, Worker};
use tokio::time::Instant;

use crate::deadline::{soon, until};
use crate::jobs::{moody, narrow, new, old, recursive, square};
use crate::log;
use crate::process::Process;
use crate::role::Role;
use crate::server::Server;
use crate::site::{Site, answering, empty};

crate::tests! {
    a_map_gives_every_result_in_order_over_two_workers,
    an_unordered_map_gives_every_result_once,
    every_verb_gives_what_the_function_gives,
    a_panic_arrives_as_a_panic_and_an_err_as_an_err,
    a_job_that_waits_for_a_job_of_the_cluster_is_refused,
    a_job_never_reaches_a_worker_of_another_signature,
    a_dropped_map_leaves_nothing_in_the_queue,
    what_fails_without_a_caller_is_in_the_dead_list_and_can_be_run_again,
    an_aborted_handle_stops_the_job_where_it_runs,
    results_that_are_taken_do_not_stay_on_the_server,
    a_worker_and_a_submitter_can_share_a_connection,
    a_job_knows_how_much_of_its_lease_is_left,
    a_closed_farm_ends_its_calls,
    without_a_server_connecting_fails_within_its_time,
    a_wrong_password_fails_at_once,
    a_server_without_jetstream_is_an_error,
    a_stream_of_another_protocol_is_an_error,
}

async fn a_map_gives_every_result_in_order_over_two_workers() {
    let site = Site::new();
    let _workers = site.workers(2, 20);
    let farm = site.farm().await;
    answering(&farm, 2).await;
    let mut squares = square::on(&farm).imap(0..500, repeat(2));
    for n in 0..500 {
        let square = soon("a square", squares.next()).await.unwrap().unwrap();
        assert_eq!(square, n * n);
    }
    assert!(squares.next().await.is_none());
    let executions = site.executions();
    assert_eq!((executions.len(), log::processes(&executions)), (500, 2));
}

async fn an_unordered_map_gives_every_result_once() {
    let site = Site::new();
    let _workers = site.workers(2, 20);
    let farm = site.farm().await;
    let mut squares = square::on(&farm).starmap_unordered((0..300).map(|n| (n, n % 7)));
    let mut all = Vec::new();
    while let Some(square) = soon("a square", squares.next()).await {
        all.push(square.unwrap());
    }
    all.sort_unstable();
    assert!(all.into_iter().eq((0..300).map(|n| n * n)));
}

async fn every_verb_gives_what_the_function_gives() {
    let site = Site::new();
    let _worker = site.worker(10);
    let farm = site.farm().await;
    let far = square::on(&farm);
    assert_eq!(soon("a job", far.spawn(3, 0).await).await.unwrap(), 9);
    assert_eq!(soon("a job", far.try_spawn(4, 0).unwrap()).await.unwrap(), 16);
    assert_eq!(soon("a job", far.call(5, 0)).await.unwrap(), 25);
    soon("a job to be stored", far.spawn_n(6, 0)).await.unwrap();
    until("the job to run", async || site.executions().iter().any(|run| run.job == 6 && run.end.is_some())).await;
    empty(&farm, "square").await;
}

async fn a_panic_arrives_as_a_panic_and_an_err_as_an_err() {
    let site = Site::new();
    let _worker = site.worker(10);
    let farm = site.farm().await;
    let mut results = moody::on(&farm).imap(1..=10);
    for n in 1..=10 {
        let result = soon("a result", results.next()).await.unwrap();
        match n {
            7 => {
                let error = result.unwrap_err();
                assert!(error.is_panic());
                assert_eq!(error.to_string(), "the job panicked: 7 is a multiple of 7");
            }
            5 | 10 => assert_eq!(result.unwrap(), Err(format!("{n} is a multiple of 5"))),
            _ => assert_eq!(result.unwrap(), Ok(n)),
        }
    }
}

async fn a_job_that_waits_for_a_job_of_the_cluster_is_refused() {
    let site = Site::new();
    let _worker = site.worker(1);
    let farm = site.farm().await;
    let text = soon("a job", recursive::on(&farm).call(1)).await.unwrap();
    assert_eq!(text, Lost::InAJob.to_string());
}

async fn a_job_never_reaches_a_worker_of_another_signature() {
    let site = Site::new();
    let _old = site.worker(4);
    let farm = site.farm().await;
    answering(&farm, 1).await;
    let waiting = new::version::on(&farm).spawn(2).await;
    until("the job to be stored", async || farm.queue("version").await.unwrap().waiting == 1).await;
    assert_eq!(soon("the old version", old::version::on(&farm).call(1)).await.unwrap(), 1);
    assert!(farm.queue("version").await.unwrap().waiting >= 1);
    assert!(!waiting.is_finished());
    let _new = Process::start(&Role::Worker(crate::role::WorkerRole { new: true, ..site.role(4) }));
    assert_eq!(soon("the new version", waiting).await.unwrap(), (2, "new".to_owned()));
}

async fn a_dropped_map_leaves_nothing_in_the_queue() {
    let site = Site::new();
    let _worker = site.worker(5);
    let farm = site.farm().await;
    let far = square::on(&farm);
    // Each job that is cancelled makes room for another one, which may be on its way while it is cancelled, too.
    for _ in 0..20 {
        let before = site.executions().len();
        let map = far.imap(0..200, repeat(60_000));
        site.begun(before + 5).await;
        drop(map);
        empty(&farm, "square").await;
    }
    assert_eq!(site.executions().iter().filter(|run| run.end.is_some()).count(), 0);
    assert_eq!(soon("a job after that", far.call(2, 0)).await.unwrap(), 4);
}

async fn what_fails_without_a_caller_is_in_the_dead_list_and_can_be_run_again() {
    let site = Site::new();
    let _worker = site.worker(4);
    let farm = site.farm().await;
    let far = moody::on(&farm);
    for n in [3, 7, 14] {
        soon("the job to be stored", far.spawn_n(n)).await.unwrap();
    }
    let dead = async || farm.dead().list().await.unwrap();
    until("both jobs to be dead", async || dead().await.len() == 2).await;
    let mut jobs = dead().await;
    jobs.sort_by_key(|job| job.n);
    assert_eq!(jobs[0].why, "the job panicked: 7 is a multiple of 7");
    assert_eq!((jobs[1].function.as_str(), jobs[1].n), ("moody", 2));
    farm.dead().remove(&jobs[0]).await.unwrap();
    assert_eq!(dead().await.len(), 1);
    farm.dead().retry(&jobs[1]).await.unwrap();
    // It fails again.
    until("the job to be dead again", async || dead().await.len() == 1).await;
    empty(&farm, "moody").await;
    assert_eq!(dead().await[0].n, 2);
}

async fn an_aborted_handle_stops_the_job_where_it_runs() {
    let site = Site::new();
    let _worker = site.worker(5);
    let farm = site.farm().await;
    let thread = square::on(&farm).spawn(3, 60_000).await;
    site.begun(1).await;
    thread.abort();
    assert!(soon("the abort", thread).await.unwrap_err().is_cancelled());
    empty(&farm, "square").await;
    until("the worker to stop it", async || {
        let workers = farm.workers().await.unwrap();
        workers.len() == 1 && workers[0].running.is_empty()
    })
    .await;
}

async fn results_that_are_taken_do_not_stay_on_the_server() {
    let site = Site::new();
    let _workers = site.workers(2, 20);
    let farm = site.farm().await;
    let mut squares = square::on(&farm).imap(0..3000, repeat(0));
    while let Some(square) = soon("a square", squares.next()).await {
        square.unwrap();
    }
    let client = async_nats::connect(site.server.url()).await.unwrap();
    let stream = async_nats::jetstream::new(client).get_stream("gp_default_results").await.unwrap();
    until("the results to be removed", async || stream.get_info().await.unwrap().state.messages < 1024).await;
    farm.close().await;
    until("the rest to be removed", async || stream.get_info().await.unwrap().state.messages == 0).await;
}

async fn a_worker_and_a_submitter_can_share_a_connection() {
    #[greenpool::green_pool(size = 4, remote)]
    async fn whose() -> (String, u64) {
        let job = job().unwrap();
        (job.run.to_string(), job.n)
    }
    let server = Server::start();
    let farm = Farm::builder().namespace("one-process").connect(server.url()).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = Worker::on(&farm).serve(whose::handler());
    let working = tokio::spawn(worker.run_until(async { stopped.await.unwrap() }));
    let far = whose::on(&farm);
    assert_eq!(soon("a job", far.run("a name. *").call()).await.unwrap(), ("a name. *".to_owned(), 0));
    let (run, n) = soon("a job", far.call()).await.unwrap();
    assert_eq!((run.len(), n), (22, 0));
    stop.send(()).unwrap();
    let report = soon("the worker to end", working).await.unwrap().unwrap();
    assert_eq!((report.done, report.failed), (2, 0));
    assert_eq!(report.to_string(), "2 done, 0 failed, 0 handed back, 0 lost, 0 given up, 0 cancelled");
}

async fn a_job_knows_how_much_of_its_lease_is_left() {
    const LEASE: Duration = Duration::from_secs(2);
    /// What was left at the beginning, and the most that was left later.
    #[greenpool::green_pool(size = 4, remote)]
    async fn left(milliseconds: u64) -> (Duration, Duration) {
        let job = job().unwrap();
        let (begin, first) = (Instant::now(), job.lease_left().unwrap());
        let mut most = Duration::ZERO;
        while begin.elapsed() < Duration::from_millis(milliseconds) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            most = most.max(job.lease_left().unwrap());
        }
        (first, most)
    }
    let server = Server::start();
    let farm = Farm::builder().lease(LEASE).connect(server.url()).await.unwrap();
    let worker = Worker::on(&farm).serve(left::handler());
    let working = tokio::spawn(worker.run_until(std::future::pending()));
    // It is extended while the job runs: without that it would have ended.
    let (first, most) = soon("a job", left::on(&farm).call(3 * LEASE.as_millis() as u64 / 2)).await.unwrap();
    assert!(first > Duration::ZERO && first <= LEASE, "{first:?}");
    assert!(most > Duration::ZERO && most <= LEASE, "{most:?}");
    working.abort();
}

async fn a_closed_farm_ends_its_calls() {
    let site = Site::new();
    let farm = site.farm().await;
    let far = narrow::on(&farm);
    let thread = far.spawn(1, 0).await;
    until("the job to be stored", async || farm.queue("narrow").await.unwrap().waiting == 1).await;
    let named = far.run("named").spawn(2, 0).await;
    soon("a job without a caller", far.spawn_n(3, 0)).await.unwrap();
    until("the named job to be stored", async || farm.queue("narrow").await.unwrap().waiting == 3).await;
    soon("the farm to close", farm.clone().close()).await;
    assert_eq!(soon("the call to end", thread).await.unwrap_err().lost(), Some(&Lost::Closed));
    assert_eq!(soon("the call to end", named).await.unwrap_err().lost(), Some(&Lost::Closed));
    // The job of the named run, and the one without a caller, stay.
    assert_eq!(farm.queue("narrow").await.unwrap().waiting, 2);
    assert_eq!(far.call(2, 0).await.unwrap_err().lost(), Some(&Lost::Closed));
    assert_eq!(far.spawn_n(2, 0).await, Err(Lost::Closed));
}

async fn without_a_server_connecting_fails_within_its_time() {
    let mut server = Server::start();
    server.kill();
    let begin = Instant::now();
    let error = soon("the error", Farm::connect(server.url())).await.unwrap_err();
    assert!(matches!(error, FarmError::Connect { .. }), "{error}");
    // A `main` that returns it prints this.
    let printed = format!("{error:?}");
    let address = server.url().replace("nats://", "");
    assert!(printed.starts_with(&format!("no connection to the NATS server at {address}: ")), "{printed}");
    assert!(printed.contains("refused") && printed.ends_with("; is it running?"), "{printed}");
    assert!(begin.elapsed() < Duration::from_secs(7), "it took {:?}", begin.elapsed());
}

async fn a_wrong_password_fails_at_once() {
    let server = Server::with(&["--user", "green", "--pass", "right"]);
    let with = |password: &str| {
        let options = async_nats::ConnectOptions::with_user_and_password("green".into(), password.into());
        Farm::builder().options(options).connect(server.url())
    };
    let begin = Instant::now();
    let error = soon("the error", with("wrong")).await.unwrap_err();
    assert!(matches!(error, FarmError::Connect { .. }), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(3), "it took {:?}", begin.elapsed());
    soon("the right password", with("right")).await.unwrap();
}

async fn a_stream_of_another_protocol_is_an_error() {
    let server = Server::start();
    let client = async_nats::connect(server.url()).await.unwrap();
    let config = async_nats::jetstream::stream::Config {
        name: "gp_shop_results".to_owned(),
        subjects: vec!["gp.shop.res.>".to_owned()],
        description: Some("greenpool 0".to_owned()),
        ..Default::default()
    };
    async_nats::jetstream::new(client).create_stream(config).await.unwrap();
    let error = soon("the error", Farm::builder().namespace("shop").connect(server.url())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the stream gp_shop_results is not of this version of greenpool-nats: it says `greenpool 0`"
    );
    soon("another namespace", Farm::connect(server.url())).await.unwrap();
}

async fn a_server_without_jetstream_is_an_error() {
    let server = Server::without_jetstream();
    let error = soon("the error", Farm::connect(server.url())).await.unwrap_err();
    assert!(matches!(error, FarmError::Refused { .. }), "{error}");
}
