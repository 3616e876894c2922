//! How the result of a job travels from its worker to its handle.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};

use crate::inner::Inner;
use crate::job::error::JoinError;
use crate::job::id::JobId;
use crate::job::reply_page::{Page, Pending, Reply, ReplyState, Stage};
use crate::lending::waiter::WaiterRef;

/// A job that can be aborted, whatever the type of its result.
pub(crate) trait Abort: Send + Sync {
    fn abort(&self);
    fn is_finished(&self) -> bool;
}

/// A job that has a reply. The reply is retired, so it still belongs to this job when the handle is gone.
struct ReplyRef<T> {
    page: Arc<Page<T>>,
    at: u8,
}

impl<T: Send> Abort for ReplyRef<T> {
    fn abort(&self) {
        self.page.abort(self.at);
    }

    fn is_finished(&self) -> bool {
        self.page.reply(self.at).is_finished()
    }
}

/// The handle's end of a reply. Dropping it detaches the job, and drops the result now or when it arrives.
pub(crate) struct Receiver<T> {
    page: Arc<Page<T>>,
    at: u8,
    /// The result was taken.
    taken: bool,
    /// The reply may know a place in the queue.
    queued: bool,
    /// It was only to wait until the job begins, so a panic of the job must be reported.
    forgotten: bool,
}

impl<T> Receiver<T> {
    /// The receiver of a job that ended with this error before it began.
    pub(crate) fn ended(inner: &Arc<Inner>, error: JoinError) -> Self {
        let page = Page::ended(inner, error);
        Receiver { page, at: 0, taken: false, queued: false, forgotten: false }
    }

    /// The job is queued, and only its handle knows its place.
    pub(crate) fn set_waiter(&mut self, waiter: WaiterRef) {
        self.queued = true;
        self.page.extra(self.at, &mut self.reply().state()).waiter = Some(waiter);
    }

    /// Drops it. It was only to wait until the job begins, so a panic of the job will be reported.
    pub(crate) fn forget(mut self) {
        self.forgotten = true;
    }

    /// The job's place in the queue, if it may still be queued and only its handle knows it.
    #[inline]
    pub(crate) fn waiter(&self) -> Option<WaiterRef> {
        if self.queued { self.reply().state().waiter() } else { None }
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        self.page.inner()
    }

    #[inline]
    fn reply(&self) -> &Reply<T> {
        self.page.reply(self.at)
    }

    /// Takes the result once it is there.
    #[inline]
    pub(crate) fn poll_take(&mut self, cx: &Context<'_>) -> Poll<Result<T, JoinError>> {
        let polled = self.reply().poll(cx, ReplyState::take);
        self.taken = polled.is_ready();
        polled
    }

    /// Ready once the result is there. The result stays.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.taken {
            Poll::Ready(())
        } else {
            self.reply().poll(cx, |state| matches!(state.stage, Stage::Ready(_)).then_some(()))
        }
    }

    /// Takes the result, if it is there.
    pub(crate) fn take(&mut self) -> Option<Result<T, JoinError>> {
        let result = self.reply().state().take();
        self.taken |= result.is_some();
        result
    }

    /// Whether the result was taken.
    #[inline]
    pub(crate) fn is_taken(&self) -> bool {
        self.taken
    }

    /// Takes the error, if that is the result, and leaves a cancellation in its place.
    pub(crate) fn take_error(&mut self) -> Option<JoinError> {
        match &mut self.reply().state().stage {
            Stage::Ready(Err(error)) => Some(std::mem::replace(error, JoinError::cancelled())),
            _ => None,
        }
    }

    pub(crate) fn abort(&self) {
        if !self.taken {
            self.page.abort(self.at);
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.taken || self.reply().is_finished()
    }

    /// The id of the job, which it gets when it is first asked for.
    pub(crate) fn id(&self) -> JobId {
        self.page.id(self.at, &mut self.reply().state())
    }

    /// A flag that is set before the job releases its slot.
    pub(crate) fn ending(&self) -> Arc<AtomicBool> {
        let mut state = self.reply().state();
        let ending = !matches!(state.stage, Stage::Pending(Pending { ending: false, .. }));
        self.page.extra(self.at, &mut state).ending.get_or_insert_with(|| Arc::new(AtomicBool::new(ending))).clone()
    }
}

impl<T: Send + 'static> Receiver<T> {
    /// What an `AbortHandle` needs, or `None` if the result was taken.
    pub(crate) fn abort_target(&self) -> Option<Arc<dyn Abort>> {
        if self.taken {
            return None;
        }
        self.page.extra(self.at, &mut self.reply().state());
        Some(Arc::new(ReplyRef { page: self.page.clone(), at: self.at }))
    }
}

