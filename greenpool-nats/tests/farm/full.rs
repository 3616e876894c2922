//! The acceptance tests in full size. They run if `GREENPOOL_FARM_LONG` is set, and print what they have measured.

mod faults;
mod limits;
mod pasted;

use std::collections::BTreeSet;
use std::iter::repeat;
use std::time::Duration;

use greenpool::GreenMap;
use greenpool::remote::Lost;
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use crate::deadline::{soon, until};
use crate::jobs::{fragile, wide};
use crate::log;
use crate::process::Process;
use crate::role::{Role, WorkerRole};
use crate::site::{Site, answering, empty};

/// All of them.
pub(crate) fn tests() -> Vec<crate::Test> {
    [TESTS, faults::TESTS, limits::TESTS, pasted::TESTS].concat()
}

crate::tests! {
    one_of_four_workers_is_killed_under_10_000_jobs,
    one_of_2_000_jobs_takes_its_workers_down,
    two_of_four_workers_leave_under_10_000_jobs,
    jobs_of_3_s_are_handed_back_after_half_a_second,
    a_backlog_of_500_takes_3_000_jobs_from_64_publishers,
}

const LEASE: Duration = Duration::from_secs(3);
const JOBS: u64 = 10_000;
const MILLISECONDS: u64 = 20;
const PLACES: usize = 25;

fn role(site: &Site) -> WorkerRole {
    WorkerRole { lease: LEASE, ..site.role(PLACES) }
}

fn worker(site: &Site) -> Process {
    Process::start(&Role::Worker(role(site)))
}

async fn one_of_four_workers_is_killed_under_10_000_jobs() {
    let (ordered, waited) = killed(true).await;
    assert!(waited <= LEASE + Duration::from_millis(500), "{waited:?} without a result");
    let (unordered, other) = killed(false).await;
    println!("in order: {ordered:.1?}, {waited:.2?} without a result; as they come: {unordered:.1?}, {other:.2?}");
    // The other results do not wait for those of the worker that was killed.
    assert!(other < waited);
}

/// Kills a worker 1 s after the first result. Returns how long all results took, and the longest time without one.
async fn killed(ordered: bool) -> (Duration, Duration) {
    let site = Site::new();
    let mut workers = [(); 4].map(|()| worker(&site));
    let farm = site.farm().await;
    answering(&farm, 4).await;
    let far = wide::on(&farm);
    let items = (0..JOBS, repeat(MILLISECONDS));
    let mut results = if ordered { far.imap(items.0, items.1) } else { far.imap_unordered(items.0, items.1) };
    let begin = Instant::now();
    let kill = async {
        sleep(Duration::from_secs(1)).await;
        workers[0].kill();
        log::now()
    };
    let (killed, (all, longest)) = tokio::join!(kill, take(&mut results));
    let time = begin.elapsed();
    if ordered {
        assert!(all.iter().copied().eq(0..JOBS));
    } else {
        assert!(all.iter().copied().collect::<BTreeSet<_>>().into_iter().eq(0..JOBS) && all.len() as u64 == JOBS);
    }
    let executions = site.executions();
    let repeated = log::repeated(&executions);
    assert!(repeated <= PLACES, "{repeated} jobs ran twice");
    assert!(log::peak(&executions, killed) <= 100);
    empty(&farm, "wide").await;
    println!("{repeated} jobs ran twice, {} at once at most", log::peak(&executions, killed));
    (time, longest)
}

/// Takes all results. Returns them, and the longest time without one.
async fn take(results: &mut GreenMap<u64>) -> (Vec<u64>, Duration) {
    let (mut all, mut longest, mut last) = (Vec::new(), Duration::ZERO, Instant::now());
    while let Some(result) = soon("a result", results.next()).await {
        longest = longest.max(last.elapsed());
        last = Instant::now();
        all.push(result.expect("no job is lost"));
    }
    (all, longest)
}

