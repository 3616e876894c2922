//! The pages that replies are allocated in, and the part of a reply that depends on the type of the result.
//!
//! # Implementation details
//!
//! A job with a handle needs a [`Reply`], and a job that waits should cost no more memory than a task. In an allocation
//! of its own, a reply would also need two reference counts, its pool and its group, which is more than half of the
//! total. So replies share a page, which has these once. The first page for a type of result has one reply, and each
//! later one has twice as many, up to [`PAGE_MAX`] and to a page of 1 KiB. A page stays in memory as long as one of its
//! replies is in use, so a handle that is kept for long keeps no more than that beside its own result.
//!
//! All this is compiled once for each type of result, so almost all that a reply does is in
//! [`reply_ref`](crate::job::reply_ref), which is not generic.

use std::any::{Any, TypeId};
use std::sync::{Arc, Weak};

use crate::inner::Inner;
use crate::job::error::JoinError;
use crate::job::reply_ref::{AnyStage, Look, PAGE_MAX, PageHead, Pending, Plain, Reply, ReplyRef, ReplyState, cleared};
use crate::sync::Mutex;

/// The most bytes that the replies of one page take together, if there are several.
const PAGE_BYTES: usize = 1024;

/// Replies to jobs of one group of workers.
pub(crate) struct Page<T> {
    pub(super) head: PageHead,
    first: Reply<Stage<T>>,
    more: Vec<Reply<Stage<T>>>,
}

/// How far a job has come.
pub(super) enum Stage<T> {
    /// The job has not ended. It may not have begun.
    Pending(Pending),
    /// It has ended with this result.
    Ready(Result<T, JoinError>),
    /// The result was taken; id and `is_finished` still work.
    Taken,
}

impl<T> AnyStage for Stage<T> {
    fn look(&mut self) -> Look<'_> {
        match self {
            Stage::Pending(pending) => Look::Pending(pending),
            Stage::Ready(Ok(_)) => Look::Value,
            Stage::Ready(Err(error)) => Look::Error(error),
            Stage::Taken => Look::Taken,
        }
    }

    fn set(&mut self, stage: Plain) {
        *self = stage.into();
    }
}

impl<T> From<Plain> for Stage<T> {
    #[inline]
    fn from(plain: Plain) -> Self {
        match plain {
            Plain::Pending => Stage::Pending(Pending::default()),
            Plain::Error(error) => Stage::Ready(Err(error)),
            Plain::Taken => Stage::Taken,
        }
    }
}

impl<T> ReplyState<Stage<T>> {
    fn new() -> Reply<Stage<T>> {
        Mutex::new(ReplyState { extra: None, stage: Stage::Pending(Pending::default()) })
    }

    /// Takes the result, if there is one. The reply is then ready for the next job, unless it is retired.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Result<T, JoinError>> {
        if !matches!(self.stage, Stage::Ready(_)) {
            return None;
        }
        match std::mem::replace(&mut self.stage, cleared(self.extra.as_deref()).into()) {
            Stage::Ready(result) => Some(result),
            _ => None,
        }
    }
}

impl<T> Page<T> {
    /// The most replies that a page may have.
    const fn most() -> u8 {
        match PAGE_BYTES / size_of::<Reply<Stage<T>>>() {
            0 => 1,
            #[expect(clippy::cast_possible_truncation, reason = "it is less than PAGE_MAX")]
            fits if fits < PAGE_MAX as usize => fits as u8,
            _ => PAGE_MAX,
        }
    }

    fn new(head: PageHead) -> Arc<Self> {
        // An iterator would be compiled once more for each type of result.
        let mut more = Vec::with_capacity(usize::from(head.len) - 1);
        for _ in 1..head.len {
            more.push(ReplyState::new());
        }
        Arc::new(Page { head, first: ReplyState::new(), more })
    }

    #[inline]
    pub(super) fn reply(&self, at: u8) -> &Reply<Stage<T>> {
        match at {
            0 => &self.first,
            _ => &self.more[usize::from(at) - 1],
        }
    }

    /// The same, for code that does not know the type.
    #[inline]
    pub(crate) fn view(&self, at: u8) -> ReplyRef<'_> {
        ReplyRef { head: &self.head, reply: self.reply(at), at }
    }
}

/// Allocates replies from the newest page. The reference is weak, since a page keeps its pool alive.
pub(crate) struct ReplyAlloc {
    /// The number of the group of workers that run the jobs.
    group: u32,
    page: Option<Weak<dyn Any + Send + Sync>>,
    /// The type of that page, and its number of replies.
    page_type: TypeId,
    len: u8,
    allocated: u8,
}

impl ReplyAlloc {
    pub(crate) fn new(group: u32) -> Self {
        ReplyAlloc { group, page: None, page_type: TypeId::of::<()>(), len: 0, allocated: 0 }
    }

    /// A new reply for a job of that pool, which must be [claimed](PageHead::try_claim).
    pub(super) fn alloc<T>(&mut self, inner: &Arc<Inner>) -> (Arc<Page<T>>, u8)
    where
        T: Send + 'static,
    {
        let most = const { Page::<T>::most() };
        let (page, at) = self.alloc_in(inner, TypeId::of::<Page<T>>(), most, |head| Page::<T>::new(head));
        match page.downcast() {
            Ok(page) => (page, at),
            Err(_) => unreachable!("it has this type"),
        }
    }

    // Not generic, so that it is compiled once.
    fn alloc_in(
        &mut self,
        inner: &Arc<Inner>,
        page_type: TypeId,
        most: u8,
        make: MakePage,
    ) -> (Arc<dyn Any + Send + Sync>, u8) {
        let last = self.page.as_ref().and_then(Weak::upgrade).filter(|_| self.page_type == page_type);
        let page = match last {
            Some(page) if self.allocated < self.len => page,
            last => {
                self.len = last.map_or(1, |_| (2 * self.len).min(most));
                let page = make(PageHead::new(inner, self.group, self.len));
                self.page = Some(Arc::downgrade(&page));
                (self.page_type, self.allocated) = (page_type, 0);
                page
            }
        };
        self.allocated += 1;
        (page, self.allocated - 1)
    }
}

type MakePage = fn(PageHead) -> Arc<dyn Any + Send + Sync>;
