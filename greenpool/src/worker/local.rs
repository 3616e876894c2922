//! What a worker has taken out of the queue, and the frames that it is done with.

use std::collections::VecDeque;

use crate::job::cell::{JobBox, RawJob};

/// What a worker has in hand while it is polled.
///
/// It takes one job, as anybody else could take the others meanwhile. But on a runtime of one thread nobody can, as long as the worker goes on without waiting: so there, when it has
/// done one, it takes all that are queued, and gives back what is left when it has to wait. Nobody can tell the difference but by the clock,
/// and a job costs no lock of its own.
pub(crate) struct Batch<J: ?Sized> {
    pub(crate) next: Option<JobBox<J>>,
    pub(crate) many: Option<Box<Many<J>>>,
    /// In which epoch of the census its jobs are.
    epoch: u32,
    /// Frames are used again.
    keeps: bool,
    /// A frame with nothing in it.
    pub(crate) empty: Option<JobBox<J>>,
}

/// Many jobs, and many empty frames.
pub(crate) struct Many<J: ?Sized> {
    pub(crate) orders: VecDeque<JobBox<J>>,
    pub(crate) empty: Vec<JobBox<J>>,
}

impl<J: ?Sized> Default for Many<J> {
    fn default() -> Self {
        Many { orders: VecDeque::new(), empty: Vec::new() }
    }
}

impl<J: ?Sized> Batch<J> {
    /// With no job.
    #[inline]
    pub(crate) fn new(keeps: bool) -> Self {
        Batch { next: None, many: None, epoch: 0, keeps, empty: None }
    }

    /// The next job.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<JobBox<J>> {
        match &mut self.many {
            Some(many) => many.orders.pop_front(),
            None => self.next.take(),
        }
    }

    #[inline]
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// A frame with nothing in it.
    #[inline]
    pub(crate) fn keep(&mut self, cell: JobBox<J>) {
        match &mut self.many {
            _ if !self.keeps => drop(cell),
            Some(many) => many.empty.push(cell),
            None => self.empty = Some(cell),
        }
    }

    /// Whether it has something to give back.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.many.is_some() || self.empty.is_some()
    }
}

impl<J: RawJob + ?Sized> Batch<J> {
    /// Its jobs go into the census. Under the lock that they were queued under: so `abort_all` finds each of them there or here.
    #[inline]
    pub(crate) fn join(&mut self) {
        let (first, jobs) = match &mut self.many {
            Some(many) => {
                let jobs = many.orders.len();
                (many.orders.front_mut(), jobs)
            }
            None => (self.next.as_mut(), 1),
        };
        if let Some(inner) = first.and_then(|first| first.as_mut().state().inner()) {
            self.epoch = inner.live.enter(jobs as u64);
        }
    }

    /// Its jobs come out of the census again, since they go back into the queue; under that lock. If they have been told to end meanwhile they are given to
    /// the caller instead.
    pub(crate) fn unjoin(&mut self) -> VecDeque<JobBox<J>> {
        let Some(many) = &mut self.many else { return VecDeque::new() };
        let jobs = many.orders.len() as u64;
        let inner = many.orders.front_mut().and_then(|first| first.as_mut().state().inner());
        match inner {
            Some(inner) if !inner.live.cancel_enter(self.epoch, jobs) => std::mem::take(&mut many.orders),
            _ => VecDeque::new(),
        }
    }
}
