//! How a spawn begins its job, or queues it and waits. It is not generic, since what is generic is compiled once more
//! for each declared function.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::runtime::{Handle, TryCurrentError};
use tokio::task::coop;

use crate::inner::wait::{Ending, ReadySource};
use crate::inner::{ErasedJob, Inner};
use crate::job::reply_ref::ReplyRef;
use crate::lending::blocking::WaitGuard;
use crate::lending::waiter::WaiterRef;
use crate::lending::{context, deadlock};
use crate::sync::key::Key;
use crate::sync::slots::{Cancelled, Enqueued, Grant, QueuedJob, Ticket};

/// What is kept of a job that is queued, until it has begun.
pub(crate) trait Kept {
    /// The job is queued at this place.
    fn note_queued(&mut self, _ticket: Ticket) {}

    /// The reply knows the job's place from now on, in the queue or among the jobs of its key.
    fn mark_queued(&mut self) {}

    /// The job's reply.
    fn reply(&self) -> ReplyRef<'_>;

    /// The job, which was queued, has begun or was refused.
    fn begun(&mut self) {}

    /// The caller gives up: the job is about to leave the queue, or to be aborted.
    fn leave(&mut self) {}

    /// Drops it. It was only to wait until the job begins.
    fn forget(self)
    where
        Self: Sized,
    {
    }
}

/// The job has this place, in the queue or among the jobs of its key.
fn note_place(kept: &mut dyn Kept, place: WaiterRef) {
    kept.mark_queued();
    kept.reply().set_waiter(place);
}

/// A job that is to be spawned, whatever it is.
pub(super) trait Start {
    fn inner(&self) -> &Arc<Inner>;

    /// Its key. Runs code of the user.
    fn key(&mut self) -> Option<Key>;

    /// Makes the job for the queue. Without a runtime, it can only be refused.
    fn queued(&mut self, runtime: Option<&Handle>) -> Box<dyn ErasedJob>;

    /// The job, which was queued, has begun or was refused.
    fn begun(&mut self);

    /// What is kept of the job, which is queued.
    fn kept(&mut self) -> &mut dyn Kept;
}

/// How far a spawn has come.
pub(super) enum Stage {
    Start,
    Queued(Queued),
    /// The job has begun, but the caller needs a slot.
    Begun,
    /// There is no runtime. [`check`](Self::check) panics with this, since it knows the caller's line.
    NoRuntime(TryCurrentError),
}

impl Stage {
    /// # Panics
    /// If there is no runtime.
    #[inline]
    #[track_caller]
    pub(super) fn check(&self) {
        if let Stage::NoRuntime(error) = self {
            no_runtime(error);
        }
    }

