//! Random faults of workers and of servers, while a map runs.
//!
//! `GREENPOOL_FARM_LONG=1 GREENPOOL_CHAOS=100 cargo test -p greenpool-nats --test farm chaos` goes on for 100 seconds.

use std::env;
use std::iter::repeat;
use std::ops::Range;
use std::time::Duration;

use greenpool_nats::{Farm, Queue};
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use crate::deadline::{self, soon, until};
use crate::faults::is_current;
use crate::jobs::square;
use crate::log::{self, Execution};
use crate::process::{LEASE, Process};
use crate::role::{Role, WorkerRole, addresses};
use crate::server::Server;
use crate::site::Site;

/// Of each worker: together they have more than the limit.
const PLACES: usize = 10;

/// The size of `square`.
const LIMIT: i64 = 40;

pub(crate) const TESTS: &[crate::Test] = &[
    ("chaos_of_workers_and_server_loses_no_job", || run(1)),
    ("chaos_of_workers_and_three_servers_loses_no_job_and_keeps_the_limit", || run(3)),
];

fn run(servers: usize) {
    let time = Duration::from_secs(number("GREENPOOL_CHAOS").unwrap_or(8));
    deadline::run_within(time * 2 + Duration::from_secs(120), chaos(time, servers));
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().expect("the variable is a number"))
}

