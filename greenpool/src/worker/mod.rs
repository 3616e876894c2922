//! Recycled tasks that run the jobs of declared functions, and the futures of a pool.
//!
//! # Implementation details
//!
//! A job need not be a fresh task of the runtime. Its future is created in a [`JobCell`], and the cell waits in a queue
//! until a [worker](crate::worker::run), a long-lived task that runs one job at a time, takes it. A worker that finds
//! the next job runs it without going through the scheduler. If a declared function is not generic, all of its futures
//! have the same type. Then its cells are used again, and a job costs no allocation.
//!
//! `README.md` in this folder tells how workers find jobs, when they start and stop, and what happens at the end of a
//! runtime.

pub(crate) mod backlog;
pub(crate) mod group;
pub(crate) mod idle;
pub(crate) mod local;
pub(crate) mod poll;
pub(crate) mod queued;
pub(crate) mod run;

use std::any::Any;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::task::Waker;

use tokio::runtime::Handle;

use crate::inner::{ErasedExecutor, Inner};
use crate::job::cell::{JobBox, JobCell, RawJob};
use crate::sync::wake::wake;
use crate::worker::group::{Executor, Group, Inject};
use crate::worker::queued::Queued;
use crate::worker::run::WorkerTask;

/// Holds the executor of one declared function whose futures all have the same type.
pub struct WorkersCell(OnceLock<Arc<dyn Any + Send + Sync>>);

impl WorkersCell {
    /// Creates an empty cell.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it is made in a `static`")]
    pub const fn new() -> Self {
        WorkersCell(OnceLock::new())
    }

    /// The executor of the function that has this cell. Its future is `F`.
    #[inline]
    pub(crate) fn of<F>(&'static self, inner: &Arc<Inner>) -> &'static Executor<JobCell<F>>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        get_or_add(&self.0, inner, true)
    }
}

/// The executor of that pool for futures of any type.
#[inline]
pub(crate) fn executor_of(inner: &Arc<Inner>) -> &Executor<dyn RawJob> {
    get_or_add(&inner.future_executor, inner, false)
}

/// The executor in this cell, which serves one type of job. It is made, and made known to the pool, on first use.
#[inline]
fn get_or_add<'a, J>(
    cell: &'a OnceLock<Arc<dyn Any + Send + Sync>>,
    inner: &Arc<Inner>,
    reuses_cells: bool,
) -> &'a Executor<J>
where
    J: RawJob + ?Sized + 'static,
{
    let executor = cell.get_or_init(|| {
        let executor = Executor::<J>::new(inner, reuses_cells);
        inner.add_executor(executor.clone());
        executor
    });
    executor.downcast_ref().expect("a cell serves one type of job")
}

impl<J: RawJob + ?Sized + 'static> Executor<J> {
    /// The index of the inject queue of `runtime`, and whether it has just been added.
    #[inline]
    fn find_or_add(&self, injects: &mut Vec<Inject<J>>, runtime: &Handle) -> (usize, bool) {
        let id = runtime.id();
        match injects.iter().position(|inject| inject.is_of(id)) {
            Some(at) => (at, false),
            None => (self.add_group(injects, runtime, spawn_worker), true),
        }
    }

    /// Queues a job to run on `runtime`, which must be the current one. `make` creates the job. It is given the inject
    /// queue and runs under its lock.
    #[inline]
    pub(crate) fn put<R>(&self, runtime: &Handle, make: impl FnOnce(&mut Inject<J>) -> (JobBox<J>, R)) -> R {
        let mut injects = self.injects();
        let (at, _) = self.find_or_add(&mut injects, runtime);
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

    /// Makes a job that can be queued for a slot, and that will run on `runtime`, the current one. `make` is as for
    /// [`put`](Self::put).
    pub(crate) fn queued<R>(
        &self,
        inner: &Arc<Inner>,
        runtime: &Handle,
        make: impl FnOnce(&mut Inject<J>) -> (JobBox<J>, R),
    ) -> (Queued<J>, R) {
        let (group, (job, made)) = self.group(runtime, make);
        (Queued::new(job, group, inner.clone()), made)
    }

    /// The group of `runtime`, the current one, for jobs that are about to be queued for a slot. `with` is given its
    /// inject queue, and runs under the lock.
    pub(crate) fn group<R>(&self, runtime: &Handle, with: impl FnOnce(&mut Inject<J>) -> R) -> (Arc<Group<J>>, R) {
        let mut injects = self.injects();
        let (at, is_new) = self.find_or_add(&mut injects, runtime);
        let inject = &mut injects[at];
        let made = with(inject);
        let group = inject.group.clone();
        drop(injects);
        if is_new {
            group.staff();
        }
        (group, made)
    }
}

fn spawn_worker<J: RawJob + ?Sized + 'static>(group: &Arc<Group<J>>, key: u32) {
    drop(group.runtime().spawn(WorkerTask::new(group.clone(), key)));
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

    fn wake_busy(&self) {
        wake(groups(self).iter().flat_map(|group| group.busy_wakers()));
    }

    fn waker(&self, group: u32, worker: u32) -> Option<Waker> {
        groups(self).iter().find(|candidate| candidate.number() == group)?.waker(worker)
    }
}
