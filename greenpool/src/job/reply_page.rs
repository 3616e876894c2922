//! Replies, and the pages that they are allocated in.
//!
//! # Implementation details
//!
//! A job with a handle needs a [`Reply`], and a job that waits should cost no more memory than a task. In an allocation
//! of its own, a reply would also need two reference counts, its pool and its group, which is more than half of the
//! total. So replies share a page, which has these once. The first page for a type of result has one reply, and each
//! later one has twice as many, up to [`PAGE_MAX`]. A page stays in memory as long as one of its replies is in use.

use std::any::Any;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use crate::inner::Inner;
use crate::job::error::JoinError;
use crate::job::id::JobId;
use crate::lending::waiter::WaiterRef;
use crate::sync::quiet::drop_quietly;
use crate::sync::wake::{register, wake};
use crate::sync::{Mutex, MutexGuard, lock};

/// The most replies that a page has. A single one in use keeps the whole page.
const PAGE_MAX: usize = 16;

// The values of `Page::uses`.
const FREE: u8 = 0;
const IN_USE: u8 = 1;
const RETIRED: u8 = 2;

/// Replies to jobs of one group of workers.
pub(crate) struct Page<T> {
    inner: Arc<Inner>,
    /// The number of the group.
    group: u32,
    /// How many of the jobs have been aborted, or have lost their handle, and have not ended. While there are none, no
    /// worker has to look at the replies.
    flagged: AtomicU8,
    /// Whether each reply is free, in use or retired.
    uses: [AtomicU8; PAGE_MAX],
    first: Reply<T>,
    more: Box<[Reply<T>]>,
}

impl<T> Page<T> {
    fn new(inner: &Arc<Inner>, group: u32, replies: usize) -> Arc<Self> {
        let more = (1..replies).map(|_| Reply::new()).collect();
        let (flagged, uses) = (AtomicU8::new(0), [const { AtomicU8::new(FREE) }; PAGE_MAX]);
        Arc::new(Page { inner: inner.clone(), group, flagged, uses, first: Reply::new(), more })
    }

    /// A page for a job that ended with this error before it began.
    pub(crate) fn ended(inner: &Arc<Inner>, error: JoinError) -> Arc<Self> {
        let page = Self::new(inner, 0, 1);
        page.try_claim(0);
        let mut state = page.reply(0).state();
        let error = error.with_id(page.id(0, &mut state));
        state.stage = Stage::Ready(Err(error));
        drop(state);
        page
    }

    fn len(&self) -> usize {
        1 + self.more.len()
    }

    #[inline]
    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    #[inline]
    pub(crate) fn reply(&self, at: u8) -> &Reply<T> {
        match at {
            0 => &self.first,
            _ => &self.more[usize::from(at) - 1],
        }
    }

    /// Takes a reply into use, if it is free. Only one cell at a time may try.
    #[inline]
    pub(crate) fn try_claim(&self, at: u8) -> bool {
        // Acquire pairs with the Release in `free`: the reply is found as its last user left it.
        let is_free = self.uses[usize::from(at)].load(Ordering::Acquire) == FREE;
        if is_free {
            self.uses[usize::from(at)].store(IN_USE, Ordering::Relaxed);
        }
        is_free
    }

    /// Frees a reply, which must have been cleared, unless it is retired.
    #[inline]
    pub(crate) fn free(&self, at: u8) {
        // Release pairs with the Acquire in `try_claim`.
        if self.uses[usize::from(at)].load(Ordering::Relaxed) == IN_USE {
            self.uses[usize::from(at)].store(FREE, Ordering::Release);
        }
    }