async fn chaos(time: Duration, servers: usize) {
    let seed = number("GREENPOOL_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("GREENPOOL_SEED={seed}");
    let mut chaos = Chaos::new(seed, servers);
    let connect = async || Farm::builder().replicas(servers).connect(addresses(&chaos.role.url)).await;
    // Servers of a cluster have to find each other.
    until("the servers", async || connect().await.is_ok()).await;
    let farm = connect().await.unwrap();
    let end = Instant::now() + time;
    // Goes on until the faults end, and has then a rest to do.
    let taking = tokio::spawn(take(farm.clone(), end));
    while Instant::now() < end {
        chaos.fault(&farm).await;
        sleep(Duration::from_millis(chaos.random.below(0..700))).await;
    }
    let count = soon("the rest of the map", taking).await.expect("the map gives all results");
    assert!(count > 200, "only {count} jobs were run");
    until("an empty queue", async || farm.queue("square").await.is_ok_and(|queue| queue == Queue::default())).await;
    let peak = log::peak(&chaos.executions(), log::now());
    println!("{count} jobs, {} faults, {peak} at once at most", chaos.faults.len());
    // A lone server that is killed may forget which jobs it has handed out.
    if servers > 1 && peak > LIMIT {
        chaos.explain(peak);
        panic!("{peak} jobs ran at once");
    }
}

/// Takes squares until some time after `end`. Returns how many there were.
async fn take(farm: Farm, end: Instant) -> u64 {
    let more = std::iter::from_fn({
        let mut n = 0..;
        move || (Instant::now() < end).then(|| n.next()).flatten()
    });
    let mut squares = square::on(&farm).imap(more, repeat(20));
    let mut n = 0;
    while let Some(square) = soon("a square", squares.next()).await {
        assert_eq!(square.expect("no job is lost"), n * n);
        n += 1;
    }
    n
}

struct Chaos {
    site: Site,
    /// Three servers, or none if it is about the one of the site.
    cluster: Vec<Server>,
    role: WorkerRole,
    workers: Vec<Process>,
    random: Random,
    /// When each fault began and ended, and what it was.
    faults: Vec<(Duration, Duration, String)>,
    /// When a worker, by its process, was killed or stopped.
    halts: Vec<(u32, Duration)>,
}

impl Chaos {
    fn new(seed: u64, servers: usize) -> Self {
        let site = Site::new();
        let cluster = if servers == 1 { Vec::new() } else { Vec::from(Server::cluster()) };
        let url = match &cluster[..] {
            [] => site.server.url(),
            servers => servers.iter().map(Server::url).collect::<Vec<_>>().join(","),
        };
        let role = WorkerRole { url, replicas: servers, ..site.role(PLACES) };
        let mut chaos = Chaos {
            site,
            cluster,
            role,
            workers: Vec::new(),
            random: Random(seed | 1),
            faults: Vec::new(),
            halts: Vec::new(),
        };
        chaos.workers = (0..5).map(|_| chaos.worker()).collect();
        chaos
    }

    fn worker(&self) -> Process {
        Process::start(&Role::Worker(self.role.clone()))
    }

    async fn fault(&mut self, farm: &Farm) {
        let began = log::now();
        let what = self.next_fault(farm).await;
        self.faults.push((began, log::now(), what));
    }

    async fn next_fault(&mut self, farm: &Farm) -> String {
        let index = self.random.below(0..self.workers.len() as u64) as usize;
        let worker = &mut self.workers[index];
        let process = worker.id();
        match self.random.below(0..10) {
            0..3 => {
                worker.kill();
                self.halts.push((worker.id(), log::now()));
                self.workers[index] = self.worker();
                format!("worker {process} was killed")
            }
            3..5 => {
                worker.signal(Signal::SIGSTOP);
                self.halts.push((worker.id(), log::now()));
                let time = LEASE.as_millis() as u64 * 3 / 2;
                sleep(Duration::from_millis(self.random.below(0..time))).await;
                worker.signal(Signal::SIGCONT);
                format!("worker {process} was stopped")
            }
            5..7 => {
                worker.signal(Signal::SIGTERM);
                // One that is still connecting does not leave in order.
                worker.ended().await;
                self.workers[index] = self.worker();
                format!("worker {process} was asked to leave")
            }
            kind => self.fault_of_a_server(kind, farm).await,
        }
    }

    async fn fault_of_a_server(&mut self, kind: u64, farm: &Farm) -> String {
        let mut index = 0;
        let server = match &mut self.cluster[..] {
            [] => &mut self.site.server,
            servers => {
                // One at a time: two of three can be had only if the third has caught up.
                until("the servers to catch up", async || is_current(farm, &self.role.url).await).await;
                index = self.random.below(0..3) as usize;
                &mut servers[index]
            }
        };
        let time = Duration::from_millis(self.random.below(0..1500));
        if kind == 7 {
            server.signal(Signal::SIGSTOP);
            sleep(time).await;
            server.signal(Signal::SIGCONT);
            return format!("server {index} was stopped");
        }
        server.kill();
        if kind == 9 {
            server.wipe();
        }
        sleep(time).await;
        server.restart();
        format!("server {index} was killed{}", if kind == 9 { ", and lost its disk" } else { "" })
    }

    /// Prints the jobs that ran when there were so many at once, and the faults before that.
    fn explain(&self, peak: i64) {
        let executions = self.executions();
        let is_peak = |at: Duration| {
            let runs = |job: &&Execution| job.begin <= at && job.end.is_none_or(|end| end > at);
            let running: Vec<_> = executions.iter().filter(runs).collect();
            (running.len() as i64 >= peak).then_some(running)
        };
        let at_peak = executions.iter().find_map(|job| Some((job.begin, is_peak(job.begin)?)));
        let Some((at, running)) = at_peak else { return };
        let ago = |time: Duration| at.as_secs_f64() - time.as_secs_f64();
        for (began, ended, what) in self.faults.iter().filter(|(began, ..)| (-1.0..20.0).contains(&ago(*began))) {
            println!("{:.3} to {:.3} s before that: {what}", ago(*began), ago(*ended));
        }
        for Execution { job, process, begin, polled, end, dropped } in running {
            let [begin, polled, end, dropped] = [Some(*begin), *polled, *end, *dropped].map(|time| time.map(ago));
            let runs = executions.iter().filter(|other| other.job == *job).count();
            println!("job {job} in {process}, run {runs} times: {begin:.3?}, {polled:.3?}, {end:.3?}, {dropped:.3?}");
        }
    }

    /// What the workers have run. A job that was under way when its worker was killed or stopped ran until then, unless
    /// it went on.
    fn executions(&self) -> Vec<Execution> {
        let mut executions = self.site.executions();
        for execution in executions.iter_mut().filter(|execution| execution.end.is_none()) {
            let of_process = self.halts.iter().filter(|(process, _)| *process == execution.process);
            let halts = of_process.map(|(_, time)| *time).filter(|time| *time >= execution.begin);
            execution.end = halts.chain(execution.dropped).min();
        }
        executions
    }
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, range: Range<u64>) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        range.start + self.0 % (range.end - range.start)
    }
}
