//! A slot in which no job has begun yet.

use std::sync::Arc;

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::lending::context::JobContext;

/// A slot in which no job has begun yet. Dropping it releases the slot.
pub(crate) struct Permit(Option<Held>);

enum Held {
    /// One of the pool's own slots. The pool is a `static`.
    Static(&'static Arc<Inner>),
    /// One of the pool's own slots.
    Own(Arc<Inner>),
    /// A slot that this member lent.
    Lent(Arc<Member>),
}

impl Held {
    #[inline]
    fn context(self) -> JobContext {
        match self {
            Held::Static(inner) => JobContext::Plain(inner.clone()),
            Held::Own(inner) => JobContext::Plain(inner),
            Held::Lent(lender) => JobContext::Borrowed(lender),
        }
    }
}

impl Permit {
    /// A permit for a slot that was just acquired, or that `lender` lent.
    #[inline]
    pub(crate) fn new(inner: &Arc<Inner>, lender: Option<Arc<Member>>) -> Self {
        Permit(Some(lender.map_or_else(|| Held::Own(inner.clone()), Held::Lent)))
    }

    /// The same, for a pool that is a `static`.
    #[inline]
    pub(crate) fn of_static(inner: &'static Arc<Inner>, lender: Option<Arc<Member>>) -> Self {
        Permit(Some(lender.map_or(Held::Static(inner), Held::Lent)))
    }

    #[inline]
    pub(crate) fn inner(&self) -> Option<&Arc<Inner>> {
        Some(match self.0.as_ref()? {
            Held::Static(inner) => inner,
            Held::Own(inner) => inner,
            Held::Lent(lender) => lender.inner(),
        })
    }

    /// Hands the slot to the job that begins in it.
    #[inline]
    pub(crate) fn into_context(mut self) -> JobContext {
        let Some(held) = self.0.take() else { unreachable!("a permit is used once") };
        held.context()
    }

    /// Hands the slot to the [`Running`](crate::job::running::Running) of another job. Returns false, and does nothing,
    /// if the slot is not one of the pool's own.
    #[inline]
    pub(crate) fn transfer(&mut self) -> bool {
        let own = matches!(self.0, Some(Held::Static(_) | Held::Own(_)));
        if own {
            self.0 = None;
        }
        own
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        if let Some(held) = self.0.take() {
            held.context().release();
        }
    }
}
