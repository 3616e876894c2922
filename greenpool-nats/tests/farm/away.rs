//! A server that goes away while verbs are under way.

use std::future::ready;
use std::iter::repeat;
use std::time::Duration;

use futures::{StreamExt, stream};
use greenpool::TryMapError;
use greenpool::remote::Lost;
use tokio::time::{Instant, timeout};

use crate::deadline::{soon, until};
use crate::jobs::{moody, quick, square};
use crate::site::{Site, answering, empty};

crate::tests! {
    without_a_server_each_question_is_an_error_in_time,
    a_farm_can_be_closed_without_a_server,
    what_is_cancelled_without_a_server_does_not_run_when_it_is_back,
    every_kind_of_map_goes_on_when_the_server_is_back,
}

/// Within this time a question is answered, or an error.
const ANSWER: Duration = Duration::from_secs(20);

async fn without_a_server_each_question_is_an_error_in_time() {
    let mut site = Site::new();
    let farm = site.farm().await;
    let far = square::on(&farm);
    far.spawn_n(1, 0).await.unwrap();
    site.server.kill();
    until("the connection to break", async || farm.workers().await.is_err()).await;
    let dead = farm.dead();
    tokio::join!(
        refused("workers", farm.workers()),
        refused("functions", farm.functions()),
        refused("queue", farm.queue("square")),
        refused("resize", farm.resize("square", 3)),
        refused("runs", farm.runs()),
        refused("the dead list", dead.list()),
        refused("stats", far.stats()),
        refused("resize of a function", far.resize(3)),
        refused("forget", far.forget("nightly")),
    );
    site.server.restart();
    until("an answer", async || farm.queue("square").await.is_ok_and(|queue| queue.waiting == 1)).await;
}

/// Asks something without a server.
async fn refused<T: std::fmt::Debug, E: std::error::Error>(what: &str, asked: impl Future<Output = Result<T, E>>) {
    let answer = timeout(ANSWER, asked).await;
    let error = answer.unwrap_or_else(|_| panic!("{what} waited for the server")).expect_err(what).to_string();
    assert!(error.contains("there is no connection to the NATS server to "), "{what}: {error}");
}

async fn a_farm_can_be_closed_without_a_server() {
    let mut site = Site::new();
    let farm = site.farm().await;
    let far = square::on(&farm);
    let map = far.imap(0..500, repeat(0));
    until("a window of jobs", async || farm.queue("square").await.unwrap().waiting == 80).await;
    let thread = far.window(1).spawn(1, 0).await;
    site.server.kill();
    let begin = Instant::now();
    soon("the farm to close", farm.close()).await;
    assert!(begin.elapsed() < ANSWER, "it took {:?}", begin.elapsed());
    assert_eq!(soon("the call to end", thread).await.unwrap_err().lost(), Some(&Lost::Closed));
    let results: Vec<_> = soon("the map to end", map.collect()).await;
    assert_eq!(results.len(), 500);
    assert!(results.into_iter().all(|result| result.unwrap_err().lost() == Some(&Lost::Closed)));
}

async fn what_is_cancelled_without_a_server_does_not_run_when_it_is_back() {
    let mut site = Site::new();
    let farm = site.farm().await;
    let far = square::on(&farm);
    let map = far.imap(0..500, repeat(0));
    until("a window of jobs", async || farm.queue("square").await.unwrap().waiting == 80).await;
    let thread = far.window(1).spawn(1, 0).await;
    until("one more", async || farm.queue("square").await.unwrap().waiting == 81).await;
    site.server.kill();
    drop(map);
    thread.abort();
    assert!(soon("the abort", thread).await.unwrap_err().is_cancelled());
    // Longer than a request waits for its answer.
    tokio::time::sleep(Duration::from_secs(7)).await;
    site.server.restart();
    until("an empty queue", async || farm.queue("square").await.is_ok_and(|queue| queue.waiting == 0)).await;
    let _worker = site.worker(4);
    assert_eq!(soon("a job after that", far.call(3, 0)).await.unwrap(), 9);
    assert_eq!(site.executions().len(), 1);
}

async fn every_kind_of_map_goes_on_when_the_server_is_back() {
    let mut site = Site::new();
    let _worker = site.worker(20);
    let farm = site.farm().await;
    answering(&farm, 1).await;
    let texts = || (0..2000).map(|n| n.to_string());
    let far = quick::on(&farm);
    let mut streamed = far.imap_stream(stream::iter(texts()));
    let failing = texts().map(Ok).chain([Err("the end")]);
    let mut tried = far.try_imap_unordered(failing);
    let collected = far.imap_unordered(texts()).values().map(|text| text.parse::<u64>().unwrap()).collect::<Vec<_>>();
    let moods = moody::on(&farm).imap((0..300).map(|n| if n < 299 { 1 } else { 5 })).try_for_each(|_| ready(Ok(())));
    let pile = greenpool::pile![on farm; square(2, 1500), square(3, 1500), square(4, 1500)].try_join();
    let one = far.spawn("one".to_owned()).await;
    for n in 0..500 {
        assert_eq!(soon("a text", streamed.next()).await.unwrap().unwrap(), n.to_string());
    }
    site.server.kill();
    let back = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        site.server.restart();
    };
    let rest = async {
        for n in 500..2000 {
            assert_eq!(soon("a text", streamed.next()).await.unwrap().unwrap(), n.to_string());
        }
        assert!(streamed.next().await.is_none());
        let mut all = 0;
        loop {
            match soon("a text", tried.next()).await.unwrap() {
                Ok(_) => all += 1,
                Err(error) => break assert!(matches!(error, TryMapError::Source("the end"))),
            }
        }
        assert_eq!(all, 2000);
        let mut numbers = soon("all numbers", collected).await;
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..2000));
        assert_eq!(soon("the error", moods).await, Err("5 is a multiple of 5".to_owned()));
        assert_eq!(soon("the pile", pile).await.unwrap(), (4, 9, 16));
        assert_eq!(soon("a value", one.value()).await, "one");
    };
    tokio::join!(back, rest);
    empty(&farm, "quick").await;
}
