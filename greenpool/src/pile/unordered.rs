//! Jobs whose consumer takes results as they come.
//!
//! # Implementation details
//!
//! Each job has a number and a waker of its own. The waker puts the number into a queue and wakes the consumer, which
//! polls only the jobs in the queue. So a result costs the same whatever the number of jobs.
//!
//! A consumer that is a job itself must wait for all of these jobs, as far as the lending protocol knows. So there the
//! first poll of each call polls them all, and the end of the call deregisters them all.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use crate::job::error::JoinError;
use crate::lending::context;
use crate::pile::entry::Entry;
use crate::sync::wake::wake;
use crate::sync::{Mutex, lock};

/// Jobs by their number.
pub(crate) struct Unordered<T> {
    jobs: BTreeMap<usize, Job<T>>,
    woken: Arc<Mutex<Woken>>,
    /// Whether the job that is the consumer is registered with these jobs.
    registered: bool,
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
        Unordered { jobs: BTreeMap::new(), woken: Arc::default(), registered: false }
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
        let (number, job) = self.jobs.pop_first()?;
        Some((number, job.entry))
    }

    /// Waits for any of the jobs. `first` tells that the call has not polled before.
    pub(crate) fn poll(
        &mut self,
        first: bool,
        cx: &mut Context<'_>,
    ) -> Poll<(usize, Option<u64>, Result<T, JoinError>)> {
        let mut left = self.prepare(first, cx);
        while left > 0 {
            left -= 1;
            let next = lock(&self.woken).numbers.pop_front();
            let Some(number) = next else { break };
            let Some(Job { entry, waker }) = self.jobs.get_mut(&number) else { continue };
            if entry.thread.poll_ready(&mut Context::from_waker(waker)).is_pending() {
                continue;
            }
            let (spawn, result) = (entry.spawn, entry.thread.take());
            self.jobs.remove(&number);
            return Poll::Ready((number, spawn, result.unwrap_or_else(|| Err(JoinError::cancelled()))));
        }
        Poll::Pending
    }

    /// Registers the consumer. Returns how many numbers to take from the queue: those that come while jobs are polled
    /// wake the consumer, and wait for its next poll. Otherwise jobs that find tokio's budget exhausted would be polled
    /// for ever.
    fn prepare(&mut self, first: bool, cx: &mut Context<'_>) -> usize {
        let mut woken = lock(&self.woken);
        if first && context::is_job() {
            self.registered = true;
            woken.numbers = self.jobs.keys().copied().collect();
        }
        let left = woken.numbers.len();
        if woken.consumer.as_ref().is_some_and(|old| old.will_wake(cx.waker())) {
            return left;
        }
        let old = woken.consumer.replace(cx.waker().clone());
        drop(woken);
        drop(old);
        left
    }

    /// The call that waited has been dropped.
    pub(crate) fn stop_waiting(&mut self) {
        if std::mem::take(&mut self.registered) {
            self.jobs.values_mut().for_each(|job| job.entry.thread.stop_waiting());
        }
    }
}