    /// The reply, which is in use, must serve no other job.
    pub(crate) fn retire(&self, at: u8) {
        self.uses[usize::from(at)].store(RETIRED, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_flagged(&self) -> bool {
        self.flagged.load(Ordering::Relaxed) > 0
    }

    /// Wakes the worker with this key in the group.
    pub(crate) fn wake_worker(&self, worker: u32) {
        self.inner.wake_worker(self.group, worker);
    }
}

/// Allocates replies from the newest page. The reference is weak, since a page keeps its pool alive.
#[derive(Default)]
pub(crate) struct ReplyAlloc {
    page: Option<Weak<dyn Any + Send + Sync>>,
    allocated: u8,
}

impl ReplyAlloc {
    /// A new reply for a job of that pool and group. It is in use from now on.
    pub(crate) fn alloc<T>(&mut self, inner: &Arc<Inner>, group: u32) -> (Arc<Page<T>>, u8)
    where
        T: Send + 'static,
    {
        let page = self.page.as_ref().and_then(Weak::upgrade).and_then(|page| page.downcast::<Page<T>>().ok());
        let page = match page {
            Some(page) if usize::from(self.allocated) < page.len() => page,
            last => {
                let replies = last.map_or(1, |last| (2 * last.len()).min(PAGE_MAX));
                let page = Page::new(inner, group, replies);
                let any: Arc<dyn Any + Send + Sync> = page.clone();
                self.page = Some(Arc::downgrade(&any));
                self.allocated = 0;
                page
            }
        };
        let at = self.allocated;
        self.allocated += 1;
        page.try_claim(at);
        (page, at)
    }
}

/// What the handle on a job and the worker that runs the job share. It serves one job after the other: the next one
/// once the handle on the last one is gone.
///
/// Each handle has one, even on a job that waits, so it is as small as possible.
pub(crate) struct Reply<T>(Mutex<ReplyState<T>>);

pub(super) struct ReplyState<T> {
    pub(super) stage: Stage<T>,
    extra: Option<Box<Extra>>,
}

pub(super) enum Stage<T> {
    /// The job has not ended. It may not have begun.
    Pending(Pending),
    /// It has ended with this result.
    Ready(Result<T, JoinError>),
    /// The result was taken; id and `is_finished` still work.
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
    pub(super) ending: bool,
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
    pub(super) ending: Option<Arc<AtomicBool>>,
    /// The job's place in the queue, if it had to queue and only its handle knows it.
    pub(super) waiter: Option<WaiterRef>,
}

impl Pending {
    /// Whether a worker has to look at it.
    fn is_flagged(&self) -> bool {
        self.aborted || self.handle != HandleState::Held
    }
}

impl<T> ReplyState<T> {
    /// The job is about to release its slot.
    #[inline]
    pub(super) fn note_ending(&mut self) {
        if let Stage::Pending(pending) = &mut self.stage {
            pending.ending = true;
        }
        if let Some(ending) = self.extra.as_ref().and_then(|extra| extra.ending.as_ref()) {
            // SeqCst pairs with the load in `WaitEdge::readiness`: a search for deadlocks that finds the slot released
            // finds this flag set.
            ending.store(true, Ordering::SeqCst);
        }
    }

    /// The job's place in the queue, if it may still be queued.
    pub(super) fn waiter(&self) -> Option<WaiterRef> {
        self.extra.as_ref()?.waiter.clone()
    }

    /// Takes the result, if there is one. The reply is then ready for the next job, unless it is retired.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Result<T, JoinError>> {
        if !matches!(self.stage, Stage::Ready(_)) {
            return None;
        }
        match self.clear() {
            Stage::Ready(result) => Some(result),
            _ => None,
        }
    }

    #[inline]
    fn clear(&mut self) -> Stage<T> {
        let next = if self.extra.is_none() { Stage::Pending(Pending::default()) } else { Stage::Taken };
        std::mem::replace(&mut self.stage, next)
    }
}

impl<T> Reply<T> {
    pub(crate) fn new() -> Self {
        Reply(Mutex::new(ReplyState { stage: Stage::Pending(Pending::default()), extra: None }))
    }

    #[inline]
    pub(super) fn state(&self) -> MutexGuard<'_, ReplyState<T>> {
        lock(&self.0)
    }

    #[inline]
    pub(super) fn poll<R>(&self, cx: &Context<'_>, look: impl Fn(&mut ReplyState<T>) -> Option<R>) -> Poll<R> {
        let mut clone = None;
        loop {
            let mut state = self.state();
            if let Some(found) = look(&mut state) {
                return Poll::Ready(found);
            }
            let Stage::Pending(pending) = &mut state.stage else { return Poll::Pending };
            if register(&mut pending.reader, cx.waker(), &mut clone) {
                return Poll::Pending;
            }
            drop(state);
            clone = Some(cx.waker().clone());
        }
    }

    /// The job has finished and released its slot. Stores the value if nothing must be woken or dropped for that, and
    /// returns it otherwise. No job awaits the result then, so the flag for the job's [ending](Extra::ending) need not
    /// be set.
    #[inline]
    pub(super) fn complete_quietly(&self, value: T) -> Result<(), T> {
        let mut state = self.state();
        if let Stage::Pending(Pending { reader: None, handle: HandleState::Held, aborted: false, .. }) = state.stage {
            state.stage = Stage::Ready(Ok(value));
            return Ok(());
        }
        Err(value)
    }

