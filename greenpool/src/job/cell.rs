//! The cell of one job: the memory in which its future lives, and what belongs to the job from `spawn` to its end.
//!
//! # Implementation details
//!
//! A cell does not move. The future is created, polled and dropped in it, and only its address goes through the queues.
//! When its job has ended, a cell serves the next job. So does the [`Reply`](crate::job::reply_ref) that delivered the
//! last result, unless a handle still uses it.
//!
//! User code may wait for another job, so it must run before the worker takes one. That is why a value that no handle
//! wants is dropped as a part of its job.
//!
//! All cells have one type, `JobCell<dyn RawJob>`, so workers and queues are compiled once. Only [`JobOf`], the part of
//! a cell that depends on its future, is compiled for each declared function.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::job::error::JoinError;
use crate::job::reply::{Completer, Receiver};
use crate::job::reply_page::{Page, ReplyAlloc, Stage};
use crate::job::reply_ref::{AnyStage, ReplyRef, ReplyState};
use crate::job::running::{JobState, Running};
use crate::job::span::Origin;
use crate::sync::lock;
use crate::sync::quiet::drop_quietly;
use crate::sync::wake::wake;

pin_project! {
    /// The cell of one job.
    pub(crate) struct JobCell<J: ?Sized>
    where
        J: RawJob,
    {
        state: JobState,
        origin: Origin,
        completer: Completer,
        #[pin]
        job: J,
    }

    impl<J: ?Sized> PinnedDrop for JobCell<J>
    where
        J: RawJob,
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            end(this.state, this.completer, this.job.erased());
        }
    }
}

/// A cell with a job that has a slot, or an empty one.
pub(crate) type JobBox = Pin<Box<JobCell<dyn RawJob>>>;

/// A cell is dropped. When the handle learns that the job has ended, the future has been dropped and the slot is free.
/// The future is dropped in the span of the job.
fn end(state: &mut JobState, completer: &mut Completer, mut job: Pin<&mut dyn RawJob>) {
    if let Some(reply) = completer.wanted().and_then(|at| job.reply(at)) {
        reply.note_ending();
    }
    let state = std::mem::take(state);
    let mut clear = || job.as_mut().clear();
    let cleared = catch_unwind(AssertUnwindSafe(|| match &state {
        JobState::Running(running) => running.in_scope(clear),
        JobState::None | JobState::Permit(_) => clear(),
    }));
    drop(state);
    if std::mem::take(&mut completer.wanted) {
        if let Some(reply) = job.reply(completer.at) {
            let _ = reply.fail(JoinError::cancelled());
        }
    }
    if let Err(payload) = cleared {
        resume_unwind(payload);
    }
}

/// The part of a cell that depends on the type of its future. Only [`poll`](Self::poll) and [`clear`](Self::clear) run
/// user code.
pub(crate) trait RawJob: Send {
    /// Polls the future. When it completes, this drops it, and the value too if no handle wants it. The cell has this
    /// reply, if the job was given a handle.
    fn poll(self: Pin<&mut Self>, reply: Option<u8>, cx: &mut Context<'_>) -> Poll<()>;

    /// Drops the future, or the value.
    fn clear(self: Pin<&mut Self>);

    /// Takes the job out of a [`Filling`] of its type. With `replies`, puts the handle's end of a reply there, and
    /// writes to `at` which one it is.
    fn fill(self: Pin<&mut Self>, filling: &mut dyn Any, replies: Option<Replies<'_>>, at: &mut u8);

    /// The reply, if there is one.
    fn reply(&self, at: u8) -> Option<ReplyRef<'_>>;

    /// Whether the reply may tell that the job has been aborted, or has lost its handle.
    fn is_flagged(&self) -> bool;

    /// The job has ended and released its slot: moves the value to the reply. Runs no user code.
    fn deliver(self: Pin<&mut Self>, at: u8, quietly: bool) -> Delivered;

    fn erased(self: Pin<&mut Self>) -> Pin<&mut dyn RawJob>;
}

/// What makes the replies of a pool.
pub(crate) struct Replies<'a> {
    alloc: &'a mut ReplyAlloc,
    inner: &'a Arc<Inner>,
}

impl<'a> Replies<'a> {
    #[inline]
    pub(crate) fn new(alloc: &'a mut ReplyAlloc, inner: &'a Arc<Inner>) -> Self {
        Replies { alloc, inner }
    }
}

/// What has become of a value.
pub(crate) enum Delivered {
    /// There is none.
    Missing,
    /// The reply has it. This must be woken.
    Done(Option<Waker>),
    /// It is still here: no handle wants it any longer or, if it was to be delivered quietly, something must be woken.
    Refused,
}

/// A job on its way into a cell, and the handle's end of its reply on the way out.
pub(crate) struct Filling<F: Future> {
    future: Option<F>,
    receiver: Option<Receiver<F::Output>>,
}

impl<F> Filling<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    #[inline]
    pub(crate) fn new(future: F) -> Self {
        Filling { future: Some(future), receiver: None }
    }

