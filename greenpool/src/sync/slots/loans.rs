//! Slots that change hands out of turn: a job lends one, another ticket gives one up, or the pool has none left. And
//! jobs that have no slot meanwhile.

use std::task::Waker;

use crate::sync::Ordering;
use crate::sync::slots::{ABSENT, Grant, Node, ONE, QUEUED, QueuedJob, Queues, Served, Slots, Ticket, TicketState};

impl<L, J: QueuedJob<L>> Slots<L, J> {
    /// Serves a queued ticket out of turn with a lent slot. Returns the loan as an error if the ticket is not queued
    /// any longer.
    #[cfg(any(loom, all(test, not(shuttle))))]
    pub(crate) fn lend(&self, ticket: Ticket, loan: L, in_own_slot: bool) -> Result<Served<L, J>, L> {
        let mut queues = self.lock();
        if !queues.is_queued(ticket) {
            return Err(loan);
        }
        Ok(self.lend_to(&mut queues, ticket, loan, in_own_slot, false))
    }

    /// Serves a queued ticket out of turn with a lent slot; the lender is absent from now on. If the lender owns the
    /// ticket, it is not woken, since it cannot go on before its slot comes back. With `lends_key`, the lender lends
    /// its key, too. The caller must run what this returns once it holds no lock.
    pub(super) fn lend_to(
        &self,
        queues: &mut Queues<L, J>,
        ticket: Ticket,
        loan: L,
        in_own_slot: bool,
        lends_key: bool,
    ) -> Served<L, J> {
        let mut served = queues.grant(ticket.key, Grant::Slot(Some(loan)), lends_key);
        if in_own_slot {
            served.unwoken = served.waker.take();
            if let Some(Node { state, .. }) = queues.get(ticket) {
                *state = TicketState::Served(Grant::Begun { in_own_slot });
            }
        }
        self.add_absent(queues);
        self.unmark_queued(queues);
        served
    }

    /// Serves the queued ticket `to` with the slot that was granted to `from`, which has no key, and has not been
    /// collected. `from` has its place in the queue again, with this waker. `None` if one of the two is not so. The
    /// caller must run what this returns once it holds no lock.
    pub(crate) fn regrant(&self, from: Ticket, to: Ticket, waker: Waker) -> Option<Served<L, J>> {
        let mut queues = self.lock();
        if !queues.is_queued(to) {
            return None;
        }
        let node = queues.get(from)?;
        if !matches!(node.state, TicketState::Served(Grant::Slot(_))) {
            return None;
        }
        let queued = TicketState::Queued { waker: Some(waker), job: None };
        let TicketState::Served(grant) = std::mem::replace(&mut node.state, queued) else { return None };
        queues.link_again(from.key);
        // `to` was queued, and `from` is now, so `W` is set.
        Some(queues.grant(to.key, grant, false))
    }

    /// Serves a queued ticket with a slot that the pool does not have. That becomes debt. The caller must run what this
    /// returns once it holds no lock.
    pub(crate) fn exceed(&self, ticket: Ticket) -> Option<Served<L, J>> {
        let mut queues = self.lock();
        if !queues.is_queued(ticket) {
            return None;
        }
        // AcqRel as in `serve_and_unlock`.
        self.word.fetch_add(ONE, Ordering::AcqRel);
        let served = queues.grant(ticket.key, Grant::Slot(None), false);
        self.unmark_queued(&queues);
        Some(served)
    }

    /// A ticket has left the queue. The caller must hold the lock.
    pub(super) fn unmark_queued(&self, queues: &Queues<L, J>) {
        if queues.first().is_none() {
            // AcqRel as for every change under the lock; coherence would do.
            self.word.fetch_and(!QUEUED, Ordering::AcqRel);
        }
    }

    /// A job goes on without its slot, and is absent from now on. Its slot must be [released](Self::release) next.
    pub(crate) fn begin_absence(&self) {
        self.add_absent(&mut self.lock());
    }

    fn add_absent(&self, queues: &mut Queues<L, J>) {
        queues.absent += 1;
        if queues.absent == 1 {
            // Set before the slot is passed on, so a reading of the word with nothing running has the flag too. AcqRel
            // as for every change under the lock; coherence would do.
            self.word.fetch_or(ABSENT, Ordering::AcqRel);
        }
    }

    /// A job that was absent has a slot again, or has ended. May wake waiters, so call it with no lock held.
    pub(crate) fn end_absence(&self) {
        let mut queues = self.lock();
        queues.absent -= 1;
        if queues.absent == 0 {
            // Release pairs with the Acquire in `word`: a thread that finds the pool idle sees what they did.
            self.word.fetch_and(!ABSENT, Ordering::AcqRel);
            self.serve_and_unlock(queues);
        }
    }
}
