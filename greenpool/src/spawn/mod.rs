//! The future behind every verb that spawns.
//!
//! # Implementation details
//!
//! If a slot is free, the job begins in the first poll. Otherwise it is queued in that poll, and belongs to the pool
//! from then on: it begins when its turn comes, whether or not this future is polled, and the future only waits for
//! that.

pub(crate) mod begin;

use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::runtime::{Handle, TryCurrentError};
use tokio::task::coop;

use crate::inner::wait::ReadySource;
use crate::inner::{ErasedJob, Inner};
use crate::job::handle::GreenThread;
use crate::lending::blocking::WaitGuard;
use crate::lending::waiter::WaiterRef;
use crate::lending::{context, deadlock};
use crate::sync::key::Key;
use crate::sync::slots::{Cancelled, Enqueued, Grant, QueuedJob, Ticket};

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

    /// Begins the job in a slot that was just acquired. Takes a reference, so that the arguments are moved only once:
    /// to where the job runs.
    fn spawn_in(this: &mut Option<Self>, runtime: &Handle) -> Self::Handle;

    /// Makes the job for the queue.
    fn queued(this: &mut Option<Self>, runtime: &Handle) -> (Box<dyn ErasedJob>, Self::Kept);

    /// What the caller gets for a job that was queued, once it has begun, or was refused.
    fn handle(kept: Self::Kept) -> Self::Handle;

    /// What the caller gets if the pool is closed.
    fn refused(self) -> Self::Handle;
}

/// What is kept of a job that is queued, until it has begun.
pub(crate) trait Kept {
    /// The job is queued at this place.
    fn note_queued(&mut self, _ticket: Ticket) {}

    /// The job has this place, in the queue or among the jobs of its key.
    fn note_job(&mut self, _job: WaiterRef) {}

    /// A flag that is set when the job is about to release its slot.
    fn ending(&self) -> Arc<AtomicBool>;

    /// The caller gives up on a job that has begun.
    fn abort(&self);
}

impl<T> Kept for GreenThread<T> {
    fn note_job(&mut self, job: WaiterRef) {
        self.set_waiter(job);
    }

    fn ending(&self) -> Arc<AtomicBool> {
        GreenThread::ending(self)
    }

    fn abort(&self) {
        GreenThread::abort(self);
    }
}

/// A future of any type.
pub(crate) struct FutureJob<F> {
    pub(crate) inner: Arc<Inner>,
    pub(crate) future: F,
}

impl<F> Spawnable for FutureJob<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Kept = GreenThread<F::Output>;
    type Handle = GreenThread<F::Output>;

    #[inline]
    fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    #[inline]
    fn spawn_in(this: &mut Option<Self>, runtime: &Handle) -> GreenThread<F::Output> {
        let FutureJob { inner, future } = this.take().expect(POLLED_AFTER_READY);
        begin::spawn(future, &inner, None, runtime)
    }

    fn queued(this: &mut Option<Self>, runtime: &Handle) -> (Box<dyn ErasedJob>, GreenThread<F::Output>) {
        let FutureJob { inner, future } = this.take().expect(POLLED_AFTER_READY);
        begin::queued(future, &inner, runtime)
    }

    fn handle(kept: GreenThread<F::Output>) -> GreenThread<F::Output> {
        kept
    }

    fn refused(self) -> GreenThread<F::Output> {
        begin::refused(&self.inner)
    }
}

/// A job that gets no handle.
pub(crate) struct Detached<S>(pub(crate) S);

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

    fn spawn_in(this: &mut Option<Self>, runtime: &Handle) -> S::Handle {
        S::spawn_in(&mut this.take().expect(POLLED_AFTER_READY).job, runtime)
    }

    fn queued(this: &mut Option<Self>, runtime: &Handle) -> (Box<dyn ErasedJob>, S::Kept) {
        S::queued(&mut this.take().expect(POLLED_AFTER_READY).job, runtime)
    }

    fn handle(kept: S::Kept) -> S::Handle {
        S::handle(kept)
    }

    fn refused(self) -> S::Handle {
        self.job.expect(POLLED_AFTER_READY).refused()
    }
}

