//! Which job is running here, whose slot it holds, and how slots are lent.
//!
//! # Implementation details
//!
//! Around each poll of a job its [`JobContext`] stands in a thread-local. So a verb of greenpool that is awaited inside a job
//! knows the job. Most jobs never wait for greenpool, and cost no more than that; the first time one does, it gets a
//! [`Member`], the shared record of who holds its slot.
//!
//! A member that is *blocked* (some verb of greenpool is pending in it) does not need its slot. If its own pool has a queued
//! ticket that it waits for (a child it spawns, the next item of a map, an entry of a pile), the member *lends* its slot to that ticket: the slot stays taken, the child is a job of its own, and
//! when it ends the slot comes back to the lender. A verb that becomes ready while the slot is away waits until it is back, or
//! until another slot of the pool comes free: resumers stand before all waiters.
//!
//! Pools that wait for each other are another matter, see [`knot`](crate::lending::deadlock).
//!
//! Ended members forget their lenders, so a long chain of jobs keeps no memory and is never dropped recursively.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Weak};

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::inner::tracked::JobStatus;
use crate::lending::deadlock;

/// Who a job is. (A lender is always of the same pool.)
pub(crate) enum JobContext {
    /// It has a slot of the pool's own, and has never waited for greenpool.
    Plain(Arc<Inner>),
    /// It has a slot that this member has lent to it, and has never waited for greenpool.
    Borrowed(Arc<Member>),
    /// It has waited; and which of the member's futures this is.
    Member(Arc<Member>, u32),
}

thread_local! {
    static CURRENT: RefCell<Option<JobContext>> = const { RefCell::new(None) };
    /// What is to be known of it all the time.
    static KIND: Cell<Kind> = const { Cell::new(Kind::None) };
}

/// What runs here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// No job, or nothing that is a part of one.
    None,
    /// A job that has a slot of the pool's own, and has never waited for greenpool.
    Plain,
    /// A job with a slot that was lent to it, which has never waited for greenpool.
    Borrowed,
    /// A job that has waited for greenpool.
    Member,
}

/// Runs `f` as what is not a part of the job that runs here: a source, a waker.
#[inline]
pub(crate) fn outside<R>(f: impl FnOnce() -> R) -> R {
    let was = KIND.replace(Kind::None);
    // If it panics, whoever has entered the job puts that right.
    let result = f();
    KIND.set(was);
    result
}

impl JobContext {
    /// The same job once more, in another future.
    pub(crate) fn of(member: Arc<Member>) -> Self {
        let branch = member.join();
        JobContext::Member(member, branch)
    }

    /// That other future is gone.
    pub(crate) fn leave(&self) {
        if let JobContext::Member(member, branch) = self {
            member.leave(*branch);
        }
    }

    /// Somebody who works for the pool and may wait for others, but is no job.
    pub(crate) fn outsider(member: &Arc<Member>) -> Self {
        JobContext::Member(member.clone(), 0)
    }

    #[inline]
    pub(crate) fn inner(&self) -> &Arc<Inner> {
        match self {
            JobContext::Plain(inner) => inner,
            JobContext::Borrowed(member) | JobContext::Member(member, _) => member.inner(),
        }
    }

    fn is_outsider(&self) -> bool {
        matches!(self, JobContext::Member(member, _) if member.is_outsider())
    }

    /// Of the job that runs here.
    fn member(&mut self) -> (&Arc<Member>, u32) {
        KIND.set(Kind::Member);
        let lender = match self {
            JobContext::Plain(_) | JobContext::Member(..) => None,
            JobContext::Borrowed(lender) => Some(lender.clone()),
        };
        if !matches!(self, JobContext::Member(..)) {
            *self = JobContext::Member(Member::new(self.inner().clone(), lender, deadlock::resumed), 0);
        }
        match self {
            JobContext::Member(member, branch) => (member, *branch),
            _ => unreachable!("it has just been made known"),
        }
    }

    /// The job is over: its slot goes back to the lender, or to the pool.
    #[inline]
    pub(crate) fn end(self) {
        self.inner().awaited_by.count_end();
        self.release();
    }

