//! The frame of one job: the memory in which its future runs, and what belongs to the job from its `spawn` to its end.
//!
//! # Implementation details
//!
//! A frame stays where it is. The future is made in it, polled in it and dropped in it, and nothing but its address goes through queues.
//! A frame whose job is over is used for the next one, and so is the [`Reply`](crate::job::reply::Reply) in which the result of its last job was handed over, unless
//! somebody still holds that. What runs code of a user's is done before the worker looks for another job, which that code may wait for: so a value that nobody wants
//! is dropped as a part of its job.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::job::error::JoinError;
use crate::job::permit::Permit;
use crate::job::reply::Completer;
use crate::job::running::JobState;

pin_project! {
    /// What stands in a frame.
    #[project = ContentProj]
    #[project_replace = ContentOwn]
    enum Content<F: Future> {
        Empty,
        Future { #[pin] future: F },
        // The job is over, and somebody may want this.
        Value { value: F::Output },
    }
}

pin_project! {
    /// The frame of one job, dropped in the order of its fields: when the handle on the job hears of its end, the future has been dropped and
    /// the slot is free.
    pub(crate) struct JobCell<F: Future> {
        #[pin]
        content: Content<F>,
        state: JobState,
        completer: Completer<F::Output>,
    }

    impl<F: Future> PinnedDrop for JobCell<F> {
        // Before the slot comes back.
        fn drop(this: Pin<&mut Self>) {
            this.project().completer.note_ending();
        }
    }
}

impl<F: Future> JobCell<F> {
    /// With nothing in it.
    pub(crate) fn empty() -> Pin<Box<Self>> {
        Box::pin(JobCell { content: Content::Empty, state: JobState::Nowhere, completer: Completer::none() })
    }

    /// With a job in it.
    pub(crate) fn with(future: F, permit: Permit) -> Pin<Box<Self>> {
        let content = Content::Future { future };
        Box::pin(JobCell { content, state: JobState::Permit(permit), completer: Completer::none() })
    }

    /// Puts a job into it.
    #[inline]
    pub(crate) fn fill(self: Pin<&mut Self>, future: F, permit: Permit) {
        let mut this = self.project();
        this.content.set(Content::Future { future });
        let was = std::mem::replace(this.state, JobState::Permit(permit));
        debug_assert!(matches!(was, JobState::Nowhere), "a cell holds one job");
        // Nothing is in it that needs to be dropped.
        std::mem::forget(was);
        this.completer.reset();
    }

    /// Somebody wants the result.
    #[inline]
    pub(crate) fn completer(self: Pin<&mut Self>) -> &mut Completer<F::Output> {
        self.project().completer
    }
}

/// A job that has a slot, in its frame.
pub(crate) type JobBox<J> = Pin<Box<J>>;

/// A job in its frame, whatever its future. Only [`poll`](Self::poll), [`drop_content`](Self::drop_content) and [`keep`](Self::complete) run code of a user's.
pub(crate) trait RawJob: Send {
    /// Polls the future. When it has come to its end it is dropped, and so is the value if nobody wants it.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;

    /// Drops the future, or the value.
    fn drop_content(self: Pin<&mut Self>);

    fn state(self: Pin<&mut Self>) -> &mut JobState;

    /// Whether somebody wants the result.
    fn is_wanted(&self) -> bool;

    fn is_aborted(&self) -> bool;

    /// The job waits for something; that worker runs it. Whether this is new.
    fn mark_waiting(self: Pin<&mut Self>, worker: u32) -> bool;

    /// Whether the job has ever waited.
    fn has_waited(&self) -> bool;

    /// Which worker runs a job that waits.
    fn worker(&self) -> u32;

    /// The job [waits](Self::mark_waiting), and `abort` is to wake its worker. False: it has been aborted.
    fn register_abort(&self) -> bool;

    /// The job is about to give its slot back.
    fn note_ending(&self);

    /// The job is over, and its slot is back: hands over the value, or this error.
    fn complete(self: Pin<&mut Self>, error: Option<JoinError>);

    /// Likewise with the value, if that runs no code of a user's; else gives false.
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
        // One after the other: if the destructor of the future panics, that of the value is not run in the middle of it.
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
    fn is_wanted(&self) -> bool {
        self.completer.is_wanted()
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

    fn complete(self: Pin<&mut Self>, error: Option<JoinError>) {
        let this = self.project();
        let value = this.content.project_replace(Content::Empty).into_value();
        let unwanted = this.completer.complete(error.map(Err).or(value.map(Ok)));
        match unwanted {
            // The handle was dropped just now. The destructor may wait for what this worker is to do.
            Some(Ok(value)) => drop(tokio::spawn(async move { drop(value) })),
            // What it panicked with may panic once more.
            unwanted => drop(catch_unwind(AssertUnwindSafe(|| drop(unwanted)))),
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
        let kept = this.completer.complete_quietly(value);
        let told = kept.is_ok();
        if let Err(value) = kept {
            this.content.set(Content::Value { value });
        }
        told
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