impl<F> Spawnable for Detached<FutureJob<F>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Kept = GreenThread<F::Output>;
    type Handle = ();

    #[inline]
    fn inner(&self) -> &Arc<Inner> {
        &self.0.inner
    }

    #[inline]
    fn spawn_in(this: &mut Option<Self>, runtime: &Handle) {
        let Detached(FutureJob { inner, future }) = this.take().expect(POLLED_AFTER_READY);
        begin::spawn_detached(future, &inner, None, runtime);
    }

    fn queued(this: &mut Option<Self>, runtime: &Handle) -> (Box<dyn ErasedJob>, GreenThread<F::Output>) {
        let Detached(FutureJob { inner, future }) = this.take().expect(POLLED_AFTER_READY);
        begin::queued(future, &inner, runtime)
    }

    fn handle(kept: GreenThread<F::Output>) {
        kept.report_unobserved();
    }

    fn refused(self) {
        begin::count_refused(&self.0.inner);
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
    /// Dropped before `stage`: when dropping that releases a slot, the caller must not count as waiting any longer.
    guard: WaitGuard,
    /// `None` once the job has begun, or is queued.
    job: Option<S>,
    stage: SpawnStage<K, H>,
    /// Polls this or, without a context, gives up on a job that is queued.
    step: fn(&mut Self, Option<&mut Context<'_>>) -> Poll<H>,
}

enum SpawnStage<K, H> {
    Start,
    Queued(Queued<K>),
    /// The job has begun, but the caller needs a slot.
    Spawned(H),
    /// There is no runtime. `poll` panics with this, because a function pointer does not know the caller's line.
    NoRuntime(TryCurrentError),
}

/// A job that is queued, or has begun and is not over.
struct Queued<K> {
    inner: Arc<Inner>,
    ticket: Ticket,
    kept: K,
    /// Set when the job is about to release its slot, if that may be the slot of the caller.
    ending: Option<Arc<AtomicBool>>,
    /// The job has begun in the slot of the caller.
    in_own_slot: bool,
}

impl<K> Queued<K> {
    /// Whether the caller may go on.
    fn poll(&mut self, cx: &Context<'_>) -> bool {
        let Poll::Ready(grant) = self.inner.slots.poll(self.ticket, cx.waker()) else { return false };
        self.in_own_slot |= matches!(grant, Some(Grant::Begun { in_own_slot: true }));
        // SeqCst as in `WaitEdge::readiness`, although the slot that came back is enough.
        let has_ended = self.ending.as_ref().is_none_or(|ending| ending.load(Ordering::SeqCst));
        // A verb that is polled outside of the job needs no slot.
        !self.in_own_slot || has_ended || !context::is_inside(&self.inner)
    }

    fn source(&self) -> ReadySource {
        self.ending.clone().map_or(ReadySource::Begun, ReadySource::Child)
    }
}

impl<S, K, H> SpawnFuture<S, K, H> {
    #[inline]
    #[track_caller]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<H> {
        let polled = (self.step)(self, Some(cx));
        if let SpawnStage::NoRuntime(error) = &self.stage {
            panic!("{error}");
        }
        polled
    }

    /// Whether the job is neither queued nor has begun.
    pub(crate) fn has_not_begun(&self) -> bool {
        self.job.is_some()
    }

    /// Spawns nothing any longer, and waits only until the caller has a slot.
    pub(crate) fn poll_reacquire(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.give_up();
        self.job = None;
        self.guard.poll_reacquire(cx)
    }

    #[inline]
    fn give_up(&mut self) {
        if let SpawnStage::Queued(_) = &self.stage {
            let _ = (self.step)(self, None);
        }
    }
}

impl<S: Spawnable> SpawnFuture<S, S::Kept, S::Handle> {
    #[inline]
    pub(crate) fn new(job: S) -> Self {
        SpawnFuture { job: Some(job), stage: SpawnStage::Start, guard: WaitGuard::default(), step: Self::step }
    }

    fn step(&mut self, cx: Option<&mut Context<'_>>) -> Poll<S::Handle> {
        let Some(cx) = cx else { return self.leave() };
        let (SpawnStage::Start, Some(job)) = (&self.stage, &self.job) else {
            return self.wait(cx);
        };
        if is_turn_for_others() {
            ready!(coop::poll_proceed(cx)).made_progress();
        }
        if S::KEYED && job.inner().slots.is_keyed() || job.inner().slots.try_acquire().is_err() {
            return self.enqueue(cx);
        }
        match Handle::try_current() {
            Ok(runtime) => {
                let handle = S::spawn_in(&mut self.job, &runtime);
                self.finish(handle, cx)
            }
            Err(error) => {
                deadlock::release(job.inner(), None);
                self.no_runtime(error)
            }
        }
    }

    #[cold]
    fn no_runtime(&mut self, error: TryCurrentError) -> Poll<S::Handle> {
        self.stage = SpawnStage::NoRuntime(error);
        Poll::Pending
    }

