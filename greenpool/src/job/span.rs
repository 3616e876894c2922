//! What `tracing`, with the feature of that name, and the list of jobs learn of a job.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::inner::Inner;
use crate::inner::tracked::Track;
use crate::job::error::JoinError;
use crate::lending::context;

/// Reports the panic of a job that has no handle, and keeps the first one for `waitall_or_panic`.
pub(crate) fn report_panic(inner: &Inner, error: &mut JoinError) {
    if !error.is_panic() {
        return;
    }
    #[cfg(feature = "tracing")]
    tracing::error!(target: "greenpool", pool = inner.name(), "{error}");
    let error = std::mem::replace(error, JoinError::cancelled());
    let later = error.try_into_panic().ok().and_then(|payload| inner.first_panic.keep(payload));
    // The destructor of a payload may panic, too.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(later)));
}

/// The span that a job is polled in, and its entry in the list of jobs if the pool keeps one.
pub(crate) struct JobSpan {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
    track: Option<Box<Track>>,
}

impl JobSpan {
    /// A job of `inner` begins.
    #[inline]
    pub(crate) fn new(inner: &Inner) -> Self {
        JobSpan {
            #[cfg(feature = "tracing")]
            span: tracing::debug_span!(target: "greenpool", parent: None, "job", pool = inner.name()),
            track: inner.tracked.begin(),
        }
    }

    /// The job has ended, and the next one begins.
    #[inline]
    pub(crate) fn next_job(&mut self, inner: &Inner) {
        if !self.is_unobserved() || inner.tracked.is_on() {
            self.replace(inner);
        }
    }

    #[cold]
    fn replace(&mut self, inner: &Inner) {
        *self = Self::new(inner);
    }

    /// The job has ended: removes it from the list.
    #[inline]
    pub(crate) fn end(&mut self) {
        self.track = None;
    }

    /// Whether neither `tracing` nor the list has to learn that the job has ended.
    #[inline]
    pub(crate) fn is_unobserved(&self) -> bool {
        !cfg!(feature = "tracing") && self.track.is_none()
    }

    /// Runs `f` in the span.
    #[inline]
    pub(crate) fn in_scope<R>(&self, f: impl FnOnce() -> R) -> R {
        #[cfg(feature = "tracing")]
        let _entered = self.span.enter();
        match &self.track {
            None => f(),
            Some(track) => track.in_scope(f, context::status),
        }
    }
}
