//! The result of a job that has no task of its own, on its way from the worker to the handle.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};

use crate::inner::Inner;
use crate::job::error::JoinError;
use crate::job::id::JobId;
use crate::job::reply_page::{Page, Pending, Reply, ReplyState, Stage};

/// A job that can be aborted from elsewhere, whatever its result.
pub(crate) trait Abort: Send + Sync {
    fn abort(&self);
    fn is_finished(&self) -> bool;
}

/// One that has a reply.
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

/// The handle's half. Dropping it drops the result, now or as soon as it is there.
pub(crate) struct Receiver<T> {
    page: Arc<Page<T>>,
    at: u8,
    /// The result has been taken.
    taken: bool,
}

impl<T> Receiver<T> {
    pub(crate) fn inner(&self) -> &Arc<Inner> {
        self.page.inner()
    }

    #[inline]
    fn reply(&self) -> &Reply<T> {
        self.page.reply(self.at)
    }

    /// Takes the result when it is there.
    #[inline]
    pub(crate) fn poll_take(&mut self, cx: &Context<'_>) -> Poll<Result<T, JoinError>> {
        let polled = self.reply().poll(cx, ReplyState::take);
        self.taken = polled.is_ready();
        polled
    }

    /// Ready when the result is there, which stays.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.taken {
            Poll::Ready(())
        } else {
            self.reply().poll(cx, |state| matches!(state.stage, Stage::Ready(_)).then_some(()))
        }
    }

    /// The result, if it is there.
    pub(crate) fn take(&mut self) -> Option<Result<T, JoinError>> {
        let result = self.reply().state().take();
        self.taken |= result.is_some();
        result
    }

    /// The result has been taken already.
    #[inline]
    pub(crate) fn is_taken(&self) -> bool {
        self.taken
    }

    /// The error, if that is the result; then a cancellation stays in its place.
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

    /// The job's id, which it gets when somebody first asks.
    pub(crate) fn id(&self) -> JobId {
        self.page.id(self.at, &mut self.reply().state())
    }

    /// A flag that is set from before the job gives its slot back.
    pub(crate) fn ending(&self) -> Arc<AtomicBool> {
        let mut state = self.reply().state();
        let ending = !matches!(state.stage, Stage::Pending(Pending { ending: false, .. }));
        self.page.extra(self.at, &mut state).ending.get_or_insert_with(|| Arc::new(AtomicBool::new(ending))).clone()
    }
}

impl<T: Send + 'static> Receiver<T> {
    /// For a handle that only aborts; none if the result has been taken.
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
            self.page.detach(self.at);
        }
    }
}

/// The worker's half: that somebody who may want a job's result will hear of its end, also if the job is dropped with its runtime.
pub(crate) struct Completer<T> {
    /// The one of the last job may still be there.
    page: Option<Arc<Page<T>>>,
    /// The job has waited, and that worker runs it.
    worker: u32,
    waits: bool,
    wanted: bool,
    at: u8,
}

impl<T> Completer<T> {
    /// Nobody wants a result.
    pub(crate) const fn none() -> Self {
        Completer { page: None, worker: 0, waits: false, wanted: false, at: 0 }
    }

    /// Somebody wants the result. `alloc` gives a new reply, which is in use then.
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
        Receiver { page, at: self.at, taken: false }
    }

    /// Somebody has wanted the result of this job.
    #[inline]
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted
    }

    #[inline]
    fn page(&self) -> Option<&Page<T>> {
        self.page.as_deref().filter(|_| self.wanted)
    }

    /// Of a job whose result is wanted.
    #[inline]
    fn reply(&self) -> Option<&Reply<T>> {
        Some(self.page()?.reply(self.at))
    }

    /// Likewise, if it may have been told to end, or nobody may want the result any more.
    #[inline]
    fn flagged(&self) -> Option<&Reply<T>> {
        let page = self.page()?;
        page.is_flagged().then(|| page.reply(self.at))
    }

    #[inline]
    pub(crate) fn is_aborted(&self) -> bool {
        self.flagged().is_some_and(Reply::is_aborted)
    }

    /// Whether there is somebody who may want the result.
    #[inline]
    pub(crate) fn has_handle(&self) -> bool {
        self.wanted && !self.flagged().is_some_and(Reply::is_detached)
    }

    /// For the next job.
    #[inline]
    pub(crate) fn reset(&mut self) {
        self.waits = false;
    }

    /// The job waits for something; that worker runs it. Whether this is new.
    pub(crate) fn mark_waiting(&mut self, worker: u32) -> bool {
        self.worker = worker;
        !std::mem::replace(&mut self.waits, true)
    }

    /// Whether the job has ever waited.
    #[inline]
    pub(crate) fn has_waited(&self) -> bool {
        self.waits
    }

    /// Which worker runs a job that waits.
    pub(crate) fn worker(&self) -> u32 {
        self.worker
    }

    /// The job [waits](Self::mark_waiting), and `abort` is to wake its worker. False: it has been aborted.
    pub(crate) fn register_abort(&self) -> bool {
        self.reply().is_none_or(|reply| reply.register_abort(self.worker))
    }

    /// The job is about to give its slot back.
    pub(crate) fn note_ending(&self) {
        if let Some(reply) = self.reply() {
            reply.state().note_ending();
        }
    }

    /// Hands the result over, and gives it back if nobody wants it. Without one the job was cancelled, or there is no handle.
    pub(crate) fn complete(&mut self, result: Option<Result<T, JoinError>>) -> Option<Result<T, JoinError>> {
        let unwanted = match self.page() {
            Some(page) => page.complete(self.at, result),
            None => result,
        };
        self.wanted = false;
        unwanted
    }

    /// Hands a value over, if that runs no code of a user's.
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
