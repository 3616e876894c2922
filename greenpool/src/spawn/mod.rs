//! The future behind every verb that spawns.
//!
//! # Implementation details
//!
//! If a slot is free, the job begins in the first poll. Otherwise it is queued in that poll, and belongs to the pool
//! from then on: it begins when its turn comes, whether or not this future is polled, and the future only waits for
//! that.

pub(crate) mod begin;
mod drive;

use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;

use crate::inner::{ErasedJob, Inner};
use crate::job::cell::JobBox;
use crate::job::handle::GreenThread;
use crate::job::permit::Permit;
use crate::job::reply_ref::ReplyRef;
use crate::lending::blocking::WaitGuard;
pub(crate) use crate::spawn::drive::Kept;
use crate::spawn::drive::{Stage, Start};
use crate::sync::Exclusive;
use crate::sync::key::Key;
use crate::sync::slots::Ticket;

/// What becomes a job when it gets a slot: a future, or a function and its arguments.
pub(crate) trait Spawnable: Sized {
    /// What is kept of a job that is queued, until it has begun.
    type Kept: Kept;
    /// What the caller gets: a handle of the job, or nothing.
    type Handle;

    /// Whether it may have a key.
    const KEYED: bool = false;

    fn inner(&self) -> &Arc<Inner>;

    /// Its key. Runs code of the user.
    fn key(_this: &mut Option<Self>) -> Option<Key> {
        None
    }

    /// Begins the job in a slot that was just acquired, with or without a handle. Takes a reference, so that the
    /// arguments are moved only once: to where the job runs.
    fn begin(this: &mut Option<Self>, runtime: &Handle, has_handle: bool) -> Option<Self::Kept>;

    /// Makes the job for the queue. Without a runtime, it can only be refused.
    fn queued(this: &mut Option<Self>, runtime: Option<&Handle>) -> (Box<dyn ErasedJob>, Self::Kept);

    /// What the caller gets when it goes on.
    fn handle(kept: Option<Self::Kept>) -> Self::Handle;
}

impl<T> Kept for GreenThread<T> {
    fn mark_queued(&mut self) {
        GreenThread::mark_queued(self);
    }

    fn reply(&self) -> ReplyRef<'_> {
        GreenThread::reply(self)
    }

    fn forget(self) {
        self.report_unobserved();
    }
}

/// A future of any type, in its cell from the beginning, so that it is moved only once.
pub(crate) struct FutureJob<T> {
    inner: Arc<Inner>,
    job: Exclusive<JobBox>,
    output: PhantomData<fn() -> T>,
}

impl<T> FutureJob<T> {
    /// A job that is in this cell, and gives a `T`.
    #[inline]
    pub(crate) fn new(inner: Arc<Inner>, job: JobBox) -> Self {
        FutureJob { inner, job: Exclusive::new(job), output: PhantomData }
    }
}

impl<T: Send + 'static> Spawnable for FutureJob<T> {
    type Kept = GreenThread<T>;
    type Handle = GreenThread<T>;

    #[inline]
    fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    #[inline]
    fn begin(this: &mut Option<Self>, runtime: &Handle, has_handle: bool) -> Option<GreenThread<T>> {
        let FutureJob { inner, job, .. } = this.take().expect(POLLED_AFTER_READY);
        begin::begin(job.into_inner(), &inner, Permit::new(&inner, None), has_handle, runtime)
    }

    fn queued(this: &mut Option<Self>, runtime: Option<&Handle>) -> (Box<dyn ErasedJob>, GreenThread<T>) {
        let FutureJob { inner, job, .. } = this.take().expect(POLLED_AFTER_READY);
        begin::queued(job.into_inner(), &inner, runtime)
    }

    fn handle(kept: Option<GreenThread<T>>) -> GreenThread<T> {
        kept.expect(POLLED_AFTER_READY)
    }
}

/// A job that gets no handle.
pub(crate) struct Detached<S>(pub(crate) S);

