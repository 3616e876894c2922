//! The memory of replies. Several share a page, and with it what is the same for all of them.
//!
//! # Implementation details
//!
//! A job with a handle needs a [`Reply`], and a job that waits should cost as little as a task. In a piece of memory of its own a reply would have two counts of
//! references, its pool and its gang besides, more than half of it. So they are dealt out from pages. The first page for a kind of result has one reply, and
//! each that follows it has twice as many, up to [`PAGE_MAX`]. A page is there as long as one of its replies is in use.

use std::any::Any;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use crate::inner::Inner;
use crate::job::error::JoinError;
use crate::job::id::JobId;
use crate::sync::wake::wake;
use crate::sync::{Mutex, MutexGuard, lock};

/// So many replies are in a page at most. One of them that is in use keeps all.
const PAGE_MAX: usize = 16;

// Who finds a reply free finds it as its last user has left it: Acquire and Release.
const FREE: u8 = 0;
const IN_USE: u8 = 1;
const RETIRED: u8 = 2;

/// Replies to jobs of one gang.
pub(crate) struct Page<T> {
    inner: Arc<Inner>,
    group: u32,
    /// Some job in it has been told to end, or has lost its handle before it ended. Until then no worker has to ask.
    flagged: AtomicBool,
    /// What can be done with each reply.
    uses: [AtomicU8; PAGE_MAX],
    first: Reply<T>,
    more: Box<[Reply<T>]>,
}

