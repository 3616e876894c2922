//! Jobs that block their threads for 300 ms without an await: they should run on as many threads as there are.

use std::thread;
use std::time::Duration;

use futures::{StreamExt, stream};
use greenpool::{GreenMap, GreenPile, GreenPool, green_pool};
use tokio::runtime::{Builder, Runtime};

use crate::Plan;
use crate::contest::{Budget, Case, interleave};
use crate::report::bound::Bound;

const TIME: Duration = Duration::from_millis(300);
const SIZE: usize = 16;

#[green_pool(size = 16)]
async fn block(_: u64) {
    thread::sleep(TIME);
}

async fn drain(mut map: GreenMap<()>) {
    while let Some(result) = map.next().await {
        result.expect("no job panics");
    }
}

async fn buffered(jobs: u64) {
    let tasks = stream::iter(0..jobs).map(|n| tokio::spawn(block(n)));
    let results = tasks.buffered(SIZE);
    results.for_each(async |result| result.expect("no job panics")).await;
}

async fn imap(jobs: u64) {
    drain(block::imap(0..jobs)).await;
}

async fn imap_stream(jobs: u64) {
    drain(GreenPool::new(SIZE).imap_stream(block, stream::iter(0..jobs))).await;
}

async fn spawn(jobs: u64) {
    let mut handles = Vec::new();
    for n in 0..jobs {
        handles.push(block::spawn(n).await);
    }
    for handle in handles {
        handle.await.expect("no job panics");
    }
}

async fn pile(jobs: u64) {
    let mut pile = GreenPile::new(SIZE);
    for n in 0..jobs {
        pile.spawn(block(n)).await;
    }
    while let Some(result) = pile.next().await {
        result.expect("no job panics");
    }
}

/// Runs `run` as a task, as a job of a larger program would.
fn case<F>(runtime: &Runtime, jobs: u64, run: fn(u64) -> F) -> Case<'_>
where
    F: Future<Output = ()> + Send + 'static,
{
    Case::timed(jobs, move || runtime.block_on(async { tokio::spawn(run(jobs)).await.expect("no job panics") }))
}

/// The time of a few such jobs, against `map(tokio::spawn).buffered`.
pub(crate) fn measure(plan: &Plan) -> Vec<Bound> {
    let mut rows = Vec::new();
    let ways = ["f::imap", "imap_stream", "f::spawn", "GreenPile::spawn"];
    for (threads, jobs) in [2, 4].into_iter().flat_map(|threads| [2, 3, 4, 8].map(|jobs| (threads, jobs))) {
        let name = format!("bounds/spreading/{threads}/{jobs}");
        if !plan.wants(&name) {
            continue;
        }
        eprintln!("measuring {name}");
        let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build();
        let runtime = runtime.expect("a runtime starts");
        let cases = [
            case(&runtime, jobs, buffered),
            case(&runtime, jobs, imap),
            case(&runtime, jobs, imap_stream),
            case(&runtime, jobs, spawn),
            case(&runtime, jobs, pile),
        ];
        let samples = interleave(&cases, Budget { time: Duration::ZERO, rounds: 3 });
        for (what, sample) in ways.iter().zip(&samples[1..]) {
            rows.push(Bound {
                what: format!("greenpool {what}"),
                against: "map(tokio::spawn).buffered(n)".into(),
                setting: format!("{jobs} jobs that block for 300 ms, {threads} threads, wall"),
                figure: sample.ratio(&samples[0]),
                main: None,
                limit: 1.05,
                at_least: false,
                unit: "",
            });
        }
    }
    rows
}