/// The handle of such a job, if it had to queue. It was only to wait for its begin.
pub(crate) struct Unobserved<K: Kept>(Option<K>);

impl<K: Kept> Kept for Unobserved<K> {
    fn note_queued(&mut self, ticket: Ticket) {
        if let Some(kept) = &mut self.0 {
            kept.note_queued(ticket);
        }
    }

    fn mark_queued(&mut self) {
        if let Some(kept) = &mut self.0 {
            kept.mark_queued();
        }
    }

    fn leave(&mut self) {
        if let Some(kept) = &mut self.0 {
            kept.leave();
        }
    }

    fn reply(&self) -> ReplyRef<'_> {
        match &self.0 {
            Some(kept) => kept.reply(),
            None => unreachable!("it is taken only when this is dropped"),
        }
    }
}

impl<K: Kept> Drop for Unobserved<K> {
    fn drop(&mut self) {
        if let Some(kept) = self.0.take() {
            kept.forget();
        }
    }
}

impl<S: Spawnable> Spawnable for Detached<S> {
    type Kept = Unobserved<S::Kept>;
    type Handle = ();

    const KEYED: bool = S::KEYED;

    #[inline]
    fn inner(&self) -> &Arc<Inner> {
        self.0.inner()
    }

    fn key(this: &mut Option<Self>) -> Option<Key> {
        let mut job = this.take().map(|detached| detached.0);
        let key = S::key(&mut job);
        *this = job.map(Detached);
        key
    }

    #[inline]
    fn begin(this: &mut Option<Self>, runtime: &Handle, _has_handle: bool) -> Option<Unobserved<S::Kept>> {
        let Detached(job) = this.take().expect(POLLED_AFTER_READY);
        let kept = S::begin(&mut Some(job), runtime, false);
        kept.map(|kept| Unobserved(Some(kept)))
    }

    fn queued(this: &mut Option<Self>, runtime: Option<&Handle>) -> (Box<dyn ErasedJob>, Unobserved<S::Kept>) {
        let Detached(job) = this.take().expect(POLLED_AFTER_READY);
        let (job, kept) = S::queued(&mut Some(job), runtime);
        (job, Unobserved(Some(kept)))
    }

    #[inline]
    fn handle(kept: Option<Unobserved<S::Kept>>) {
        drop(kept);
    }
}

/// A job with a key.
pub(crate) struct Keyed<S> {
    job: Option<S>,
    key: Option<Key>,
    inner: Arc<Inner>,
}

impl<S: Spawnable> Keyed<S> {
    pub(crate) fn new(job: S, key: Key) -> Self {
        let inner = job.inner().clone();
        Keyed { job: Some(job), key: Some(key), inner }
    }
}

impl<S: Spawnable> Spawnable for Keyed<S> {
    type Kept = S::Kept;
    type Handle = S::Handle;

    const KEYED: bool = true;

    fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    fn key(this: &mut Option<Self>) -> Option<Key> {
        this.as_mut()?.key.take()
    }

    fn begin(this: &mut Option<Self>, runtime: &Handle, has_handle: bool) -> Option<S::Kept> {
        S::begin(&mut this.take().expect(POLLED_AFTER_READY).job, runtime, has_handle)
    }

    fn queued(this: &mut Option<Self>, runtime: Option<&Handle>) -> (Box<dyn ErasedJob>, S::Kept) {
        S::queued(&mut this.take().expect(POLLED_AFTER_READY).job, runtime)
    }

    fn handle(kept: Option<S::Kept>) -> S::Handle {
        S::handle(kept)
    }
}

