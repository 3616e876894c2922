//! The limit of the cluster, cancelled jobs, and a named run, in full size.

use std::iter::repeat;
use std::time::Duration;

use greenpool::GreenMap;
use greenpool::pile;
use greenpool::remote::Lost;
use greenpool_nats::{Farm, Queue};
use tokio::time::Instant;

use super::{JOBS, MILLISECONDS, take, worker};
use crate::deadline::{soon, until};
use crate::jobs::{narrow, square, wide};
use crate::log::{self, Execution};
use crate::process::Process;
use crate::role::Role;
use crate::site::{Site, answering, empty};

crate::tests! {
    no_more_than_40_or_10_of_10_000_jobs_run_at_once,
    the_limit_goes_from_40_to_10_to_60_under_10_000_jobs,
    dropped_maps_handles_and_piles_leave_nothing_behind,
    a_run_of_10_000_jobs_goes_on_after_its_submitter_was_killed,
}

async fn no_more_than_40_or_10_of_10_000_jobs_run_at_once() {
    let site = Site::new();
    let _workers = [(); 4].map(|()| worker(&site));
    let farm = site.farm().await;
    answering(&farm, 4).await;
    let (squares, _) = take(&mut square::on(&farm).imap(0..JOBS, repeat(MILLISECONDS))).await;
    assert!(squares.into_iter().eq((0..JOBS).map(|n| n * n)));
    empty(&farm, "square").await;
    let of_40 = site.executions();
    let (numbers, _) = take(&mut narrow::on(&farm).imap(0..JOBS, repeat(MILLISECONDS))).await;
    assert!(numbers.into_iter().eq(0..JOBS));
    let all = site.executions();
    let (of_40, of_10) = all.split_at(of_40.len());
    let peaks = [of_40, of_10].map(|executions| log::peak(executions, log::now()));
    println!("{} at once at most with a size of 40, {} with 10", peaks[0], peaks[1]);
    assert_eq!((of_40.len() as u64, of_10.len() as u64, peaks), (JOBS, JOBS, [40, 10]));
}

async fn the_limit_goes_from_40_to_10_to_60_under_10_000_jobs() {
    let site = Site::new();
    let _workers = [(); 4].map(|()| worker(&site));
    let farm = site.farm().await;
    answering(&farm, 4).await;
    let far = square::on(&farm);
    // The last ones take longer: on a busy machine, 60 of those that take 20 ms are never begun before one ends.
    let times = (0..JOBS).map(|n| if n < JOBS * 3 / 5 { MILLISECONDS } else { 5 * MILLISECONDS });
    let mut squares = far.imap(0..JOBS, times);
    let mut n = 0;
    let mut take = async |squares: &mut GreenMap<u64>, count: u64| {
        for _ in 0..count {
            assert_eq!(soon("a square", squares.next()).await.unwrap().unwrap(), n * n);
            n += 1;
        }
        log::now()
    };
    let wide = take(&mut squares, JOBS * 2 / 5).await;
    far.resize(10).await.unwrap();
    let narrowed = log::now();
    let narrow = take(&mut squares, JOBS / 5).await;
    far.resize(60).await.unwrap();
    let end = take(&mut squares, JOBS * 2 / 5).await;
    let executions = site.executions();
    assert_eq!((executions.len() as u64, log::repeated(&executions)), (JOBS, 0));
    // Those that ran when it was set, and those that were on their way to a worker, end as they are.
    let old = log::ended(&executions, log::ended(&executions, narrowed));
    let peaks = [(executions[0].begin, wide), (old, narrow), (narrow, end)]
        .map(|(from, until)| log::peak_between(&executions, from, until));
    println!("{peaks:?} at once at most");
    assert_eq!(peaks, [40, 10, 60]);
}

/// Waits until the queue is empty. Returns how long that took.
async fn emptied(farm: &Farm) -> Duration {
    let begin = Instant::now();
    empty(farm, "wide").await;
    begin.elapsed()
}

