//! Calls that are queued for a slot and that nothing waits for. Only their arguments are kept.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::inner::member::Member;
use crate::inner::queued::{Calls, ErasedBacklog, PoolJob};
use crate::inner::{Inner, PoolEntry};
use crate::job::cell::JobBox;
use crate::job::permit::Permit;
use crate::job::running::JobState;
use crate::job::span::Origin;
use crate::sync::quiet::drop_quietly;
use crate::sync::slots::Enqueued;
use crate::sync::slots::gates::Hold;
use crate::sync::{Mutex, lock};
use crate::worker::group::Group;

/// Makes the job of a call, in an empty cell if there is one.
pub(crate) type Make<A> = fn(A, Option<JobBox>) -> JobBox;

/// Queued calls that follow each other in the queue of a pool, and the workers that will run them. `A` is what is kept
/// of a call.
pub(crate) struct Backlog<A> {
    calls: Mutex<VecDeque<(A, Origin)>>,
    make: Make<A>,
    group: Arc<Group>,
    inner: Arc<Inner>,
}

/// A backlog whose memory is used for less than a quarter shrinks, if it has room for more calls than this.
const MIN_SHRINK: usize = 1024;

impl<A: Send + 'static> Backlog<A> {
    /// Queues a call, unless a slot is free and nothing is queued. If a call of the same function for the same workers
    /// is last in the queue, this one joins its backlog.
    pub(crate) fn enqueue(inner: &Arc<Inner>, group: &Arc<Group>, make: Make<A>, call: A) -> Enqueued<A> {
        let call = (call, Origin::here(inner));
        let join = |last: &mut PoolJob, call| Self::join(last, group, call);
        match inner.slots.enqueue_call(call, join, |call| Self::start(inner, group, make, call)) {
            Enqueued::Slot((call, _), key) => Enqueued::Slot(call, key),
            Enqueued::Closed((call, _)) => Enqueued::Closed(call),
            Enqueued::Queued(ticket) => Enqueued::Queued(ticket),
        }
    }

    /// Queues a call with a key, unless a slot and the key are free, and nothing is queued. It has a backlog of its
    /// own, since the calls after it may overtake it.
    pub(crate) fn enqueue_keyed(
        entry: &PoolEntry<'_>,
        inner: &Arc<Inner>,
        group: &Arc<Group>,
        make: Make<A>,
        call: A,
    ) -> Enqueued<PoolJob> {
        inner.slots.enqueue_keyed(entry, Self::start(inner, group, make, (call, Origin::here(inner))), None)
    }

    fn start(inner: &Arc<Inner>, group: &Arc<Group>, make: Make<A>, call: (A, Origin)) -> PoolJob {
        let calls = Mutex::new(VecDeque::from([call]));
        let backlog = Backlog { calls, make, group: group.clone(), inner: inner.clone() };
        PoolJob::Calls(Calls::first(Arc::new(backlog)))
    }

    fn join(last: &mut PoolJob, group: &Arc<Group>, call: (A, Origin)) -> Result<(), (A, Origin)> {
        let PoolJob::Calls(calls) = last else { return Err(call) };
        match calls.backlog().as_any().downcast_ref::<Self>() {
            Some(backlog) if Arc::ptr_eq(&backlog.group, group) => {
                lock(&backlog.calls).push_back(call);
                calls.add_one();
                Ok(())
            }
            _ => Err(call),
        }
    }
}

impl<A: Send + 'static> ErasedBacklog for Backlog<A> {
    fn begin(&self, lender: Option<Arc<Member>>, key: Option<Hold>) {
        let mut calls = lock(&self.calls);
        let Some((call, origin)) = calls.pop_front() else { unreachable!("a call that has a slot is in the backlog") };
        if calls.capacity() > MIN_SHRINK && calls.len() < calls.capacity() / 4 {
            let to = calls.capacity() / 2;
            calls.shrink_to(to);
        }
        drop(calls);
        let is_lent = lender.is_some();
        let permit = Permit::with_key(&self.inner, lender, key);
        let make = |cell| {
            let mut job = (self.make)(call, cell);
            *job.as_mut().state() = JobState::Permit(permit);
            *job.as_mut().origin() = origin;
            job
        };
        if is_lent { self.group.put_lent(make(None)) } else { self.group.put_with(make) }
    }

    fn refuse(&self, count: usize) {
        let mut calls = lock(&self.calls);
        let from = calls.len() - count;
        let refused = calls.split_off(from);
        drop(calls);
        self.inner.counters.refused.fetch_add(count as u64, Ordering::Relaxed);
        refused.into_iter().for_each(drop_quietly);
    }

    fn is_of(&self, group: u32) -> bool {
        self.group.number() == group
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
