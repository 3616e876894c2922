//! What a pending verb tells the job that it is awaited in.

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::inner::wait::{ReadySource, WaitEdge};
use crate::lending::{context, deadlock};
use crate::sync::slots::Ticket;

/// Each verb's future has one. [`Blocked::pend`] before it returns `Pending`, [`Blocked::poll_resume`] before it returns
/// `Ready`; dropping it, as when the verb is cancelled, says that this verb blocks nothing any more.
#[derive(Default)]
pub(crate) struct Blocked(Option<Block>);

struct Block {
    member: Arc<Member>,
    key: usize,
}

impl Blocked {
    /// The verb waits for something in `inner`, and `source` says who can tell when it is there. If that stands in the queue of the
    /// job's own pool, the slot is lent to it now.
    pub(crate) fn pend(
        &mut self,
        inner: &Arc<Inner>,
        ticket: Option<Ticket>,
        source: impl FnOnce() -> ReadySource,
        cx: &mut Context<'_>,
    ) {
        match context::me() {
            Some((me, branch)) => self.pend_in(me, branch, inner, ticket, source(), false, cx),
            None => self.clear(),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "they are the fields of a `WaitEdge`")]
    fn pend_in(
        &mut self,
        me: Arc<Member>,
        branch: u32,
        inner: &Arc<Inner>,
        ticket: Option<Ticket>,
        source: ReadySource,
        resuming: bool,
        cx: &mut Context<'_>,
    ) {
        let (inner, waker, ends_seen) = (inner.clone(), cx.waker().clone(), inner.awaited_by.ends());
        let wait = WaitEdge {
            inner,
            ticket,
            source,
            waker,
            resuming,
            branch,
            last_polled: 0,
            woken_at: None,
            probed: false,
            ends_seen,
        };
        match &self.0 {
            Some(block) if Arc::ptr_eq(&block.member, &me) => {
                deadlock::run(&me, me.update(block.key, wait));
            }
            _ => {
                self.clear();
                let (key, effects) = me.register(wait);
                self.0 = Some(Block { member: me.clone(), key });
                deadlock::run(&me, effects);
            }
        }
    }

    /// Whether the job may have no slot to go on with: `poll_resume` is to be asked.
    #[inline]
    pub(crate) fn may_have_to_wait(&self) -> bool {
        self.0.is_some() || context::am_known()
    }

    /// The verb is ready: waits until the job has its slot.
    #[inline]
    pub(crate) fn poll_resume(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.may_have_to_wait() { self.resume_member(cx) } else { Poll::Ready(()) }
    }

    fn resume_member(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // A verb may have been pending in another job before.
        let Some((me, branch)) = context::me_if_known() else {
            self.clear();
            return Poll::Ready(());
        };
        if me.poll_reacquire(cx.waker()).is_ready() {
            self.clear();
            return Poll::Ready(());
        }
        let inner = me.inner().clone();
        self.pend_in(me, branch, &inner, None, ReadySource::Ticket, true, cx);
        Poll::Pending
    }

    /// The verb is over.
    #[inline]
    pub(crate) fn clear(&mut self) {
        if self.0.is_some() {
            self.clear_member();
        }
    }

    #[cold]
    fn clear_member(&mut self) {
        if let Some(block) = self.0.take() {
            let member = &block.member;
            let (effects, wait) = member.clear(block.key);
            deadlock::run(member, effects);
            if let Some(wait) = wait {
                wait.inner.awaited_by.remove(member.inner());
            }
        }
    }
}

impl Drop for Blocked {
    #[inline]
    fn drop(&mut self) {
        self.clear();
    }
}
