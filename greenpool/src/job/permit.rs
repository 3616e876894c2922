//! A slot in which no job has begun yet.

use std::sync::Arc;

use crate::inner::Core;
use crate::inner::member::Member;
use crate::lending::context::Lineage;

/// A slot in which no job has begun yet. Dropping it gives it back.
pub(crate) struct Slot(Option<Held>);

enum Held {
    /// Of the pool's own, and the pool is there for ever.
    Static(&'static Arc<Core>),
    /// Of the pool's own.
    Own(Arc<Core>),
    /// Lent by this member.
    Lent(Arc<Member>),
}

impl Held {
    #[inline]
    fn lineage(self) -> Lineage {
        match self {
            Held::Static(core) => Lineage::Plain(core.clone()),
            Held::Own(core) => Lineage::Plain(core),
            Held::Lent(lender) => Lineage::OnLoan(lender),
        }
    }
}

impl Slot {
    /// One that has just been acquired, or lent by `lender`.
    #[inline]
    pub(crate) fn new(core: &Arc<Core>, lender: Option<Arc<Member>>) -> Self {
        Slot(Some(lender.map_or_else(|| Held::Own(core.clone()), Held::Lent)))
    }

    /// Likewise, of a pool that is there for ever.
    #[inline]
    pub(crate) fn of_static(core: &'static Arc<Core>, lender: Option<Arc<Member>>) -> Self {
        Slot(Some(lender.map_or(Held::Static(core), Held::Lent)))
    }

    #[inline]
    pub(crate) fn core(&self) -> Option<&Arc<Core>> {
        Some(match self.0.as_ref()? {
            Held::Static(core) => core,
            Held::Own(core) => core,
            Held::Lent(lender) => lender.core(),
        })
    }

    /// Gives up the slot to the job that begins in it.
    #[inline]
    pub(crate) fn into_lineage(mut self) -> Lineage {
        let Some(held) = self.0.take() else { unreachable!("a slot is used once") };
        held.lineage()
    }

    /// Leaves it to a seat that is there, if it is one of the pool's own.
    #[inline]
    pub(crate) fn yield_own(&mut self) -> bool {
        let own = matches!(self.0, Some(Held::Static(_) | Held::Own(_)));
        if own {
            self.0 = None;
        }
        own
    }
}

impl Drop for Slot {
    #[inline]
    fn drop(&mut self) {
        if let Some(held) = self.0.take() {
            held.lineage().give_back();
        }
    }
}
