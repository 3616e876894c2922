//! What is measured of a farm.

use std::collections::HashSet;
use std::time::Duration;

use futures::StreamExt;
use greenpool::remote::Far;
use greenpool_nats::Farm;
use tokio::time::{Instant, sleep};

use crate::PROCESSES;
use crate::work::{Order, work};

/// Jobs per second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate(pub(crate) f64);

impl Rate {
    pub(crate) fn of(jobs: u64, time: Duration) -> Self {
        Rate(f64::from(u32::try_from(jobs).expect("not so many")) / time.as_secs_f64())
    }
}

pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// A map over so many jobs, each of which takes so long.
pub(crate) async fn throughput(far: &Far<work>, jobs: u64, milliseconds: u64) -> Rate {
    let begin = Instant::now();
    let mut results = far.imap((0..jobs).map(move |id| Order::new(id, milliseconds)));
    let mut processes = HashSet::new();
    for id in 0..jobs {
        let done = results.next().await.expect("a result").expect("no job is lost").expect("a result");
        assert_eq!(done.id, id);
        processes.insert(done.process);
    }
    assert!(processes.len() <= PROCESSES);
    Rate::of(jobs, begin.elapsed())
}

/// The same in the local pool.
pub(crate) async fn local(jobs: u64, milliseconds: u64) -> Rate {
    let begin = Instant::now();
    let mut results = work::imap((0..jobs).map(move |id| Order::new(id, milliseconds)));
    while let Some(result) = results.next().await {
        result.expect("no panic").expect("a result");
    }
    Rate::of(jobs, begin.elapsed())
}

/// How long one job takes, alone: the median.
pub(crate) async fn single(far: &Far<work>, jobs: u64) -> f64 {
    let mut times = Vec::new();
    for id in 0..jobs {
        let begin = Instant::now();
        far.spawn(Order::new(id, 0)).await.await.expect("no job is lost").expect("a result");
        times.push(begin.elapsed().as_secs_f64());
    }
    median(times)
}

/// How long a map takes to its first result.
pub(crate) async fn first(far: &Far<work>) -> f64 {
    let begin = Instant::now();
    let mut results = far.imap((0..200).map(|id| Order::new(id, 0)));
    results.next().await.expect("a result").expect("no job is lost").expect("a result");
    let first = begin.elapsed().as_secs_f64();
    while results.next().await.is_some() {}
    first
}

/// How fast jobs without a caller are stored.
pub(crate) async fn stored(far: &Far<work>, jobs: u64, at_once: usize) -> Rate {
    let begin = Instant::now();
    let stored = futures::stream::iter(0..jobs).map(|id| far.spawn_n(Order::new(id, 0)));
    stored.buffer_unordered(at_once).for_each(async |stored| stored.expect("the server has room")).await;
    Rate::of(jobs, begin.elapsed())
}

/// Waits until nothing is queued.
pub(crate) async fn empty(farm: &Farm) {
    loop {
        let queue = farm.queue("work").await.expect("the server answers");
        if queue.waiting + queue.running == 0 {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// How long it takes to see how many jobs are queued.
pub(crate) async fn look(farm: &Farm) -> f64 {
    let begin = Instant::now();
    let queue = farm.queue("work").await.expect("the server answers");
    assert!(queue.waiting > 0);
    begin.elapsed().as_secs_f64()
}
