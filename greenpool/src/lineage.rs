//! Which job is running here, whose slot it holds, and how slots are lent.
//!
//! # Implementation details
//!
//! Around each poll of a job its [`Lineage`] stands in a thread-local. So a verb of greenpool that is awaited inside a job
//! knows the job. Most jobs never wait for greenpool, and cost no more than that; the first time one does, it gets a
//! [`Member`], the shared record of who holds its slot.
//!
//! A member that is *blocked* (some verb of greenpool is pending in it) does not need its slot. If its own pool has a queued
//! ticket that a descendant of it wants (a child it spawns, the next item of a map or an entry of a pile that
//! it made), the member *lends* its slot to that ticket: the slot stays taken, the child is a job of its own, and
//! when it ends the slot comes back to the lender. A verb that becomes ready while the slot is away waits until it is back, or
//! until another slot of the pool comes free: resumers stand before all waiters.
//!
//! For a descendant in another pool the member is found through `outer`: the nearest living member of each pool on the way up.
//! Ended members forget their lenders and ancestors, so a long chain of jobs keeps no memory and is never dropped recursively.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::heart::Core;
use crate::slots::{Grant, Line, Refusal, Ticket};
use crate::sync::{Mutex, MutexGuard, lock};

/// The nearest members of other pools among a job's ancestors.
pub(crate) type Outer = Option<Arc<Vec<Arc<Member>>>>;

/// Who a job is.
pub(crate) struct Lineage {
    pub(crate) core: Arc<Core>,
    lender: Option<Arc<Member>>,
    outer: Outer,
    member: Option<Arc<Member>>,
}

thread_local! {
    static CURRENT: RefCell<Option<Lineage>> = const { RefCell::new(None) };
}

/// The record of one job that has met greenpool from inside.
pub(crate) struct Member {
    core: Arc<Core>,
    standing: Mutex<Standing>,
}

struct Standing {
    /// Has its slot: neither lent nor ended.
    holds: bool,
    ended: bool,
    /// Verbs that are pending in this job.
    blocked: usize,
    /// Verbs that are ready, but for the slot.
    resuming: usize,
    /// The place in the pool's queue of those who want to go on.
    ticket: Option<Ticket>,
    wakers: Vec<Waker>,
    /// Tickets of descendants, in order; those that have been served meanwhile are passed over.
    wants: VecDeque<Ticket>,
    lender: Option<Arc<Member>>,
    outer: Outer,
}

impl Lineage {
    /// A job of `core` that begins now.
    pub(crate) fn new(core: Arc<Core>, lender: Option<Arc<Member>>, outer: Outer) -> Self {
        Lineage {
            core,
            lender,
            outer,
            member: None,
        }
    }

    /// The same job once more, in another future.
    pub(crate) fn of(member: Arc<Member>) -> Self {
        let outer = lock(&member.standing).outer.clone();
        Lineage {
            core: member.core.clone(),
            lender: None,
            outer,
            member: Some(member),
        }
    }

    fn member(&mut self) -> &Arc<Member> {
        self.member.get_or_insert_with(|| {
            let standing = Standing {
                holds: true,
                ended: false,
                blocked: 0,
                resuming: 0,
                ticket: None,
                wakers: Vec::new(),
                wants: VecDeque::new(),
                lender: self.lender.take(),
                outer: self.outer.clone(),
            };
            Arc::new(Member {
                core: self.core.clone(),
                standing: Mutex::new(standing),
            })
        })
    }

    /// What a child in `core` must know of its ancestors in other pools.
    fn heritage(&mut self, core: &Arc<Core>) -> Outer {
        if Arc::ptr_eq(&self.core, core) {
            return self.outer.clone();
        }
        let mut outer = vec![self.member().clone()];
        let elders = self.outer.iter().flat_map(|outer| outer.iter());
        outer.extend(
            elders
                .filter(|elder| !Arc::ptr_eq(&elder.core, core) && !elder.has_ended())
                .cloned(),
        );
        Some(Arc::new(outer))
    }

    /// The nearest member of `core`: this job, or an ancestor.
    fn nearest(&mut self, core: &Arc<Core>) -> Option<Arc<Member>> {
        if Arc::ptr_eq(&self.core, core) {
            return Some(self.member().clone());
        }
        let outer = self.outer.as_ref()?;
        outer
            .iter()
            .find(|elder| Arc::ptr_eq(&elder.core, core))
            .cloned()
    }

    /// The job is over: its slot goes back to the lender, or to the pool.
    pub(crate) fn end(&mut self) {
        let lender = match self.member.take() {
            None => self.lender.take(),
            Some(member) => match member.end() {
                Some(lender) => lender,
                None => return,
            },
        };
        give_back(&self.core, lender);
    }

    /// The job is over, and the next one begins in the same slot, if that is still there.
    pub(crate) fn again(&mut self) -> bool {
        let Some(member) = self.member.take() else {
            return true;
        };
        match member.end() {
            Some(lender) => {
                self.lender = lender;
                true
            }
            None => false,
        }
    }

