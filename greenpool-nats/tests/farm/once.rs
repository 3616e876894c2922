//! Jobs that are stored or delivered once more when their result is there already: they are not run again.

use futures::StreamExt;
use greenpool_nats::Farm;

use crate::deadline::{soon, until};
use crate::jobs::{fragile, square};
use crate::process::Process;
use crate::proxy::Proxy;
use crate::role::{Role, WorkerRole};
use crate::site::{Site, answering, empty};

crate::tests! {
    a_job_that_ends_while_its_run_is_taken_up_runs_once,
    two_submitters_that_begin_a_run_together_run_each_job_once,
    a_job_whose_worker_dies_before_its_acknowledgement_runs_once,
    a_job_that_fails_is_in_the_dead_list_although_its_worker_dies_before,
    a_dead_job_of_a_run_can_be_run_again_although_it_has_a_result,
    a_job_that_another_submitter_cancels_is_stored_again,
}

/// What a submitter sends when it stores a job.
const JOB: &str = "HPUB gp.default.job.";

/// What a worker sends when it tells a result.
const RESULT: &str = "HPUB gp.default.res.";

/// What a worker sends when it puts a job into the dead list.
const DEAD: &str = "HPUB gp.default.dead.";

/// What a worker sends when a job is over.
const ACK: &str = "PUB $JS.ACK.";

async fn through(proxy: &Proxy) -> Farm {
    Farm::connect(proxy.url()).await.expect("the server listens")
}

fn worker_through(site: &Site, proxy: &Proxy) -> Process {
    Process::start(&Role::Worker(WorkerRole { url: proxy.url(), ..site.role(4) }))
}

/// Waits until that many jobs of a function have been stored since its stream was made.
async fn stored(site: &Site, farm: &Farm, function: &str, count: u64) {
    let functions = farm.functions().await.expect("the server is there");
    let version = functions.iter().find(|version| version.name == function).expect("it has jobs");
    let client = async_nats::connect(site.server.url()).await.unwrap();
    let name = format!("gp_default_{function}_{}", version.signature);
    let stream = async_nats::jetstream::new(client).get_stream(name).await.unwrap();
    until("jobs to be stored", async || stream.get_info().await.unwrap().state.last_sequence >= count).await;
}

/// Waits until so many jobs of a function run, and none waits.
async fn running(farm: &Farm, function: &str, count: u64) {
    until("jobs to end", async || {
        let queue = farm.queue(function).await.expect("the server is there");
        (queue.waiting, queue.running) == (0, count)
    })
    .await;
}

async fn a_job_that_ends_while_its_run_is_taken_up_runs_once() {
    for n in [7, 900, 901] {
        let site = Site::new();
        let farm = site.farm().await;
        let first = fragile::on(&farm).run("nightly").spawn(n).await;
        until("the job to be stored", async || farm.queue("fragile").await.unwrap().waiting == 1).await;

        // Another submitter takes the run up: it has found no result, and is about to store the job.
        let proxy = Proxy::cut_before(&site.server.url(), JOB).await;
        let second = fragile::on(&through(&proxy).await).run("nightly").spawn(n).await;
        proxy.is_cut().await;
        let _worker = site.worker(4);
        let first = soon("the result", first).await;
        empty(&farm, "fragile").await;
        proxy.cut(false);

        let second = soon("the same result", second).await;
        assert_eq!(first.map_err(|error| error.to_string()), second.map_err(|error| error.to_string()));
        stored(&site, &farm, "fragile", 2).await;
        empty(&farm, "fragile").await;
        assert_eq!(site.executions().len(), 1, "{n}");
    }
}

async fn two_submitters_that_begin_a_run_together_run_each_job_once() {
    const ITEMS: u64 = 20;
    // The first job keeps the run open.
    let items = |from, until| (from..until).map(|n| (n, if n == 0 { 60_000 } else { 0 }));
    let site = Site::new();
    let _worker = site.worker(4);
    let farm = site.farm().await;
    answering(&farm, 1).await;
    // This one has found that the run is new, and is about to store its first job.
    let proxy = Proxy::cut_before(&site.server.url(), JOB).await;
    let slow_farm = through(&proxy).await;
    let (more, source) = futures::channel::mpsc::unbounded();
    let source = futures::stream::iter(items(0, 1)).chain(source);
    let mut slow = square::on(&slow_farm).window(2).run("nightly").imap_stream_unordered(source);
    proxy.is_cut().await;
    items(1, 2).for_each(|item| more.unbounded_send(item).unwrap());
    let mut fast = square::on(&farm).run("nightly").starmap_unordered(items(0, ITEMS));
    for _ in 1..ITEMS {
        soon("a square", fast.next()).await.unwrap().unwrap();
    }
    running(&farm, "square", 1).await;
    proxy.cut(false);
    assert_eq!(soon("the same square", slow.next()).await.unwrap().unwrap(), 1);
    // When this is answered twice, it has heard of all results, and has not had the other jobs yet. What came before the
    // first answer is told by a task of its own, which has its turn before the second.
    for _ in 0..2 {
        slow_farm.queue("square").await.unwrap();
    }
    items(2, ITEMS).for_each(|item| more.unbounded_send(item).unwrap());
    let mut squares = Vec::new();
    for _ in 2..ITEMS {
        squares.push(soon("the same square", slow.next()).await.unwrap().unwrap());
    }
    squares.sort_unstable();
    assert!(squares.into_iter().eq((2..ITEMS).map(|n| n * n)));
    stored(&site, &farm, "square", 2 * ITEMS - 2).await;
    running(&farm, "square", 1).await;
    assert_eq!(site.executions().len() as u64, ITEMS);
}