impl<T> Page<T> {
    fn new(inner: &Arc<Inner>, group: u32, replies: usize) -> Arc<Self> {
        let more = (1..replies).map(|_| Reply::new()).collect();
        let (flagged, uses) = (AtomicBool::new(false), [const { AtomicU8::new(FREE) }; PAGE_MAX]);
        Arc::new(Page { inner: inner.clone(), group, flagged, uses, first: Reply::new(), more })
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

    /// Begins to use a reply, if it is free. (There is one at a time who would use it.)
    #[inline]
    pub(crate) fn try_claim(&self, at: u8) -> bool {
        let is_free = self.uses[usize::from(at)].load(Ordering::Acquire) == FREE;
        if is_free {
            self.uses[usize::from(at)].store(IN_USE, Ordering::Relaxed);
        }
        is_free
    }

    /// Nobody uses the reply any more, which is as new.
    #[inline]
    pub(crate) fn free(&self, at: u8) {
        if self.uses[usize::from(at)].load(Ordering::Relaxed) == IN_USE {
            self.uses[usize::from(at)].store(FREE, Ordering::Release);
        }
    }

    /// Nobody is to use the reply again, which is in use.
    pub(crate) fn retire(&self, at: u8) {
        self.uses[usize::from(at)].store(RETIRED, Ordering::Relaxed);
    }

    /// A worker is to ask the reply.
    pub(crate) fn flag(&self) {
        self.flagged.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_flagged(&self) -> bool {
        self.flagged.load(Ordering::Relaxed)
    }

    /// Wakes the worker that has this key in the gang.
    pub(crate) fn wake_worker(&self, worker: u32) {
        self.inner.wake_worker(self.group, worker);
    }
}

/// What replies are dealt from. It does not keep the page, which keeps the pool.
#[derive(Default)]
pub(crate) struct ReplyAlloc {
    page: Option<Weak<dyn Any + Send + Sync>>,
    allocated: u8,
}

impl ReplyAlloc {
    /// A new reply, for a job of that pool and gang, which is in use then.
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

/// What the handle on a job and the worker that runs it share. It serves one job after the other, each when the handle on the last is gone.
///
/// There is one for each handle, also of a job that waits, so it is as small as it can be.
pub(crate) struct Reply<T>(Mutex<ReplyState<T>>);

pub(super) struct ReplyState<T> {
    pub(super) stage: Stage<T>,
    extra: Option<Box<Extra>>,
}

pub(super) enum Stage<T> {
    /// The job is not over, or has not begun.
    Pending(Pending),
    /// It is.
    Ready(Result<T, JoinError>),
    /// And nobody can ask for its result any more, but somebody may ask for other things.
    Taken,
}

/// What is known of a job before its end.
#[derive(Default)]
pub(super) struct Pending {
    aborted: bool,
    /// It is about to give its slot back, or has.
    pub(super) ending: bool,
    /// There is no handle any more.
    detached: bool,
    /// It waits for something, and `abort` is to wake this worker. (One more than its key.)
    worker: Option<NonZero<u32>>,
    /// Who awaits the result.
    reader: Option<Waker>,
}

/// What few handles ask for. A reply that has it is used for no other job.
#[derive(Default)]
pub(super) struct Extra {
    id: Option<JobId>,
    /// Set when the job is about to give its slot back; there if a job awaits the result.
    pub(super) ending: Option<Arc<AtomicBool>>,
}

impl<T> ReplyState<T> {
    /// The job is about to give its slot back.
    #[inline]
    pub(super) fn note_ending(&mut self) {
        if let Stage::Pending(pending) = &mut self.stage {
            pending.ending = true;
        }
        if let Some(ending) = self.extra.as_ref().and_then(|extra| extra.ending.as_ref()) {
            ending.store(true, Ordering::SeqCst);
        }
    }

    /// The result, if it is there. The reply is as new then, if it can serve another job.
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
    pub(super) fn poll<R>(&self, cx: &Context<'_>, look: impl FnOnce(&mut ReplyState<T>) -> Option<R>) -> Poll<R> {
        let mut state = self.state();
        if let Some(found) = look(&mut state) {
            return Poll::Ready(found);
        }
        Self::wait(state, cx);
        Poll::Pending
    }

    fn wait(mut state: MutexGuard<'_, ReplyState<T>>, cx: &Context<'_>) {
        let Stage::Pending(pending) = &mut state.stage else { return };
        if !pending.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
            let old = pending.reader.replace(cx.waker().clone());
            drop(state);
            drop(old);
        }
    }

    /// The job is over, and its slot is free: has the value if nobody is to be told and nothing is to be dropped. (So no job awaits it, and nobody has to be told that it is
    /// [about to end](Receiver::ending).)
    #[inline]
    pub(super) fn complete_quietly(&self, value: T) -> Result<(), T> {
        let mut state = self.state();
        if let Stage::Pending(Pending { reader: None, detached: false, .. }) = state.stage {
            state.stage = Stage::Ready(Ok(value));
            return Ok(());
        }
        Err(value)
    }

    /// The job waits for something, and that worker runs it. False: it is to be aborted.
    pub(super) fn register_abort(&self, worker: u32) -> bool {
        let mut state = self.state();
        let Stage::Pending(pending) = &mut state.stage else { return true };
        pending.worker = NonZero::new(worker + 1);
        // Under the lock: either this sees the mark, or `abort` finds the worker.
        !pending.aborted
    }

    pub(super) fn is_aborted(&self) -> bool {
        matches!(self.state().stage, Stage::Pending(Pending { aborted: true, .. }))
    }

    pub(super) fn is_detached(&self) -> bool {
        matches!(self.state().stage, Stage::Pending(Pending { detached: true, .. }))
    }

    pub(super) fn is_finished(&self) -> bool {
        !matches!(self.state().stage, Stage::Pending(_))
    }
}

impl<T> Page<T> {
    /// The job is over, its future has been dropped, and its slot is free. Without a result it was cancelled, or there is no handle. Gives back what nobody wants.
    pub(super) fn complete(&self, at: u8, result: Option<Result<T, JoinError>>) -> Option<Result<T, JoinError>> {
        let mut state = self.reply(at).state();
        state.note_ending();
        let Stage::Pending(Pending { detached: false, reader, .. }) = &mut state.stage else {
            state.clear();
            drop(state);
            self.free(at);
            return result;
        };
        let reader = reader.take();
        let result = result.unwrap_or_else(|| Err(JoinError::cancelled()));
        let result = result.map_err(|error| error.with_id(self.id(at, &mut state)));
        state.stage = Stage::Ready(result);
        drop(state);
        wake(reader);
        None
    }

    pub(super) fn abort(&self, at: u8) {
        let mut state = self.reply(at).state();
        let Stage::Pending(pending) = &mut state.stage else { return };
        pending.aborted = true;
        let worker = pending.worker.take();
        self.flag();
        drop(state);
        if let Some(worker) = worker {
            self.wake_worker(worker.get() - 1);
        }
    }

    /// There is no handle any more, which has not given a result.
    #[inline]
    pub(super) fn detach(&self, at: u8) {
        let mut state = self.reply(at).state();
        if let Stage::Pending(pending) = &mut state.stage {
            pending.detached = true;
            let reader = pending.reader.take();
            self.flag();
            drop(state);
            drop(reader);
            return;
        }
        let unwanted = state.take();
        drop(state);
        drop(unwanted);
        self.free(at);
    }

    pub(super) fn extra<'a>(&self, at: u8, state: &'a mut ReplyState<T>) -> &'a mut Extra {
        self.retire(at);
        state.extra.get_or_insert_default()
    }

    pub(super) fn id(&self, at: u8, state: &mut ReplyState<T>) -> JobId {
        *self.extra(at, state).id.get_or_insert_with(JobId::next)
    }
}