async fn one_of_2_000_jobs_takes_its_workers_down() {
    let site = Site::new();
    let farm = site.farm().await;
    let mut results = fragile::on(&farm).run("fragile").imap(0..2000);
    let mut watched = Watched { worker: worker(&site), site: &site, deaths: 0 };
    for n in 0..2000 {
        let result = soon("a result", watched.beside(results.next())).await.expect("a result");
        match (n, result) {
            (500, Err(error)) => assert_eq!(error.lost(), Some(&Lost::GaveUp { deaths: 2 })),
            (900, Err(error)) => assert!(error.is_panic(), "{error}"),
            (901, Ok(value)) => assert_eq!(value, Err("901 is refused".to_owned())),
            (n, Ok(value)) => assert_eq!(value, Ok(n)),
            (n, Err(error)) => panic!("{n}: {error}"),
        }
    }
    println!("{} workers died", watched.deaths);
    assert_eq!(watched.deaths, 4);
    let dead = farm.dead().list().await.unwrap();
    let [job] = &dead[..] else { panic!("there are {} dead jobs", dead.len()) };
    assert_eq!(job.n, 500);
    let before = begun(&site, 500);
    farm.dead().retry(job).await.unwrap();
    soon("it to run again", watched.beside(until("it to run", async || begun(&site, 500) > before))).await;
}

/// How often a job has begun.
fn begun(site: &Site, job: u64) -> usize {
    site.executions().iter().filter(|execution| execution.job == job).count()
}

/// A worker that is started again whenever it has died.
struct Watched<'a> {
    worker: Process,
    site: &'a Site,
    deaths: usize,
}

impl Watched<'_> {
    async fn beside<T>(&mut self, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        loop {
            tokio::select! {
                value = &mut future => return value,
                () = sleep(Duration::from_millis(50)) => {
                    if self.worker.has_ended() {
                        self.deaths += 1;
                        self.worker = worker(self.site);
                    }
                }
            }
        }
    }
}

async fn two_of_four_workers_leave_under_10_000_jobs() {
    let site = Site::new();
    let mut workers = [(); 4].map(|()| worker(&site));
    let farm = site.farm().await;
    answering(&farm, 4).await;
    let mut results = wide::on(&farm).imap(0..JOBS, repeat(MILLISECONDS));
    let leave = async {
        for worker in &workers[..2] {
            sleep(Duration::from_millis(500)).await;
            worker.signal(Signal::SIGTERM);
        }
    };
    let ((), (all, longest)) = tokio::join!(leave, take(&mut results));
    assert!(all.into_iter().eq(0..JOBS));
    for worker in &mut workers[..2] {
        assert!(worker.ended().await);
        println!("{}", worker.line().unwrap());
    }
    let executions = site.executions();
    assert_eq!((executions.len() as u64, log::repeated(&executions)), (JOBS, 0));
    println!("none ran twice, longest without a result {longest:.2?}");
}

async fn jobs_of_3_s_are_handed_back_after_half_a_second() {
    let site = Site::new();
    let grace = Duration::from_millis(500);
    let mut leaving = Process::start(&Role::Worker(WorkerRole { grace, ..role(&site) }));
    let farm = site.farm().await;
    let mut results = wide::on(&farm).imap(0..PLACES as u64, repeat(3000));
    site.begun(PLACES).await;
    let _staying = worker(&site);
    answering(&farm, 2).await;
    leaving.signal(Signal::SIGTERM);
    let told = log::now();
    assert!(leaving.ended().await);
    let report = leaving.line().unwrap();
    assert!(report.starts_with(&format!("0 done, 0 failed, {PLACES} handed back")), "{report}");
    assert!(take(&mut results).await.0.into_iter().eq(0..PLACES as u64));
    let executions = site.executions();
    assert_eq!(executions.len(), 2 * PLACES);
    let last = executions.iter().map(|execution| execution.begin).max().expect("there are some");
    println!("all began elsewhere {:.2?} after the end of the grace", last.saturating_sub(told + grace));
    assert!(last <= told + grace + Duration::from_secs(1));
}

async fn a_backlog_of_500_takes_3_000_jobs_from_64_publishers() {
    let site = Site::new();
    let farm = greenpool_nats::Farm::builder().backlog(500).connect(site.server.url()).await.unwrap();
    let far = wide::on(&farm);
    let publishers: Vec<_> = (0..64)
        .map(|publisher| {
            let far = far.clone();
            tokio::spawn(async move {
                for n in (publisher..3000).step_by(64) {
                    far.spawn_n(n, MILLISECONDS).await.unwrap();
                }
            })
        })
        .collect();
    until("a full backlog", async || farm.queue("wide").await.unwrap().waiting == 500).await;
    let _workers = [(); 4].map(|()| worker(&site));
    for publisher in publishers {
        soon("a publisher", publisher).await.unwrap();
    }
    empty(&farm, "wide").await;
    let jobs: Vec<_> = site.executions().iter().map(|execution| execution.job).collect();
    assert_eq!(jobs.len(), 3000);
    assert!(jobs.into_iter().collect::<BTreeSet<_>>().into_iter().eq(0..3000));
}
