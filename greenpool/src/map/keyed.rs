//! Maps whose jobs have keys.
//!
//! The key of a job is known only once its item has been read, and then the job may have to wait for the key while
//! others go on. So these maps do not acquire a slot to read: one task, the *reader*, reads an item for each free place
//! and submits its job to the pool, where it stands in line as that of a spawn does. The reader is also what awaits the
//! jobs and stores their results.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::job::cell::JobCell;
use crate::job::entry::Entry;
use crate::job::error::JoinError;
use crate::job::unordered::Unordered;
use crate::lending::deadlock;
use crate::map::feed::{Driver, JobSource, Output, Returned, UserCode};
use crate::map::shared::{DynDriver, KeyedJob, Shared};
use crate::spawn::{FutureJob, Keyed, begin};
use crate::sync::key::Key;
use crate::sync::quiet::drop_quietly;
use crate::worker::idle::WorkerState;
use crate::worker::poll::POLL_BUDGET;

/// The future of a job, and its key.
pub(crate) struct WithKey<F> {
    key: Key,
    future: Pin<Box<F>>,
}

impl<F> WithKey<F> {
    pub(crate) fn new(key: Key, future: F) -> Self {
        WithKey { key, future: Box::pin(future) }
    }
}

impl<F: Future> Future for WithKey<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.future.as_mut().poll(cx)
    }
}

/// A source whose items need no slot to be read.
struct KeyedSource<S>(S);

impl<S: JobSource> JobSource for KeyedSource<S> {
    type Job = S::Job;
    type Output = S::Output;

    const IS_ASYNC: bool = S::IS_ASYNC;
    const KEYED: bool = true;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.0.poll_ready(cx)
    }

    fn outsider(&self) -> Option<&Arc<Member>> {
        self.0.outsider()
    }

    fn next(&mut self, job: Pin<&mut Option<S::Job>>, user_code: &mut UserCode) -> bool {
        self.0.next(job, user_code)
    }

    fn next_boxed(&mut self, user_code: &mut UserCode) -> Option<Box<S::Job>> {
        self.0.next_boxed(user_code)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    fn result(returned: Returned<S>) -> Result<S::Output, JoinError> {
        S::result(returned)
    }
}

/// Starts a map.
#[track_caller]
pub(crate) fn start<S, F>(inner: &Arc<Inner>, source: S, ordered: bool) -> (Arc<Shared<Output<S>>>, Arc<dyn DynDriver>)
where
    S: JobSource<Job = WithKey<F>>,
    F: Future<Output: Send + 'static> + Send + 'static,
{
    Driver::start(inner, KeyedSource(source), ordered, |driver, key| {
        drop(driver.runtime().spawn(Reader::new(driver.clone(), key)));
        None
    })
}

/// Reads the items of a map, submits their jobs, and stores their results.
struct Reader<S: JobSource> {
    driver: Arc<Driver<S>>,
    key: u32,
    jobs: Unordered<Returned<S>>,
    /// It is in the set of idle workers, unless it has been notified.
    parked: bool,
    over: bool,
}

/// What the source has.
enum Next<J> {
    Job(u64, J),
    /// The function has panicked, or the key has.
    Failed(u64, JoinError),
    /// Nothing yet.
    Awaited,
    End,
}