/// Waits until a job has begun, and resolves to its handle when the caller has a slot to go on with.
///
/// If no slot is free when this is first polled, the job is queued. If the caller is a job of the same pool, it offers
/// its slot to the new job, and goes on when it has a slot again: as a rule, when the new job has ended.
///
/// Dropping it before it is ready takes the job out of the queue, or aborts it if it has begun: nothing has its handle.
///
/// Its types have no bounds. An `async fn` that holds a spawn across an `.await` must show that it is `Send`, and there
/// rustc proves bounds for *every* lifetime in place of each concrete one: a job that captures a `&'static str`, or
/// returns a `Box<dyn Error + Send + Sync>`, would not be "general enough" for `F: Send + 'static`. So the verb that
/// makes the future has the bounds, and `step` keeps what polling and dropping need of them.
pub(crate) struct SpawnFuture<S, K, H> {
    /// Dropped before `job`: when dropping that releases a slot, the caller must not count as waiting any longer.
    guard: WaitGuard,
    stage: Stage,
    job: Spawning<S, K>,
    /// Polls this or, without a context, gives up on a job that is queued.
    step: fn(&mut Self, Option<&mut Context<'_>>) -> Poll<H>,
}

struct Spawning<S, K> {
    /// `None` once the job has begun, or is queued.
    job: Option<S>,
    /// What is kept of the job then, until the caller goes on.
    kept: Option<K>,
}

impl<S: Spawnable> Start for Spawning<S, S::Kept> {
    fn inner(&self) -> &Arc<Inner> {
        self.job.as_ref().expect(POLLED_AFTER_READY).inner()
    }

    fn key(&mut self) -> Option<Key> {
        S::key(&mut self.job)
    }

    fn queued(&mut self, runtime: Option<&Handle>) -> Box<dyn ErasedJob> {
        let (job, kept) = S::queued(&mut self.job, runtime);
        self.kept = Some(kept);
        job
    }

    fn begun(&mut self) {
        self.kept().begun();
    }

    fn kept(&mut self) -> &mut dyn Kept {
        match &mut self.kept {
            Some(kept) => kept,
            None => unreachable!("a job that is queued has been kept"),
        }
    }
}

impl<S, K, H> SpawnFuture<S, K, H> {
    #[inline]
    #[track_caller]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<H> {
        let polled = (self.step)(self, Some(cx));
        self.stage.check();
        polled
    }

    /// Whether the job is neither queued nor has begun.
    pub(crate) fn has_not_begun(&self) -> bool {
        self.job.job.is_some()
    }

    /// Spawns nothing any longer, and waits only until the caller has a slot.
    pub(crate) fn poll_reacquire(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.give_up();
        self.job.job = None;
        self.guard.poll_reacquire(cx)
    }

    #[inline]
    fn give_up(&mut self) {
        if let Stage::Queued(_) = &self.stage {
            let _ = (self.step)(self, None);
        }
    }
}

impl<S: Spawnable> SpawnFuture<S, S::Kept, S::Handle> {
    #[inline]
    pub(crate) fn new(job: S) -> Self {
        let job = Spawning { job: Some(job), kept: None };
        SpawnFuture { guard: WaitGuard::default(), stage: Stage::Start, job, step: Self::step }
    }

    fn step(&mut self, cx: Option<&mut Context<'_>>) -> Poll<S::Handle> {
        let SpawnFuture { guard, stage, job, .. } = self;
        let Some(cx) = cx else {
            stage.leave(guard, job);
            job.kept = None;
            return Poll::Pending;
        };
        if let (Stage::Start, Some(call)) = (&*stage, &job.job) {
            if let Some(runtime) = ready!(stage.try_acquire(call.inner(), S::KEYED, cx)) {
                let kept = S::begin(&mut job.job, &runtime, true);
                if !guard.may_lack_slot() {
                    return Poll::Ready(S::handle(kept));
                }
                *stage = Stage::Begun;
                job.kept = kept;
            }
        }
        ready!(stage.poll(guard, job, S::KEYED, cx));
        Poll::Ready(S::handle(job.kept.take()))
    }
}

pub(crate) const POLLED_AFTER_READY: &str = "a spawn was polled after it was ready";

impl<S, K, H> Drop for SpawnFuture<S, K, H> {
    #[inline]
    fn drop(&mut self) {
        self.give_up();
    }
}
