//! The cases that are measured, each in its own process.

use std::collections::VecDeque;
use std::sync::Arc;

use greenpool::GreenPool;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

use crate::jobs::{Payload, all_wait, late, noop, waits};
use crate::usage::{Before, Usage};

pub(crate) struct Case {
    /// Name on the command line.
    pub(crate) id: &'static str,
    /// Name in a table.
    pub(crate) title: &'static str,
    /// Runs the given number of jobs.
    pub(crate) run: fn(usize) -> Usage,
}

/// Maps over the given number of items.
pub(crate) fn maps() -> [Case; 2] {
    [
        Case { id: "imap-current", title: "f::imap, current thread", run: |items| map(&current(), items) },
        Case { id: "imap-two", title: "f::imap, two threads", run: |items| map(&two_threads(), items) },
    ]
}

/// Running jobs that are pending.
pub(crate) fn running() -> [Case; 5] {
    [
        Case {
            id: "tokio-spawn",
            title: "tokio::spawn",
            run: |jobs| measure_pending(jobs, jobs, async || tokio::spawn(waits(PAYLOAD))),
        },
        Case { id: "pool-spawn", title: "GreenPool::spawn", run: pool_spawn },
        Case { id: "pool-spawn-n", title: "GreenPool::spawn_n", run: pool_spawn_n },
        Case {
            id: "spawn",
            title: "f::spawn",
            run: |jobs| {
                waits::pool().resize(jobs);
                measure_pending(jobs, jobs, async || waits::spawn(PAYLOAD).await)
            },
        },
        Case {
            id: "spawn-n",
            title: "f::spawn_n",
            run: |jobs| {
                waits::pool().resize(jobs);
                measure_pending(jobs, jobs, async || waits::spawn_n(PAYLOAD).await)
            },
        },
    ]
}

/// Tasks that wait for a slot to start a job.
pub(crate) fn queued() -> [Case; 3] {
    [
        Case { id: "queued-semaphore", title: "Semaphore::acquire_owned, then tokio::spawn", run: queued_semaphore },
        Case {
            id: "queued-pool-spawn-n",
            title: "GreenPool::spawn_n",
            run: |tasks| {
                let full = GreenPool::new(0);
                measure_pending(tasks, 0, async || tokio::spawn(full.spawn_n(waits(PAYLOAD))))
            },
        },
        Case {
            id: "queued-spawn-n",
            title: "f::spawn_n",
            run: |tasks| {
                waits::pool().resize(0);
                measure_pending(tasks, 0, async || tokio::spawn(waits::spawn_n(PAYLOAD)))
            },
        },
    ]
}

/// Queued calls of a function that takes a number.
pub(crate) fn calls() -> [Case; 3] {
    [
        Case { id: "calls-deque", title: "VecDeque<u64>", run: calls_deque },
        Case {
            id: "calls-pool-queue",
            title: "GreenPool::queue",
            run: |calls| {
                let full = GreenPool::new(0);
                measure_calls(calls, |number| full.queue(late(number)))
            },
        },
        Case {
            id: "calls-queue",
            title: "f::queue",
            run: |calls| {
                late::pool().resize(0);
                measure_calls(calls, late::queue)
            },
        },
    ]
}

fn calls_deque(calls: usize) -> Usage {
    let mut deque = VecDeque::new();
    let usage = measure_calls(calls, |number| deque.push_back(number));
    assert_eq!(deque.len(), calls);
    usage
}

const PAYLOAD: Payload<12> = [1; 12];

fn pool_spawn(jobs: usize) -> Usage {
    let pool = GreenPool::new(jobs);
    measure_pending(jobs, jobs, async || pool.spawn(waits(PAYLOAD)).await)
}

fn pool_spawn_n(jobs: usize) -> Usage {
    let pool = GreenPool::new(jobs);
    measure_pending(jobs, jobs, async || pool.spawn_n(waits(PAYLOAD)).await)
}

fn queued_semaphore(tasks: usize) -> Usage {
    let semaphore = Arc::new(Semaphore::new(0));
    let spawn = || {
        let semaphore = semaphore.clone();
        tokio::spawn(async move {
            let permit = semaphore.acquire_owned().await;
            tokio::spawn(async { (waits(PAYLOAD).await, drop(permit)) });
        })
    };
    measure_pending(tasks, 0, async || spawn())
}

fn current() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime starts")
}

fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime starts")
}

/// Starts jobs that never complete, keeps their handles, and returns the memory use once all of them are pending.
fn measure_pending<Handle>(jobs: usize, running: usize, spawn: impl AsyncFn() -> Handle) -> Usage {
    current().block_on(async {
        let mut handles = Vec::with_capacity(jobs);
        let before = Before::now();
        for _ in 0..jobs {
            handles.push(spawn().await);
        }
        // The task spawned last is polled last.
        tokio::spawn(async {}).await.expect("the task does not panic");
        all_wait(running).await;
        before.until_now(size_of::<Handle>())
    })
}

/// Queues calls that never begin, and returns the memory use.
fn measure_calls(calls: usize, mut queue: impl FnMut(u64)) -> Usage {
    current().block_on(async {
        let before = Before::now();
        (0..calls as u64).for_each(&mut queue);
        before.until_now(0)
    })
}

fn map(runtime: &Runtime, items: usize) -> Usage {
    let all = async move {
        let mut map = noop::imap((0..items as u64).map(|number| [number; 24]));
        let mut taken = 0;
        while let Some(result) = map.next().await {
            result.expect("no job fails");
            taken += 1;
        }
        assert_eq!(taken, items, "a result is missing");
    };
    let before = Before::now();
    runtime.block_on(async { tokio::spawn(all).await }).expect("the task does not panic");
    before.until_now(0)
}
