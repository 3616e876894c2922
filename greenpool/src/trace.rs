//! What is told to `tracing`. Without the feature of that name there is nothing here, and nothing is told.

use crate::error::JoinError;
use crate::heart::Core;

/// A job that nobody has a handle on has ended with this error.
#[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "nobody is told"))]
pub(crate) fn lost(core: &Core, error: &JoinError) {
    #[cfg(feature = "tracing")]
    if error.is_panic() {
        tracing::error!(target: "greenpool", pool = core.name(), "{error}");
    }
}

/// The span that a job is polled in.
pub(crate) struct JobSpan(#[cfg(feature = "tracing")] tracing::Span);

impl JobSpan {
    /// A job of that pool begins.
    #[inline]
    #[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "nobody is told"))]
    pub(crate) fn new(core: &Core) -> Self {
        JobSpan(
            #[cfg(feature = "tracing")]
            tracing::debug_span!(target: "greenpool", parent: None, "job", pool = core.name()),
        )
    }

    /// Runs `f` in it.
    #[inline]
    #[cfg_attr(not(feature = "tracing"), expect(clippy::unused_self, reason = "nobody is told"))]
    pub(crate) fn within<R>(&self, f: impl FnOnce() -> R) -> R {
        #[cfg(feature = "tracing")]
        let _entered = self.0.enter();
        f()
    }
}