    /// Runs `f` as this job.
    pub(crate) fn enter<R>(this: &mut Option<Lineage>, f: impl FnOnce() -> R) -> R {
        struct Swapped<'a>(&'a mut Option<Lineage>);
        impl Drop for Swapped<'_> {
            fn drop(&mut self) {
                swap_current(self.0);
            }
        }
        swap_current(this);
        let _swapped = Swapped(this);
        f()
    }
}

/// Gives a slot back to the first in the chain of lenders who lacks one, or to the pool.
pub(crate) fn give_back(core: &Core, mut lender: Option<Arc<Member>>) {
    while let Some(member) = lender {
        match member.take_back() {
            Ok(()) => return,
            Err(next) => lender = next,
        }
    }
    core.slots.release();
}

fn swap_current(with: &mut Option<Lineage>) {
    // While the thread's locals are being destroyed there is no current job, and the lineage stays where it is.
    let _ = CURRENT.try_with(|current| std::mem::swap(&mut *current.borrow_mut(), with));
}

fn with_current<R>(f: impl FnOnce(&mut Lineage) -> R) -> Option<R> {
    CURRENT
        .try_with(|current| current.borrow_mut().as_mut().map(f))
        .ok()
        .flatten()
}

/// Whether a job of `core` is running here.
pub(crate) fn is_inside(core: &Arc<Core>) -> bool {
    with_current(|current| Arc::ptr_eq(&current.core, core)).unwrap_or(false)
}

/// What a job that is to begin in `core` must know of those above it.
pub(crate) fn heritage(core: &Arc<Core>) -> Outer {
    with_current(|current| current.heritage(core)).flatten()
}

/// The member that a ticket for `core` taken here may borrow from.
pub(crate) fn nearest(core: &Arc<Core>) -> Option<Arc<Member>> {
    with_current(|current| current.nearest(core)).flatten()
}

/// The member of the job that is running here.
pub(crate) fn me() -> Option<Arc<Member>> {
    with_current(|current| current.member().clone())
}

/// Whether that is the job that is running here.
pub(crate) fn is_me(member: &Arc<Member>) -> bool {
    me_if_known().is_some_and(|me| Arc::ptr_eq(&me, member))
}

/// Likewise, if it has ever waited; otherwise it holds its slot for certain.
fn me_if_known() -> Option<Arc<Member>> {
    with_current(|current| current.member.clone()).flatten()
}

impl Member {
    fn has_ended(&self) -> bool {
        lock(&self.standing).ended
    }

    /// A descendant waits with this ticket in this member's pool.
    pub(crate) fn want(self: &Arc<Self>, ticket: Ticket) {
        let mut standing = lock(&self.standing);
        if standing.ended {
            return;
        }
        if standing.wants.len() == standing.wants.capacity() {
            standing
                .wants
                .retain(|ticket| self.core.slots.is_queued(*ticket));
        }
        standing.wants.push_back(ticket);
        self.lend_if_blocked(standing);
    }

    fn lend_if_blocked(self: &Arc<Self>, mut standing: MutexGuard<'_, Standing>) {
        while standing.holds && standing.blocked > 0 && standing.resuming == 0 {
            let Some(ticket) = standing.wants.pop_front() else {
                return;
            };
            if let Ok(waker) = self.core.slots.lend(ticket, self.clone()) {
                standing.holds = false;
                drop(standing);
                if let Some(waker) = waker {
                    waker.wake();
                }
                return;
            }
        }
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
        self.lend_if_blocked(standing);
        // With no lock held: cancelling may wake others.
        if ticket
            .and_then(|ticket| self.core.slots.cancel(ticket))
            .is_some()
        {
            self.core.slots.release();
        }
        wakers.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Gives the slot to the pool, if this member has it. A lender gets back the slot that the job ends with.
    pub(crate) fn part(&self) {
        let held = std::mem::replace(&mut lock(&self.standing).holds, false);
        if held {
            self.core.slots.release();
        }
    }

    /// The job is over. If it had its slot, gives the lender to return it to.
    fn end(&self) -> Option<Option<Arc<Member>>> {
        let mut standing = lock(&self.standing);
        standing.ended = true;
        let held = std::mem::replace(&mut standing.holds, false);
        // While the slot is lent out, the borrower will ask for the lender.
        let lender = if held { standing.lender.take() } else { None };
        let outer = standing.outer.take();
        let wakers = std::mem::take(&mut standing.wakers);
        standing.wants = VecDeque::new();
        let ticket = standing.ticket.take();
        drop(standing);
        drop((outer, wakers));
        if ticket
            .and_then(|ticket| self.core.slots.cancel(ticket))
            .is_some()
        {
            self.core.slots.release();
        }
        held.then_some(lender)
    }
}

impl Wake for Member {
    fn wake(self: Arc<Self>) {
        let mut standing = lock(&self.standing);
        self.collect(&mut standing);
        let wakers = std::mem::take(&mut standing.wakers);
        // Whoever wanted to go on may have been dropped meanwhile.
        self.lend_if_blocked(standing);
        wakers.into_iter().for_each(Waker::wake);
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
    resuming: bool,
}

impl Blocked {
    /// The verb waits. If the job's slot is wanted by a descendant, it is lent now.
    pub(crate) fn pend(&mut self) {
        let Some(me) = me() else { return self.clear() };
        match &self.0 {
            Some(block) if Arc::ptr_eq(&block.member, &me) => {}
            _ => {
                self.clear();
                let mut standing = lock(&me.standing);
                standing.blocked += 1;
                me.lend_if_blocked(standing);
                self.0 = Some(Block {
                    member: me,
                    resuming: false,
                });
            }
        }
    }

