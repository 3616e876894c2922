//! How the result of a job travels from its worker to its handle.

use std::sync::Arc;

use crate::inner::Inner;
use crate::inner::wait::Ending;
use crate::job::error::JoinError;
use crate::job::id::JobId;
use crate::job::reply_page::Page;
use crate::job::reply_ref::ReplyRef;
use crate::lending::waiter::WaiterRef;
use crate::sync::lock;
use crate::sync::quiet::run_quietly;

/// A page, whatever the type of its results.
trait AnyPage: Send + Sync {
    fn view(&self, at: u8) -> ReplyRef<'_>;
}

impl<T: Send> AnyPage for Page<T> {
    fn view(&self, at: u8) -> ReplyRef<'_> {
        Page::view(self, at)
    }
}

/// A job that has a reply. The reply is retired, so it still belongs to this job when the handle is gone.
#[derive(Clone)]
pub(crate) struct AbortTarget {
    page: Arc<dyn AnyPage>,
    at: u8,
}

impl AbortTarget {
    pub(crate) fn reply(&self) -> ReplyRef<'_> {
        self.page.view(self.at)
    }

    pub(crate) fn abort(&self) {
        self.reply().abort();
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.reply().is_finished()
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
    /// The handle's end of this reply, which was just taken into use.
    #[inline]
    pub(super) fn new(page: Arc<Page<T>>, at: u8) -> Self {
        Receiver { page, at, taken: false, queued: false, forgotten: false }
    }

    /// The reply.
    #[inline]
    pub(crate) fn reply(&self) -> ReplyRef<'_> {
        self.page.view(self.at)
    }

    /// The reply knows the job's place in the queue from now on.
    #[inline]
    pub(crate) fn mark_queued(&mut self) {
        self.queued = true;
    }

    /// Drops it. It was only to wait until the job begins, so a panic of the job will be reported.
    pub(crate) fn forget(mut self) {
        self.forgotten = true;
    }

    /// Whether the reply may know a place in the queue.
    #[inline]
    pub(crate) fn is_queued(&self) -> bool {
        self.queued
    }

    /// The job's place in the queue, if it may still be queued and only its handle knows it.
    pub(crate) fn waiter(&self) -> Option<WaiterRef> {
        if self.queued { self.reply().waiter() } else { None }
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.page.head.inner
    }

    /// Takes the result, if it is there.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Result<T, JoinError>> {
        let result = lock(self.page.reply(self.at)).take();
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
        self.reply().take_error()
    }

    pub(crate) fn abort(&self) {
        if !self.taken {
            self.reply().abort();
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.taken || self.reply().is_finished()
    }

    /// The id of the job, which it gets when it is first asked for.
    pub(crate) fn id(&self) -> JobId {
        self.reply().id()
    }

    /// Tells when the job is about to release its slot.
    pub(crate) fn ending(&self) -> Arc<Ending> {
        self.reply().ending()
    }
}

impl<T: Send + 'static> Receiver<T> {
    /// What an `AbortHandle` needs, or `None` if the result was taken.
    pub(crate) fn abort_target(&self) -> Option<AbortTarget> {
        if self.taken {
            return None;
        }
        self.reply().keep();
        Some(AbortTarget { page: self.page.clone(), at: self.at })
    }
}

impl<T> Receiver<T> {
    #[cold]
    fn drop_result(&mut self) {
        run_quietly(|| drop(self.take()));
        self.page.head.free(self.at);
    }
}

impl<T> Drop for Receiver<T> {
    #[inline]
    fn drop(&mut self) {
        if self.taken {
            self.page.head.free(self.at);
        } else if self.reply().detach(self.forgotten) {
            self.drop_result();
        }
    }
}

/// What a cell knows of the reply to its job, and of the worker that runs it.
pub(super) struct Completer {
    /// The worker that runs the job, if the job has ever waited.
    pub(super) worker: u32,
    /// The job has waited.
    pub(super) waits: bool,
    /// The reply knows the record of the job.
    pub(super) knows_job: bool,
    /// The job was given a handle, and its result has not been delivered yet.
    pub(super) wanted: bool,
    /// Which reply of the page that the cell has.
    pub(super) at: u8,
}

impl Completer {
    /// The completer of a job without a handle.
    pub(super) const fn none() -> Self {
        Completer { worker: 0, waits: false, knows_job: false, wanted: false, at: 0 }
    }

    /// The reply, if the result is wanted.
    #[inline]
    pub(super) fn wanted(&self) -> Option<u8> {
        self.wanted.then_some(self.at)
    }
}
