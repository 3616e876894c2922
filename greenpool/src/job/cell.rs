//! The cell of one job: the memory in which its future lives, and what belongs to the job from `spawn` to its end.
//!
//! # Implementation details
//!
//! A cell does not move. The future is created, polled and dropped in it, and only its address goes through the queues.
//! When its job has ended, a cell serves the next job. So does the [`Reply`](crate::job::reply_page::Reply) that
//! delivered the last result, unless a handle still uses it.
//!
//! User code may wait for another job, so it must run before the worker takes one. That is why a value that no handle
//! wants is dropped as a part of its job.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::job::error::JoinError;
use crate::job::permit::Permit;
use crate::job::reply::Completer;
use crate::job::running::{JobState, Running};
use crate::job::span::Origin;
use crate::sync::quiet::drop_quietly;

pin_project! {
    /// What a cell holds.
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
    /// The cell of one job. Its fields are dropped in order, so when the handle learns that the job has ended, the
    /// future has been dropped and the slot is free.
    pub(crate) struct JobCell<F: Future> {
        #[pin]
        content: Content<F>,
        state: JobState,
        origin: Origin,
        completer: Completer<F::Output>,
    }

    impl<F: Future> PinnedDrop for JobCell<F> {
        // Before the slot is released. The future is dropped in the span of the job.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.completer.note_ending();
            if let JobState::Running(running) = this.state {
                running.in_scope(|| this.content.set(Content::Empty));
            }
        }
    }
}

impl<F: Future> JobCell<F> {
    /// An empty cell.
    pub(crate) fn empty() -> Pin<Box<Self>> {
        Box::pin(JobCell {
            content: Content::Empty,
            state: JobState::None,
            origin: Origin::none(),
            completer: Completer::none(),
        })
    }

    /// A cell with a job, which has a permit or is about to be queued for a slot.
    pub(crate) fn with(future: F, permit: Option<Permit>, origin: Origin) -> Pin<Box<Self>> {
        let content = Content::Future { future };
        Box::pin(JobCell { content, state: JobState::before(permit), origin, completer: Completer::none() })
    }

    /// Puts a job into an empty cell.
    #[inline]
    pub(crate) fn fill(self: Pin<&mut Self>, future: F, permit: Option<Permit>, origin: Origin) {
        let mut this = self.project();
        this.content.set(Content::Future { future });
        let was = std::mem::replace(this.state, JobState::before(permit));
        debug_assert!(matches!(was, JobState::None), "a cell holds one job");
        // It is empty, so nothing needs to be dropped.
        std::mem::forget(was);
        *this.origin = origin;
        this.completer.reset();
    }

    /// The worker's end of the reply.
    #[inline]
    pub(crate) fn completer(self: Pin<&mut Self>) -> &mut Completer<F::Output> {
        self.project().completer
    }
}

/// A cell with a job that has a slot, or an empty one.
pub(crate) type JobBox<J> = Pin<Box<J>>;

/// A job in its cell, whatever the type of its future. Only [`poll`](Self::poll), [`drop_content`](Self::drop_content)
/// and [`complete`](Self::complete) run user code.
pub(crate) trait RawJob: Send {
    /// Polls the future. When it completes, this drops it, and the value too if no handle wants it.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;

    /// Drops the future, or the value.
    fn drop_content(self: Pin<&mut Self>);

    /// How far the job has come.
    fn state(self: Pin<&mut Self>) -> &mut JobState;

    /// The call that the job comes from, until it begins.
    fn origin(self: Pin<&mut Self>) -> &mut Origin;

    /// Takes the job out of its state, to be polled. If it has not begun, it begins now.
    fn running(self: Pin<&mut Self>) -> Option<Running>;

    /// Whether a panic of the job must be reported, because it has no handle.
    fn reports_panic(&self) -> bool;

    /// Whether its handle has aborted it.
    fn is_aborted(&self) -> bool;

