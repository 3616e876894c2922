//! The memory of replies. Several share a page, and with it what is the same for all of them.
//!
//! # Implementation details
//!
//! A job with a handle needs a [`Reply`], and a job that waits should cost as little as a task. In a piece of memory of its own a reply would have two counts of
//! references, its pool and its gang besides, more than half of it. So they are dealt out from pages. The first page for a kind of result has one reply, and
//! each that follows it has twice as many, up to [`MOST`]. A page is there as long as one of its replies is in use.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Weak};

use crate::inner::Core;
use crate::job::reply::Reply;

/// So many replies are in a page at most. One of them that is in use keeps all.
const MOST: usize = 16;

// Who finds a reply free finds it as its last user has left it: Acquire and Release.
const FREE: u8 = 0;
const IN_USE: u8 = 1;
const SPENT: u8 = 2;

/// Replies to jobs of one gang.
pub(crate) struct Page<T> {
    core: Arc<Core>,
    gang: u32,
    /// Some job in it has been told to end, or has lost its handle before it ended. Until then no worker has to ask.
    asked: AtomicBool,
    /// What can be done with each reply.
    uses: [AtomicU8; MOST],
    first: Reply<T>,
    more: Box<[Reply<T>]>,
}

impl<T> Page<T> {
    fn new(core: &Arc<Core>, gang: u32, replies: usize) -> Arc<Self> {
        let more = (1..replies).map(|_| Reply::new()).collect();
        let (asked, uses) = (AtomicBool::new(false), [const { AtomicU8::new(FREE) }; MOST]);
        Arc::new(Page { core: core.clone(), gang, asked, uses, first: Reply::new(), more })
    }

    fn len(&self) -> usize {
        1 + self.more.len()
    }

    #[inline]
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    #[inline]
    pub(crate) fn reply(&self, at: u8) -> &Reply<T> {
        match at {
            0 => &self.first,
            _ => &self.more[usize::from(at) - 1],
        }
    }

    /// Begins to use a reply, if it is free. (There is one at a time who would use it.)
    #[inline]
    pub(crate) fn take(&self, at: u8) -> bool {
        let is_free = self.uses[usize::from(at)].load(Ordering::Acquire) == FREE;
        if is_free {
            self.uses[usize::from(at)].store(IN_USE, Ordering::Relaxed);
        }
        is_free
    }

    /// Nobody uses the reply any more, which is as new.
    #[inline]
    pub(crate) fn give_back(&self, at: u8) {
        if self.uses[usize::from(at)].load(Ordering::Relaxed) == IN_USE {
            self.uses[usize::from(at)].store(FREE, Ordering::Release);
        }
    }

    /// Nobody is to use the reply again, which is in use.
    pub(crate) fn spend(&self, at: u8) {
        self.uses[usize::from(at)].store(SPENT, Ordering::Relaxed);
    }

    /// A worker is to ask the reply.
    pub(crate) fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Wakes the worker that has this key in the gang.
    pub(crate) fn rouse(&self, worker: u32) {
        self.core.rouse(self.gang, worker);
    }
}

/// What replies are dealt from. It does not keep the page, which keeps the pool.
#[derive(Default)]
pub(crate) struct Deck {
    page: Option<Weak<dyn Any + Send + Sync>>,
    dealt: u8,
}

impl Deck {
    /// A new reply, for a job of that pool and gang, which is in use then.
    pub(crate) fn deal<T>(&mut self, core: &Arc<Core>, gang: u32) -> (Arc<Page<T>>, u8)
    where
        T: Send + 'static,
    {
        let page = self.page.as_ref().and_then(Weak::upgrade).and_then(|page| page.downcast::<Page<T>>().ok());
        let page = match page {
            Some(page) if usize::from(self.dealt) < page.len() => page,
            last => {
                let replies = last.map_or(1, |last| (2 * last.len()).min(MOST));
                let page = Page::new(core, gang, replies);
                let any: Arc<dyn Any + Send + Sync> = page.clone();
                self.page = Some(Arc::downgrade(&any));
                self.dealt = 0;
                page
            }
        };
        let at = self.dealt;
        self.dealt += 1;
        page.take(at);
        (page, at)
    }
}