    /// Gives the slot back to the lender, or to the pool.
    #[inline]
    pub(crate) fn release(self) {
        match self {
            JobContext::Plain(inner) => deadlock::release(&inner, None),
            JobContext::Borrowed(lender) => deadlock::release(&lender.inner().clone(), Some(lender)),
            JobContext::Member(member, _) => deadlock::end(&member),
        }
    }

    #[inline]
    fn kind(&self) -> Kind {
        match self {
            JobContext::Plain(_) => Kind::Plain,
            JobContext::Borrowed(_) => Kind::Borrowed,
            JobContext::Member(..) => Kind::Member,
        }
    }

    /// Runs `f` as this job.
    #[inline]
    pub(crate) fn enter<R>(this: &mut Option<JobContext>, f: impl FnOnce() -> R) -> R {
        struct Swapped<'a>(&'a mut Option<JobContext>, Kind);
        impl Drop for Swapped<'_> {
            #[inline]
            fn drop(&mut self) {
                KIND.set(self.1);
                swap_current(self.0);
                if let Some(JobContext::Member(member, branch)) = self.0 {
                    deadlock::run(member, member.end_poll(*branch));
                }
            }
        }
        if let Some(JobContext::Member(member, branch)) = this {
            member.begin_poll(*branch);
        }
        let was = KIND.replace(this.as_ref().map_or(Kind::None, JobContext::kind));
        swap_current(this);
        let _swapped = Swapped(this, was);
        f()
    }
}

#[inline]
fn swap_current(with: &mut Option<JobContext>) {
    // While the thread's locals are being destroyed there is no current job, and the lineage stays where it is.
    let _ = CURRENT.try_with(|current| std::mem::swap(&mut *current.borrow_mut(), with));
}

#[inline]
fn with_current<R>(f: impl FnOnce(&mut JobContext) -> R) -> Option<R> {
    if KIND.get() == Kind::None {
        return None;
    }
    CURRENT.try_with(|current| current.borrow_mut().as_mut().map(f)).ok().flatten()
}

/// Whether a job of `inner` is running here.
pub(crate) fn is_inside(inner: &Arc<Inner>) -> bool {
    with_current(|current| Arc::ptr_eq(current.inner(), inner) && !current.is_outsider()).unwrap_or(false)
}

/// The member that a ticket for `inner` taken here may borrow from: the job that is running here, if it is of that pool.
pub(crate) fn member_of(inner: &Arc<Inner>) -> Option<Arc<Member>> {
    with_current(|current| Arc::ptr_eq(current.inner(), inner).then(|| current.member().0.clone())).flatten()
}

/// The member of the job that is running here, and which of its futures is being polled.
pub(crate) fn current() -> Option<(Arc<Member>, u32)> {
    with_current(|current| {
        let (member, branch) = current.member();
        (member.clone(), branch)
    })
}

/// Whether any job is running here.
#[inline]
pub(crate) fn is_job() -> bool {
    KIND.get() != Kind::None
}

/// Whether the job that is running here has a slot of the pool's own and has never waited for greenpool.
#[inline]
pub(crate) fn is_plain() -> bool {
    KIND.get() == Kind::Plain
}

/// Whether that is the job that is running here.
pub(crate) fn is_current(member: &Arc<Member>) -> bool {
    current_member().is_some_and(|(me, _)| Arc::ptr_eq(&me, member))
}

/// Whether the job that is running here has ever waited for greenpool; if not it holds its slot for certain.
#[inline]
pub(crate) fn is_member() -> bool {
    KIND.get() == Kind::Member
}

/// The member of the job that is running here, if it has ever waited.
pub(crate) fn current_member() -> Option<(Arc<Member>, u32)> {
    let known = with_current(|current| match current {
        JobContext::Member(member, branch) => Some((member.clone(), *branch)),
        _ => None,
    });
    known.flatten()
}

/// How the job does that is running here, if it has ever waited.
pub(crate) fn status() -> Option<Weak<dyn JobStatus>> {
    let (me, _) = current_member()?;
    let me: Arc<dyn JobStatus> = me;
    Some(Arc::downgrade(&me))
}
