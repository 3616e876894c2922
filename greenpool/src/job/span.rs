//! What `tracing` and `metrics`, with the features of these names, and the list of jobs learn of a job.

#[cfg(feature = "metrics")]
use tokio::time::Instant;

use crate::inner::Inner;
#[cfg(feature = "metrics")]
use crate::inner::times::RunTime;
use crate::inner::tracked::Track;
use crate::job::error::JoinError;
use crate::lending::context;
use crate::sync::quiet::drop_quietly;

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
    drop_quietly(later);
}

/// The call that a job comes from: the span it was made in, and its time if the pool measures times. Without the
/// features, it is nothing.
pub(crate) struct Origin {
    #[cfg(feature = "tracing")]
    caller: tracing::Span,
    #[cfg(feature = "metrics")]
    called: Option<Instant>,
}

impl Origin {
    /// The call that is being made on this thread, of a job of `inner`.
    #[inline]
    #[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "only `metrics` needs the pool"))]
    pub(crate) fn here(inner: &Inner) -> Self {
        Origin {
            #[cfg(feature = "tracing")]
            caller: tracing::Span::current(),
            #[cfg(feature = "metrics")]
            called: inner.times.is_on().then(Instant::now),
        }
    }

    /// The map that is being made on this thread. Its jobs come from no calls of their own.
    pub(crate) fn of_map() -> Self {
        Origin {
            #[cfg(feature = "tracing")]
            caller: tracing::Span::current(),
            #[cfg(feature = "metrics")]
            called: None,
        }
    }

    /// No call.
    #[inline]
    pub(crate) fn none() -> Self {
        Origin {
            #[cfg(feature = "tracing")]
            caller: tracing::Span::none(),
            #[cfg(feature = "metrics")]
            called: None,
        }
    }

    /// Takes the call out.
    #[inline]
    pub(crate) fn take(&mut self) -> Self {
        std::mem::replace(self, Origin::none())
    }
}

/// The span that a job is polled in, its entry in the list of jobs if the pool keeps one, and the time of its begin if
/// the pool measures times.
pub(crate) struct JobSpan {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
    #[cfg(feature = "metrics")]
    run_time: Option<RunTime>,
    track: Option<Box<Track>>,
}

/// The span of a job, inside that of its call. If nothing wants to see such a span, the job runs in that of its call.
#[cfg(feature = "tracing")]
fn span_of_job(inner: &Inner, origin: &Origin) -> tracing::Span {
    let span = tracing::debug_span!(target: "greenpool", parent: &origin.caller, "job", pool = inner.name());
    if span.is_disabled() { origin.caller.clone() } else { span }
}

impl JobSpan {
    /// A job of `inner` begins.
    #[inline]
    #[cfg_attr(
        not(any(feature = "tracing", feature = "metrics")),
        expect(unused_variables, reason = "the call is nothing then")
    )]
    pub(crate) fn new(inner: &Inner, origin: &Origin) -> Self {
        JobSpan {
            #[cfg(feature = "tracing")]
            span: span_of_job(inner, origin),
            #[cfg(feature = "metrics")]
            run_time: inner.times.begin(origin.called),
            track: inner.tracked.begin(),
        }
    }

    /// The job has ended, and the next one begins.
    #[inline]
    pub(crate) fn next_job(&mut self, inner: &Inner, origin: &Origin) {
        if !self.is_unobserved() || inner.tracked.is_on() || inner.measures_times() {
            self.replace(inner, origin);
        }
    }

    #[cold]
    fn replace(&mut self, inner: &Inner, origin: &Origin) {
        self.end();
        *self = Self::new(inner, origin);
    }

    /// The job has ended: removes it from the list, and records how long it ran.
    #[inline]
    pub(crate) fn end(&mut self) {
        self.track = None;
        #[cfg(feature = "metrics")]
        {
            self.run_time = None;
        }
    }

    /// Whether neither `tracing` nor `metrics` nor the list has to learn that the job has ended.
    #[inline]
    pub(crate) fn is_unobserved(&self) -> bool {
        #[cfg(feature = "metrics")]
        if self.run_time.is_some() {
            return false;
        }
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
