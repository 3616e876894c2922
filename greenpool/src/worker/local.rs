//! What a worker holds while it is polled: the jobs that it has taken, and the cells that it has emptied.

use std::collections::VecDeque;

use crate::job::cell::{JobBox, RawJob};

/// The local queue of a worker.
///
/// Normally it holds one job. On a current-thread runtime no other worker can run before this poll returns, so after
/// its first job the worker drains the queue, and puts the rest back if a job has to wait. The order of the jobs stays
/// the same, and a job costs no lock of its own.
pub(crate) struct LocalQueue<J: ?Sized> {
    pub(crate) next: Option<JobBox<J>>,
    pub(crate) bulk: Option<Box<Bulk<J>>>,
    /// The epoch of the live-job count in which its jobs entered.
    epoch: u32,
    reuses_cells: bool,
    /// An empty cell.
    pub(crate) idle_cell: Option<JobBox<J>>,
}

/// Many jobs, and many empty cells.
pub(crate) struct Bulk<J: ?Sized> {
    pub(crate) queue: VecDeque<JobBox<J>>,
    pub(crate) idle_cells: Vec<JobBox<J>>,
}

impl<J: ?Sized> Default for Bulk<J> {
    fn default() -> Self {
        Bulk { queue: VecDeque::new(), idle_cells: Vec::new() }
    }
}

impl<J: ?Sized> LocalQueue<J> {
    /// An empty queue.
    #[inline]
    pub(crate) fn new(reuses_cells: bool) -> Self {
        LocalQueue { next: None, bulk: None, epoch: 0, reuses_cells, idle_cell: None }
    }

    /// Removes the next job.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<JobBox<J>> {
        match &mut self.bulk {
            Some(bulk) => bulk.queue.pop_front(),
            None => self.next.take(),
        }
    }

    #[inline]
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Keeps a cell that is empty now, if cells are used again.
    #[inline]
    pub(crate) fn recycle(&mut self, cell: JobBox<J>) {
        match &mut self.bulk {
            _ if !self.reuses_cells => drop(cell),
            Some(bulk) => bulk.idle_cells.push(cell),
            None => self.idle_cell = Some(cell),
        }
    }

    /// Whether it has something that must go back to the group.
    #[inline]
    pub(crate) fn has_leftovers(&self) -> bool {
        self.bulk.is_some() || self.idle_cell.is_some()
    }
}

impl<J: RawJob + ?Sized> LocalQueue<J> {
    /// Its jobs enter the live-job count. The caller must hold the group's lock, so that `abort_all` finds each job
    /// either queued or counted.
    #[inline]
    pub(crate) fn enter_live(&mut self) {
        let (first, jobs) = match &mut self.bulk {
            Some(bulk) => {
                let jobs = bulk.queue.len();
                (bulk.queue.front_mut(), jobs)
            }
            None => (self.next.as_mut(), 1),
        };
        if let Some(inner) = first.and_then(|first| first.as_mut().state().inner()) {
            self.epoch = inner.live.enter(jobs as u64);
        }
    }

    /// Its jobs leave the live-job count, because they go back into the queue. The caller must hold the group's lock.
    /// If `abort_all` has aborted them meanwhile, they are returned instead.
    pub(crate) fn cancel_enter(&mut self) -> VecDeque<JobBox<J>> {
        let Some(bulk) = &mut self.bulk else { return VecDeque::new() };
        let jobs = bulk.queue.len() as u64;
        let inner = bulk.queue.front_mut().and_then(|first| first.as_mut().state().inner());
        match inner {
            Some(inner) if !inner.live.cancel_enter(self.epoch, jobs) => std::mem::take(&mut bulk.queue),
            _ => VecDeque::new(),
        }
    }
}
