//! Recycled green threads: the workers of one declared function, and the jobs that wait for one of them.
//!
//! # Implementation details
//!
//! The annotation fixes the type of a function's future. So a job of it need not be a fresh task of the runtime: its future is made in a
//! [`JobCell`], which stands in a queue until one of the [workers](crate::worker::run) takes it, each one long-lived task
//! that runs one job at a time. Frames are used again, so nothing is allocated for a job, and a worker that finds the next one runs it without going
//! through the scheduler.
//!
//! A job runs on the runtime that called `spawn`: each runtime that uses the function has a [`Group`] of its own, with an [`Inject`] for the
//! orders, from its first order until its last worker is gone.
//!
//! A worker that runs a job is of no use to the orders behind it: it may wait, it may compute for a second, it may block its thread (`block_in_place`).
//! So while there are orders, there are also workers that have been *called* and have not come yet, tasks that the runtime's scheduler knows to be
//! ready: as many as it has threads, or as there are orders. Whoever puts in an order, takes one, or begins to wait, calls one
//! more if one is missing. On a runtime with several threads it must be more than one, since a task that was woken last can be
//! run by the thread that woke it only. A worker whose job waits at its first poll calls one more than that, so that a burst of such jobs begins in a
//! number of rounds that is its logarithm.
//!
//! Idle workers stand on a stack, the last to come is the first to go, and so do empty frames. A burst leaves many of both behind; two things
//! send those away that exceed [`MAX_IDLE`]: every [`TRIM_EVERY`] orders, half of those that were never needed meanwhile; and when all workers are idle, the last of
//! them looks on for [`IDLE_TURNS`] turns of the scheduler, and sends all others away if nothing comes. No timer is needed for that.
//!
//! A worker is dropped unfinished only with its runtime. It then takes the whole gang down: all orders are dropped, and their slots come back.

pub(crate) mod group;
pub(crate) mod idle;
pub(crate) mod local;
pub(crate) mod poll;
pub(crate) mod run;

use std::any::Any;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::task::Waker;

use tokio::runtime::Handle;

use crate::inner::{ErasedExecutor, Inner};
use crate::job::cell::{JobBox, JobCell, RawJob};
use crate::sync::wake::wake;
use crate::worker::group::{Executor, Group, Inject, abort};
use crate::worker::run::WorkerTask;

/// The place for the workers of one declared function.
pub struct WorkersCell(OnceLock<Arc<dyn Any + Send + Sync>>);

impl WorkersCell {
    /// An empty place.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it is made in a `static`")]
    pub const fn new() -> Self {
        WorkersCell(OnceLock::new())
    }

    /// The workers of the function that has this cell, whose future is `F`.
    #[inline]
    pub(crate) fn of<F>(&'static self, inner: &Inner) -> &'static Executor<JobCell<F>>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let workers = self.0.get_or_init(|| {
            let workers: Arc<Executor<JobCell<F>>> = Executor::new(true);
            inner.add_executor(workers.clone());
            workers
        });
        workers.downcast_ref().expect("a function has one type of future")
    }
}

/// The workers of that pool that run futures of any kind.
#[inline]
pub(crate) fn executor_of(inner: &Inner) -> &Executor<dyn RawJob> {
    let workers = inner.future_executor.get_or_init(|| {
        let workers = Executor::<dyn RawJob>::new(false);
        inner.add_executor(workers.clone());
        workers
    });
    workers.downcast_ref().expect("a pool has one set of workers for futures of any kind")
}

impl<J: RawJob + ?Sized + 'static> Executor<J> {
    /// Has a job run on that runtime, which is the current one. `make` gets the inject queue that the job is put in, and runs under its lock.
    #[inline]
    pub(crate) fn put<R>(&self, runtime: &Handle, make: impl FnOnce(&mut Inject<J>) -> (JobBox<J>, R)) -> R {
        let id = runtime.id();
        let mut injects = self.injects();
        let at = injects.iter().position(|inject| inject.is_of(id));
        let at = at.unwrap_or_else(|| self.open(&mut injects, runtime, spawn_worker));
        let inject = &mut injects[at];
        let (job, made) = make(inject);
        inject.queue.push_back(job);
        let understaffed = inject.understaffed.then(|| inject.group.clone());
        drop(injects);
        if let Some(group) = understaffed {
            group.notify_if_understaffed();
        }
        made
    }
}

fn spawn_worker<J: RawJob + ?Sized + 'static>(group: &Arc<Group<J>>, key: u32) {
    drop(tokio::spawn(WorkerTask::new(group.clone(), key)));
}

fn groups<J: ?Sized>(executor: &Executor<J>) -> Vec<Arc<Group<J>>> {
    executor.injects().iter().map(|inject| inject.group.clone()).collect()
}

impl<J: RawJob + ?Sized> ErasedExecutor for Executor<J> {
    fn close(&self) {
        for group in groups(self) {
            group.close();
        }
    }

    fn abort_queued(&self) -> u64 {
        let queue: Vec<_> = groups(self).iter().flat_map(|group| group.drain()).collect();
        let aborted = queue.len() as u64;
        for job in queue {
            abort(job, None);
        }
        aborted
    }

    fn wake_busy(&self) {
        wake(groups(self).iter().flat_map(|group| group.busy()));
    }

    fn waker(&self, group: u32, worker: u32) -> Option<Waker> {
        groups(self).iter().find(|known| known.number() == group)?.waker(worker)
    }
}
