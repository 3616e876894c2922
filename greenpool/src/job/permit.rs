//! A slot in which no job has begun yet.

use std::sync::Arc;

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::lending::context::JobContext;

/// A slot in which no job has begun yet. Dropping it gives it back.
pub(crate) struct Permit(Option<Held>);

enum Held {
    /// Of the pool's own, and the pool is there for ever.
    Static(&'static Arc<Inner>),
    /// Of the pool's own.
    Own(Arc<Inner>),
    /// Lent by this member.
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
    /// One that has just been acquired, or lent by `lender`.
    #[inline]
    pub(crate) fn new(inner: &Arc<Inner>, lender: Option<Arc<Member>>) -> Self {
        Permit(Some(lender.map_or_else(|| Held::Own(inner.clone()), Held::Lent)))
    }

    /// Likewise, of a pool that is there for ever.
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

    /// Gives up the slot to the job that begins in it.
    #[inline]
    pub(crate) fn into_context(mut self) -> JobContext {
        let Some(held) = self.0.take() else { unreachable!("a slot is used once") };
        held.context()
    }

    /// Leaves it to a seat that is there, if it is one of the pool's own.
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
