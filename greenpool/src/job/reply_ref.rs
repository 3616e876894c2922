//! A reply, whatever the type of the result in it.
//!
//! Nothing here is generic, so it is compiled once, and not once more for each declared function. What depends on the
//! type is in [`reply_page`](crate::job::reply_page).

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Waker};

use crate::inner::Inner;
use crate::inner::wait::Ending;
use crate::job::error::JoinError;
use crate::job::id::JobId;
use crate::lending::waiter::WaiterRef;
use crate::sync::wake::{register, wake};
use crate::sync::{Mutex, MutexGuard, lock};

/// The most replies that a page has. A single one in use keeps the whole page.
pub(super) const PAGE_MAX: u8 = 16;

// The values of `PageHead::uses`.
const FREE: u8 = 0;
const IN_USE: u8 = 1;
const RETIRED: u8 = 2;

/// What the replies of one page have in common.
pub(crate) struct PageHead {
    pub(super) inner: Arc<Inner>,
    /// The number of the group of workers that run the jobs.
    group: u32,
    /// How many of the jobs have been aborted, or have lost their handle, and have not ended. While there are none, no
    /// worker has to look at the replies.
    flagged: AtomicU8,
    /// Whether each reply is free, in use or retired.
    uses: [AtomicU8; PAGE_MAX as usize],
    /// The number of replies.
    pub(super) len: u8,
}

impl PageHead {
    pub(super) fn new(inner: &Arc<Inner>, group: u32, len: u8) -> Self {
        let (flagged, uses) = (AtomicU8::new(0), [const { AtomicU8::new(FREE) }; PAGE_MAX as usize]);
        PageHead { inner: inner.clone(), group, flagged, uses, len }
    }

    /// Takes a reply into use, if it is free. Only one cell at a time may try.
    #[inline]
    pub(super) fn try_claim(&self, at: u8) -> bool {
        // Acquire pairs with the Release in `free`: the reply is found as its last user left it.
        let is_free = self.uses[usize::from(at)].load(Ordering::Acquire) == FREE;
        if is_free {
            self.uses[usize::from(at)].store(IN_USE, Ordering::Relaxed);
        }
        is_free
    }

    /// Frees a reply, which must have been cleared, unless it is retired.
    #[inline]
    pub(super) fn free(&self, at: u8) {
        // Release pairs with the Acquire in `try_claim`.
        if self.uses[usize::from(at)].load(Ordering::Relaxed) == IN_USE {
            self.uses[usize::from(at)].store(FREE, Ordering::Release);
        }
    }

