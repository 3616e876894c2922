//! A slot in which no job has begun yet.

use std::sync::Arc;

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::lending::context::{JobContext, KeyedSlot};
use crate::sync::slots::gates::Hold;

/// A slot in which no job has begun yet. The live-job count has that job already. Dropping this releases the slot.
pub(crate) struct Permit {
    held: Option<Held>,
    /// The epoch of the live-job count in which the job entered.
    epoch: u32,
}

enum Held {
    /// One of the pool's own slots. The pool is a `static`.
    Static(&'static Arc<Inner>),
    /// One of the pool's own slots.
    Own(Arc<Inner>),
    /// A slot that this member lent.
    Lent(Arc<Member>),
    /// A slot of either kind, and a key.
    Keyed(Box<KeyedSlot>),
}

impl Held {
    #[inline]
    fn context(self) -> JobContext {
        match self {
            Held::Static(inner) => JobContext::Plain(inner.clone()),
            Held::Own(inner) => JobContext::Plain(inner),
            Held::Lent(lender) => JobContext::Borrowed(lender),
            Held::Keyed(slot) => JobContext::Keyed(slot),
        }
    }
}

impl Permit {
    /// A permit for a slot that was just acquired, or that `lender` lent.
    #[inline]
    pub(crate) fn new(inner: &Arc<Inner>, lender: Option<Arc<Member>>) -> Self {
        let epoch = inner.live.enter(1);
        Permit { held: Some(lender.map_or_else(|| Held::Own(inner.clone()), Held::Lent)), epoch }
    }

    /// The same with a key, if there is one.
    pub(crate) fn with_key(inner: &Arc<Inner>, lender: Option<Arc<Member>>, key: Option<Hold>) -> Self {
        let Some(key) = key else { return Self::new(inner, lender) };
        let epoch = inner.live.enter(1);
        Permit { held: Some(Held::Keyed(Box::new(KeyedSlot::new(inner, lender, key)))), epoch }
    }

    /// A permit for a slot that was just acquired, of a pool that is a `static`.
    #[inline]
    pub(crate) fn of_static(inner: &'static Arc<Inner>) -> Self {
        Permit { held: Some(Held::Static(inner)), epoch: inner.live.enter(1) }
    }

    /// Hands the slot to the job that begins in it, with its epoch.
    #[inline]
    pub(crate) fn into_context(mut self) -> (JobContext, u32) {
        let Some(held) = self.held.take() else { unreachable!("a permit is used once") };
        (held.context(), self.epoch)
    }

    /// Hands the slot to the [`Running`](crate::job::running::Running) of another job of this epoch. Returns false, and
    /// does nothing, if the slot is not one of the pool's own or the epoch is another one.
    #[inline]
    pub(crate) fn transfer(&mut self, epoch: u32) -> bool {
        let own = matches!(self.held, Some(Held::Static(_) | Held::Own(_))) && self.epoch == epoch;
        if own {
            self.held = None;
        }
        own
    }
}

impl Drop for Permit {
    // Not inline, so that it is compiled once.
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            let context = held.context();
            let inner = context.inner().clone();
            inner.live.uncount_begun(1);
            let left = inner.live.leave(self.epoch);
            context.release();
            if !left {
                inner.live.leave_aborted();
            }
        }
    }
}
