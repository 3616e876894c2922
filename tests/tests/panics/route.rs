//! All the routes by which a job can enter a pool.

use std::panic::resume_unwind;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt, stream};
use greenpool::{GreenPile, GreenPool, GreenThread, JoinError, PoolStats, green_pool, pile};

/// The future of every job in these tests.
pub(crate) type Job = BoxFuture<'static, u32>;

pub(crate) type Outcome = Result<u32, JoinError>;

/// The size of every pool in these tests.
pub(crate) const SIZE: usize = 2;

/// A declared function that runs its argument.
#[green_pool(size = 2)]
async fn declared(job: Job) -> u32 {
    job.await
}

/// One route. It needs a number of jobs that is divisible by three.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    pub(crate) name: &'static str,
    run: fn(GreenPool, Vec<Job>) -> BoxFuture<'static, Vec<Outcome>>,
    declared: bool,
}

impl Route {
    /// The pool that this route's jobs run in.
    pub(crate) fn pool(self) -> GreenPool {
        if self.declared { declared::pool().clone() } else { GreenPool::new(SIZE) }
    }

    /// Runs the jobs to completion and returns their results, in job order if the route keeps it.
    pub(crate) async fn run(self, pool: &GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
        let outcomes = (self.run)(pool.clone(), jobs).await;
        pool.waitall().await;
        outcomes
    }

    /// Whether this route returns the results of its jobs.
    pub(crate) fn returns_results(self) -> bool {
        !self.name.ends_with("spawn_n")
    }
}

async fn join_handles<T>(threads: Vec<GreenThread<T>>) -> Vec<Result<T, JoinError>> {
    futures::future::join_all(threads).await
}

async fn collect<T>(results: impl Stream<Item = T>) -> Vec<T> {
    results.collect().await
}

async fn spawn(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    join_handles(stream::iter(jobs).then(|job| pool.spawn(job)).collect().await).await
}

async fn spawn_n(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    stream::iter(jobs).for_each(|job| pool.spawn_n(job)).await;
    Vec::new()
}

async fn try_spawn(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    collect(stream::iter(jobs).then(|job| pool.try_spawn(job).expect("a slot is free"))).await
}

async fn imap(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    collect(pool.imap(|job: Job| job, jobs)).await
}

async fn imap_unordered(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    collect(pool.imap_unordered(|job: Job| job, jobs)).await
}

async fn imap_zipped(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    collect(pool.imap(|job: Job, _| job, (jobs, 0..))).await
}

async fn starmap(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    collect(pool.starmap(|job: Job, _: u8| job, jobs.into_iter().map(|job| (job, 0)))).await
}

async fn starmap_unordered(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    collect(pool.starmap_unordered(|job: Job| job, jobs.into_iter().map(|job| (job,)))).await
}

async fn imap_stream(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    collect(pool.imap_stream(|job: Job| job, stream::iter(jobs))).await
}

async fn imap_stream_unordered(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    collect(pool.imap_stream_unordered(|job: Job| job, stream::iter(jobs))).await
}

async fn green_pile(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    let pile = GreenPile::on(&pool);
    stream::iter(jobs).for_each(|job| pile.spawn(job)).await;
    collect(pile).await
}

/// Removes and returns the next three jobs.
fn next_three(jobs: &mut Vec<Job>) -> Option<[Job; 3]> {
    let rest = jobs.split_off(jobs.len().min(3));
    std::mem::replace(jobs, rest).try_into().ok()
}

async fn pile_in(pool: GreenPool, mut jobs: Vec<Job>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    while let Some([a, b, c]) = next_three(&mut jobs) {
        let (a, b, c) = pile![in pool; a, b, c].join().await;
        outcomes.extend([a, b, c]);
    }
    outcomes
}

async fn pile_of_calls(_: GreenPool, mut jobs: Vec<Job>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    while let Some([a, b, c]) = next_three(&mut jobs) {
        outcomes.extend(collect(pile![declared(a), declared(b), declared(c)]).await);
    }
    outcomes
}

async fn declared_spawn(_: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    join_handles(stream::iter(jobs).then(declared::spawn).collect().await).await
}

async fn declared_spawn_n(_: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    stream::iter(jobs).for_each(declared::spawn_n).await;
    Vec::new()
}

async fn declared_try_spawn(_: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    let spawn = |job| declared::try_spawn(job).map_err(drop).expect("a slot is free");
    collect(stream::iter(jobs).then(spawn)).await
}

async fn declared_imap(_: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    collect(declared::imap(jobs)).await
}

async fn declared_imap_unordered(_: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    collect(declared::imap_unordered(jobs)).await
}

async fn declared_starmap(_: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    collect(declared::starmap(jobs.into_iter().map(|job| (job,)))).await
}

macro_rules! routes {
    ($declared:literal: $($name:ident)*) => {
        [$(Route { name: stringify!($name), run: |pool, jobs| $name(pool, jobs).boxed(), declared: $declared }),*]
    };
}

/// Returns all routes. They share the declared function's pool, so the guard serializes the tests.
pub(crate) fn routes() -> (MutexGuard<'static, ()>, Vec<Route>) {
    static LOCK: Mutex<()> = Mutex::new(());
    let guard = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let given = routes![false: spawn spawn_n try_spawn imap imap_unordered imap_zipped starmap starmap_unordered
        imap_stream imap_stream_unordered green_pile pile_in];
    let declared = routes![true: pile_of_calls declared_spawn declared_spawn_n declared_try_spawn declared_imap
        declared_imap_unordered declared_starmap];
    (guard, given.into_iter().chain(declared).collect())
}

/// How many jobs were spawned, finished, panicked and aborted since `before`.
pub(crate) fn stats_since(pool: &GreenPool, before: PoolStats) -> (u64, u64, u64, u64) {
    let now = pool.stats();
    (
        now.spawned - before.spawned,
        now.finished - before.finished,
        now.panicked - before.panicked,
        now.aborted - before.aborted,
    )
}

/// Panics on purpose, without running the panic hook, so that nothing is printed.
pub(crate) fn planned() -> ! {
    resume_unwind(Box::new("planned"))
}

/// Whether `error` is a panic from [`planned`].
pub(crate) fn is_planned(error: JoinError) -> bool {
    error.is_panic() && error.into_panic().downcast_ref::<&str>() == Some(&"planned")
}

/// A value whose destructor panics.
pub(crate) struct Explosive;

impl Drop for Explosive {
    fn drop(&mut self) {
        planned();
    }
}
