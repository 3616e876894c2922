//! The processes of the bench, which are this binary in other roles.

use std::env;
use std::fs;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use async_nats::ServerAddr;
use greenpool_nats::{Farm, Worker};

use crate::server::Server;
use crate::{PLACES, floor, work};

const VARIABLE: &str = "GREENPOOL_BENCH_ROLE";

/// What a process does, on which servers, and with how many replicas.
pub(crate) enum Role {
    Worker(String, usize),
    Floor(String, usize),
}

/// The role of this process, if it is not the bench.
pub(crate) fn role() -> Option<Role> {
    let text = env::var(VARIABLE).ok()?;
    let [kind, replicas, url] = text.split(' ').collect::<Vec<_>>()[..] else { panic!("a role is {text:?}") };
    let role = if kind == "worker" { Role::Worker } else { Role::Floor };
    Some(role(url.to_owned(), replicas.parse().expect("a number")))
}

impl Role {
    fn text(&self) -> String {
        match self {
            Role::Worker(url, replicas) => format!("worker {replicas} {url}"),
            Role::Floor(url, replicas) => format!("floor {replicas} {url}"),
        }
    }

    pub(crate) fn run(self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the system has one");
        runtime.block_on(async {
            match self {
                Role::Worker(url, replicas) => {
                    let farm = Farm::builder().replicas(replicas).connect(addresses(&url)).await.expect("a server");
                    let worker = Worker::on(&farm).serve(work::work::handler().places(PLACES));
                    worker.run().await.expect("a worker");
                }
                Role::Floor(url, _) => floor::answer(&url).await,
            }
        });
        ExitCode::SUCCESS
    }
}

/// The addresses of several servers.
pub(crate) fn addresses(urls: &str) -> Vec<ServerAddr> {
    urls.split(',').map(|url| url.parse().expect("the address of a server")).collect()
}

/// A process in a role. Dropping it kills it.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(role: &Role) -> Self {
        let mut command = Command::new(env::current_exe().expect("the bench is a program"));
        command.env(VARIABLE, role.text()).stdin(Stdio::null()).stdout(Stdio::null());
        Process(command.spawn().expect("a process"))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// How many bytes of memory it uses.
    pub(crate) fn memory(&self) -> u64 {
        memory(self.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many bytes of memory a process uses.
pub(crate) fn memory(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("the process is there");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says it");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// For how long a process has used a processor. Linux counts it in hundredths of a second.
pub(crate) fn used(id: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("the process is there");
    let (_, after) = stat.rsplit_once(')').expect("the name is in parentheses");
    let ticks = after.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number"));
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// The processors' time that jobs have taken: of the server, of the workers, and of this process.
pub(crate) struct Costs {
    processes: [Vec<u32>; 3],
    used: [Duration; 3],
    jobs: u64,
}

impl Costs {
    pub(crate) fn new(server: &Server, workers: &[Process]) -> Self {
        let workers = workers.iter().map(Process::id).collect();
        let processes = [vec![server.id()], workers, vec![std::process::id()]];
        Costs { processes, used: [Duration::ZERO; 3], jobs: 0 }
    }

    /// Runs so many jobs.
    pub(crate) async fn of<T>(&mut self, jobs: u64, run: impl Future<Output = T>) -> T {
        let before = self.now();
        let value = run.await;
        let after = self.now();
        for (at, used) in self.used.iter_mut().enumerate() {
            *used += after[at].saturating_sub(before[at]);
        }
        self.jobs += jobs;
        value
    }

    fn now(&self) -> [Duration; 3] {
        self.processes.each_ref().map(|ids| ids.iter().copied().map(used).sum())
    }

    /// Microseconds per job.
    pub(crate) fn per_job(&self) -> [f64; 3] {
        self.used.map(|used| used.as_secs_f64() * 1e6 / f64::from(u32::try_from(self.jobs).expect("not so many")))
    }
}