async fn a_job_whose_worker_dies_before_its_acknowledgement_runs_once() {
    let site = Site::new();
    let farm = site.farm().await;
    let far = square::on(&farm);
    let proxy = Proxy::cut_before(&site.server.url(), ACK).await;
    let mut worker = worker_through(&site, &proxy);
    assert_eq!(soon("the result", far.run("nightly").call(7, 0)).await.unwrap(), 49);
    proxy.is_cut().await;
    worker.kill();
    // The next worker finds the result, and tells it whoever waits. One that is forgotten meanwhile does not come back.
    let proxy = Proxy::cut_before(&site.server.url(), RESULT).await;
    let _worker = worker_through(&site, &proxy);
    proxy.is_cut().await;
    assert_eq!(soon("forget", far.forget("nightly")).await, Ok(1));
    proxy.cut(false);
    empty(&farm, "square").await;
    assert_eq!(farm.runs().await.unwrap(), []);
    assert_eq!(site.executions().len(), 1);
}

async fn a_job_that_fails_is_in_the_dead_list_although_its_worker_dies_before() {
    let site = Site::new();
    let farm = site.farm().await;
    let proxy = Proxy::cut_before(&site.server.url(), DEAD).await;
    let mut worker = worker_through(&site, &proxy);
    soon("the job to be stored", fragile::on(&farm).run("mail 1").spawn_n(900)).await.unwrap();
    // Its result is stored, but it is not in the dead list yet.
    proxy.is_cut().await;
    assert_eq!(farm.runs().await.unwrap()[0].results, 1);
    worker.kill();
    let _worker = site.worker(4);
    until("the job to be dead", async || !farm.dead().list().await.unwrap().is_empty()).await;
    empty(&farm, "fragile").await;
    assert_eq!(farm.dead().list().await.unwrap()[0].why, "the job panicked: 900 panics");
    assert_eq!(site.executions().len(), 1);
}

async fn a_dead_job_of_a_run_can_be_run_again_although_it_has_a_result() {
    let site = Site::new();
    let _worker = site.worker(4);
    let farm = site.farm().await;
    let far = fragile::on(&farm);
    soon("the job to be stored", far.run("mail 1").spawn_n(900)).await.unwrap();
    for executions in 1..=2 {
        until("the job to be dead", async || !farm.dead().list().await.unwrap().is_empty()).await;
        empty(&farm, "fragile").await;
        assert_eq!(site.executions().len(), executions);
        if executions == 1 {
            farm.dead().retry(&farm.dead().list().await.unwrap()[0]).await.unwrap();
        }
    }
    // Whoever takes the run up gets its result, and does not run it again.
    let error = soon("the result", far.run("mail 1").call(900)).await.unwrap_err();
    assert_eq!(error.to_string(), "the job panicked: 900 panics");
    assert_eq!(site.executions().len(), 2);
}

async fn a_job_that_another_submitter_cancels_is_stored_again() {
    let site = Site::new();
    let farm = site.farm().await;
    let thread = square::on(&farm).run("order 7").spawn(7, 0).await;
    until("the job to be stored", async || farm.queue("square").await.unwrap().waiting == 1).await;
    let proxy = Proxy::cut_before(&site.server.url(), JOB).await;
    let other = through(&proxy).await;
    let cancelled = square::on(&other).run("order 7").spawn(7, 0).await;
    proxy.is_cut().await;
    cancelled.abort();
    proxy.cut(false);
    empty(&farm, "square").await;
    let _worker = site.worker(4);
    assert_eq!(soon("the result", thread).await.unwrap(), 49);
    empty(&farm, "square").await;
    assert_eq!(site.executions().len(), 1);
}