    /// The verb is ready: waits until the job has its slot.
    pub(crate) fn poll_resume(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let member = match &self.0 {
            Some(block) => block.member.clone(),
            None => match me_if_known() {
                Some(member) => member,
                None => return Poll::Ready(()),
            },
        };
        let mut standing = lock(&member.standing);
        if !standing.holds && !standing.ended {
            member.resume(&mut standing);
        }
        if !standing.holds && !standing.ended {
            if !standing.wakers.iter().any(|old| old.will_wake(cx.waker())) {
                standing.wakers.push(cx.waker().clone());
            }
            match &mut self.0 {
                Some(block) if block.resuming => {}
                Some(block) => {
                    block.resuming = true;
                    standing.resuming += 1;
                }
                None => {
                    standing.resuming += 1;
                    standing.blocked += 1;
                    self.0 = Some(Block {
                        member: member.clone(),
                        resuming: true,
                    });
                }
            }
            return Poll::Pending;
        }
        drop(standing);
        self.clear();
        Poll::Ready(())
    }

    /// The verb is over.
    pub(crate) fn clear(&mut self) {
        if let Some(block) = self.0.take() {
            let mut standing = lock(&block.member.standing);
            standing.blocked -= 1;
            standing.resuming -= usize::from(block.resuming);
            // Another verb may be pending, and has let this one go first.
            block.member.lend_if_blocked(standing);
        }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Member {
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
        if self
            .core
            .slots
            .poll(ticket, &Waker::from(self.clone()))
            .is_ready()
        {
            standing.ticket = None;
            standing.holds = true;
        }
    }
}

/// A claim on a slot: a place in the queue, from which it can also be served by a loan.
pub(crate) struct Acquire {
    core: Arc<Core>,
    ticket: Ticket,
}

/// What [`Acquire::begin`] found.
pub(crate) enum Begun {
    Acquired,
    Queued(Acquire),
    Closed,
}

impl Acquire {
    /// Takes a slot if one is free, else a place in the queue, and asks `above` to lend one.
    pub(crate) fn begin(core: &Arc<Core>, above: impl FnOnce() -> Option<Arc<Member>>) -> Begun {
        match core.slots.try_acquire() {
            Ok(()) => return Begun::Acquired,
            Err(Refusal::Closed) => return Begun::Closed,
            Err(Refusal::Full) => {}
        }
        match core.slots.enqueue(Line::Waiters) {
            Ok(None) => Begun::Acquired,
            Err(_) => Begun::Closed,
            Ok(Some(ticket)) => {
                if let Some(member) = above() {
                    member.want(ticket);
                }
                Begun::Queued(Acquire {
                    core: core.clone(),
                    ticket,
                })
            }
        }
    }

    /// Ready with the lender of the slot, if it is a loan, or with an error if the queue was sent home.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Arc<Member>>, Refused>> {
        self.core
            .slots
            .poll(self.ticket, cx.waker())
            .map(|grant| match grant {
                Some(Grant::Slot(lender)) => Ok(lender),
                Some(Grant::Refused) | None => Err(Refused),
            })
    }

    /// For those who wait for the job that this will be.
    pub(crate) fn claim(&self) -> Claim {
        Claim {
            core: self.core.clone(),
            ticket: self.ticket,
        }
    }
}

/// A queued ticket, seen from outside.
#[derive(Clone)]
pub(crate) struct Claim {
    core: Arc<Core>,
    ticket: Ticket,
}

impl Claim {
    /// The job that is running here waits for this ticket, and may lend it a slot.
    pub(crate) fn want(&self) {
        if let Some(member) = nearest(&self.core) {
            member.want(self.ticket);
        }
    }

    /// Likewise for a job of the same pool that waits elsewhere.
    pub(crate) fn offer(&self, member: &Arc<Member>) {
        member.want(self.ticket);
    }

    /// Whether nobody else is queued.
    pub(crate) fn is_alone(&self) -> bool {
        self.core.slots.only_queued(self.ticket)
    }
}

/// The queue was sent home.
pub(crate) struct Refused;

impl Drop for Acquire {
    fn drop(&mut self) {
        if let Some(Grant::Slot(lender)) = self.core.slots.cancel(self.ticket) {
            give_back(&self.core, lender);
        }
    }
}