    /// Acquires a slot, for a job that has not been polled, if one is free. Returns the current runtime then. Pending
    /// if it is the turn of other tasks. A job that may have a key is queued if its pool has a limit by key.
    pub(super) fn try_acquire(
        &mut self,
        inner: &Arc<Inner>,
        may_have_key: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Handle>> {
        if is_turn_for_others() {
            ready!(coop::poll_proceed(cx)).made_progress();
        }
        if may_have_key && inner.slots.is_keyed() || inner.slots.try_acquire().is_err() {
            return Poll::Ready(None);
        }
        match Handle::try_current() {
            Ok(runtime) => Poll::Ready(Some(runtime)),
            Err(error) => {
                deadlock::release(inner, None);
                self.fail(error).map(|()| None)
            }
        }
    }

    /// Queues the job if it has not begun, and waits. Ready once the job has begun, or was refused, and the caller has
    /// a slot to go on with.
    #[cold]
    pub(super) fn poll(
        &mut self,
        guard: &mut WaitGuard,
        job: &mut dyn Start,
        may_have_key: bool,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        match self {
            Stage::Start => return self.enqueue(guard, job, may_have_key, cx),
            Stage::NoRuntime(_) => return Poll::Pending,
            Stage::Queued(_) => ready!(self.wait(guard, job, cx)),
            Stage::Begun => {}
        }
        self.finish(guard, cx)
    }

    #[cold]
    fn fail(&mut self, error: TryCurrentError) -> Poll<()> {
        *self = Stage::NoRuntime(error);
        Poll::Pending
    }

    fn finish(&mut self, guard: &mut WaitGuard, cx: &mut Context<'_>) -> Poll<()> {
        let polled = guard.poll_reacquire(cx);
        *self = if polled.is_ready() { Stage::Start } else { Stage::Begun };
        polled
    }

    /// Queues the job, unless the pool is closed.
    fn enqueue(
        &mut self,
        guard: &mut WaitGuard,
        job: &mut dyn Start,
        may_have_key: bool,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let inner = job.inner().clone();
        if inner.slots.is_closed() {
            job.queued(None).refuse();
            job.begun();
            return Poll::Ready(());
        }
        let runtime = match Handle::try_current() {
            Ok(runtime) => runtime,
            Err(error) => return self.fail(error),
        };
        let key = if may_have_key && inner.slots.is_keyed() { job.key() } else { None };
        let entry = key.as_ref().and_then(|key| inner.slots.enter(key));
        let queued = job.queued(Some(&runtime));
        match deadlock::enqueue_job(&inner, queued, entry, context::member_of(&inner), Some(cx.waker().clone())) {
            Enqueued::Slot(queued, key) => {
                if let Some(key) = key {
                    note_place(job.kept(), WaiterRef::new(&inner, Ticket::of(key)));
                }
                queued.begin(None, key);
            }
            Enqueued::Closed(queued) => queued.refuse(),
            Enqueued::Queued(ticket) => {
                let kept = job.kept();
                kept.note_queued(ticket);
                if ticket.hold().is_some() {
                    note_place(kept, WaiterRef::new(&inner, ticket));
                }
                let ending = context::is_inside(&inner).then(|| kept.reply().ending());
                *self = Stage::Queued(Queued { inner, ticket, ending, in_own_slot: false });
                // A job may have to lend its slot. Any other caller waits to be woken.
                return if context::is_job() { self.poll(guard, job, may_have_key, cx) } else { Poll::Pending };
            }
        }
        job.begun();
        self.finish(guard, cx)
    }

    /// Ready once the job, which is queued, has begun or was refused, unless it runs in the slot of the caller.
    fn wait(&mut self, guard: &mut WaitGuard, job: &mut dyn Start, cx: &mut Context<'_>) -> Poll<()> {
        let Stage::Queued(queued) = self else { return Poll::Ready(()) };
        if !guard.is_of_this_job() {
            // It may have been moved here from another job. If that job lends its slot to the ticket while the verb is
            // registered there, it wakes nothing, so this looks at the ticket after that.
            guard.clear();
        }
        if !queued.may_go_on(guard, cx) {
            guard.register(&queued.inner, Some(queued.ticket), || queued.source(), cx);
            return Poll::Pending;
        }
        // First, because what follows may drop values of the user, and these may panic.
        *self = Stage::Begun;
        job.begun();
        Poll::Ready(())
    }

    /// The caller gives up, and no handle was returned.
    #[cold]
    pub(super) fn leave(&mut self, guard: &mut WaitGuard, job: &mut dyn Start) {
        if let Stage::Queued(queued) = std::mem::replace(self, Stage::Start) {
            queued.leave(guard, job.kept());
        }
    }
}

#[cold]
#[track_caller]
fn no_runtime(error: &TryCurrentError) -> ! {
    panic!("{error}")
}

/// A job that is queued, or has begun and is not over.
pub(super) struct Queued {
    inner: Arc<Inner>,
    ticket: Ticket,
    /// Set when the job is about to release its slot, if that may be the slot of the caller.
    ending: Option<Arc<Ending>>,
    /// The job has begun in the slot of the job that the caller was in then.
    in_own_slot: bool,
}

impl Queued {
    /// Whether the caller may go on.
    fn may_go_on(&mut self, guard: &WaitGuard, cx: &Context<'_>) -> bool {
        let Poll::Ready(grant) = self.inner.slots.poll(self.ticket, cx.waker()) else { return false };
        self.in_own_slot |= matches!(grant, Some(Grant::Begun { in_own_slot: true }));
        // SeqCst as in `WaitEdge::readiness`, although the slot that came back is enough.
        let has_ended = self.ending.as_ref().is_none_or(|ending| ending.is_near());
        // A verb that has been moved out of the job that lent its slot does not need that slot.
        !self.in_own_slot || has_ended || !guard.is_of_this_job()
    }

    fn source(&self) -> ReadySource {
        let ending = self.ending.clone().filter(|_| context::is_inside(&self.inner));
        ending.map_or(ReadySource::Begun, ReadySource::Child)
    }

    /// The caller gives up. Its wait is deregistered first, so that a slot that comes home does not find it blocked.
    fn leave(self, guard: &mut WaitGuard, kept: &mut dyn Kept) {
        guard.clear();
        kept.leave();
        match self.inner.slots.cancel(self.ticket) {
            Cancelled::Queued(job) => drop(job),
            Cancelled::Served(Grant::Begun { .. }) => kept.reply().abort(),
            Cancelled::Gone if self.in_own_slot => kept.reply().abort(),
            Cancelled::Served(_) | Cancelled::Gone => {}
        }
        deadlock::reconsider(&self.inner);
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
