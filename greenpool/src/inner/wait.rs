//! What a pending verb waits for, and whether it is ready.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};

use crate::inner::member::Member;
use crate::inner::{Inner, in_place};
use crate::sync::slots::Ticket;
use crate::sync::{Mutex, lock};

/// One pending verb: an edge of the graph of waiting jobs, from a job to the pool that must make progress.
#[derive(Clone)]
pub(crate) struct WaitEdge {
    pub(crate) inner: Arc<Inner>,
    /// The ticket in that pool's queue that the verb waits for.
    pub(crate) ticket: Option<Ticket>,
    pub(crate) source: ReadySource,
    /// [`Shared`], since it is cloned under locks.
    pub(crate) waker: Waker,
    /// The verb has its result and waits only for the job's slot.
    pub(crate) resuming: bool,
    /// Whether the ticket was served with the slot of this job.
    pub(crate) lent: Lent,
    /// The branch of the job that the verb is pending in.
    pub(crate) branch: u32,
    /// It was not polled with the waker of a task, so perhaps in place: by a `block_on` in the poll of the job.
    pub(crate) maybe_in_place: bool,
    /// The number of that branch's poll in which the verb was last polled.
    pub(crate) last_polled: u64,
    /// How often it has been polled in that poll.
    pub(crate) looks: u32,
    /// Of its branch, as of that poll: these are counted anew in each.
    pub(crate) looks_epoch: u64,
    /// The number of that branch's poll at which a search last woke the verb.
    pub(crate) woken_at: Option<u64>,
}

/// A waker whose clones share one clone of the original, so that cloning it runs no foreign code.
pub(crate) struct Shared(Waker);

impl Shared {
    pub(crate) fn new(waker: &Waker) -> Arc<Self> {
        Arc::new(Shared(waker.clone()))
    }

    pub(crate) fn will_wake(&self, waker: &Waker) -> bool {
        self.0.will_wake(waker)
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(self.clone())
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake_by_ref();
    }
}

/// Whether a child of the job runs in its slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lent {
    No,
    Yes,
    /// It did, and the verb has been woken because the child is over.
    Over,
}

/// What can tell whether a verb will be ready when it is polled again.
#[derive(Clone)]
pub(crate) enum ReadySource {
    /// A job has begun, once its ticket has been served.
    Begun,
    /// A child of this job has begun, or has ended if it runs in the slot of this job.
    Child(Arc<Ending>),
    /// A job has ended.
    Job(Arc<Ending>),
    /// A flag that is set when the result is there, or on its way.
    Flag(Arc<AtomicBool>),
    /// The pool, once it is idle.
    Idle,
    /// Something that makes progress by itself, as a map does.
    Other(Arc<dyn Progress>),
}

/// What the record of a job's result and the verbs that wait for the job share.
#[derive(Default)]
pub(crate) struct Ending {
    /// Set when the job is about to release its slot.
    is_near: AtomicBool,
    /// The job, once it has waited for greenpool.
    job: Mutex<Weak<Member>>,
}

impl Ending {
    pub(crate) fn new(is_near: bool) -> Arc<Self> {
        Arc::new(Ending { is_near: AtomicBool::new(is_near), job: Mutex::default() })
    }

    /// The job is about to release its slot.
    pub(crate) fn announce(&self) {
        // SeqCst pairs with the load in `is_near`: a search for deadlocks that finds the slot released finds this set.
        self.is_near.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_near(&self) -> bool {
        self.is_near.load(Ordering::SeqCst)
    }

    /// The job has waited for greenpool, and this is its record.
    pub(crate) fn set_job(&self, job: &Arc<Member>) {
        *lock(&self.job) = Arc::downgrade(job);
    }

    fn job(&self) -> Option<Arc<Member>> {
        lock(&self.job).upgrade()
    }

    fn has_job(&self) -> bool {
        lock(&self.job).strong_count() > 0
    }
}

/// Something that a job can wait for and that may wait for greenpool itself.
pub(crate) trait Progress: Send + Sync {
    /// Whether it adds all that it waits for to `found`. Otherwise it may also wait for any job of its pool.
    fn tells_all(&self) -> bool {
        false
    }

    /// Whether it has something for the waiting job, or can get something without waiting for greenpool. If not, adds
    /// what it waits for in turn to `found`.
    fn readiness(&self, found: &mut Vec<WaitEdge>) -> Readiness;

    /// Whether it will be ready as soon as one of its [parts](Self::part) is, and not before.
    fn has_parts(&self) -> bool {
        false
    }

    /// The wait that comes after number `last`, or the first one, and its number.
    fn part(&self, _last: Option<u64>) -> Option<(u64, WaitEdge)> {
        None
    }

    /// How ready it is if one of its parts is as ready as that.
    fn with_part(&self, part: Readiness) -> Readiness {
        part
    }

