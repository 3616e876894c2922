//! Jobs whose consumer takes results as they come.
//!
//! # Implementation details
//!
//! Each job has a number and a waker of its own. The waker puts the number into a queue and wakes the consumer, which
//! polls only the jobs in the queue. So a result costs the same whatever the number of jobs.
//!
//! A consumer that is a job itself waits for all of these jobs, as far as the lending protocol knows. It registers one
//! wait, which [lists](AnyJob) the jobs: so there, too, a result costs the same whatever their number.

use std::collections::{BTreeMap, VecDeque, btree_map};
use std::ops::Bound;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};

use tokio::task::coop;

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::inner::wait::{Ending, Progress, Readiness, ReadySource, WaitEdge};
use crate::job::entry::Entry;
use crate::job::error::JoinError;
use crate::job::handle::GreenThread;
use crate::lending::blocking::WaitGuard;
use crate::lending::context;
use crate::lending::waiter::WaiterRef;
use crate::sync::wake::wake;
use crate::sync::{Mutex, lock};

/// Jobs by their number.
pub(crate) struct Unordered<T> {
    jobs: BTreeMap<usize, Job<T>>,
    woken: Arc<Mutex<Woken>>,
    /// Registers the job that is the consumer.
    guard: WaitGuard,
    /// The jobs as that job waits for them. Made when a job is the consumer for the first time.
    any: Option<Arc<AnyJob>>,
    /// The job that the queued jobs have been offered to.
    consumer: Weak<Member>,
}

/// Jobs of which a waiting job needs any one, by their number.
struct AnyJob {
    inner: Arc<Inner>,
    jobs: Mutex<BTreeMap<usize, AwaitedJob>>,
    woken: Arc<Mutex<Woken>>,
}

struct AwaitedJob {
    ending: Arc<Ending>,
    /// Its place in the queue, if it may still be queued.
    waiter: Option<WaiterRef>,
}

impl AwaitedJob {
    fn new<T>(thread: &GreenThread<T>) -> Self {
        AwaitedJob { ending: thread.ending(), waiter: thread.waiter() }
    }
}

impl AnyJob {
    /// Adds a job, unless it is there already. The job that runs here may lend it its slot.
    fn add<T>(&self, number: usize, thread: &GreenThread<T>) {
        let mut jobs = lock(&self.jobs);
        let btree_map::Entry::Vacant(place) = jobs.entry(number) else { return };
        let waiter = place.insert(AwaitedJob::new(thread)).waiter.clone();
        drop(jobs);
        waiter.iter().for_each(WaiterRef::offer_current);
    }
}

impl Progress for AnyJob {
    fn tells_all(&self) -> bool {
        true
    }

    fn readiness(&self, found: &mut Vec<WaitEdge>) -> Readiness {
        if self.has_parts() { self.readiness_of_parts(found) } else { Readiness::Yes }
    }

    /// If a job has been woken, the consumer has been, too, and is about to look at that job.
    fn has_parts(&self) -> bool {
        lock(&self.woken).numbers.is_empty()
    }

    fn part(&self, last: Option<u64>) -> Option<(u64, WaitEdge)> {
        let jobs = lock(&self.jobs);
        let from = last.map_or(Bound::Unbounded, |last| Bound::Excluded(last as usize));
        let (number, AwaitedJob { ending, waiter }) = jobs.range((from, Bound::Unbounded)).next()?;
        Some((*number as u64, WaitEdge::of_job(&self.inner, waiter.as_ref().map(WaiterRef::ticket), ending)))
    }
}

struct Job<T> {
    entry: Entry<T>,
    waker: Waker,
}

/// The jobs that have been woken and not polled since, in order. A number may be there twice, or be of a job that is
/// gone.
#[derive(Default)]
struct Woken {
    numbers: VecDeque<usize>,
    consumer: Option<Waker>,
}

struct EntryWaker {
    number: usize,
    woken: Arc<Mutex<Woken>>,
}

impl Wake for EntryWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut woken = lock(&self.woken);
        woken.numbers.push_back(self.number);
        let consumer = woken.consumer.take();
        drop(woken);
        wake(consumer);
    }
}

