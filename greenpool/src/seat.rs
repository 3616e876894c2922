//! What a job has: from its `spawn` on a slot, and from its beginning to its end a place in the census and its lineage too.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use crate::heart::Core;
use crate::knot;
use crate::lineage::Lineage;
use crate::member::{Member, give_back};
use crate::trace::JobSpan;

/// The seat of one job, or of several that follow each other in it. Dropping it gives all back.
pub(crate) struct Seat {
    /// There but while the job is polled.
    lineage: Option<Lineage>,
    epoch: u32,
    /// The key in the pool's roster.
    enrolled: Option<u32>,
    state: State,
    span: JobSpan,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not yet polled, or waiting for something. A seat that is dropped now was aborted.
    Idle,
    /// Inside the user's code. A seat that is dropped now is being unwound.
    Polling,
    Done,
    /// There was nothing to run.
    Withdrawn,
}

/// What a seat is to those who run jobs in it.
pub(crate) struct Inside<'a> {
    epoch: u32,
    span: &'a mut JobSpan,
}

impl Inside<'_> {
    /// Runs `poll` in the job's span.
    #[inline]
    pub(crate) fn within<R>(&self, poll: impl FnOnce() -> R) -> R {
        self.span.within(poll)
    }

    /// In which epoch of the census it is.
    #[inline]
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The next job begins, which is in the census already.
    #[inline]
    pub(crate) fn begin_next(&mut self, core: &Core) {
        self.span.renew(core);
    }
}

/// The job was told to end by `abort_all`, or was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Aborted,
    Closed,
}

impl Seat {
    /// A job begins with a slot that has just been acquired, or lent by `lender`.
    #[inline]
    pub(crate) fn new(core: Arc<Core>, lender: Option<Arc<Member>>) -> Self {
        let epoch = core.join(1);
        Self::joined(core, lender, epoch)
    }

    /// Likewise, of one that is in the census already.
    #[inline]
    fn joined(core: Arc<Core>, lender: Option<Arc<Member>>, epoch: u32) -> Self {
        let span = JobSpan::new(&core);
        Seat { lineage: Some(Lineage::new(core, lender)), epoch, enrolled: None, state: State::Idle, span }
    }

    #[inline]
    pub(crate) fn core(&self) -> &Arc<Core> {
        let lineage = self.lineage.as_ref();
        &lineage.expect("a seat is asked for its pool between two polls, never within one").core
    }

    /// Polls the job as what it is: known to greenpool's verbs, and ready to be told to end.
    #[inline]
    pub(crate) fn poll<T>(&mut self, poll: impl FnOnce() -> Poll<T>) -> Poll<Result<T, Ended>> {
        if self.core().is_outdated(self.epoch) {
            return Poll::Ready(Err(Ended::Aborted));
        }
        self.enter(|inside| inside.span.within(poll)).map(Ok)
    }

