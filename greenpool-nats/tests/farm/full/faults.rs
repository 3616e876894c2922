//! Workers that stop or are cut off, and a server that is killed, in full size.

use std::iter::repeat;
use std::time::Duration;

use greenpool::GreenMap;
use greenpool_nats::{Farm, Queue};
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use super::{JOBS, LEASE, MILLISECONDS, role, take, worker};
use crate::deadline::{soon, until};
use crate::faults::polled_late;
use crate::jobs::{square, wide};
use crate::log;
use crate::process::Process;
use crate::proxy::Proxy;
use crate::role::{Role, WorkerRole};
use crate::site::{Site, answering, empty};

crate::tests! {
    one_of_five_workers_is_stopped_for_two_leases,
    one_of_four_workers_is_cut_off_for_three_leases,
    a_submitter_is_cut_off_for_8_s,
    a_submitter_is_cut_off_for_25_s,
    the_server_is_killed_under_10_000_jobs,
}

const SECOND: Duration = Duration::from_secs(1);

/// Takes the squares of all numbers below `count`. Returns the longest time without one.
async fn take_squares(squares: &mut GreenMap<u64>, count: u64) -> Duration {
    let (all, longest) = take(squares).await;
    assert!(all.into_iter().eq((0..count).map(|n| n * n)));
    longest
}

async fn one_of_five_workers_is_stopped_for_two_leases() {
    let site = Site::new();
    let workers = [(); 5].map(|()| worker(&site));
    let farm = site.farm().await;
    answering(&farm, 5).await;
    let mut squares = square::on(&farm).imap(0..JOBS, repeat(200));
    let stop = async {
        sleep(5 * SECOND).await;
        workers[0].signal(Signal::SIGSTOP);
        let stopped = log::now();
        sleep(2 * LEASE).await;
        workers[0].signal(Signal::SIGCONT);
        stopped
    };
    let (stopped, longest) = tokio::join!(stop, take_squares(&mut squares, JOBS));
    empty(&farm, "square").await;
    let executions = site.executions();
    let late = polled_late(&executions, &workers[0], stopped, LEASE);
    let peak = log::peak(&executions, stopped);
    println!("{late} old jobs went on, {peak} at once at most, {longest:.2?} without a result");
    println!("{} jobs ran twice", log::repeated(&executions));
    assert_eq!((late, peak), (0, 40));
}

async fn one_of_four_workers_is_cut_off_for_three_leases() {
    let site = Site::new();
    let proxy = Proxy::to(&site.server.url()).await;
    let far_away = Process::start(&Role::Worker(WorkerRole { url: proxy.url(), ..role(&site) }));
    let _near = [(); 3].map(|()| worker(&site));
    let farm = site.farm().await;
    answering(&farm, 4).await;
    let mut squares = square::on(&farm).imap(0..JOBS, repeat(MILLISECONDS));
    let cut = async {
        sleep(SECOND).await;
        proxy.cut(true);
        let cut_off = log::now();
        sleep(3 * LEASE).await;
        proxy.cut(false);
        cut_off
    };
    let (cut_off, longest) = tokio::join!(cut, take_squares(&mut squares, JOBS));
    answering(&farm, 4).await;
    assert_eq!(soon("a job after that", square::on(&farm).call(3, 0)).await.unwrap(), 9);
    empty(&farm, "square").await;
    let executions = site.executions();
    let late = polled_late(&executions, &far_away, cut_off, LEASE);
    let peak = log::peak(&executions, cut_off);
    println!("{late} old jobs went on, {peak} at once at most, {longest:.2?} without a result");
    assert_eq!(late, 0);
    assert!(peak <= 40, "{peak} jobs ran at once");
}

async fn a_submitter_is_cut_off_for_8_s() {
    submitter_is_cut_off(8 * SECOND).await;
}

async fn a_submitter_is_cut_off_for_25_s() {
    submitter_is_cut_off(25 * SECOND).await;
}

async fn submitter_is_cut_off(time: Duration) {
    let site = Site::new();
    let _workers = [(); 4].map(|()| worker(&site));
    let proxy = Proxy::to(&site.server.url()).await;
    let farm = Farm::connect(proxy.url()).await.unwrap();
    answering(&farm, 4).await;
    let mut results = wide::on(&farm).imap(0..JOBS, repeat(MILLISECONDS));
    let cut = async {
        sleep(SECOND).await;
        proxy.cut(true);
        sleep(time).await;
        proxy.cut(false);
    };
    let ((), (all, longest)) = tokio::join!(cut, take(&mut results));
    assert!(all.into_iter().eq(0..JOBS));
    let executions = site.executions();
    let peak = log::peak(&executions, log::now());
    println!("{longest:.2?} without a result, of which {time:?} cut off; {peak} at once at most");
    // What was on its way arrives when the connection is cut.
    assert!(peak <= 100 && longest + SECOND / 10 >= time, "it was cut off too late");
    assert_eq!(executions.len() as u64, JOBS);
    empty(&site.farm().await, "wide").await;
}

async fn the_server_is_killed_under_10_000_jobs() {
    let mut site = Site::new();
    let _workers = [(); 4].map(|()| worker(&site));
    let farm = site.farm().await;
    answering(&farm, 4).await;
    let mut results = wide::on(&farm).imap(0..JOBS, repeat(MILLISECONDS));
    let begin = Instant::now();
    let taking = tokio::spawn(async move { take(&mut results).await });
    sleep(SECOND).await;
    site.server.kill();
    sleep(2 * SECOND).await;
    site.server.restart();
    let (all, longest) = taking.await.unwrap();
    assert!(all.into_iter().eq(0..JOBS));
    println!("all in {:.1?}, {longest:.2?} without a result", begin.elapsed());
    println!("{} jobs ran twice", log::repeated(&site.executions()));
    until("an empty queue", async || farm.queue("wide").await.is_ok_and(|queue| queue == Queue::default())).await;
}