impl<T> Unordered<T> {
    pub(crate) fn new() -> Self {
        Unordered {
            jobs: BTreeMap::new(),
            woken: Arc::default(),
            guard: WaitGuard::default(),
            any: None,
            consumer: Weak::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry<T>> {
        self.jobs.values().map(|job| &job.entry)
    }

    pub(crate) fn insert(&mut self, number: usize, entry: Entry<T>) {
        let waker = Waker::from(Arc::new(EntryWaker { number, woken: self.woken.clone() }));
        self.jobs.insert(number, Job { entry, waker });
        lock(&self.woken).numbers.push_back(number);
    }

    /// Takes the job with the lowest number.
    pub(crate) fn pop_first(&mut self) -> Option<(usize, Entry<T>)> {
        let (&number, _) = self.jobs.first_key_value()?;
        Some((number, self.remove(number)?))
    }

    fn remove(&mut self, number: usize) -> Option<Entry<T>> {
        let job = self.jobs.remove(&number)?;
        if let Some(any) = &self.any {
            let awaited = lock(&any.jobs).remove(&number);
            drop(awaited);
        }
        Some(job.entry)
    }

    /// Waits for any of the jobs.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(usize, Option<u64>, Result<T, JoinError>)> {
        let mut left = self.prepare(cx);
        while left > 0 {
            left -= 1;
            // Without a budget, no job can be seen to have finished. Those that are left wait for the next poll.
            if !coop::has_budget_remaining() && coop::poll_proceed(cx).is_pending() {
                break;
            }
            let next = lock(&self.woken).numbers.pop_front();
            let Some(number) = next else { break };
            let Some(Job { entry, waker }) = self.jobs.get_mut(&number) else { continue };
            if entry.thread.poll_finished(&mut Context::from_waker(waker)).is_pending() {
                if let Some(any) = &self.any {
                    any.add(number, &entry.thread);
                }
                continue;
            }
            if self.guard.poll_reacquire(cx).is_pending() {
                lock(&self.woken).numbers.push_front(number);
                return Poll::Pending;
            }
            let result = entry.thread.take();
            let spawn = self.remove(number).and_then(|entry| entry.spawn);
            return Poll::Ready((number, spawn, result.unwrap_or_else(|| Err(JoinError::cancelled()))));
        }
        self.register(cx);
        Poll::Pending
    }

    /// Registers that the job that polls this, if there is one, waits for any of these jobs.
    fn register(&mut self, cx: &mut Context<'_>) {
        let Some((consumer, first)) = context::current().map(|(me, _)| me).zip(self.jobs.values().next()) else {
            return self.guard.clear();
        };
        let any = self.any.get_or_insert_with(|| {
            let jobs = self.jobs.iter().map(|(number, job)| (*number, AwaitedJob::new(&job.entry.thread))).collect();
            let inner = first.entry.thread.inner().clone();
            Arc::new(AnyJob { inner, jobs: Mutex::new(jobs), woken: self.woken.clone() })
        });
        self.guard.register(&any.inner, None, || ReadySource::Other(any.clone()), cx);
        if !std::ptr::eq(self.consumer.as_ptr(), Arc::as_ptr(&consumer)) {
            self.consumer = Arc::downgrade(&consumer);
            let waiters: Vec<_> = lock(&any.jobs).values().filter_map(|job| job.waiter.clone()).collect();
            waiters.iter().for_each(WaiterRef::offer_current);
        }
    }

    /// Takes the result of a job that has finished, if there is one. A job that has not is polled, so that it is in the
    /// queue again when it has.
    pub(crate) fn try_next(&mut self) -> Option<(usize, Option<u64>, Result<T, JoinError>)> {
        let left = lock(&self.woken).numbers.len();
        for _ in 0..left {
            let number = lock(&self.woken).numbers.pop_front()?;
            let Some(Job { entry, waker }) = self.jobs.get_mut(&number) else { continue };
            let mut result = entry.thread.try_take();
            if result.is_none() && entry.thread.poll_finished(&mut Context::from_waker(waker)).is_ready() {
                result = entry.thread.take();
            }
            if let Some(result) = result {
                let spawn = self.remove(number).and_then(|entry| entry.spawn);
                return Some((number, spawn, result));
            }
        }
        None
    }

    /// Registers the consumer. Returns how many numbers to take from the queue: those that come while jobs are polled
    /// wake the consumer, and wait for its next poll. Otherwise jobs that find tokio's budget exhausted would be polled
    /// for ever.
    fn prepare(&mut self, cx: &mut Context<'_>) -> usize {
        let mut consumer = Some(cx.waker().clone());
        let mut woken = lock(&self.woken);
        let left = woken.numbers.len();
        std::mem::swap(&mut woken.consumer, &mut consumer);
        drop(woken);
        // The old waker is foreign code, so it is dropped without the lock.
        drop(consumer);
        left
    }

    /// The call that waited has been dropped.
    pub(crate) fn stop_waiting(&mut self) {
        self.guard.clear();
    }
}