impl<S, F> Reader<S>
where
    S: JobSource<Job = WithKey<F>>,
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn new(driver: Arc<Driver<S>>, key: u32) -> Self {
        Reader { driver, key, jobs: Unordered::new(), parked: false, over: false }
    }

    fn arrive(&mut self, cx: &Context<'_>) {
        let mut state = self.driver.shared.state();
        if state.workers.arrive(self.key, cx.waker()) != WorkerState::Idle {
            self.parked = false;
        }
        state.awaiting = None;
        // Nothing else looks for room meanwhile.
        state.queued = true;
    }

    /// Stores the results of the jobs that have ended.
    fn deliver(&mut self, cx: &mut Context<'_>) {
        let shared = self.driver.shared.clone();
        while let Poll::Ready((number, _, result)) = self.jobs.poll(cx) {
            shared.put(number as u64, result.and_then(S::result));
            shared.remove_job(number as u64);
        }
    }

    /// Submits a job for each free place. Returns whether there is nothing more to read.
    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        let shared = self.driver.shared.clone();
        let slots = &shared.inner.slots;
        for _ in 0..POLL_BUDGET {
            if slots.is_closed() && shared.state().buffer.is_reading() {
                shared.stop(Some(JoinError::closed()));
            }
            let mut state = shared.state();
            if !state.buffer.is_reading() {
                drop(state);
                drop_quietly(self.driver.discard_source());
                return true;
            }
            // In a pool of size 0 one item waits, so an empty map ends.
            let room = state.buffer.room(slots.size().max(1), 1);
            if room == 0 {
                return false;
            }
            state.buffer.occupy(1, room);
            drop(state);
            match self.next(cx) {
                Next::Job(number, job) => self.submit(number, job),
                Next::Failed(number, error) => shared.put(number, Err(error)),
                Next::Awaited => {
                    shared.unreserve();
                    let mut state = shared.state();
                    if state.buffer.is_reading() {
                        state.awaiting = Some(self.key);
                        return false;
                    }
                }
                Next::End => shared.unreserve(),
            }
        }
        // If the map was stopped while the last item was read, this drops the source.
        self.driver.notify_missed();
        false
    }

    /// Waits for jobs, for room or for an item, unless there is room already.
    fn park(&mut self, cx: &Context<'_>) {
        let shared = &self.driver.shared;
        let mut state = shared.state();
        let waits = state.awaiting.is_some();
        let size = shared.inner.slots.size().max(1);
        let has_room = state.buffer.is_reading() && state.buffer.room(size, 1) > 0;
        // If the map was stopped just now, nothing else wakes a reader without jobs.
        let is_over = !state.buffer.is_reading() && self.jobs.len() == 0;
        if is_over || !waits && has_room {
            drop(state);
            return cx.waker().wake_by_ref();
        }
        state.queued = waits;
        if !waits && !std::mem::replace(&mut self.parked, true) {
            state.workers.park(self.key);
        }
        drop(state);
        // A job that waits for the map may wait for ever, for the keys of the map's jobs.
        shared.check_jobs();
    }

    /// Reads the next item, or ends the map.
    fn next(&self, cx: &mut Context<'_>) -> Next<S::Job> {
        let driver = &self.driver;
        let mut guard = driver.source();
        let Some(source) = guard.as_mut() else { return Next::End };
        let (mut job, mut user_code) = (None, UserCode::Source);
        let read = catch_unwind(AssertUnwindSafe(|| match source.poll_ready(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(false) => Poll::Ready(None),
            Poll::Ready(true) => Poll::Ready(source.next(Pin::new(&mut job), &mut user_code)),
        }));
        let error = match read {
            Ok(Poll::Pending) => return Next::Awaited,
            Ok(Poll::Ready(Some((number, has_news)))) => {
                if has_news {
                    driver.shared.state().buffer.set_total(source.total());
                }
                let Some(job) = job else { unreachable!("a source that says so has a job") };
                return Next::Job(number, job);
            }
            Ok(Poll::Ready(None)) => None,
            Err(payload) if user_code == UserCode::Function => {
                source.read += 1;
                return Next::Failed(source.read - 1, JoinError::panic(payload));
            }
            Err(payload) => Some(JoinError::panic(payload)),
        };
        let source = driver.take_source(guard);
        driver.end(source, error);
        drop_quietly(job);
        Next::End
    }

    /// Submits a job to the pool.
    fn submit(&mut self, number: u64, job: S::Job) {
        let shared = &self.driver.shared;
        let WithKey { key, future } = job;
        let job = Keyed::new(FutureJob::new(shared.inner.clone(), JobCell::of(future)), key);
        // It compares keys.
        match catch_unwind(AssertUnwindSafe(|| begin::submit(job))) {
            Err(payload) => shared.put(number, Err(JoinError::panic(payload))),
            Ok(thread) => {
                if let Some(waiter_ref) = thread.waiter() {
                    let (ending, handle) = (thread.ending(), thread.abort_handle());
                    shared.add_job(number, KeyedJob { waiter_ref, ending, handle });
                }
                self.jobs.insert(number as usize, Entry { thread, spawn: None });
            }
        }
    }
}

impl<S, F> Future for Reader<S>
where
    S: JobSource<Job = WithKey<F>>,
    F: Future<Output: Send + 'static> + Send + 'static,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.arrive(cx);
        this.deliver(cx);
        let ended = this.read(cx);
        // This also polls the new jobs for the first time.
        this.deliver(cx);
        this.over = ended && this.jobs.len() == 0;
        if this.over {
            return Poll::Ready(());
        }
        this.park(cx);
        deadlock::changed(&this.driver.shared.inner);
        Poll::Pending
    }
}

impl<S: JobSource> Drop for Reader<S> {
    fn drop(&mut self) {
        let shared = &self.driver.shared;
        // It is dropped with its runtime, and so are the jobs.
        while let Some((number, entry)) = self.jobs.pop_first() {
            entry.thread.abort();
            shared.put(number as u64, Err(JoinError::cancelled()));
            shared.remove_job(number as u64);
        }
        shared.leave(self.key);
        if !self.over {
            shared.stop(Some(JoinError::cancelled()));
        }
    }
}