    /// The reply, which is in use, must serve no other job.
    fn retire(&self, at: u8) {
        self.uses[usize::from(at)].store(RETIRED, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn is_flagged(&self) -> bool {
        self.flagged.load(Ordering::Relaxed) > 0
    }
}

/// What the handle on a job and the worker that runs the job share. It serves one job after the other: the next one
/// once the handle on the last one is gone.
///
/// Each handle has one, even on a job that waits, so it is as small as possible.
pub(super) type Reply<S> = Mutex<ReplyState<S>>;

pub(super) struct ReplyState<S: ?Sized> {
    pub(super) extra: Option<Box<Extra>>,
    pub(super) stage: S,
}

/// How far a job has come, whatever the type of its result.
pub(super) trait AnyStage {
    fn look(&mut self) -> Look<'_>;

    /// Must not be called while the value is there: that would drop it under the lock.
    fn set(&mut self, stage: Plain);
}

/// A stage, as all code can see it.
pub(super) enum Look<'a> {
    Pending(&'a mut Pending),
    /// The value is there.
    Value,
    Error(&'a mut JoinError),
    Taken,
}

/// A stage without a value.
pub(super) enum Plain {
    Pending,
    Error(JoinError),
    Taken,
}

/// What has become of the handle of a job.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum HandleState {
    #[default]
    Held,
    Dropped,
    /// It was dropped, and was only to wait until the job begins: a panic of the job must be reported.
    Forgotten,
}

/// The state of a job that has not ended.
#[derive(Default)]
pub(super) struct Pending {
    /// Its handle has aborted it.
    aborted: bool,
    /// It is about to release its slot, or has released it.
    ending: bool,
    handle: HandleState,
    /// It waits for something, and `abort` must wake this worker. The number is the worker's key plus one.
    worker: Option<NonZero<u32>>,
    /// The waker of the task that awaits the result.
    reader: Option<Waker>,
}

/// What few handles need. A reply that has it serves no other job.
#[derive(Default)]
pub(super) struct Extra {
    id: Option<JobId>,
    /// Set when the job is about to release its slot. Made when another job awaits the result.
    ending: Option<Arc<Ending>>,
    /// The job's place in the queue, if it had to queue and only its handle knows it.
    waiter: Option<WaiterRef>,
}

impl Pending {
    /// Whether a worker has to look at it.
    fn is_flagged(&self) -> bool {
        self.aborted || self.handle != HandleState::Held
    }

    /// Whether nothing must be woken or dropped when the result comes.
    #[inline]
    pub(super) fn is_quiet(&self) -> bool {
        self.reader.is_none() && self.handle == HandleState::Held && !self.aborted
    }
}

/// The stage of a reply whose result was taken, or is not wanted: it is ready for the next job, unless it is retired.
#[inline]
pub(super) fn cleared(extra: Option<&Extra>) -> Plain {
    if extra.is_none() { Plain::Pending } else { Plain::Taken }
}

impl ReplyState<dyn AnyStage + '_> {
    /// The job is about to release its slot.
    fn note_ending(&mut self) {
        if let Look::Pending(pending) = self.stage.look() {
            pending.ending = true;
        }
        if let Some(ending) = self.extra.as_ref().and_then(|extra| extra.ending.as_ref()) {
            ending.announce();
        }
    }

    /// The job has ended, its future has been dropped, and its slot is free. If a handle wants the result, the caller
    /// must store it, unlock, and wake this waker. Otherwise the reply is cleared and freed, and this returns whether a
    /// panic of the job must be reported.
    pub(super) fn settle(&mut self, head: &PageHead, at: u8) -> Result<Option<Waker>, bool> {
        self.note_ending();
        let mut reports = false;
        if let Look::Pending(pending) = self.stage.look() {
            if pending.is_flagged() {
                head.flagged.fetch_sub(1, Ordering::Relaxed);
            }
            if pending.handle == HandleState::Held {
                return Ok(pending.reader.take());
            }
            reports = pending.handle == HandleState::Forgotten;
        }
        self.stage.set(cleared(self.extra.as_deref()));
        head.free(at);
        Err(reports)
    }
}

/// A reference to one reply.
#[derive(Clone, Copy)]
pub(crate) struct ReplyRef<'a> {
    pub(super) head: &'a PageHead,
    pub(super) reply: &'a Reply<dyn AnyStage + 'a>,
    pub(super) at: u8,
}