    /// The job waits for something, and `worker` runs it. Returns whether it waits for the first time.
    fn mark_waiting(self: Pin<&mut Self>, worker: u32) -> bool;

    /// Whether the job has ever waited.
    fn has_waited(&self) -> bool;

    /// The worker that runs a job that waits.
    fn worker(&self) -> u32;

    /// The job [waits](Self::mark_waiting), so `abort` must wake its worker. Returns false if it was aborted already.
    fn register_abort(&self) -> bool;

    /// The job is about to release its slot.
    fn note_ending(&self);

    /// The job has ended and released its slot: delivers the value, or this error. Returns a panic that must be
    /// reported.
    #[must_use = "report it"]
    fn complete(self: Pin<&mut Self>, error: Option<JoinError>) -> Option<JoinError>;

    /// Delivers the value, if that runs no user code. Returns whether it did.
    fn complete_quietly(self: Pin<&mut Self>) -> bool;
}

impl<F> RawJob for JobCell<F>
where
    F: Future<Output: Send + 'static> + Send,
{
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let ContentProj::Future { future } = this.content.as_mut().project() else {
            return Poll::Ready(());
        };
        let value = ready!(future.poll(cx));
        // Two steps: if the future's destructor panics, the value's destructor must not run while that unwinds.
        this.content.set(Content::Value { value });
        if !this.completer.has_handle() {
            this.content.set(Content::Empty);
        }
        Poll::Ready(())
    }

    fn drop_content(self: Pin<&mut Self>) {
        self.project().content.set(Content::Empty);
    }

    #[inline]
    fn state(self: Pin<&mut Self>) -> &mut JobState {
        self.project().state
    }

    #[inline]
    fn origin(self: Pin<&mut Self>) -> &mut Origin {
        self.project().origin
    }

    #[inline]
    fn running(self: Pin<&mut Self>) -> Option<Running> {
        let this = self.project();
        this.state.running(this.origin)
    }

    fn reports_panic(&self) -> bool {
        self.completer.reports_panic()
    }

    #[inline]
    fn is_aborted(&self) -> bool {
        self.completer.is_aborted()
    }

    fn mark_waiting(self: Pin<&mut Self>, worker: u32) -> bool {
        self.project().completer.mark_waiting(worker)
    }

    #[inline]
    fn has_waited(&self) -> bool {
        self.completer.has_waited()
    }

    fn worker(&self) -> u32 {
        self.completer.worker()
    }

    fn register_abort(&self) -> bool {
        self.completer.register_abort()
    }

    fn note_ending(&self) {
        self.completer.note_ending();
    }

    fn complete(self: Pin<&mut Self>, error: Option<JoinError>) -> Option<JoinError> {
        let this = self.project();
        let value = this.content.project_replace(Content::Empty).into_value();
        let (unwanted, reports) = this.completer.complete(error.map(Err).or(value.map(Ok)));
        match unwanted? {
            Err(error) if reports && error.is_panic() => Some(error),
            Err(error) => {
                drop_quietly(error);
                None
            }
            Ok(value) => {
                // The handle has just been dropped. The value's destructor may wait for a job that only this worker
                // can run, so it gets a task of its own.
                drop(tokio::spawn(async move { drop(value) }));
                None
            }
        }
    }

    #[inline]
    fn complete_quietly(self: Pin<&mut Self>) -> bool {
        let mut this = self.project();
        if !this.completer.is_wanted() {
            return true;
        }
        let Some(value) = this.content.as_mut().project_replace(Content::Empty).into_value() else {
            return false;
        };
        let delivered = this.completer.complete_quietly(value);
        let is_delivered = delivered.is_ok();
        if let Err(value) = delivered {
            this.content.set(Content::Value { value });
        }
        is_delivered
    }
}

impl<F: Future> ContentOwn<F> {
    #[inline]
    fn into_value(self) -> Option<F::Output> {
        match self {
            ContentOwn::Value { value } => Some(value),
            _ => None,
        }
    }
}
