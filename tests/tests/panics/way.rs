//! The ways in which a job can come into a pool.

use std::panic::resume_unwind;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt, stream};
use greenpool::{GreenPile, GreenPool, GreenThread, JoinError, PoolStats, green_pool, pile};

/// What a job's future is made of here, whatever the way.
pub(crate) type Job = BoxFuture<'static, u32>;

pub(crate) type Outcome = Result<u32, JoinError>;

/// The size of all pools here.
pub(crate) const SIZE: usize = 2;

/// A declared function that is what its argument is.
#[green_pool(size = 2)]
async fn declared(job: Job) -> u32 {
    job.await
}

/// One of them. The jobs are as many as can be divided by three.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    pub(crate) name: &'static str,
    run: fn(GreenPool, Vec<Job>) -> BoxFuture<'static, Vec<Outcome>>,
    declared: bool,
}

impl Way {
    /// The pool that the jobs of this way run in.
    pub(crate) fn pool(self) -> GreenPool {
        if self.declared { declared::pool().clone() } else { GreenPool::new(SIZE) }
    }

    /// Runs the jobs to their end, and gives what came out, in the order of the jobs if the way has one.
    pub(crate) async fn run(self, pool: &GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
        let outcomes = (self.run)(pool.clone(), jobs).await;
        pool.waitall().await;
        outcomes
    }

    /// Whether the results of the jobs can be had.
    pub(crate) fn tells(self) -> bool {
        !self.name.ends_with("spawn_n")
    }
}

async fn ends<T>(threads: Vec<GreenThread<T>>) -> Vec<Result<T, JoinError>> {
    futures::future::join_all(threads).await
}

async fn all<T>(results: impl Stream<Item = T>) -> Vec<T> {
    results.collect().await
}

async fn spawn(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    ends(stream::iter(jobs).then(|job| pool.spawn(job)).collect().await).await
}

async fn spawn_n(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    stream::iter(jobs).for_each(|job| pool.spawn_n(job)).await;
    Vec::new()
}

async fn try_spawn(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    all(stream::iter(jobs).then(|job| pool.try_spawn(job).expect("a slot is free"))).await
}

async fn imap(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    all(pool.imap(|job: Job| job, jobs)).await
}

async fn imap_unordered(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    all(pool.imap_unordered(|job: Job| job, jobs)).await
}

async fn imap_zipped(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    all(pool.imap(|job: Job, _| job, (jobs, 0..))).await
}

async fn starmap(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    all(pool.starmap(|job: Job, _: u8| job, jobs.into_iter().map(|job| (job, 0)))).await
}

async fn starmap_unordered(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    all(pool.starmap_unordered(|job: Job| job, jobs.into_iter().map(|job| (job,)))).await
}

async fn imap_stream(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    all(pool.imap_stream(|job: Job| job, stream::iter(jobs))).await
}

async fn imap_stream_unordered(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    all(pool.imap_stream_unordered(|job: Job| job, stream::iter(jobs))).await
}

async fn green_pile(pool: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    let pile = GreenPile::on(&pool);
    stream::iter(jobs).for_each(|job| pile.spawn(job)).await;
    all(pile).await
}

/// The next three.
fn three(jobs: &mut Vec<Job>) -> Option<[Job; 3]> {
    let rest = jobs.split_off(jobs.len().min(3));
    std::mem::replace(jobs, rest).try_into().ok()
}

async fn pile_in(pool: GreenPool, mut jobs: Vec<Job>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    while let Some([a, b, c]) = three(&mut jobs) {
        let (a, b, c) = pile![in pool; a, b, c].join().await;
        outcomes.extend([a, b, c]);
    }
    outcomes
}

async fn pile_of_calls(_: GreenPool, mut jobs: Vec<Job>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    while let Some([a, b, c]) = three(&mut jobs) {
        outcomes.extend(all(pile![declared(a), declared(b), declared(c)]).await);
    }
    outcomes
}

async fn declared_spawn(_: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    ends(stream::iter(jobs).then(declared::spawn).collect().await).await
}

async fn declared_spawn_n(_: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    stream::iter(jobs).for_each(declared::spawn_n).await;
    Vec::new()
}

async fn declared_try_spawn(_: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    let spawn = |job| declared::try_spawn(job).map_err(drop).expect("a slot is free");
    all(stream::iter(jobs).then(spawn)).await
}

async fn declared_imap(_: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    all(declared::imap(jobs)).await
}

async fn declared_imap_unordered(_: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    all(declared::imap_unordered(jobs)).await
}

async fn declared_starmap(_: GreenPool, jobs: Vec<Job>) -> Vec<Outcome> {
    all(declared::starmap(jobs.into_iter().map(|job| (job,)))).await
}

macro_rules! ways {
    ($declared:literal: $($name:ident)*) => {
        [$(Way { name: stringify!($name), run: |pool, jobs| $name(pool, jobs).boxed(), declared: $declared }),*]
    };
}

/// All of them. They share the declared function's pool, so this is for one test at a time.
pub(crate) fn ways() -> (MutexGuard<'static, ()>, Vec<Way>) {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let given = ways![false: spawn spawn_n try_spawn imap imap_unordered imap_zipped starmap starmap_unordered
        imap_stream imap_stream_unordered green_pile pile_in];
    let declared = ways![true: pile_of_calls declared_spawn declared_spawn_n declared_try_spawn declared_imap
        declared_imap_unordered declared_starmap];
    (turn, given.into_iter().chain(declared).collect())
}

/// What has happened since.
pub(crate) fn since(pool: &GreenPool, before: PoolStats) -> (u64, u64, u64, u64) {
    let now = pool.stats();
    (
        now.spawned - before.spawned,
        now.finished - before.finished,
        now.panicked - before.panicked,
        now.aborted - before.aborted,
    )
}

/// A panic that was meant to be, and so prints nothing.
pub(crate) fn planned() -> ! {
    resume_unwind(Box::new("planned"))
}

/// Whether the error is such a panic.
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
