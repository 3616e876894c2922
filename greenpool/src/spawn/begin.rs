//! How a job begins: it has a slot, or it is queued for one.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;

use crate::inner::member::Member;
use crate::inner::{ErasedJob, Inner, PoolEntry};
use crate::job::cell::{JobBox, JobCell, RawJob};
use crate::job::error::{JoinError, TrySpawnError};
use crate::job::handle::GreenThread;
use crate::job::permit::Permit;
use crate::job::reply::Receiver;
use crate::job::running::JobState;
use crate::job::span::Origin;
use crate::lending::waiter::WaiterRef;
use crate::lending::{context, deadlock};
use crate::spawn::Spawnable;
use crate::sync::key::Key;
use crate::sync::slots::{Enqueued, QueuedJob, Refusal, Ticket};
use crate::worker;
use crate::worker::backlog::{Backlog, Make};
use crate::worker::group::Executor;

/// The current runtime, for a job that is about to begin in a slot that was just acquired.
///
/// # Panics
/// Panics outside of a runtime, after releasing the slot.
#[inline]
#[track_caller]
pub(crate) fn current_runtime(inner: &Arc<Inner>) -> Handle {
    match Handle::try_current() {
        Ok(runtime) => runtime,
        Err(error) => {
            deadlock::release(inner, None);
            panic!("{error}")
        }
    }
}

/// Begins a job on `runtime`, the current one, in a slot that was just acquired, or that `lender` lent.
#[inline]
pub(crate) fn spawn<F>(
    future: F,
    inner: &Arc<Inner>,
    lender: Option<Arc<Member>>,
    runtime: &Handle,
) -> GreenThread<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let mut cell = JobCell::with(future, Some(Permit::new(inner, lender)), Origin::here(inner));
    let receiver = worker::executor_of(inner).put(runtime, |inject| {
        let receiver = cell.as_mut().completer().receiver(|| inject.alloc(inner));
        (cell, receiver)
    });
    GreenThread::new(receiver)
}

/// Begins a job without a handle, in a slot that was just acquired, or that `lender` lent.
#[inline]
pub(crate) fn spawn_detached<F>(future: F, inner: &Arc<Inner>, lender: Option<Arc<Member>>, runtime: &Handle)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let cell = JobCell::with(future, Some(Permit::new(inner, lender)), Origin::here(inner));
    worker::executor_of(inner).put(runtime, |_| (cell, ()));
}

/// A job that can be queued for a slot, and its handle.
pub(crate) fn queued<F>(future: F, inner: &Arc<Inner>, runtime: &Handle) -> (Box<dyn ErasedJob>, GreenThread<F::Output>)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let mut cell = JobCell::with(future, None, Origin::here(inner));
    let (job, receiver) = worker::executor_of(inner).queued(inner, runtime, |inject| {
        let receiver = cell.as_mut().completer().receiver(|| inject.alloc(inner));
        (cell, receiver)
    });
    (Box::new(job), GreenThread::new(receiver))
}

/// Begins a job if a slot is free. Otherwise queues it: it then keeps its turn without being awaited.
///
/// # Panics
/// Panics outside of a runtime.
#[track_caller]
pub(crate) fn submit<S: Spawnable<Kept = GreenThread<T>, Handle = GreenThread<T>>, T>(job: S) -> GreenThread<T> {
    let inner = job.inner().clone();
    if S::KEYED && inner.slots.is_keyed() {
        return enqueue(&inner, job);
    }
    match inner.slots.try_acquire() {
        Ok(()) => S::spawn_in(&mut Some(job), &current_runtime(&inner)),
        Err(Refusal::Closed) => refused(&inner),
        Err(Refusal::Full) => enqueue(&inner, job),
    }
}

#[track_caller]
fn enqueue<S: Spawnable<Kept = GreenThread<T>>, T>(inner: &Arc<Inner>, job: S) -> GreenThread<T> {
    let mut job = Some(job);
    let runtime = Handle::current();
    let key = if S::KEYED && inner.slots.is_keyed() { S::key(&mut job) } else { None };
    let entry = key.as_ref().and_then(|key| inner.slots.enter(key));
    let (job, mut thread) = S::queued(&mut job, &runtime);
    match deadlock::enqueue_job(inner, job, entry, context::member_of(inner), None) {
        Enqueued::Slot(job, key) => {
            if let Some(key) = key {
                thread.set_waiter(WaiterRef::new(inner, Ticket::of(key)));
            }
            job.begin(None, key);
        }
        Enqueued::Closed(job) => job.refuse(),
        Enqueued::Queued(ticket) => thread.set_waiter(WaiterRef::new(inner, ticket)),
    }
    thread
}