    /// Whether one of its parts is ready. If not, adds all of them to `found`.
    fn readiness_of_parts(&self, found: &mut Vec<WaitEdge>) -> Readiness {
        let mut last = None;
        while let Some((number, wait)) = self.part(last) {
            match wait.readiness(found) {
                Readiness::No => found.push(wait),
                readiness => return self.with_part(readiness),
            }
            last = Some(number);
        }
        Readiness::No
    }
}

/// Whether a verb will be ready when it is polled again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    No,
    /// Something that does not wait for greenpool will make it ready, and wake it then.
    Later,
    /// It will; it has been woken, or will be.
    Yes,
}

/// What a search finds out about a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// It will be polled again and find something.
    Will,
    /// It will not, as things are.
    Pending,
    /// It would, but the job does not come to it, so it has been set aside.
    SetAside,
}

impl WaitEdge {
    /// A wait for something in `inner`, from the branch that is being polled with `waker`.
    pub(crate) fn new(
        inner: &Arc<Inner>,
        ticket: Option<Ticket>,
        source: ReadySource,
        branch: u32,
        waker: &Waker,
    ) -> Self {
        let shared = Shared::new(waker).waker();
        let maybe_in_place = in_place::is_possible(waker);
        WaitEdge { branch, maybe_in_place, ..Self::with_waker(inner, ticket, source, shared) }
    }

    /// A wait for a job, as one of those that a verb stands for.
    pub(crate) fn of_job(inner: &Arc<Inner>, ticket: Option<Ticket>, ending: &Arc<Ending>) -> Self {
        Self::with_waker(inner, ticket, ReadySource::Job(ending.clone()), Waker::noop().clone())
    }

    fn with_waker(inner: &Arc<Inner>, ticket: Option<Ticket>, source: ReadySource, waker: Waker) -> Self {
        WaitEdge {
            inner: inner.clone(),
            ticket,
            source,
            waker,
            resuming: false,
            lent: Lent::No,
            branch: 0,
            maybe_in_place: false,
            last_polled: 0,
            looks: 0,
            looks_epoch: 0,
            woken_at: None,
        }
    }

    /// The waker, if the verb waits for a child that ran in the job's own slot and is over. Only once, since the job
    /// may not poll the verb again for a while.
    pub(crate) fn take_over(&mut self) -> Option<Waker> {
        let ReadySource::Child(ending) = &self.source else { return None };
        let is_over = self.lent == Lent::Yes && ending.is_near();
        is_over.then(|| {
            self.lent = Lent::Over;
            self.waker.clone()
        })
    }

    /// Whether other waits, which [`readiness`](Self::readiness) adds, say all that the verb waits for.
    pub(crate) fn stands_for_others(&self) -> bool {
        matches!(&self.source, ReadySource::Other(other) if other.tells_all())
    }

    /// The waits of which any one makes this one ready, if that is how it becomes ready.
    pub(crate) fn parts(&self) -> Option<Arc<dyn Progress>> {
        match &self.source {
            ReadySource::Other(other) if other.has_parts() => Some(other.clone()),
            _ => None,
        }
    }

    fn ending(&self) -> Option<&Ending> {
        match &self.source {
            ReadySource::Child(ending) | ReadySource::Job(ending) => Some(ending),
            ReadySource::Begun | ReadySource::Flag(_) | ReadySource::Idle | ReadySource::Other(_) => None,
        }
    }

    /// The job that the verb waits for, if it has begun and has waited for greenpool. The caller must hold no lock as
    /// it drops the job.
    pub(crate) fn job(&self) -> Option<Arc<Member>> {
        self.ending().and_then(Ending::job)
    }

    pub(crate) fn has_job(&self) -> bool {
        self.ending().is_some_and(Ending::has_job)
    }

    /// Whether the verb will be ready. If not, adds what its source waits for in turn to `found`.
    pub(crate) fn readiness(&self, found: &mut Vec<WaitEdge>) -> Readiness {
        // A pool of size 0 begins nothing until it is resized, and that must come from outside.
        let slots = &self.inner.slots;
        if self.resuming || self.ticket.is_some_and(|ticket| slots.size() == 0 && slots.is_queued(ticket)) {
            return Readiness::Later;
        }
        let ready = match &self.source {
            ReadySource::Begun | ReadySource::Child(_) | ReadySource::Job(_) => self.is_over(),
            // SeqCst pairs with the stores in `pile`.
            ReadySource::Flag(flag) => flag.load(Ordering::SeqCst),
            ReadySource::Idle => slots.is_idle(),
            ReadySource::Other(other) => return other.readiness(found),
        };
        if ready { Readiness::Yes } else { Readiness::No }
    }

    /// Whether the verb is ready, and stays so until it is polled.
    pub(crate) fn is_over(&self) -> bool {
        let is_queued = || self.ticket.is_some_and(|ticket| self.inner.slots.is_queued(ticket));
        match &self.source {
            ReadySource::Child(ending) if self.lent != Lent::No => ending.is_near(),
            ReadySource::Begun | ReadySource::Child(_) => !self.resuming && !is_queued(),
            ReadySource::Job(ending) => ending.is_near(),
            ReadySource::Flag(_) | ReadySource::Idle | ReadySource::Other(_) => false,
        }
    }
}
