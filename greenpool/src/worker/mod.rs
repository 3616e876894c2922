//! Recycled tasks that run the jobs of declared functions, and the futures of a pool.
//!
//! # Implementation details
//!
//! A job need not be a fresh task of the runtime. Its future lives in a [cell](crate::job::cell), and the cell waits in
//! a queue until a [worker](crate::worker::run), a long-lived task that runs one job at a time, takes it. A worker that
//! finds the next job runs it without going through the scheduler. If a declared function is not generic, all of its
//! futures have the same type. Then its cells are used again, and a job costs no allocation.
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

use std::sync::{Arc, OnceLock};
use std::task::Waker;

use tokio::runtime::Handle;

use crate::inner::{ErasedExecutor, ErasedJob, Inner};
use crate::job::cell::{JobBox, NewJob, Replies};
use crate::job::permit::Permit;
use crate::job::reply_page::ReplyAlloc;
use crate::job::running::JobState;
use crate::job::span::Origin;
use crate::sync::MutexGuard;
use crate::sync::wake::wake;
use crate::worker::group::{Executor, Group, Inject};
use crate::worker::queued::Queued;
use crate::worker::run::WorkerTask;

/// Holds the executor of one declared function whose futures all have the same type.
pub struct WorkersCell(OnceLock<Arc<Executor>>);

impl WorkersCell {
    /// Creates an empty cell.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it is made in a `static`")]
    pub const fn new() -> Self {
        WorkersCell(OnceLock::new())
    }

    /// The executor of the function that has this cell.
    #[inline]
    pub(crate) fn of(&'static self, inner: &Arc<Inner>) -> &'static Executor {
        self.0.get().unwrap_or_else(|| self.get_or_init(inner))
    }

    // Not inline, so that it is compiled once.
    #[cold]
    fn get_or_init(&'static self, inner: &Arc<Inner>) -> &'static Arc<Executor> {
        self.0.get_or_init(|| new_executor(inner, true))
    }
}

/// The executor of that pool for futures of any type.
#[inline]
pub(crate) fn executor_of(inner: &Arc<Inner>) -> &Executor {
    let executor = inner.future_executor.get_or_init(|| new_executor(inner, false));
    executor.downcast_ref().expect("it was made here")
}

/// Makes an executor, and makes it known to its pool.
#[cold]
fn new_executor(inner: &Arc<Inner>, reuses_cells: bool) -> Arc<Executor> {
    let executor = Executor::new(inner, reuses_cells);
    inner.add_executor(executor.clone());
    executor
}

impl Executor {
    /// The inject queue for `runtime`, which must be the current one, under its lock.
    #[inline]
    pub(crate) fn inject(&self, runtime: &Handle) -> Injecting<'_> {
        let mut injects = self.injects();
        let id = runtime.id();
        let (at, is_new) = match injects.iter().position(|inject| inject.is_of(id)) {
            Some(at) => (at, false),
            None => (self.add_group(&mut injects, runtime, spawn_worker), true),
        };
        Injecting { injects, at, is_new }
    }

    /// Begins a job of `inner` on `runtime`, the current one.
    #[inline]
    pub(crate) fn begin(&self, inner: &Arc<Inner>, runtime: &Handle, permit: Permit, job: NewJob<'_>) {
        let origin = Origin::here(inner);
        let new = if self.reuses_cells() { None } else { job.new_cell() };
        let mut inject = self.inject(runtime);
        let cell = inject.fill(inner, new, JobState::Permit(permit), origin, job);
        inject.put(cell);
    }

    /// Makes a job of a pool that is a `static`. With `has_slot`, a slot was just acquired, and the job begins on
    /// `runtime`. Otherwise it is returned, as by [`queued`](Self::queued).
    pub(crate) fn start_in_static(
        &self,
        inner: &'static Arc<Inner>,
        runtime: Option<&Handle>,
        has_slot: bool,
        job: NewJob<'_>,
    ) -> Option<Box<dyn ErasedJob>> {
        match runtime {
            Some(runtime) if has_slot => self.begin(inner, runtime, Permit::of_static(inner), job),
            _ => return Some(self.queued(inner, runtime, job)),
        }
        None
    }

    /// Makes a job of `inner` for the queue, which will run on `runtime`, the current one. Without a runtime, it can
    /// only be refused.
    #[cold]
    pub(crate) fn queued(&self, inner: &Arc<Inner>, runtime: Option<&Handle>, job: NewJob<'_>) -> Box<dyn ErasedJob> {
        let Some(runtime) = runtime else { return Box::new(Queued::unplaced(job, inner)) };
        let origin = Origin::here(inner);
        let new = if self.reuses_cells() { None } else { job.new_cell() };
        let mut inject = self.inject(runtime);
        let cell = inject.fill(inner, new, JobState::None, origin, job);
        inject.queued(cell, inner)
    }
}

/// The inject queue of one runtime, under its lock. Code that has it makes a job, and puts that into the queue.
pub(crate) struct Injecting<'a> {
    injects: MutexGuard<'a, Vec<Inject>>,
    at: usize,
    /// It has just been added.
    is_new: bool,
}

impl Injecting<'_> {
    #[inline]
    fn queue(&mut self) -> &mut Inject {
        &mut self.injects[self.at]
    }

    /// Puts a job that is in no cell into this one, which is empty, or into another one.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "what is in registers stays there")]
    fn fill(
        &mut self,
        inner: &Arc<Inner>,
        cell: Option<JobBox>,
        state: JobState,
        origin: Origin,
        job: NewJob<'_>,
    ) -> JobBox {
        let cell = cell.or_else(|| self.idle_cell());
        let replies = if job.has_handle { Some(Replies::new(self.replies(), inner)) } else { None };
        job.fill(cell, state, origin, replies)
    }

    /// An empty cell, if there is one.
    #[inline]
    pub(crate) fn idle_cell(&mut self) -> Option<JobBox> {
        self.queue().idle_cells.pop()
    }

    /// Makes replies.
    #[inline]
    pub(crate) fn replies(&mut self) -> &mut ReplyAlloc {
        &mut self.queue().replies
    }

    /// Queues a job that has a slot.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "what is in registers stays there")]
    pub(crate) fn put(mut self, job: JobBox) {
        let inject = self.queue();
        inject.queue.push_back(job);
        let understaffed = inject.understaffed.then(|| inject.group.clone());
        drop(self);
        if let Some(group) = understaffed {
            group.notify_if_understaffed();
        }
    }

    /// Makes of a job one that can be queued for a slot.
    pub(crate) fn queued(self, job: JobBox, inner: &Arc<Inner>) -> Box<dyn ErasedJob> {
        Box::new(Queued::new(job, Some(self.group()), inner))
    }

    /// The group, for jobs that are about to be queued for a slot.
    pub(crate) fn group(mut self) -> Arc<Group> {
        let (group, is_new) = (self.queue().group.clone(), self.is_new);
        drop(self);
        if is_new {
            group.staff();
        }
        group
    }
}

fn spawn_worker(group: &Arc<Group>, key: u32) {
    drop(group.runtime().spawn(WorkerTask::new(group.clone(), key)));
}

fn groups(executor: &Executor) -> Vec<Arc<Group>> {
    executor.injects().iter().map(|inject| inject.group.clone()).collect()
}

impl ErasedExecutor for Executor {
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
