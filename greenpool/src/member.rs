//! The record of a job that has waited for greenpool: who has its slot, and what it waits for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use slab::Slab;

use crate::heart::Core;
use crate::knot;
use crate::lineage;
use crate::slots::{Grant, Line, Ticket};
use crate::sync::{Mutex, MutexGuard, lock};

/// One job that has waited for greenpool.
pub(crate) struct Member {
    core: Arc<Core>,
    standing: Mutex<Standing>,
}

struct Standing {
    /// Has its slot: neither lent nor ended.
    holds: bool,
    ended: bool,
    /// The verbs that are pending in this job.
    waits: Slab<Wait>,
    /// How many of them are ready, but for the slot.
    resuming: usize,
    /// The place in the pool's queue of those who want to go on.
    ticket: Option<Ticket>,
    wakers: Vec<Waker>,
    /// Tickets that this job waits for, in order; those that have been served meanwhile are passed over.
    wants: VecDeque<Ticket>,
    lender: Option<Arc<Member>>,
    /// The key among the pool's stalled members: it has its slot and does not need it.
    stalled: Option<usize>,
}

/// What a pending verb waits for: something in a pool, perhaps with a place in that pool's queue.
#[derive(Clone)]
pub(crate) struct Wait {
    pub(crate) core: Arc<Core>,
    pub(crate) ticket: Option<Ticket>,
    /// How many jobs of the pool had ended when the verb last found that it has to wait.
    seen: u64,
    waker: Waker,
}

impl Wait {
    /// Asks the verb to look again, if something has ended since it last looked.
    pub(crate) fn ask_again(&self) -> bool {
        let stale = self.core.awaited.ends() != self.seen;
        if stale {
            self.waker.wake_by_ref();
        }
        stale
    }
}

/// Gives a slot back to the first in the chain of lenders who lacks one, or to the pool.
#[inline]
pub(crate) fn give_back(core: &Core, lender: Option<Arc<Member>>) {
    if lender.is_some() {
        return give_home(core, lender);
    }
    core.slots.release();
}

fn give_home(core: &Core, mut lender: Option<Arc<Member>>) {
    while let Some(member) = lender {
        match member.take_back() {
            Ok(()) => return,
            Err(next) => lender = next,
        }
    }
    core.slots.release();
}

impl Standing {
    fn can_lend(&self) -> bool {
        self.holds && !self.waits.is_empty() && self.resuming == 0
    }
}

