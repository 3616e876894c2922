//! Those who work for a function or for a map: who has been called, who is busy, and who has nothing to do.

use std::task::Waker;

use slab::Slab;

/// The workers of one function on one runtime, or of one map. `P` is what else is known of each.
pub(crate) struct Staff<P> {
    posts: Slab<Post<P>>,
    /// The keys of those that have nothing to do. The last to come is the first to be called.
    idle: Vec<u32>,
    called: usize,
    /// How many have been sent away, and have not gone.
    dismissed: usize,
}

/// One worker.
struct Post<P> {
    /// There from its first poll on.
    waker: Option<Waker>,
    standing: Standing,
    of: P,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is to come.
    Called,
    Busy,
    Idle,
    /// It is to go.
    Dismissed,
}

/// What is to be done, with no lock held, to get one worker more.
#[must_use]
pub(crate) enum Call {
    Nobody,
    Wake(Waker),
    /// There is no idle one: a new one takes this place.
    Hire(u32),
}

impl Call {
    /// Gets that worker. A new one is begun by `hire`.
    #[inline]
    pub(crate) fn make(self, hire: impl FnOnce(u32)) {
        match self {
            Call::Nobody => {}
            Call::Wake(waker) => waker.wake(),
            Call::Hire(key) => hire(key),
        }
    }
}

impl<P> Default for Staff<P> {
    fn default() -> Self {
        Staff { posts: Slab::new(), idle: Vec::new(), called: 0, dismissed: 0 }
    }
}

impl<P> Staff<P> {
    pub(crate) fn len(&self) -> usize {
        self.posts.len()
    }

    /// How many have nothing to do.
    pub(crate) fn idle(&self) -> usize {
        self.idle.len()
    }

    /// Whether all have nothing to do, or are about to go.
    pub(crate) fn is_idle(&self) -> bool {
        self.idle.len() + self.dismissed == self.posts.len()
    }

    /// How many have been called and have not come.
    #[inline]
    pub(crate) fn called(&self) -> usize {
        self.called
    }

    /// Calls an idle worker, or else a new one.
    #[inline]
    pub(crate) fn call(&mut self, new: impl FnOnce() -> P) -> Call {
        self.called += 1;
        let Some(key) = self.idle.pop() else {
            return Call::Hire(self.add(new()));
        };
        let post = &mut self.posts[key as usize];
        post.standing = Standing::Called;
        post.waker.clone().map_or(Call::Nobody, Call::Wake)
    }

    /// One more, which is on its way without having been called.
    pub(crate) fn add(&mut self, of: P) -> u32 {
        self.posts.insert(Post { waker: None, standing: Standing::Called, of }) as u32
    }

    /// A worker is polled that has no job. If it has been called it is busy from now on.
    #[inline]
    pub(crate) fn come(&mut self, key: u32, waker: &Waker) -> Standing {
        let post = &mut self.posts[key as usize];
        if post.standing == Standing::Called {
            post.waker.get_or_insert_with(|| waker.clone());
            post.standing = Standing::Busy;
            self.called -= 1;
        }
        post.standing
    }

    /// Likewise one that was not called, whose job is over.
    pub(crate) fn rise(&mut self, key: u32) {
        if let Some(post) = self.posts.get_mut(key as usize) {
            post.standing = Standing::Busy;
        }
    }

    /// A worker has nothing to do.
    #[inline]
    pub(crate) fn rest(&mut self, key: u32) {
        self.posts[key as usize].standing = Standing::Idle;
        self.idle.push(key);
    }

    /// A worker goes.
    pub(crate) fn leave(&mut self, key: u32) -> Option<P> {
        let post = self.posts.try_remove(key as usize)?;
        match post.standing {
            Standing::Idle => self.idle.retain(|idle| *idle != key),
            Standing::Dismissed => self.dismissed -= 1,
            Standing::Called | Standing::Busy => {}
        }
        Some(post.of)
    }

    /// Sends all away that have nothing to do.
    pub(crate) fn dismiss_all(&mut self) -> Vec<Waker> {
        self.dismiss(self.idle())
    }

    /// Sends those away that have been idle longest.
    pub(crate) fn dismiss(&mut self, many: usize) -> Vec<Waker> {
        let posts = &mut self.posts;
        self.dismissed += many;
        let leave = self.idle.drain(..many).filter_map(|key| {
            let post = &mut posts[key as usize];
            post.standing = Standing::Dismissed;
            post.waker.clone()
        });
        leave.collect()
    }

    fn busy(&self) -> impl Iterator<Item = &Post<P>> {
        self.posts.iter().map(|(_, post)| post).filter(|post| post.standing == Standing::Busy)
    }

    /// How many may have a job.
    pub(crate) fn count_busy(&self) -> usize {
        self.busy().count()
    }

    /// Their wakers.
    pub(crate) fn busy_wakers(&self) -> Vec<Waker> {
        self.busy().filter_map(|post| post.waker.clone()).collect()
    }

    pub(crate) fn waker(&self, key: u32) -> Option<Waker> {
        self.posts.get(key as usize)?.waker.clone()
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = &P> {
        self.posts.iter().map(|(_, post)| &post.of)
    }

    pub(crate) fn get_mut(&mut self, key: u32) -> Option<&mut P> {
        self.posts.get_mut(key as usize).map(|post| &mut post.of)
    }

    /// Gives memory back when most have gone, but for so many.
    pub(crate) fn shrink(&mut self, keep: usize) -> bool {
        let shrinks = self.posts.capacity() > 4 * self.posts.len().max(keep);
        if shrinks {
            self.posts.shrink_to_fit();
            self.idle.shrink_to(keep);
        }
        shrinks
    }
}