/// Begins a job that `make` makes of `args`, if `key` and a slot are free. It does not wait.
///
/// # Panics
/// Panics outside of a runtime.
#[track_caller]
pub(crate) fn try_submit<A, S: Spawnable<Kept = GreenThread<T>>, T>(
    inner: &Arc<Inner>,
    key: &Key,
    args: A,
    make: impl FnOnce(A) -> S,
) -> Result<GreenThread<T>, TrySpawnError<A>> {
    let runtime = Handle::current();
    let acquired = match inner.slots.enter(key) {
        Some(entry) => inner.slots.try_acquire_keyed(&entry).map(Some),
        None => inner.slots.try_acquire().map(|()| None),
    };
    let key = match acquired {
        Ok(key) => key,
        Err(refusal) => return Err(give_back(refusal, args)),
    };
    let (job, mut thread) = S::queued(&mut Some(make(args)), &runtime);
    if let Some(key) = key {
        thread.set_waiter(WaiterRef::new(inner, Ticket::of(key)));
    }
    job.begin(None, key);
    Ok(thread)
}

/// What a `try_spawn` returns that was refused.
pub(crate) fn give_back<A>(refusal: Refusal, args: A) -> TrySpawnError<A> {
    match refusal {
        Refusal::Full => TrySpawnError::Full(args),
        Refusal::Closed => TrySpawnError::Closed(args),
    }
}

/// Begins a call if a slot is free, and its key, if it has one. Otherwise queues it. Nothing waits for it. `executor`
/// is that of the call's jobs, which `make` makes.
///
/// # Panics
/// Panics outside of a runtime.
#[track_caller]
pub(crate) fn queue<A, J>(inner: &Arc<Inner>, executor: &Executor<J>, make: Make<A, J>, call: A, key: Option<&Key>)
where
    A: Send + 'static,
    J: RawJob + ?Sized + 'static,
{
    if let Some(entry) = key.and_then(|key| inner.slots.enter(key)) {
        return queue_keyed(inner, &entry, executor, make, call);
    }
    let call = match inner.slots.try_acquire() {
        Ok(()) => return begin_call(inner, executor, &current_runtime(inner), make, call),
        Err(Refusal::Closed) => return count_refused(inner),
        Err(Refusal::Full) => call,
    };
    let runtime = Handle::current();
    let (group, ()) = executor.group(&runtime, |_| ());
    match Backlog::enqueue(inner, &group, make, call) {
        Enqueued::Slot(call, _) => begin_call(inner, executor, &runtime, make, call),
        Enqueued::Closed(_) => count_refused(inner),
        Enqueued::Queued(_) => {
            group.check_queued();
            deadlock::changed(inner);
        }
    }
}

/// The same for a call whose key has this gate.
#[track_caller]
fn queue_keyed<A, J>(inner: &Arc<Inner>, entry: &PoolEntry<'_>, executor: &Executor<J>, make: Make<A, J>, call: A)
where
    A: Send + 'static,
    J: RawJob + ?Sized + 'static,
{
    if inner.slots.is_closed() {
        return count_refused(inner);
    }
    let (group, ()) = executor.group(&Handle::current(), |_| ());
    match Backlog::enqueue_keyed(entry, inner, &group, make, call) {
        Enqueued::Slot(call, key) => call.begin(None, key),
        Enqueued::Closed(call) => call.refuse(),
        Enqueued::Queued(_) => {
            group.check_queued();
            deadlock::changed(inner);
        }
    }
}

/// Begins a call in a slot that was just acquired.
fn begin_call<A, J: RawJob + ?Sized + 'static>(
    inner: &Arc<Inner>,
    executor: &Executor<J>,
    runtime: &Handle,
    make: Make<A, J>,
    call: A,
) {
    let (permit, origin) = (Permit::new(inner, None), Origin::here(inner));
    executor.put(runtime, |inject| {
        let mut job = make(call, inject.idle_cells.pop());
        *job.as_mut().state() = JobState::Permit(permit);
        *job.as_mut().origin() = origin;
        (job, ())
    });
}

/// Queues a future of any type.
#[track_caller]
pub(crate) fn queue_future<F>(inner: &Arc<Inner>, future: F, key: Option<&Key>)
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    // `queue` notes where the call comes from.
    let job: JobBox<dyn RawJob> = JobCell::with(future, None, Origin::none());
    queue(inner, worker::executor_of(inner), |job, _| job, job, key);
}

/// The handle that a closed pool returns.
pub(crate) fn refused<T>(inner: &Arc<Inner>) -> GreenThread<T> {
    count_refused(inner);
    GreenThread::new(Receiver::ended(inner, JoinError::closed()))
}

/// A closed pool refuses a job.
pub(crate) fn count_refused(inner: &Inner) {
    inner.counters.refused.fetch_add(1, Ordering::Relaxed);
}