impl Member {
    pub(crate) fn new(core: Arc<Core>, lender: Option<Arc<Member>>) -> Arc<Self> {
        let standing = Standing {
            holds: true,
            ended: false,
            waits: Slab::new(),
            resuming: 0,
            ticket: None,
            wakers: Vec::new(),
            wants: VecDeque::new(),
            lender,
            stalled: None,
        };
        Arc::new(Member { core, standing: Mutex::new(standing) })
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// What this member waits for.
    pub(crate) fn waits(&self) -> Vec<Wait> {
        let standing = lock(&self.standing);
        standing.waits.iter().map(|(_, wait)| wait.clone()).collect()
    }

    /// This member waits, or will wait, for whoever has this ticket in its own pool.
    pub(crate) fn want(self: &Arc<Self>, ticket: Ticket) {
        let mut standing = lock(&self.standing);
        if standing.ended {
            return;
        }
        if standing.wants.len() == standing.wants.capacity() {
            let slots = &self.core.slots;
            standing.wants.retain(|ticket| slots.is_queued(*ticket));
        }
        standing.wants.push_back(ticket);
        self.settle(standing, Vec::new());
    }

    /// With the standing as it now is: lends the slot if it can be lent and is wanted, and says whether it lies idle.
    fn settle(self: &Arc<Self>, mut standing: MutexGuard<'_, Standing>, mut wakers: Vec<Waker>) {
        while standing.can_lend() {
            let Some(ticket) = standing.wants.pop_front() else {
                break;
            };
            if let Ok(waker) = self.core.slots.lend(ticket, Some(self.clone())) {
                standing.holds = false;
                wakers.extend(waker);
            }
        }
        let stalls = self.note_stall(&mut standing);
        drop(standing);
        wakers.into_iter().for_each(Waker::wake);
        if stalls {
            knot::untie(&self.core);
        }
    }

    /// Keeps the pool's list of stalled members; true if this has become one.
    fn note_stall(self: &Arc<Self>, standing: &mut Standing) -> bool {
        match (standing.can_lend(), standing.stalled) {
            (true, None) => {
                standing.stalled = Some(self.core.stalled.add(self.clone()));
                true
            }
            (false, Some(key)) => {
                standing.stalled = None;
                self.core.stalled.remove(key);
                false
            }
            _ => false,
        }
    }

    /// Lends the idle slot to a ticket of somebody else, to break a knot.
    pub(crate) fn lend_to(self: &Arc<Self>, ticket: Ticket) -> bool {
        let mut standing = lock(&self.standing);
        if !standing.can_lend() {
            return false;
        }
        let Ok(waker) = self.core.slots.lend(ticket, Some(self.clone())) else {
            return false;
        };
        standing.holds = false;
        self.settle(standing, Vec::from_iter(waker));
        true
    }

    /// The slot comes home. If this member has ended or has got another one: who comes next in the chain.
    fn take_back(self: &Arc<Self>) -> Result<(), Option<Arc<Member>>> {
        let mut standing = lock(&self.standing);
        if standing.ended {
            return Err(standing.lender.take());
        }
        if standing.holds {
            return Err(None);
        }
        standing.holds = true;
        let ticket = standing.ticket.take();
        let wakers = std::mem::take(&mut standing.wakers);
        self.settle(standing, wakers);
        self.leave_queue(ticket);
        Ok(())
    }

    /// Leaves the queue; a slot that was already on its way goes on. With no lock held, since that may wake others.
    fn leave_queue(&self, ticket: Option<Ticket>) {
        if let Some(Grant::Slot(lender)) = ticket.and_then(|ticket| self.core.slots.cancel(ticket)) {
            give_back(&self.core, lender);
        }
    }

    /// Gives the slot to the pool, if this member has it. A lender gets back the slot that the job ends with.
    pub(crate) fn part(self: &Arc<Self>) {
        let mut standing = lock(&self.standing);
        let held = std::mem::replace(&mut standing.holds, false);
        self.settle(standing, Vec::new());
        if held {
            self.core.slots.release();
        }
    }

    /// The job is over. If it had its slot, gives the lender to return it to.
    pub(crate) fn end(self: &Arc<Self>) -> Option<Option<Arc<Member>>> {
        let mut standing = lock(&self.standing);
        standing.ended = true;
        let held = std::mem::replace(&mut standing.holds, false);
        // While the slot is lent out, the borrower will ask for the lender.
        let lender = if held { standing.lender.take() } else { None };
        let wakers = std::mem::take(&mut standing.wakers);
        standing.wants = VecDeque::new();
        let ticket = standing.ticket.take();
        // What has inherited from this job may wait for the slot; it goes on without one.
        self.settle(standing, wakers);
        self.leave_queue(ticket);
        held.then_some(lender)
    }

    /// Tries to get a slot to go on with, ahead of all waiters.
    fn resume(self: &Arc<Self>, standing: &mut Standing) {
        if standing.ticket.is_none() {
            match self.core.slots.enqueue(Line::Resumers) {
                Ok(Some(ticket)) => standing.ticket = Some(ticket),
                Ok(None) | Err(_) => standing.holds = true,
            }
        }
        self.collect(standing);
    }

    /// Takes the slot that the queue has for this member.
    fn collect(self: &Arc<Self>, standing: &mut Standing) {
        let Some(ticket) = standing.ticket else {
            return;
        };
        let waker = Waker::from(self.clone());
        if let Poll::Ready(grant) = self.core.slots.poll(ticket, &waker) {
            standing.ticket = None;
            standing.holds = true;
            if let (Some(Grant::Slot(lender @ Some(_))), None) = (grant, &standing.lender) {
                // A slot that was lent to break a knot. Who owes two has borrowed from its own family too; then the pool
                // makes it up to the second lender, who stands before all waiters.
                standing.lender = lender;
            }
        }
    }
}

impl Wake for Member {
    fn wake(self: Arc<Self>) {
        let mut standing = lock(&self.standing);
        self.collect(&mut standing);
        let wakers = std::mem::take(&mut standing.wakers);
        // Whoever wanted to go on may have been dropped meanwhile.
        self.settle(standing, wakers);
    }
}

/// What a pending verb tells the job that it is awaited in.
///
/// Each verb's future has one. [`Blocked::pend`] before it returns `Pending`, [`Blocked::poll_resume`] before it returns
/// `Ready`; dropping it, as when the verb is cancelled, says that this verb blocks nothing any more.
#[derive(Default)]
pub(crate) struct Blocked(Option<Block>);

struct Block {
    member: Arc<Member>,
    key: usize,
    resuming: bool,
}

impl Blocked {
    /// The verb waits for something in `core`. If that stands in the queue of the job's own pool, the slot is lent to it now.
    pub(crate) fn pend(&mut self, core: &Arc<Core>, ticket: Option<Ticket>, cx: &mut Context<'_>) {
        let Some(me) = lineage::me() else {
            return self.clear();
        };
        let wait = Wait { core: core.clone(), ticket, seen: core.awaited.ends(), waker: cx.waker().clone() };
        match &self.0 {
            Some(block) if Arc::ptr_eq(&block.member, &me) => {
                let mut standing = lock(&me.standing);
                let Wait { core, ticket, .. } = &standing.waits[block.key];
                let (core, ticket) = (core.clone(), wait.ticket.or(*ticket));
                let old = std::mem::replace(&mut standing.waits[block.key], Wait { core, ticket, ..wait });
                let stalled = standing.stalled.is_some();
                me.settle(standing, Vec::new());
                drop(old);
                if stalled {
                    knot::untie(&me.core);
                }
            }
            _ => {
                self.clear();
                core.awaited.add(me.core());
                let mut standing = lock(&me.standing);
                let key = standing.waits.insert(wait);
                me.settle(standing, Vec::new());
                self.0 = Some(Block { member: me, key, resuming: false });
            }
        }
    }

