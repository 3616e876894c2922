//! What is told to `tracing`, if its feature is on, and to the list of jobs.

use crate::inner::Inner;
use crate::inner::tracked::Track;
use crate::job::error::JoinError;
use crate::lending::context;

/// A job that nobody has a handle on has ended with this error.
#[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "nobody is told"))]
pub(crate) fn report_panic(inner: &Inner, error: &JoinError) {
    #[cfg(feature = "tracing")]
    if error.is_panic() {
        tracing::error!(target: "greenpool", pool = inner.name(), "{error}");
    }
}

/// The span that a job is polled in, and its place in the list of jobs if its pool has one.
pub(crate) struct JobSpan {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
    track: Option<Box<Track>>,
}

impl JobSpan {
    /// A job of that pool begins.
    #[inline]
    pub(crate) fn new(inner: &Inner) -> Self {
        JobSpan {
            #[cfg(feature = "tracing")]
            span: tracing::debug_span!(target: "greenpool", parent: None, "job", pool = inner.name()),
            track: inner.tracked.begin(),
        }
    }

    /// A job is over, and the next one begins.
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

    /// The job is over: it is in no list any more.
    #[inline]
    pub(crate) fn end(&mut self) {
        self.track = None;
    }

    /// Whether nobody is told that the job is over.
    #[inline]
    pub(crate) fn is_unobserved(&self) -> bool {
        !cfg!(feature = "tracing") && self.track.is_none()
    }

    /// Runs `f` in it.
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