impl<T> Drop for Receiver<T> {
    #[inline]
    fn drop(&mut self) {
        if self.taken {
            self.page.free(self.at);
        } else {
            self.page.detach(self.at, self.forgotten);
        }
    }
}

/// The worker's end of a reply. Dropping it delivers a cancellation, as when the job is dropped with its runtime, so a
/// handle always learns that its job has ended.
pub(crate) struct Completer<T> {
    /// Kept from the last job, to use its reply again.
    page: Option<Arc<Page<T>>>,
    /// The worker that runs the job, if the job has ever waited.
    worker: u32,
    /// The job has waited.
    waits: bool,
    /// The job was given a handle, and its result has not been delivered yet.
    wanted: bool,
    at: u8,
}

impl<T> Completer<T> {
    /// The completer of a job without a handle.
    pub(crate) const fn none() -> Self {
        Completer { page: None, worker: 0, waits: false, wanted: false, at: 0 }
    }

    /// The handle's end of the reply. `alloc` makes a new reply, already in use, if the last one cannot be used again.
    #[inline]
    pub(crate) fn receiver(&mut self, alloc: impl FnOnce() -> (Arc<Page<T>>, u8)) -> Receiver<T> {
        self.wanted = true;
        let page = match &self.page {
            Some(page) if page.try_claim(self.at) => page.clone(),
            _ => {
                let (page, at) = alloc();
                self.page = Some(page.clone());
                self.at = at;
                page
            }
        };
        Receiver { page, at: self.at, taken: false, queued: false, forgotten: false }
    }

    /// Whether the job was given a handle, and its result has not been delivered yet.
    #[inline]
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted
    }

    #[inline]
    fn page(&self) -> Option<&Page<T>> {
        self.page.as_deref().filter(|_| self.wanted)
    }

    /// The reply, if the result is wanted.
    #[inline]
    fn reply(&self) -> Option<&Reply<T>> {
        Some(self.page()?.reply(self.at))
    }

    /// The reply, if the job may have been aborted or detached.
    #[inline]
    fn flagged(&self) -> Option<&Reply<T>> {
        let page = self.page()?;
        page.is_flagged().then(|| page.reply(self.at))
    }

    /// Whether a panic of the job must be reported: it was given no handle, or one that was only to wait for its begin.
    pub(crate) fn reports_panic(&self) -> bool {
        !self.wanted || self.flagged().is_some_and(Reply::reports_panic)
    }

    /// Whether the handle has aborted the job.
    #[inline]
    pub(crate) fn is_aborted(&self) -> bool {
        self.flagged().is_some_and(Reply::is_aborted)
    }

    /// Whether the job still has a handle.
    #[inline]
    pub(crate) fn has_handle(&self) -> bool {
        self.wanted && !self.flagged().is_some_and(Reply::is_detached)
    }

    /// Prepares it for the next job.
    #[inline]
    pub(crate) fn reset(&mut self) {
        self.waits = false;
    }

    /// The job waits for something, and `worker` runs it. Returns whether it waits for the first time.
    pub(crate) fn mark_waiting(&mut self, worker: u32) -> bool {
        self.worker = worker;
        !std::mem::replace(&mut self.waits, true)
    }

    /// Whether the job has ever waited.
    #[inline]
    pub(crate) fn has_waited(&self) -> bool {
        self.waits
    }

    /// The worker that runs a job that waits.
    pub(crate) fn worker(&self) -> u32 {
        self.worker
    }

    /// The job [waits](Self::mark_waiting), so `abort` must wake its worker. Returns false if it was aborted already.
    pub(crate) fn register_abort(&self) -> bool {
        self.reply().is_none_or(|reply| reply.register_abort(self.worker))
    }

    /// The job is about to release its slot.
    pub(crate) fn note_ending(&self) {
        if let Some(reply) = self.reply() {
            reply.state().note_ending();
        }
    }

    /// Delivers the result, and returns it if no handle wants it, and whether its panic must be reported then. No
    /// result means that the job was cancelled, or that it has no handle.
    pub(crate) fn complete(&mut self, result: Option<Result<T, JoinError>>) -> (Option<Result<T, JoinError>>, bool) {
        let unwanted = match self.page() {
            Some(page) => page.complete(self.at, result),
            // If it panicked, that was reported before it released its slot.
            None => (result, false),
        };
        self.wanted = false;
        unwanted
    }

    /// Delivers a value if that runs no user code, and returns it otherwise.
    #[inline]
    pub(crate) fn complete_quietly(&mut self, value: T) -> Result<(), T> {
        if let Some(reply) = self.reply() {
            reply.complete_quietly(value)?;
        }
        self.wanted = false;
        Ok(())
    }
}

impl<T> Drop for Completer<T> {
    fn drop(&mut self) {
        if self.wanted {
            self.complete(None);
        }
    }
}
