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

use crate::job::entry::Entry;
use crate::job::error::JoinError;
use crate::lending::context;
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

    /// Takes the result of a job that has finished, if there is one. A job that has not is polled, so that it is in the
    /// queue again when it has.
    pub(crate) fn try_next(&mut self) -> Option<(usize, Option<u64>, Result<T, JoinError>)> {
        let left = lock(&self.woken).numbers.len();
        for _ in 0..left {
            let number = lock(&self.woken).numbers.pop_front()?;
            let Some(Job { entry, waker }) = self.jobs.get_mut(&number) else { continue };
            let mut result = entry.thread.try_take();
            if result.is_none() {
                // Outside, because the job that runs here does not wait for it.
                let poll = || entry.thread.poll_ready(&mut Context::from_waker(waker));
                if context::outside(poll).is_ready() {
                    result = entry.thread.take();
                }
            }
            if let Some(result) = result {
                let spawn = entry.spawn;
                self.jobs.remove(&number);
                return Some((number, spawn, result));
            }
        }
        None
    }

    /// Registers the consumer. Returns how many numbers to take from the queue: those that come while jobs are polled
    /// wake the consumer, and wait for its next poll. Otherwise jobs that find tokio's budget exhausted would be polled
    /// for ever.
    fn prepare(&mut self, first: bool, cx: &mut Context<'_>) -> usize {
        let mut consumer = Some(cx.waker().clone());
        let mut woken = lock(&self.woken);
        if first && context::is_job() {
            self.registered = true;
            woken.numbers = self.jobs.keys().copied().collect();
        }
        let left = woken.numbers.len();
        std::mem::swap(&mut woken.consumer, &mut consumer);
        drop(woken);
        // The old waker is foreign code, so it is dropped without the lock.
        drop(consumer);
        left
    }

    /// The call that waited has been dropped.
    pub(crate) fn stop_waiting(&mut self) {
        if std::mem::take(&mut self.registered) {
            self.jobs.values_mut().for_each(|job| job.entry.thread.stop_waiting());
        }
    }
}
