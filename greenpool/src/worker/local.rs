//! What a worker has taken out of the queue, and the frames that it is done with.

use std::collections::VecDeque;

use crate::job::cell::{JobBox, RawJob};

/// What a worker has in hand while it is polled.
///
/// It takes one job, as anybody else could take the others meanwhile. But on a runtime of one thread nobody can, as long as the worker goes on without waiting: so there, when it has
/// done one, it takes all that are queued, and gives back what is left when it has to wait. Nobody can tell the difference but by the clock,
/// and a job costs no lock of its own.
pub(crate) struct LocalQueue<J: ?Sized> {
    pub(crate) next: Option<JobBox<J>>,
    pub(crate) bulk: Option<Box<Bulk<J>>>,
    /// In which epoch of the census its jobs are.
    epoch: u32,
    /// Frames are used again.
    reuses_cells: bool,
    /// A frame with nothing in it.
    pub(crate) idle_cell: Option<JobBox<J>>,
}

/// Bulk jobs, and many empty frames.
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
    /// With no job.
    #[inline]
    pub(crate) fn new(reuses_cells: bool) -> Self {
        LocalQueue { next: None, bulk: None, epoch: 0, reuses_cells, idle_cell: None }
    }

    /// The next job.
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

    /// A frame with nothing in it.
    #[inline]
    pub(crate) fn recycle(&mut self, cell: JobBox<J>) {
        match &mut self.bulk {
            _ if !self.reuses_cells => drop(cell),
            Some(bulk) => bulk.idle_cells.push(cell),
            None => self.idle_cell = Some(cell),
        }
    }

    /// Whether it has something to give back.
    #[inline]
    pub(crate) fn has_leftovers(&self) -> bool {
        self.bulk.is_some() || self.idle_cell.is_some()
    }
}

impl<J: RawJob + ?Sized> LocalQueue<J> {
    /// Its jobs go into the census. Under the lock that they were queued under: so `abort_all` finds each of them there or here.
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

    /// Its jobs come out of the census again, since they go back into the queue; under that lock. If they have been told to end meanwhile they are given to
    /// the caller instead.
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
