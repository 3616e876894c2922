//! How a job begins: it has a slot, or it is queued for one.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;

use crate::inner::member::Member;
use crate::inner::{ErasedJob, Inner, PoolEntry};
use crate::job::cell::{JobBox, NewJob};
use crate::job::error::TrySpawnError;
use crate::job::handle::GreenThread;
use crate::job::permit::Permit;
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

/// Acquires a slot, if one is free, for a job that will begin on the runtime that this returns, the current one.
///
/// # Panics
/// Panics outside of a runtime.
#[track_caller]
pub(crate) fn try_acquire(inner: &Arc<Inner>) -> Result<Handle, Refusal> {
    inner.slots.try_acquire()?;
    Ok(current_runtime(inner))
}

/// Begins a job that is in its cell on `runtime`, the current one.
pub(crate) fn begin<T>(
    job: JobBox,
    inner: &Arc<Inner>,
    permit: Permit,
    has_handle: bool,
    runtime: &Handle,
) -> Option<GreenThread<T>>
where
    T: 'static,
{
    let mut receiver = None;
    let job = NewJob::in_cell(job, &mut receiver, has_handle);
    worker::executor_of(inner).begin(inner, runtime, permit, job);
    receiver.map(GreenThread::new)
}

/// Begins a job that is in its cell, in a slot that was just acquired, or that `lender` lent.
pub(crate) fn spawn<T>(job: JobBox, inner: &Arc<Inner>, lender: Option<Arc<Member>>, runtime: &Handle) -> GreenThread<T>
where
    T: 'static,
{
    begin(job, inner, Permit::new(inner, lender), true, runtime).expect("it has a handle")
}

/// A job that is in its cell, to be queued for a slot, and its handle. Without a runtime, it can only be refused.
pub(crate) fn queued<T>(
    job: JobBox,
    inner: &Arc<Inner>,
    runtime: Option<&Handle>,
) -> (Box<dyn ErasedJob>, GreenThread<T>)
where
    T: 'static,
{
    let mut receiver = None;
    let job = worker::executor_of(inner).queued(inner, runtime, NewJob::in_cell(job, &mut receiver, true));
    (job, GreenThread::new(receiver.expect("it has a handle")))
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
        Ok(()) => S::handle(S::begin(&mut Some(job), &current_runtime(&inner), true)),
        Err(Refusal::Closed) => {
            let (job, kept) = S::queued(&mut Some(job), None);
            job.refuse();
            S::handle(Some(kept))
        }
        Err(Refusal::Full) => enqueue(&inner, job),
    }
}

#[track_caller]
fn enqueue<S: Spawnable<Kept = GreenThread<T>>, T>(inner: &Arc<Inner>, job: S) -> GreenThread<T> {
    let mut job = Some(job);
    let runtime = Handle::current();
    let key = if S::KEYED && inner.slots.is_keyed() { S::key(&mut job) } else { None };
    let entry = key.as_ref().and_then(|key| inner.slots.enter(key));
    let (job, mut thread) = S::queued(&mut job, Some(&runtime));
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
    let (job, mut thread) = S::queued(&mut Some(make(args)), Some(&runtime));
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
pub(crate) fn queue<A>(inner: &Arc<Inner>, executor: &Executor, make: Make<A>, call: A, key: Option<&Key>)
where
    A: Send + 'static,
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
    let group = executor.inject(&runtime).group();
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
fn queue_keyed<A>(inner: &Arc<Inner>, entry: &PoolEntry<'_>, executor: &Executor, make: Make<A>, call: A)
where
    A: Send + 'static,
{
    if inner.slots.is_closed() {
        return count_refused(inner);
    }
    let group = executor.inject(&Handle::current()).group();
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
fn begin_call<A>(inner: &Arc<Inner>, executor: &Executor, runtime: &Handle, make: Make<A>, call: A) {
    let (permit, origin) = (Permit::new(inner, None), Origin::here(inner));
    let mut inject = executor.inject(runtime);
    let mut job = make(call, inject.idle_cell());
    *job.as_mut().state() = JobState::Permit(permit);
    *job.as_mut().origin() = origin;
    inject.put(job);
}

/// Queues a job that is in its cell.
#[track_caller]
pub(crate) fn queue_job(inner: &Arc<Inner>, job: JobBox, key: Option<&Key>) {
    // `queue` notes where the call comes from.
    queue(inner, worker::executor_of(inner), |job, _| job, job, key);
}

/// A closed pool refuses a job.
fn count_refused(inner: &Inner) {
    inner.counters.refused.fetch_add(1, Ordering::Relaxed);
}
