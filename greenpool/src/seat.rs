//! What a job has from its beginning to its end: a slot, a place in the census, and its lineage.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use crate::heart::Core;
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
        let epoch = core.join();
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
        self.state = State::Polling;
        match Lineage::enter(&mut self.lineage, || self.span.within(poll)) {
            Poll::Ready(value) => {
                self.state = State::Done;
                Poll::Ready(Ok(value))
            }
            Poll::Pending => {
                self.state = State::Idle;
                Poll::Pending
            }
        }
    }

    /// The job waits for something: `abort_all` is to wake it. False: it has been already, and the job is to end.
    pub(crate) fn enrol(&mut self, cx: &Context<'_>) -> bool {
        if self.enrolled.is_some() {
            return true;
        }
        self.enrolled = Some(self.core().enrol(cx.waker()));
        // `abort_all` may have read the roster just before.
        !self.core().is_outdated(self.epoch)
    }

    /// Takes the job out of the roster; its next poll puts it there again.
    #[inline]
    pub(crate) fn strike(&mut self) {
        if let Some(key) = self.enrolled.take() {
            self.core().strike(key);
        }
    }

    /// Whether the job came to its end, and the seat can be used for the next one.
    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done && !self.core().is_outdated(self.epoch)
    }

    /// The job is over: whether the next one can begin in the same slot. It cannot if that is gone, or if this job ended badly.
    #[inline]
    pub(crate) fn renew(&mut self) -> bool {
        self.is_done() && self.lineage.as_mut().is_some_and(Lineage::again)
    }

    /// The job is over and gives its slot back; the next one has a slot already, perhaps from `lender`. Only if
    /// [`is_done`](Self::is_done).
    #[inline]
    pub(crate) fn hand_over(&mut self, lender: Option<Arc<Member>>) {
        self.begin_next();
        if let Some(lineage) = &mut self.lineage {
            lineage.end();
            lineage.restart(lender);
        }
    }

    /// The next job begins in the same slot.
    #[inline]
    pub(crate) fn begin_next(&mut self) {
        self.core().counters.spawned.fetch_add(1, Ordering::Relaxed);
        self.span = JobSpan::new(self.core());
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

/// A slot of a declared pool in which no job has begun yet. Dropping it gives it back.
pub(crate) struct Slot {
    core: &'static Arc<Core>,
    lender: Option<Arc<Member>>,
    held: bool,
}

impl Slot {
    /// One that has just been acquired, or lent by `lender`.
    #[inline]
    pub(crate) fn new(core: &'static Arc<Core>, lender: Option<Arc<Member>>) -> Self {
        Slot { core, lender, held: true }
    }

    /// A job begins in it.
    #[inline]
    pub(crate) fn seat(mut self) -> Seat {
        self.held = false;
        Seat::new(self.core.clone(), self.lender.take())
    }

    /// A job begins in it, in the seat of the last one, which gives its own slot back.
    #[inline]
    pub(crate) fn follow(mut self, seat: &mut Seat) {
        self.held = false;
        seat.hand_over(self.lender.take());
    }
}

impl Drop for Slot {
    #[inline]
    fn drop(&mut self) {
        if self.held {
            give_back(self.core, self.lender.take());
        }
    }
}
