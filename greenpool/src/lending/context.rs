//! The job that runs on this thread, and the permit it runs with.
//!
//! # Implementation details
//!
//! Each poll of a job puts its [`JobContext`] into a thread-local, so a verb that is awaited inside a job knows the
//! job. Most jobs never wait for greenpool, and this is all they pay. A job gets a [`Member`], a record that others can
//! see, when it first waits or first may have to lend its slot.
//!
//! A second thread-local, [`Kind`], holds what the fast paths ask: one load of a `Cell`, with no borrow.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::inner::tracked::JobStatus;
use crate::lending::deadlock;
use crate::sync::slots::gates::Hold;

/// What a job is to greenpool's verbs. A lender is always a job of the same pool.
pub(crate) enum JobContext {
    /// It has one of the pool's own slots, and has never waited for greenpool.
    Plain(Arc<Inner>),
    /// It has a slot that this member lent it, and has never waited for greenpool.
    Borrowed(Arc<Member>),
    /// It has a key, and has never waited for greenpool.
    Keyed(Box<KeyedSlot>),
    /// It has waited. The number is the branch of the member that this future is.
    Member(Arc<Member>, u32),
}

/// The slot and the key of a job that has never waited for greenpool.
pub(crate) struct KeyedSlot {
    inner: Arc<Inner>,
    lender: Option<Arc<Member>>,
    key: Hold,
}

impl KeyedSlot {
    pub(crate) fn new(inner: &Arc<Inner>, lender: Option<Arc<Member>>, key: Hold) -> Self {
        KeyedSlot { inner: inner.clone(), lender, key }
    }
}

thread_local! {
    static CURRENT: RefCell<Option<JobContext>> = const { RefCell::new(None) };
    /// The kind of `CURRENT`, or `None` inside [`outside`].
    static KIND: Cell<Kind> = const { Cell::new(Kind::None) };
}

/// What runs on this thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// No job, or code that is not part of one.
    None,
    /// A job with one of the pool's own slots that has never waited for greenpool.
    Plain,
    /// A job with a borrowed slot, or with a key, that has never waited for greenpool.
    Other,
    /// A job that has waited for greenpool.
    Member,
}

/// Runs `f`, which is not part of the job that runs on this thread: a source or a waker.
#[inline]
pub(crate) fn outside<R>(f: impl FnOnce() -> R) -> R {
    let was = KIND.replace(Kind::None);
    // If `f` panics, `JobContext::enter` restores the kind.
    let result = f();
    KIND.set(was);
    result
}

impl JobContext {
    /// Another branch of the same job.
    pub(crate) fn new_branch(member: Arc<Member>) -> Self {
        let branch = member.add_branch();
        JobContext::Member(member, branch)
    }

    /// The future that was this branch has been dropped.
    pub(crate) fn remove_branch(&self) {
        if let JobContext::Member(member, branch) = self {
            deadlock::run(member, member.remove_branch(*branch));
        }
    }