    /// The job waits for something, and `worker` runs it. Returns false if it was aborted already.
    pub(super) fn register_abort(&self, worker: u32) -> bool {
        let mut state = self.state();
        let Stage::Pending(pending) = &mut state.stage else { return true };
        pending.worker = NonZero::new(worker + 1);
        // Both under the lock: either this sees the abort, or `abort` finds the worker.
        !pending.aborted
    }

    pub(super) fn is_aborted(&self) -> bool {
        matches!(self.state().stage, Stage::Pending(Pending { aborted: true, .. }))
    }

    pub(super) fn reports_panic(&self) -> bool {
        matches!(self.state().stage, Stage::Pending(Pending { handle: HandleState::Forgotten, .. }))
    }

    pub(super) fn is_detached(&self) -> bool {
        matches!(&self.state().stage, Stage::Pending(pending) if pending.handle != HandleState::Held)
    }

    pub(super) fn is_finished(&self) -> bool {
        !matches!(self.state().stage, Stage::Pending(_))
    }
}

impl<T> Page<T> {
    /// The job has ended, its future has been dropped, and its slot is free. No result means that the job was
    /// cancelled, or that it has no handle. Returns the result if no handle wants it, and whether its panic must be
    /// reported.
    pub(super) fn complete(
        &self,
        at: u8,
        result: Option<Result<T, JoinError>>,
    ) -> (Option<Result<T, JoinError>>, bool) {
        let mut state = self.reply(at).state();
        state.note_ending();
        if let Stage::Pending(pending) = &state.stage {
            if pending.is_flagged() {
                self.flagged.fetch_sub(1, Ordering::Relaxed);
            }
        }
        let Stage::Pending(Pending { handle: HandleState::Held, reader, .. }) = &mut state.stage else {
            let reports = matches!(state.stage, Stage::Pending(Pending { handle: HandleState::Forgotten, .. }));
            state.clear();
            drop(state);
            self.free(at);
            return (result, reports);
        };
        let reader = reader.take();
        let result = result.unwrap_or_else(|| Err(JoinError::cancelled()));
        let result = result.map_err(|error| error.with_id(self.id(at, &mut state)));
        state.stage = Stage::Ready(result);
        drop(state);
        wake(reader);
        (None, false)
    }

    /// Aborts the job: marks it, and takes it out of the queue or wakes its worker if it waits.
    pub(super) fn abort(&self, at: u8) {
        let mut state = self.reply(at).state();
        let Stage::Pending(pending) = &mut state.stage else { return };
        if !pending.is_flagged() {
            self.flagged.fetch_add(1, Ordering::Relaxed);
        }
        pending.aborted = true;
        let worker = pending.worker.take();
        let waiter = state.extra.as_mut().and_then(|extra| extra.waiter.take());
        drop(state);
        if let Some(worker) = worker {
            self.wake_worker(worker.get() - 1);
        }
        if let Some(waiter) = waiter {
            waiter.cancel();
        }
    }

    /// The handle was dropped before it returned the result. A panic of the job is reported if it `reports_panic`.
    #[inline]
    pub(super) fn detach(&self, at: u8, reports_panic: bool) {
        let mut state = self.reply(at).state();
        if let Stage::Pending(pending) = &mut state.stage {
            if !pending.is_flagged() {
                self.flagged.fetch_add(1, Ordering::Relaxed);
            }
            pending.handle = if reports_panic { HandleState::Forgotten } else { HandleState::Dropped };
            let reader = pending.reader.take();
            drop(state);
            drop(reader);
            return;
        }
        let unwanted = state.take();
        drop(state);
        drop_quietly(unwanted);
        self.free(at);
    }

    /// What few handles need, made now if it is not there yet.
    pub(super) fn extra<'a>(&self, at: u8, state: &'a mut ReplyState<T>) -> &'a mut Extra {
        self.retire(at);
        state.extra.get_or_insert_default()
    }

    /// The id of the job, which it gets when it is first asked for.
    pub(super) fn id(&self, at: u8, state: &mut ReplyState<T>) -> JobId {
        *self.extra(at, state).id.get_or_insert_with(JobId::next)
    }
}