    /// The job, with or without a handle.
    #[inline]
    pub(crate) fn job(&mut self, has_handle: bool) -> NewJob<'_> {
        NewJob { filling: self, empty: JobCell::empty::<F>, has_handle }
    }

    /// The handle's end of the reply, once the job is in a cell, if it has a handle.
    #[inline]
    pub(crate) fn receiver(self) -> Option<Receiver<F::Output>> {
        self.receiver
    }
}

/// A job on its way into a cell, whatever the type of its future.
pub(crate) struct NewJob<'a> {
    filling: &'a mut dyn Any,
    /// Makes an empty cell for it.
    empty: fn() -> JobBox,
    pub(crate) has_handle: bool,
}

impl NewJob<'_> {
    /// An empty cell for it.
    pub(crate) fn cell(&self) -> JobBox {
        (self.empty)()
    }

    /// Puts it into a cell: this one, if there is one. The cell must be empty.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "what is in registers stays there")]
    pub(crate) fn fill(
        self,
        cell: Option<JobBox>,
        state: JobState,
        origin: Origin,
        replies: Option<Replies<'_>>,
    ) -> JobBox {
        let mut cell = cell.unwrap_or_else(|| self.cell());
        let this = cell.as_mut().project();
        // It is empty, so nothing needs to be dropped.
        std::mem::forget(std::mem::replace(this.state, state));
        *this.origin = origin;
        (this.completer.waits, this.completer.knows_job) = (false, false);
        this.completer.wanted = replies.is_some();
        this.job.fill(self.filling, replies, &mut this.completer.at);
        cell
    }
}

pin_project! {
    #[project = ContentProj]
    #[project_replace = ContentOwn]
    enum Content<F: Future> {
        Empty,
        Future { #[pin] future: F },
        // The job has ended, and a handle may want this.
        Value { value: F::Output },
    }
}

pin_project! {
    /// What a cell holds: a job and its reply.
    struct JobOf<F: Future> {
        #[pin]
        content: Content<F>,
        // Kept from the last job, to use its reply again.
        page: Option<Arc<Page<F::Output>>>,
    }
}

impl<F> RawJob for JobOf<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn poll(self: Pin<&mut Self>, reply: Option<u8>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let ContentProj::Future { future } = this.content.as_mut().project() else {
            return Poll::Ready(());
        };
        let value = ready!(future.poll(cx));
        // Two steps: if the future's destructor panics, the value's destructor must not run while that unwinds.
        this.content.set(Content::Value { value });
        match (reply, this.page) {
            (Some(at), Some(page)) if !page.head.is_flagged() || page.view(at).has_handle() => {}
            _ => this.content.set(Content::Empty),
        }
        Poll::Ready(())
    }

    fn clear(self: Pin<&mut Self>) {
        self.project().content.set(Content::Empty);
    }

    fn fill(self: Pin<&mut Self>, filling: &mut dyn Any, replies: Option<Replies<'_>>, at: &mut u8) {
        let Some(filling) = filling.downcast_mut::<Filling<F>>() else {
            unreachable!("the cells of an executor that uses them again have one type");
        };
        let mut this = self.project();
        if let Some(future) = filling.future.take() {
            this.content.set(Content::Future { future });
        }
        if let Some(Replies { alloc, inner }) = replies {
            let page = match this.page {
                Some(page) if page.head.try_claim(*at) => page.clone(),
                _ => {
                    let (page, place) = alloc.alloc(inner);
                    page.head.try_claim(place);
                    *at = place;
                    *this.page = Some(page.clone());
                    page
                }
            };
            filling.receiver = Some(Receiver::new(page, *at));
        }
    }

    fn reply(&self, at: u8) -> Option<ReplyRef<'_>> {
        Some(self.page.as_ref()?.view(at))
    }

    fn is_flagged(&self) -> bool {
        self.page.as_ref().is_some_and(|page| page.head.is_flagged())
    }

    fn deliver(self: Pin<&mut Self>, at: u8, quietly: bool) -> Delivered {
        let mut this = self.project();
        let (Some(page), ContentProj::Value { .. }) = (this.page, this.content.as_mut().project()) else {
            return Delivered::Missing;
        };
        let mut state = lock(page.reply(at));
        let reader = match &state.stage {
            Stage::Pending(pending) if quietly && pending.is_quiet() => None,
            _ if quietly => return Delivered::Refused,
            _ => {
                let state: &mut ReplyState<dyn AnyStage> = &mut *state;
                let Ok(reader) = state.settle(&page.head, at) else { return Delivered::Refused };
                reader
            }
        };
        if let ContentOwn::Value { value } = this.content.project_replace(Content::Empty) {
            // It is pending and has no waker any longer, so nothing needs to be dropped.
            std::mem::forget(std::mem::replace(&mut state.stage, Stage::Ready(Ok(value))));
        }
        Delivered::Done(reader)
    }

    fn erased(self: Pin<&mut Self>) -> Pin<&mut dyn RawJob> {
        self
    }
}