    #[inline]
    fn finish(&mut self, handle: S::Handle, cx: &mut Context<'_>) -> Poll<S::Handle> {
        if self.guard.poll_reacquire(cx).is_ready() {
            return Poll::Ready(handle);
        }
        self.stage = SpawnStage::Spawned(handle);
        Poll::Pending
    }

    /// Queues the job, unless the pool is closed.
    #[cold]
    fn enqueue(&mut self, cx: &mut Context<'_>) -> Poll<S::Handle> {
        let Some(job) = &self.job else { unreachable!("{POLLED_AFTER_READY}") };
        let inner = job.inner().clone();
        if inner.slots.is_closed() {
            return Poll::Ready(self.job.take().expect(POLLED_AFTER_READY).refused());
        }
        let runtime = match Handle::try_current() {
            Ok(runtime) => runtime,
            Err(error) => return self.no_runtime(error),
        };
        let key = if S::KEYED && inner.slots.is_keyed() { S::key(&mut self.job) } else { None };
        let entry = key.as_ref().and_then(|key| inner.slots.enter(key));
        let (job, mut kept) = S::queued(&mut self.job, &runtime);
        match deadlock::enqueue_job(&inner, job, entry, context::member_of(&inner), Some(cx.waker().clone())) {
            Enqueued::Slot(job, key) => {
                if let Some(key) = key {
                    kept.note_job(WaiterRef::new(&inner, Ticket::of(key)));
                }
                job.begin(None, key);
            }
            Enqueued::Closed(job) => job.refuse(),
            Enqueued::Queued(ticket) => {
                kept.note_queued(ticket);
                if ticket.hold().is_some() {
                    kept.note_job(WaiterRef::new(&inner, ticket));
                }
                let ending = context::is_inside(&inner).then(|| kept.ending());
                self.stage = SpawnStage::Queued(Queued { inner, ticket, kept, ending, in_own_slot: false });
                // A job may have to lend its slot. Any other caller waits to be woken.
                if context::is_job() {
                    return self.wait(cx);
                }
                return Poll::Pending;
            }
        }
        self.finish(S::handle(kept), cx)
    }

    #[cold]
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<S::Handle> {
        if let SpawnStage::Queued(queued) = &mut self.stage {
            if !queued.poll(cx) {
                self.guard.register(&queued.inner, Some(queued.ticket), || queued.source(), cx);
                return Poll::Pending;
            }
        }
        match std::mem::replace(&mut self.stage, SpawnStage::Start) {
            SpawnStage::Queued(Queued { kept, .. }) => self.finish(S::handle(kept), cx),
            SpawnStage::Spawned(handle) => self.finish(handle, cx),
            SpawnStage::NoRuntime(error) => self.no_runtime(error),
            SpawnStage::Start => panic!("{POLLED_AFTER_READY}"),
        }
    }

    /// The caller gives up, and no handle was returned. Its wait is deregistered first, so that a slot that comes home
    /// does not find it blocked.
    #[cold]
    fn leave(&mut self) -> Poll<S::Handle> {
        let stage = std::mem::replace(&mut self.stage, SpawnStage::Start);
        if let SpawnStage::Queued(Queued { inner, ticket, kept, in_own_slot, .. }) = stage {
            self.guard.clear();
            match inner.slots.cancel(ticket) {
                Cancelled::Queued(job) => drop(job),
                Cancelled::Served(Grant::Begun { .. }) => kept.abort(),
                Cancelled::Gone if in_own_slot => kept.abort(),
                Cancelled::Served(_) | Cancelled::Gone => {}
            }
            deadlock::reconsider(&inner);
        }
        Poll::Pending
    }
}

/// A caller that spawns in a loop lets other tasks run from time to time: one spawn in this many takes from the budget
/// that tokio gives to its task. A spawn that is ready at once costs a tenth of what tokio has in mind for an
/// operation.
const SPAWNS_PER_OPERATION: u32 = 16;

thread_local! {
    static SPAWNS: Cell<u32> = const { Cell::new(0) };
}

/// Whether this spawn takes from the task's budget.
#[inline]
fn is_turn_for_others() -> bool {
    let spawns = SPAWNS.get().wrapping_add(1);
    SPAWNS.set(spawns);
    spawns % SPAWNS_PER_OPERATION == 0
}

pub(crate) const POLLED_AFTER_READY: &str = "a spawn was polled after it was ready";

impl<S, K, H> Drop for SpawnFuture<S, K, H> {
    #[inline]
    fn drop(&mut self) {
        self.give_up();
    }
}
