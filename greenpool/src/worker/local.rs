//! What a worker holds while it is polled: the jobs that it has taken, and the cells that it has emptied.

use std::collections::VecDeque;

use crate::job::cell::JobBox;

/// The local queue of a worker.
///
/// Normally it holds one job. On a current-thread runtime no other worker can run before this poll returns, so after
/// its first job the worker drains the queue, and puts the rest back if a job has to wait. The order of the jobs stays
/// the same, and a job costs no lock of its own.
pub(crate) struct LocalQueue {
    pub(crate) next: Option<JobBox>,
    pub(crate) bulk: Option<Box<Bulk>>,
    reuses_cells: bool,
    /// An empty cell.
    pub(crate) idle_cell: Option<JobBox>,
    /// Whether the worker has woken a task that can run only on this thread until the worker's poll ends. Not set on a
    /// current-thread runtime.
    pub(crate) has_woken: bool,
}

/// Many jobs, and many empty cells.
#[derive(Default)]
pub(crate) struct Bulk {
    pub(crate) queue: VecDeque<JobBox>,
    pub(crate) idle_cells: Vec<JobBox>,
}

impl LocalQueue {
    /// An empty queue.
    #[inline]
    pub(crate) fn new(reuses_cells: bool) -> Self {
        LocalQueue { next: None, bulk: None, reuses_cells, idle_cell: None, has_woken: false }
    }

    /// Removes the next job.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<JobBox> {
        match &mut self.bulk {
            Some(bulk) => bulk.queue.pop_front(),
            None => self.next.take(),
        }
    }

    /// Keeps a cell that is empty now, if cells are used again.
    #[inline]
    pub(crate) fn recycle(&mut self, cell: JobBox) {
        match &mut self.bulk {
            _ if !self.reuses_cells => drop(cell),
            Some(bulk) => bulk.idle_cells.push(cell),
            None => self.idle_cell = Some(cell),
        }
    }

    /// Whether it has something that must go back to the group.
    #[inline]
    pub(crate) fn has_leftovers(&self) -> bool {
        self.bulk.is_some() || self.idle_cell.is_some() || self.next.is_some()
    }
}