impl<'a> ReplyRef<'a> {
    pub(super) fn inner(self) -> &'a Arc<Inner> {
        &self.head.inner
    }

    #[inline]
    fn state(self) -> MutexGuard<'a, ReplyState<dyn AnyStage + 'a>> {
        lock(self.reply)
    }

    /// Asks a job that has not ended. `None` if it has.
    fn ask<R>(self, ask: impl FnOnce(&mut Pending) -> R) -> Option<R> {
        match self.state().stage.look() {
            Look::Pending(pending) => Some(ask(pending)),
            _ => None,
        }
    }

    /// What few handles need, made now if it is not there yet.
    fn extra<'b>(self, state: &'b mut ReplyState<dyn AnyStage + 'a>) -> &'b mut Extra {
        self.head.retire(self.at);
        state.extra.get_or_insert_default()
    }

    /// The reply must serve no other job.
    pub(super) fn keep(self) {
        self.extra(&mut self.state());
    }

    /// The id of the job, which it gets when it is first asked for.
    pub(super) fn id(self) -> JobId {
        self.id_in(&mut self.state())
    }

    pub(super) fn id_in(self, state: &mut ReplyState<dyn AnyStage + 'a>) -> JobId {
        *self.extra(state).id.get_or_insert_with(JobId::next)
    }

    /// Whether the handle has aborted the job.
    pub(super) fn is_aborted(self) -> bool {
        self.ask(|pending| pending.aborted) == Some(true)
    }

    /// Whether a panic of the job must be reported, since its handle was only to wait until it begins.
    pub(super) fn reports_panic(self) -> bool {
        self.ask(|pending| pending.handle == HandleState::Forgotten) == Some(true)
    }

    /// Whether the job still has a handle.
    pub(super) fn has_handle(self) -> bool {
        self.ask(|pending| pending.handle != HandleState::Held) != Some(true)
    }

    pub(super) fn is_finished(self) -> bool {
        self.ask(|_| ()).is_none()
    }

    /// The job waits for something, and `worker` runs it. Returns false if it was aborted already.
    pub(super) fn register_abort(self, worker: u32) -> bool {
        // Both under the lock: either this sees the abort, or `abort` finds the worker.
        let is_aborted = self.ask(|pending| {
            pending.worker = NonZero::new(worker + 1);
            pending.aborted
        });
        is_aborted != Some(true)
    }

    /// The job is about to release its slot.
    pub(super) fn note_ending(self) {
        self.state().note_ending();
    }

    /// The job has ended with this error, and released its slot. Returns the error if no handle wants it, and whether
    /// its panic must be reported.
    pub(super) fn fail(self, error: JoinError) -> Option<(JoinError, bool)> {
        let mut state = self.state();
        match state.settle(self.head, self.at) {
            Err(reports) => Some((error, reports)),
            Ok(reader) => {
                let error = error.with_id(self.id_in(&mut state));
                state.stage.set(Plain::Error(error));
                drop(state);
                wake(reader);
                None
            }
        }
    }

    /// Aborts the job: marks it, and takes it out of the queue or wakes its worker if it waits.
    pub(crate) fn abort(self) {
        let mut state = self.state();
        let Look::Pending(pending) = state.stage.look() else { return };
        if !pending.is_flagged() {
            self.head.flagged.fetch_add(1, Ordering::Relaxed);
        }
        pending.aborted = true;
        let worker = pending.worker.take();
        let waiter = state.extra.as_mut().and_then(|extra| extra.waiter.take());
        drop(state);
        if let Some(worker) = worker {
            self.head.inner.wake_worker(self.head.group, worker.get() - 1);
        }
        if let Some(waiter) = waiter {
            waiter.cancel();
        }
    }

    /// The handle was dropped before it returned the result. A panic of the job is reported if it `reports_panic`.
    /// Returns whether the result is there already; then the caller must take it, and free the reply.
    pub(super) fn detach(self, reports_panic: bool) -> bool {
        let mut state = self.state();
        let Look::Pending(pending) = state.stage.look() else { return true };
        if !pending.is_flagged() {
            self.head.flagged.fetch_add(1, Ordering::Relaxed);
        }
        pending.handle = if reports_panic { HandleState::Forgotten } else { HandleState::Dropped };
        let reader = pending.reader.take();
        drop(state);
        drop(reader);
        false
    }

    /// Ready once the result is there.
    pub(super) fn poll(self, cx: &Context<'_>) -> Poll<()> {
        let mut clone = None;
        loop {
            let mut state = self.state();
            match state.stage.look() {
                Look::Value | Look::Error(_) => return Poll::Ready(()),
                Look::Taken => return Poll::Pending,
                Look::Pending(pending) => {
                    if register(&mut pending.reader, cx.waker(), &mut clone) {
                        return Poll::Pending;
                    }
                }
            }
            drop(state);
            clone = Some(cx.waker().clone());
        }
    }

    /// Takes the error, if that is the result, and leaves a cancellation in its place.
    pub(super) fn take_error(self) -> Option<JoinError> {
        match self.state().stage.look() {
            Look::Error(error) => Some(std::mem::replace(error, JoinError::cancelled())),
            _ => None,
        }
    }

    /// The job is queued, and only its handle knows its place.
    pub(crate) fn set_waiter(self, waiter: WaiterRef) {
        self.extra(&mut self.state()).waiter = Some(waiter);
    }

    /// The job's place in the queue, if it may still be queued and only its handle knows it.
    pub(super) fn waiter(self) -> Option<WaiterRef> {
        self.state().extra.as_ref()?.waiter.clone()
    }

    /// A flag that is set before the job releases its slot.
    pub(crate) fn ending(self) -> Arc<Ending> {
        let mut state = self.state();
        let is_ending = !matches!(state.stage.look(), Look::Pending(Pending { ending: false, .. }));
        self.extra(&mut state).ending.get_or_insert_with(|| Ending::new(is_ending)).clone()
    }
}
