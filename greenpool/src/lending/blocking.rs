//! How a pending verb registers with the job that awaits it.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::inner::wait::{ReadySource, WaitEdge};
use crate::lending::{context, deadlock};
use crate::sync::slots::Ticket;

/// The registration of one verb. Each verb's future has one, calls [`WaitGuard::register`] before it returns `Pending`,
/// and [`WaitGuard::poll_reacquire`] before it returns `Ready`. Dropping the guard, as when the verb is cancelled,
/// deregisters the verb.
#[derive(Default)]
pub(crate) struct WaitGuard(Option<Registered>);

struct Registered {
    member: Arc<Member>,
    key: usize,
}

impl WaitGuard {
    /// The verb waits for something in `inner`, perhaps for a ticket there, and `source` tells when that is ready.
    #[inline]
    pub(crate) fn register(
        &mut self,
        inner: &Arc<Inner>,
        ticket: Option<Ticket>,
        source: impl Fn() -> ReadySource,
        cx: &mut Context<'_>,
    ) {
        self.register_dyn(inner, ticket, &source, cx);
    }

    // Not generic, so that it is compiled once.
    fn register_dyn(
        &mut self,
        inner: &Arc<Inner>,
        ticket: Option<Ticket>,
        source: &dyn Fn() -> ReadySource,
        cx: &mut Context<'_>,
    ) {
        match context::current() {
            Some((me, branch)) => {
                let wait = WaitEdge::new(inner, ticket, source(), branch, cx.waker());
                self.register_in(&me, wait);
            }
            None => self.clear(),
        }
    }

    fn register_in(&mut self, me: &Arc<Member>, wait: WaitEdge) {
        match &self.0 {
            Some(registered) if Arc::ptr_eq(&registered.member, me) => {
                deadlock::run(me, me.update(registered.key, wait));
            }
            _ => {
                self.clear();
                let (key, effects) = me.register(wait);
                self.0 = Some(Registered { member: me.clone(), key });
                deadlock::run(me, effects);
            }
        }
    }

    /// Whether the verb is registered with the job that runs here.
    pub(crate) fn is_of_this_job(&self) -> bool {
        let current = context::current_member();
        self.0.as_ref().zip(current).is_some_and(|(registered, (me, _))| Arc::ptr_eq(&registered.member, &me))
    }

    /// Whether the job may have no slot. Then the verb must call `poll_reacquire` before it is ready.
    #[inline]
    pub(crate) fn may_lack_slot(&self) -> bool {
        self.0.is_some() || context::is_member()
    }

    /// The verb has its result. Ready when the job has a slot to go on with, which it lacks only if the verb is awaited
    /// [in place](crate::inner::in_place).
    #[inline]
    pub(crate) fn poll_reacquire(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.may_lack_slot() { self.reacquire(cx) } else { Poll::Ready(()) }
    }

    fn reacquire(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // The verb may have been moved here from another job; then that registration goes.
        let Some((me, branch)) = context::current_member() else {
            self.clear();
            return Poll::Ready(());
        };
        if deadlock::poll_slot(&me, None).is_pending() {
            let inner = me.inner().clone();
            let wait = WaitEdge::new(&inner, None, ReadySource::Begun, branch, cx.waker());
            self.register_in(&me, WaitEdge { resuming: true, ..wait });
            // The slot may have come home, and been lent again, before that.
            ready!(deadlock::poll_slot(&me, None));
        }
        self.clear();
        Poll::Ready(())
    }

    /// Deregisters the verb, which is ready or has been dropped.
    #[inline]
    pub(crate) fn clear(&mut self) {
        if self.0.is_some() {
            self.deregister();
        }
    }

    #[cold]
    fn deregister(&mut self) {
        if let Some(registered) = self.0.take() {
            let member = &registered.member;
            let (effects, wait) = member.clear(registered.key);
            deadlock::run(member, effects);
            if let Some(wait) = wait {
                wait.inner.awaited_by.remove(member.inner());
            }
        }
    }
}

impl Drop for WaitGuard {
    #[inline]
    fn drop(&mut self) {
        self.clear();
    }
}