    /// Whether the job may have no slot to go on with: `poll_resume` is to be asked.
    #[inline]
    pub(crate) fn may_have_to_wait(&self) -> bool {
        self.0.is_some() || lineage::am_known()
    }

    /// The verb is ready: waits until the job has its slot.
    #[inline]
    pub(crate) fn poll_resume(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.may_have_to_wait() { self.resume_member(cx) } else { Poll::Ready(()) }
    }

    fn resume_member(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let member = match &self.0 {
            Some(block) => block.member.clone(),
            None => match lineage::me_if_known() {
                Some(member) => member,
                None => return Poll::Ready(()),
            },
        };
        let mut standing = lock(&member.standing);
        if !standing.holds && !standing.ended {
            member.resume(&mut standing);
        }
        if standing.holds || standing.ended {
            drop(standing);
            self.clear();
            return Poll::Ready(());
        }
        if !standing.wakers.iter().any(|old| old.will_wake(cx.waker())) {
            standing.wakers.push(cx.waker().clone());
        }
        let block = self.0.get_or_insert_with(|| {
            let core = member.core.clone();
            core.awaited.add(&core);
            let wait = Wait { seen: core.awaited.ends(), core, ticket: None, waker: cx.waker().clone() };
            let key = standing.waits.insert(wait);
            Block { member: member.clone(), key, resuming: false }
        });
        standing.resuming += usize::from(!std::mem::replace(&mut block.resuming, true));
        drop(standing);
        knot::untie(&member.core);
        Poll::Pending
    }

    /// The verb is over.
    pub(crate) fn clear(&mut self) {
        let Some(block) = self.0.take() else {
            return;
        };
        let mut standing = lock(&block.member.standing);
        let wait = standing.waits.try_remove(block.key);
        standing.resuming -= usize::from(block.resuming);
        // Another verb may be pending, and has let this one go first.
        let stalled = standing.stalled.is_some();
        block.member.settle(standing, Vec::new());
        if stalled {
            // If this one was asked to look again, the search goes on without it.
            knot::untie(&block.member.core);
        }
        if let Some(wait) = wait {
            wait.core.awaited.remove(block.member.core());
        }
    }
}

impl Drop for Blocked {
    #[inline]
    fn drop(&mut self) {
        if self.0.is_some() {
            self.clear();
        }
    }
}