async fn dropped_maps_handles_and_piles_leave_nothing_behind() {
    let site = Site::new();
    let _workers = [(); 4].map(|()| worker(&site));
    let farm = site.farm().await;
    answering(&farm, 4).await;
    let far = wide::on(&farm);
    let whole = async || {
        let begin = Instant::now();
        let (all, _) = take(&mut far.imap(0..JOBS, repeat(MILLISECONDS))).await;
        assert!(all.into_iter().eq(0..JOBS));
        begin.elapsed()
    };
    // What else the machine does slows down both sides, so each has a quiet round.
    let (mut before, mut after) = (Duration::MAX, Duration::MAX);
    for _ in 0..3 {
        before = before.min(whole().await);
        drop_all(&site, &farm).await;
        after = after.min(whole().await);
    }
    println!("10,000 jobs took {before:.2?} before and {after:.2?} after");
    assert!(after <= before * 11 / 10);
}

/// Drops a map, aborts a handle, and drops a pile. Each time the queue is empty within a second; in the end, all places
/// are free.
async fn drop_all(site: &Site, farm: &Farm) {
    let far = wide::on(farm);
    let begun = site.executions().len();
    let mut map = far.imap(0..JOBS, repeat(200));
    soon("a result", map.next()).await.unwrap().unwrap();
    site.begun(begun + 100).await;
    drop(map);
    let of_map = emptied(farm).await;

    let begun = site.executions().len();
    let handle = far.spawn(0, 60_000).await;
    site.begun(begun + 1).await;
    handle.abort();
    let of_handle = emptied(farm).await;
    assert!(soon("the abort", handle).await.unwrap_err().is_cancelled());

    let begun = site.executions().len();
    let pile = pile![on farm; wide(1, 60_000), wide(2, 60_000), wide(3, 60_000)];
    site.begun(begun + 3).await;
    drop(pile);
    let of_pile = emptied(farm).await;
    println!("empty after {of_map:.2?} (map), {of_handle:.2?} (handle), {of_pile:.2?} (pile)");
    assert!(of_map.max(of_handle).max(of_pile) <= Duration::from_secs(1));

    let begun = site.executions().len();
    let all_places = far.imap(0..100, repeat(60_000));
    site.begun(begun + 100).await;
    drop(all_places);
    emptied(farm).await;
}

async fn a_run_of_10_000_jobs_goes_on_after_its_submitter_was_killed() {
    let site = Site::new();
    let _workers = [(); 4].map(|()| worker(&site));
    let run = "nightly".to_owned();
    let role = Role::Submitter { url: site.server.url(), run, items: JOBS, milliseconds: MILLISECONDS };
    let mut submitter = Process::start(&role);
    let first = tokio::task::spawn_blocking(move || {
        for n in 0..6000_u64 {
            assert_eq!(submitter.line(), Some((n * n).to_string()));
        }
        submitter.kill();
    });
    soon("6,000 results", first).await.unwrap();
    let farm = site.farm().await;
    let far = square::on(&farm);
    let whole = async || {
        let (squares, _) = take(&mut far.run("nightly").imap(0..JOBS, repeat(MILLISECONDS))).await;
        assert!(squares.into_iter().eq((0..JOBS).map(|n| n * n)));
    };
    whole().await;
    whole().await;
    let counted = |executions: Vec<Execution>| (executions.len() as u64, log::repeated(&executions));
    let (executions, repeated) = counted(site.executions());
    println!("{executions} executions of {JOBS} jobs in three times, {repeated} of them repeated");
    assert_eq!((executions, repeated), (JOBS, 0));
    assert_eq!(soon("forget", far.forget("nightly")).await, Ok(JOBS));
    whole().await;
    assert_eq!(site.executions().len() as u64, 2 * JOBS);
    let mut others = far.run("nightly").imap(0..JOBS, repeat(MILLISECONDS + 1));
    for _ in 0..JOBS {
        let error = soon("an error", others.next()).await.unwrap().unwrap_err();
        assert_eq!(error.lost(), Some(&Lost::OtherArguments));
    }
    assert_eq!(site.executions().len() as u64, 2 * JOBS);
    until("nothing to be left", async || farm.queue("square").await.unwrap() == Queue::default()).await;
}