    /// Whether this is a branch of a job that has ended.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self, JobContext::Member(member, _) if member.has_ended())
    }

    /// Whether a branch of the same job runs on this thread.
    pub(crate) fn is_current(&self) -> bool {
        let current = current_member();
        self.as_member().zip(current).is_some_and(|(member, (current, _))| Arc::ptr_eq(member, &current))
    }

    /// Ready if the job may be polled, because it has its slot, which it keeps until then. Otherwise wakes `cx` when it
    /// has one.
    #[inline]
    pub(crate) fn poll_slot(&self, cx: &Context<'_>) -> Poll<()> {
        match self {
            JobContext::Plain(_) | JobContext::Borrowed(_) | JobContext::Keyed(_) => Poll::Ready(()),
            JobContext::Member(member, branch) => {
                member.set_task(*branch, cx.waker());
                deadlock::poll_slot(member, Some(*branch))
            }
        }
    }

    /// A task that works for the pool and may wait for jobs, but is no job.
    pub(crate) fn outsider(member: &Arc<Member>) -> Self {
        JobContext::Member(member.clone(), 0)
    }

    #[inline]
    pub(crate) fn inner(&self) -> &Arc<Inner> {
        match self {
            JobContext::Plain(inner) => inner,
            JobContext::Borrowed(member) | JobContext::Member(member, _) => member.inner(),
            JobContext::Keyed(slot) => &slot.inner,
        }
    }

    /// The record of the job, if it has waited for greenpool.
    #[inline]
    pub(crate) fn as_member(&self) -> Option<&Arc<Member>> {
        match self {
            JobContext::Member(member, _) => Some(member),
            JobContext::Plain(_) | JobContext::Borrowed(_) | JobContext::Keyed(_) => None,
        }
    }

    fn is_outsider(&self) -> bool {
        matches!(self, JobContext::Member(member, _) if member.is_outsider())
    }

    /// The member of this job and its branch, made now if there is none yet. This must be the job that runs here.
    fn member(&mut self) -> (&Arc<Member>, u32) {
        KIND.set(Kind::Member);
        let (lender, key) = match self {
            JobContext::Plain(_) | JobContext::Member(..) => (None, None),
            JobContext::Borrowed(lender) => (Some(lender.clone()), None),
            JobContext::Keyed(slot) => (slot.lender.clone(), Some(slot.key)),
        };
        if !matches!(self, JobContext::Member(..)) {
            let member = Member::with_key(self.inner().clone(), lender, key, deadlock::resumed);
            if let Some(key) = key {
                member.inner().slots.introduce(key, member.clone());
            }
            *self = JobContext::Member(member, 0);
        }
        match self {
            JobContext::Member(member, branch) => (member, *branch),
            _ => unreachable!("the context has just become a member"),
        }
    }

    /// Ends the job: counts its end, then gives its slot back to the lender or to the pool.
    #[inline]
    pub(crate) fn end(self) {
        self.inner().awaited_by.count_end();
        self.release();
    }

    /// Gives the slot back to the lender or to the pool.
    #[inline]
    pub(crate) fn release(self) {
        match self {
            JobContext::Plain(inner) => deadlock::release(&inner, None),
            JobContext::Borrowed(lender) => deadlock::release(&lender.inner().clone(), Some(lender)),
            JobContext::Keyed(slot) => {
                let KeyedSlot { inner, lender, key } = *slot;
                deadlock::release_keyed(&inner, lender, key);
            }
            JobContext::Member(member, _) => deadlock::end(&member),
        }
    }

    #[inline]
    fn kind(&self) -> Kind {
        match self {
            JobContext::Plain(_) => Kind::Plain,
            JobContext::Borrowed(_) | JobContext::Keyed(_) => Kind::Other,
            JobContext::Member(..) => Kind::Member,
        }
    }

    /// Runs `f` as this job, which must have a [slot](Self::poll_slot).
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
    // While the thread-locals are being destroyed there is no current job, and the context stays where it is.
    let _ = CURRENT.try_with(|current| std::mem::swap(&mut *current.borrow_mut(), with));
}

#[inline]
fn with_current<R>(f: impl FnOnce(&mut JobContext) -> R) -> Option<R> {
    if KIND.get() == Kind::None {
        return None;
    }
    CURRENT.try_with(|current| current.borrow_mut().as_mut().map(f)).ok().flatten()
}

/// Whether a job of `inner` runs here.
pub(crate) fn is_inside(inner: &Arc<Inner>) -> bool {
    with_current(|current| Arc::ptr_eq(current.inner(), inner) && !current.is_outsider()).unwrap_or(false)
}

/// The member of the job that runs here, if it is a job of `inner`. A ticket of that pool taken here may borrow its
/// slot.
pub(crate) fn member_of(inner: &Arc<Inner>) -> Option<Arc<Member>> {
    with_current(|current| Arc::ptr_eq(current.inner(), inner).then(|| current.member().0.clone())).flatten()
}

/// The member of the job that runs here, and the branch that is being polled.
pub(crate) fn current() -> Option<(Arc<Member>, u32)> {
    with_current(|current| {
        let (member, branch) = current.member();
        (member.clone(), branch)
    })
}

/// Whether a job runs here.
#[inline]
pub(crate) fn is_job() -> bool {
    KIND.get() != Kind::None
}

/// Whether the job that runs here has one of the pool's own slots and has never waited for greenpool.
#[inline]
pub(crate) fn is_plain() -> bool {
    KIND.get() == Kind::Plain
}

/// Whether the job that runs here has ever waited for greenpool. If not, it certainly holds its slot.
#[inline]
pub(crate) fn is_member() -> bool {
    KIND.get() == Kind::Member
}

/// The member and the branch of the job that runs here, if it has ever waited.
pub(crate) fn current_member() -> Option<(Arc<Member>, u32)> {
    let member = with_current(|current| match current {
        JobContext::Member(member, branch) => Some((member.clone(), *branch)),
        _ => None,
    });
    member.flatten()
}

/// The status of the job that runs here, if it has ever waited.
pub(crate) fn status() -> Option<Weak<dyn JobStatus>> {
    let (me, _) = current_member()?;
    let me: Arc<dyn JobStatus> = me;
    Some(Arc::downgrade(&me))
}
