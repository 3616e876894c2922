//! Starts jobs one by one.
//!
//! Ways that await handles all do it in the same pattern: they spawn one batch of jobs, one for each slot of the pool,
//! and then await them in that order. The other ways spawn the jobs one after another as the limit allows, and then
//! wait once for all of them.

use std::sync::Arc;

use greenpool::GreenPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use super::work::{Work, sum};

/// Spawns and awaits in batches of `size`. (A macro, so that each way's own await is inlined in the loop.)
macro_rules! in_batches {
    ($size:expr, $jobs:expr, |$number:ident| $spawn:expr) => {{
        let mut handles = Vec::with_capacity($size);
        let mut total = 0;
        for $number in 0..$jobs {
            handles.push($spawn);
            if handles.len() == $size {
                for handle in handles.drain(..) {
                    total += handle.await.expect("no job panics");
                }
            }
        }
        for handle in handles {
            total += handle.await.expect("no job panics");
        }
        total
    }};
}

pub(crate) async fn tokio_spawn<W: Work>(size: usize, jobs: u64) -> u64 {
    in_batches!(size, jobs, |number| tokio::spawn(W::call(number)))
}

/// A job that holds a permit, written in the usual way.
pub(crate) async fn permitted<W: Work>(permit: OwnedSemaphorePermit, number: u64) -> u64 {
    let number = W::call(number).await;
    drop(permit);
    number
}

pub(crate) async fn semaphore<W: Work>(size: usize, jobs: u64) -> u64 {
    let semaphore = Arc::new(Semaphore::new(size));
    in_batches!(size, jobs, |number| {
        let permit = semaphore.clone().acquire_owned().await.expect("the semaphore is never closed");
        tokio::spawn(permitted::<W>(permit, number))
    })
}

pub(crate) async fn semaphore_detached<W: Work>(size: usize, jobs: u64) -> u64 {
    let semaphore = Arc::new(Semaphore::new(size));
    for number in 0..jobs {
        let permit = semaphore.clone().acquire_owned().await.expect("the semaphore is never closed");
        tokio::spawn(permitted::<W>(permit, number));
    }
    let all = u32::try_from(size).expect("a pool size fits in a u32");
    let _all = semaphore.acquire_many(all).await.expect("the semaphore is never closed");
    sum(jobs)
}

pub(crate) async fn task_tracker<W: Work>(size: usize, jobs: u64) -> u64 {
    let semaphore = Arc::new(Semaphore::new(size));
    let tracker = TaskTracker::new();
    for number in 0..jobs {
        let permit = semaphore.clone().acquire_owned().await.expect("the semaphore is never closed");
        tracker.spawn(permitted::<W>(permit, number));
    }
    tracker.close();
    tracker.wait().await;
    sum(jobs)
}

pub(crate) async fn join_set<W: Work>(size: usize, jobs: u64) -> u64 {
    let mut set = JoinSet::new();
    let mut total = 0;
    for number in 0..jobs {
        if set.len() == size {
            total += set.join_next().await.expect("the set is full").expect("no job panics");
        }
        set.spawn(W::call(number));
    }
    while let Some(number) = set.join_next().await {
        total += number.expect("no job panics");
    }
    total
}

pub(crate) async fn declared<W: Work>(size: usize, jobs: u64) -> u64 {
    W::sized(size);
    in_batches!(size, jobs, |number| W::spawn(number).await)
}

pub(crate) async fn declared_n<W: Work>(size: usize, jobs: u64) -> u64 {
    let pool = W::sized(size);
    for number in 0..jobs {
        W::spawn_n(number).await;
    }
    pool.waitall().await;
    sum(jobs)
}

pub(crate) async fn pool<W: Work>(size: usize, jobs: u64) -> u64 {
    let pool = GreenPool::new(size);
    in_batches!(size, jobs, |number| pool.spawn(W::call(number)).await)
}

pub(crate) async fn pool_n<W: Work>(size: usize, jobs: u64) -> u64 {
    let pool = GreenPool::new(size);
    for number in 0..jobs {
        pool.spawn_n(W::call(number)).await;
    }
    pool.waitall().await;
    sum(jobs)
}