    /// Runs `f` as this job, or as several jobs one after the other. What it gives is of the last one.
    #[inline]
    pub(crate) fn enter<T>(&mut self, f: impl FnOnce(Inside<'_>) -> Poll<T>) -> Poll<T> {
        self.state = State::Polling;
        let inside = Inside { epoch: self.epoch, span: &mut self.span };
        let polled = Lineage::enter(&mut self.lineage, || f(inside));
        self.state = if polled.is_ready() { State::Done } else { State::Idle };
        polled
    }

    /// Whether the job has been told to end.
    #[inline]
    pub(crate) fn is_outdated(&self) -> bool {
        self.core().is_outdated(self.epoch)
    }

    /// The job waits for something: `abort_all` is to wake it. False: it has been already, and the job is to end.
    pub(crate) fn enrol(&mut self, cx: &Context<'_>) -> bool {
        if self.enrolled.is_some() {
            return true;
        }
        self.enrolled = Some(self.core().enrol(cx.waker()));
        // `abort_all` may have read the roster just before.
        !self.is_outdated()
    }

    /// Takes the job out of the roster; its next poll puts it there again.
    #[inline]
    pub(crate) fn strike(&mut self) {
        if let Some(key) = self.enrolled.take() {
            self.core().strike(key);
        }
    }

    /// The job is not being polled any more, and did not come to its end.
    pub(crate) fn mark_idle(&mut self) {
        self.state = State::Idle;
    }

    /// There is nothing to run after all.
    pub(crate) fn withdraw(mut self) {
        self.state = State::Withdrawn;
    }

    /// The job panicked elsewhere than in its poll.
    pub(crate) fn mark_panicked(&mut self) {
        self.state = State::Polling;
    }
}

impl Drop for Seat {
    #[inline]
    fn drop(&mut self) {
        self.strike();
        // Who sees the slot come back finds the job in no list.
        self.span.end();
        let counters = &self.core().counters;
        match self.state {
            State::Done => {}
            State::Withdrawn => {
                counters.spawned.fetch_sub(1, Ordering::Relaxed);
            }
            State::Polling => {
                counters.panicked.fetch_add(1, Ordering::Relaxed);
            }
            State::Idle => {
                counters.aborted.fetch_add(1, Ordering::Relaxed);
            }
        }
        let Some(mut lineage) = self.lineage.take() else {
            return;
        };
        // Who sees the slot come back, as `waitall` does, finds the job gone from the census. `abort_all` waits for the census,
        // and is to find the slot free: a job that it has told to end is counted out last.
        let left = lineage.core.leave(self.epoch);
        lineage.end();
        if !left {
            lineage.core.leave_outdated();
        }
    }
}

/// A slot in which no job has begun yet. Dropping it gives it back.
pub(crate) struct Slot {
    /// There but when it has been used.
    core: Option<Arc<Core>>,
    lender: Option<Arc<Member>>,
}

impl Slot {
    /// One that has just been acquired, or lent by `lender`.
    #[inline]
    pub(crate) fn new(core: &Arc<Core>, lender: Option<Arc<Member>>) -> Self {
        Slot { core: Some(core.clone()), lender }
    }

    /// A job begins in it. If it is in the census already, that is of `epoch`.
    fn begin(mut self, epoch: Option<u32>) -> Seat {
        match (self.core.take(), epoch) {
            (Some(core), Some(epoch)) => Seat::joined(core, self.lender.take(), epoch),
            (Some(core), None) => Seat::new(core, self.lender.take()),
            (None, _) => unreachable!("a slot is used once"),
        }
    }
}

impl Drop for Slot {
    #[inline]
    fn drop(&mut self) {
        if let Some(core) = self.core.take() {
            give_back(&core, self.lender.take());
            knot::changed(&core);
        }
    }
}

/// Where a job is.
#[derive(Default)]
pub(crate) enum Place {
    /// It is being polled, or there is none.
    #[default]
    Nowhere,
    /// It has not begun.
    Slot(Slot),
    Seat(Seat),
}

impl Place {
    /// The job's seat, as it is polled. If it has not begun, it does now; if it is in the census already, that is of `epoch`.
    #[inline]
    pub(crate) fn seat(&mut self, epoch: Option<u32>) -> Option<Seat> {
        match std::mem::take(self) {
            Place::Nowhere => None,
            Place::Slot(slot) => Some(slot.begin(epoch)),
            Place::Seat(seat) => Some(seat),
        }
    }

    /// The pool of a job that has not begun.
    pub(crate) fn core(&self) -> Option<&Arc<Core>> {
        match self {
            Place::Slot(slot) => slot.core.as_ref(),
            _ => None,
        }
    }

    /// The job begins in a seat that is there, and holds a slot of the pool's own: whether it has brought such a slot, which is that seat's now.
    #[inline]
    pub(crate) fn yield_own(&mut self) -> bool {
        match self {
            Place::Slot(slot) if slot.lender.is_none() => {
                slot.core = None;
                // Nothing is left in it that needs to be dropped.
                std::mem::forget(std::mem::take(self));
                true
            }
            _ => false,
        }
    }
}
