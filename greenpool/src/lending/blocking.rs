//! What a pending verb tells the job that it is awaited in.

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::inner::Core;
use crate::inner::member::Member;
use crate::inner::wait::{Outlook, Wait};
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
    /// The verb waits for something in `core`, and `outlook` says who can tell when it is there. If that stands in the queue of the
    /// job's own pool, the slot is lent to it now.
    pub(crate) fn pend(
        &mut self,
        core: &Arc<Core>,
        ticket: Option<Ticket>,
        outlook: impl FnOnce() -> Outlook,
        cx: &mut Context<'_>,
    ) {
        match context::me() {
            Some((me, part)) => self.pend_in(me, part, core, ticket, outlook(), false, cx),
            None => self.clear(),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "they are the fields of a `Wait`")]
    fn pend_in(
        &mut self,
        me: Arc<Member>,
        part: u32,
        core: &Arc<Core>,
        ticket: Option<Ticket>,
        outlook: Outlook,
        resuming: bool,
        cx: &mut Context<'_>,
    ) {
        let (core, waker, seen) = (core.clone(), cx.waker().clone(), core.awaited.ends());
        let wait = Wait { core, ticket, outlook, waker, resuming, part, looked: 0, asked: None, probed: false, seen };
        match &self.0 {
            Some(block) if Arc::ptr_eq(&block.member, &me) => {
                deadlock::run(&me, me.pend_again(block.key, wait));
            }
            _ => {
                self.clear();
                let (key, effects) = me.pend(wait);
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
        let Some((me, part)) = context::me_if_known() else {
            self.clear();
            return Poll::Ready(());
        };
        if me.poll_slot(cx.waker()).is_ready() {
            self.clear();
            return Poll::Ready(());
        }
        let core = me.core().clone();
        self.pend_in(me, part, &core, None, Outlook::Ticket, true, cx);
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
                wait.core.awaited.remove(member.core());
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