impl JobCell<dyn RawJob> {
    /// An empty cell.
    fn empty<F>() -> JobBox
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let job = JobOf::<F> { content: Content::Empty, page: None };
        Box::pin(JobCell { state: JobState::None, origin: Origin::none(), completer: Completer::none(), job })
    }

    /// Polls the future. When it completes, this drops it, and the value too if no handle wants it.
    #[inline]
    pub(crate) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        this.job.poll(this.completer.wanted(), cx)
    }

    /// Drops the future, or the value.
    pub(crate) fn drop_content(self: Pin<&mut Self>) {
        self.project().job.clear();
    }

    /// How far the job has come.
    #[inline]
    pub(crate) fn state(self: Pin<&mut Self>) -> &mut JobState {
        self.project().state
    }

    /// The call that the job comes from, until it begins.
    #[inline]
    pub(crate) fn origin(self: Pin<&mut Self>) -> &mut Origin {
        self.project().origin
    }

    /// Takes the job out of its state, to be polled. If it has not begun, it begins now.
    #[inline]
    pub(crate) fn running(self: Pin<&mut Self>) -> Option<Running> {
        let this = self.project();
        this.state.running(this.origin)
    }

    /// The reply, if the job was given a handle and its result has not been delivered yet.
    #[inline]
    fn reply(&self) -> Option<ReplyRef<'_>> {
        self.job.reply(self.completer.wanted()?)
    }

    /// Whether a panic of the job must be reported: it was given no handle, or one that was only to wait for its begin.
    pub(crate) fn reports_panic(&self) -> bool {
        self.reply().is_none_or(ReplyRef::reports_panic)
    }

    /// Whether its handle has aborted it.
    #[inline]
    pub(crate) fn is_aborted(&self) -> bool {
        self.completer.wanted && self.job.is_flagged() && self.reply().is_some_and(ReplyRef::is_aborted)
    }

    /// The job waits for something, and `worker` runs it. Returns whether it waits for the first time.
    pub(crate) fn mark_waiting(self: Pin<&mut Self>, worker: u32) -> bool {
        let completer = self.project().completer;
        completer.worker = worker;
        !std::mem::replace(&mut completer.waits, true)
    }

    /// Whether the job has ever waited.
    #[inline]
    pub(crate) fn has_waited(&self) -> bool {
        self.completer.waits
    }

    /// The worker that runs a job that waits.
    pub(crate) fn worker(&self) -> u32 {
        self.completer.worker
    }

    /// The job [waits](Self::mark_waiting), so `abort` must wake its worker. Returns false if it was aborted already.
    pub(crate) fn register_abort(&self) -> bool {
        self.reply().is_none_or(|reply| reply.register_abort(self.completer.worker))
    }

    /// The job waits for greenpool, and `job` is its record. Returns whether its handle has not known that before.
    pub(crate) fn note_job(self: Pin<&mut Self>, job: &Arc<Member>) -> bool {
        if self.completer.knows_job {
            return false;
        }
        let Some(reply) = self.reply() else { return false };
        reply.ending().set_job(job);
        self.project().completer.knows_job = true;
        true
    }

    /// The job is about to release its slot.
    pub(crate) fn note_ending(&self) {
        if let Some(reply) = self.reply() {
            reply.note_ending();
        }
    }

    /// Delivers the value, if that runs no user code. Returns whether it did.
    #[inline]
    pub(crate) fn complete_quietly(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        if !this.completer.wanted {
            return true;
        }
        let is_delivered = matches!(this.job.deliver(this.completer.at, true), Delivered::Done(_));
        this.completer.wanted = !is_delivered;
        is_delivered
    }
}

/// The job has ended and released its slot: delivers the value, or this error. Returns a panic that must be reported,
/// and the cell, which is empty.
#[must_use = "report the panic"]
pub(crate) fn complete(mut cell: JobBox, error: Option<JoinError>) -> (Option<JoinError>, Option<JobBox>) {
    let this = cell.as_mut().project();
    if !std::mem::take(&mut this.completer.wanted) {
        // If it panicked, that was reported before it released its slot.
        if let Some(error) = error {
            drop_quietly(error);
        }
        return (None, Some(cell));
    }
    let (at, mut job) = (this.completer.at, this.job);
    let error = match error {
        Some(error) => error,
        None => match job.as_mut().deliver(at, false) {
            Delivered::Missing => JoinError::cancelled(),
            Delivered::Done(reader) => {
                wake(reader);
                return (None, Some(cell));
            }
            Delivered::Refused => {
                // The handle has just been dropped. The value's destructor may wait for a job that only this worker can
                // run, so it gets a task of its own.
                drop(tokio::spawn(async move { drop(cell) }));
                return (None, None);
            }
        },
    };
    let unwanted = job.reply(at).and_then(|reply| reply.fail(error));
    let report = match unwanted {
        Some((error, true)) if error.is_panic() => Some(error),
        unwanted => {
            drop_quietly(unwanted);
            None
        }
    };
    (report, Some(cell))
}
