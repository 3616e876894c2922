//! How a job begins: it has a slot, or it is queued for one.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;

use crate::inner::{ErasedJob, Inner};
use crate::job::cell::JobCell;
use crate::job::error::JoinError;
use crate::job::handle::GreenThread;
use crate::job::permit::Permit;
use crate::job::reply::Receiver;
use crate::lending::waiter::WaiterRef;
use crate::lending::{context, deadlock};
use crate::spawn::Spawnable;
use crate::sync::slots::{Enqueued, Refusal};
use crate::worker;

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

/// Begins a job on `runtime`, the current one, in a slot that was just acquired.
#[inline]
pub(crate) fn spawn<F>(future: F, inner: &Arc<Inner>, runtime: &Handle) -> GreenThread<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let mut cell = JobCell::with(future, Some(Permit::new(inner, None)));
    let receiver = worker::executor_of(inner).put(runtime, |inject| {
        let receiver = cell.as_mut().completer().receiver(|| inject.alloc(inner));
        (cell, receiver)
    });
    GreenThread::new(receiver)
}

/// Begins a job without a handle.
#[inline]
pub(crate) fn spawn_detached<F>(future: F, inner: &Arc<Inner>, runtime: &Handle)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let cell = JobCell::with(future, Some(Permit::new(inner, None)));
    worker::executor_of(inner).put(runtime, |_| (cell, ()));
}

/// A job that can be queued for a slot, and its handle.
pub(crate) fn queued<F>(future: F, inner: &Arc<Inner>, runtime: &Handle) -> (Box<dyn ErasedJob>, GreenThread<F::Output>)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let mut cell = JobCell::with(future, None);
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
    match inner.slots.try_acquire() {
        Ok(()) => S::spawn_in(&mut Some(job), &current_runtime(&inner)),
        Err(Refusal::Closed) => refused(&inner),
        Err(Refusal::Full) => {
            let (job, mut thread) = S::queued(&mut Some(job), &Handle::current());
            match deadlock::enqueue_job(&inner, job, context::member_of(&inner), None) {
                Enqueued::Slot(job) => job.begin(None),
                Enqueued::Closed(job) => job.refuse(),
                Enqueued::Queued(ticket) => thread.set_waiter(WaiterRef::new(&inner, ticket)),
            }
            thread
        }
    }
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
