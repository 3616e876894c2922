//! What the workers of a test have done, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::future::{Future, poll_fn};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

static FILE: OnceLock<PathBuf> = OnceLock::new();

/// The log that this process appends to.
pub(crate) fn set(file: &Path) {
    FILE.set(file.to_owned()).expect("a worker has one log");
}

/// A clock that all processes of the machine share.
pub(crate) fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap().into()
}

/// An execution of a job. It tells its beginning, and its end or that it was dropped before.
pub(crate) struct Running {
    job: u64,
    /// Tells it from others of the same job in this process.
    number: u64,
    ended: bool,
}

impl Running {
    pub(crate) fn begin(job: u64) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let running = Running { job, number: NEXT.fetch_add(1, Ordering::Relaxed), ended: false };
        running.write("begin", now());
        running
    }

    /// Tells when its last poll began.
    pub(crate) fn polled(&self, time: Duration) {
        self.write("polled", time);
    }

    pub(crate) fn end(mut self) {
        self.ended = true;
        self.write("end", now());
    }

    /// Appends an event, in one write.
    fn write(&self, event: &str, time: Duration) {
        let Running { job, number, .. } = self;
        let file = FILE.get().expect("only a worker runs jobs");
        let line = format!("{event} {job} {} {number} {}\n", std::process::id(), time.as_nanos());
        let mut file = OpenOptions::new().append(true).create(true).open(file).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.write("dropped", now());
        }
    }
}

/// Sleeps. Returns when the poll began that found the time over: a process can be stopped in the middle of a poll.
pub(crate) async fn sleep(time: Duration) -> Duration {
    let mut sleep = pin!(tokio::time::sleep(time));
    poll_fn(|cx| {
        let polled = now();
        sleep.as_mut().poll(cx).map(|()| polled)
    })
    .await
}

/// A job of a worker, from its beginning to its end.
#[derive(Clone, Debug)]
pub(crate) struct Execution {
    pub(crate) job: u64,
    pub(crate) process: u32,
    pub(crate) begin: Duration,
    /// When its last poll began, if the job says so.
    pub(crate) polled: Option<Duration>,
    /// `None`: it did not come to its end.
    pub(crate) end: Option<Duration>,
    /// When it was dropped before its end.
    pub(crate) dropped: Option<Duration>,
}

/// Reads the log.
pub(crate) fn read(file: &Path) -> Vec<Execution> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut open = BTreeMap::new();
    let mut all: Vec<Execution> = Vec::new();
    for line in text.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let [event, job, process, number, time] = words[..] else { panic!("a line of the log is {line:?}") };
        let (job, process) = (job.parse().unwrap(), process.parse::<u32>().unwrap());
        let time = Duration::from_nanos(time.parse().unwrap());
        if event == "begin" {
            open.insert((process, number), all.len());
            all.push(Execution { job, process, begin: time, polled: None, end: None, dropped: None });
            continue;
        }
        let execution = &mut all[open[&(process, number)]];
        match event {
            "polled" => execution.polled = Some(time),
            "end" => execution.end = Some(time),
            _ => execution.dropped = Some(time),
        }
    }
    all
}

/// How many ran at once at most. Those without an end count to `until`, or not at all if they begin later.
pub(crate) fn peak(executions: &[Execution], until: Duration) -> i64 {
    let mut events = Vec::new();
    for execution in executions {
        events.push((execution.begin, 1));
        events.push((execution.end.unwrap_or(until.max(execution.begin)), -1));
    }
    // One that ends when another begins makes room for it.
    events.sort_unstable();
    let mut now = 0;
    events
        .into_iter()
        .map(|(_, step)| {
            now += step;
            now
        })
        .max()
        .unwrap_or(0)
}

/// How many ran at once at most between two moments. All of them must have ended.
pub(crate) fn peak_between(executions: &[Execution], from: Duration, until: Duration) -> i64 {
    let within = |execution: &Execution| {
        let end = execution.end.expect("the job has ended");
        (execution.begin < until && end > from)
            .then(|| Execution { begin: execution.begin.max(from), ..execution.clone() })
    };
    peak(&executions.iter().filter_map(within).collect::<Vec<_>>(), until)
}

/// When the last job ended that had begun before.
pub(crate) fn ended(executions: &[Execution], begun_before: Duration) -> Duration {
    let begun = executions.iter().filter(|execution| execution.begin < begun_before);
    begun.map(|execution| execution.end.expect("the job has ended")).max().expect("there was one")
}

/// How many jobs were begun more than once.
pub(crate) fn repeated(executions: &[Execution]) -> usize {
    let jobs: BTreeSet<_> = executions.iter().map(|execution| execution.job).collect();
    executions.len() - jobs.len()
}

/// How many processes have run jobs.
pub(crate) fn processes(executions: &[Execution]) -> usize {
    executions.iter().map(|execution| execution.process).collect::<BTreeSet<_>>().len()
}
