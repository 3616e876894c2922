//! One worker of a map: a task that reads items, runs their jobs and stores the results.
//!
//! A worker keeps its slot from item to item, unless another waiter wants it, the pool has shrunk, or the slot is a
//! loan. At most one worker at a time is queued for the map, so a map waits for its turn like any other caller. A
//! worker without a job keeps its `Running`, vacant, for the next one; it gives up its slot and its place, or acquires
//! them, under the lock of the [shared state](crate::map::shared), so a job that waits once costs that lock twice. A
//! worker whose last job waited expects the next one to wait, and notifies another worker at once.

use std::any::Any;
use std::future::Future;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::job::error::JoinError;
use crate::job::running::{Entered, Outcome, Running};
use crate::lending::context;
use crate::lending::deadlock;
use crate::lending::waiter::{Acquired, Waiter};
use crate::map::feed::{Driver, JobSource, Output, UserCode};
use crate::map::session::Session;
use crate::map::shared::{DynDriver, MapState, Shared};
use crate::sync::wake::wake;
use crate::worker::idle::WorkerState;
use crate::worker::poll::{self, Jobs, POLL_BUDGET, Step};

pin_project! {
    /// A worker and the job that it runs. Its fields are dropped in order: the future of the job, then the slot, then
    /// the registration, which stores a result. So a slot is never released before the future is gone, and a result is
    /// never stored before the slot is free.
    pub(crate) struct MapWorker<S: JobSource> {
        #[pin]
        job: Option<S::Job>,
        running: Option<Running>,
        // The map's ticket in the pool's queue.
        waiter: Option<Waiter>,
        registration: Registration<S>,
    }
}

/// Starts a map.
#[track_caller]
pub(crate) fn start<S: JobSource>(
    inner: &Arc<Inner>,
    source: S,
    ordered: bool,
) -> (Arc<Shared<Output<S>>>, Arc<dyn DynDriver>) {
    let spawn_worker =
        |driver: &Arc<Driver<S>>, key| driver.runtime().spawn(MapWorker::new(driver.clone(), key)).abort_handle();
    Driver::start(inner, source, ordered, spawn_worker)
}

/// A worker as the map knows it. If it is dropped before the worker is done, as when its runtime shuts down, it ends
/// the map.
struct Registration<S: JobSource> {
    driver: Arc<Driver<S>>,
    key: u32,
    /// The number of the item whose job runs.
    number: Option<u64>,
    slot: SlotState,
    /// Whether a worker has been notified because the job waits, or is expected to wait as the last one did.
    waits: bool,
    over: bool,
}

/// Which slot a worker has, as the map counts it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SlotState {
    None,
    /// The worker is queued for a slot, on behalf of the map.
    Queued,
    /// One of the pool's own slots.
    Held,
    /// A slot that another job has lent.
    Borrowed,
}

impl<S: JobSource> Drop for Registration<S> {
    fn drop(&mut self) {
        let shared = &self.driver.shared;
        let has_slot = matches!(self.slot, SlotState::Held | SlotState::Borrowed);
        {
            let mut state = shared.state();
            state.holders -= usize::from(has_slot);
            state.queued &= self.slot != SlotState::Queued;
        }
        match self.number.take() {
            Some(number) => shared.put(number, Err(JoinError::cancelled())),
            // A `tracing` subscriber panicked as the job began, before an item was read.
            None if has_slot && !self.over => shared.unreserve(),
            None => {}
        }
        shared.leave(self.key);
        if !self.over {
            shared.stop(Some(JoinError::cancelled()));
        }
    }
}

impl<S: JobSource> MapWorker<S> {
    pub(crate) fn new(driver: Arc<Driver<S>>, key: u32) -> Self {
        let registration = Registration { driver, key, number: None, slot: SlotState::None, waits: false, over: false };
        MapWorker { job: None, running: None, waiter: None, registration }
    }

    /// Without a slot: if notified, acquires a slot and reserves a place, or queues for the map.
    fn seek(mut self: Pin<&mut Self>, cx: &Context<'_>) -> Step {
        let this = self.as_mut().project();
        let Registration { driver, key, slot, waits, .. } = this.registration;
        let shared = &driver.shared;
        let slots = &shared.inner.slots;
        let mut guard = shared.state();
        let state = &mut *guard;
        match state.workers.arrive(*key, cx.waker()) {
            WorkerState::Notified | WorkerState::Busy => {}
            WorkerState::Idle => return Step::Idle,
            WorkerState::Retired => return Step::Leave,
        }
        // Read under the lock and after `arrive`: a later resize finds that this worker is no longer notified.
        let size = slots.size();
        let room = match find_room(state, *key, size) {
            Ok(room) => room,
            Err(next) => return next,
        };
        if slots.try_acquire().is_ok() {
            state.buffer.occupy(1, room);
            state.holders += 1;
            *slot = SlotState::Held;
            let wakeup = state.notify_ahead(size, waits);
            drop(guard);
            match this.running {
                Some(running) => running.begin(&shared.inner),
                None => *this.running = Some(shared.begin_job(None)),
            }
            driver.wake(wakeup);
            return Step::Continue;
        }
        state.queued = true;
        *slot = SlotState::Queued;
        drop(guard);
        match shared.begin() {
            Acquired::Now => self.granted(None),
            Acquired::Closed => {
                shared.stop(Some(JoinError::closed()));
                Step::Leave
            }
            Acquired::Queued(waiter) => {
                *this.waiter = Some(waiter);
                Step::Continue
            }
        }
    }

    fn poll_queue(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step> {
        let this = self.as_mut().project();
        let Some(waiter) = this.waiter else {
            unreachable!("a queued worker has a ticket");
        };
        let granted = ready!(waiter.poll(cx));
        *this.waiter = None;
        this.registration.driver.shared.leave_queue();
        Poll::Ready(match granted {
            Ok(lender) => self.granted(lender),
            Err(_) => {
                this.registration.driver.shared.stop(Some(JoinError::closed()));
                Step::Leave
            }
        })
    }

    /// With a slot: reserves a place, or releases the slot if there is none.
    fn granted(self: Pin<&mut Self>, lender: Option<Arc<Member>>) -> Step {
        let this = self.project();
        let driver = &this.registration.driver;
        let shared = &driver.shared;
        let slot = if lender.is_some() { SlotState::Borrowed } else { SlotState::Held };
        let running = shared.begin_job(lender);
        let closed = shared.inner.slots.is_closed();
        let mut state = shared.state();
        state.queued = false;
        this.registration.slot = SlotState::None;
        if closed || !state.buffer.reserve(shared.inner.slots.size()) {
            drop(state);
            running.finish(Outcome::Withdrawn);
            if closed {
                shared.stop(Some(JoinError::closed()));
            }
            return Step::Continue;
        }
        state.holders += 1;
        this.registration.slot = slot;
        let wakeup = state.notify(shared.inner.slots.size(), 0);
        drop(state);
        driver.wake(wakeup);
        this.registration.waits = false;
        *this.running = Some(running);
        Step::Continue
    }

    /// With a slot: polls the job and those that follow it, and acts on the exit.
    fn run(mut self: Pin<&mut Self>, cx: &mut Context<'_>, budget: &mut u32) -> Poll<Step> {
        let exit = self.as_mut().run_jobs(cx, budget);
        let mut this = self.as_mut().project();
        let panic = match exit {
            Exit::Waits { notified } => {
                // The worker registers no abort waker: `abort_all` wakes all busy workers.
                this.registration.waits = true;
                if !notified {
                    this.registration.driver.notify(1);
                }
                return Poll::Pending;
            }
            Exit::Full(value) => return Poll::Ready(self.finish_and_look(value, *budget)),
            Exit::Finished(value) => return Poll::Ready(self.finish_job(Ok(value), Outcome::Finished, *budget)),
            Exit::Nothing { follows } => {
                if let Some(running) = this.running.take() {
                    running.finish(if follows { Outcome::Finished } else { Outcome::Withdrawn });
                }
                return Poll::Ready(Step::Leave);
            }
            // No item has been read, so there is no job to abort.
            Exit::Aborted if this.registration.number.is_none() => return Poll::Ready(self.release_unused()),
            Exit::Aborted => None,
            Exit::Panicked(payload) => Some(payload),
        };
        let outcome = if panic.is_some() { Outcome::Panicked } else { Outcome::Aborted };
        let dropped = catch_unwind(AssertUnwindSafe(|| this.job.set(None)));
        let error = panic.or(dropped.err()).map_or_else(JoinError::cancelled, JoinError::panic);
        Poll::Ready(self.finish_job(Err(error), outcome, *budget))
    }

    /// Polls the job, or reads one for the reserved place, and then runs further jobs in the same slot while nothing
    /// else needs attention.
    fn run_jobs(self: Pin<&mut Self>, cx: &mut Context<'_>, budget: &mut u32) -> Exit<Output<S>> {
        let this = self.project();
        let Some(running) = this.running else {
            return Exit::Nothing { follows: true };
        };
        let registration = this.registration;
        let inner = &registration.driver.shared.inner;
        let mut jobs = MapJobs {
            job: this.job,
            inner,
            holds_own: registration.slot == SlotState::Held,
            // A job that exists already has waited.
            session: Session::new(&registration.driver, registration.number.is_some(), registration.waits),
            user_code: UserCode::Job,
            number: registration.number,
        };
        let ran = poll::run(&mut jobs, running, inner, budget, cx);
        let MapJobs { mut session, user_code, number, .. } = jobs;
        registration.number = number;
        registration.waits = session.has_waited;
        match ran {
            Ok(Poll::Ready(exit)) => exit,
            Ok(Poll::Pending) => Exit::Waits { notified: session.has_notified },
            Err(payload) => {
                if user_code != UserCode::Job {
                    registration.number = Some(session.panicked(user_code));
                    inner.live.count_begun(u64::from(session.follows));
                }
                Exit::Panicked(payload)
            }
        }
    }

    /// Releases a slot and gives back a place in which no job has begun.
    fn release_unused(self: Pin<&mut Self>) -> Step {
        let this = self.project();
        let shared = &this.registration.driver.shared;
        shared.state().holders -= 1;
        this.registration.slot = SlotState::None;
        if let Some(running) = this.running.take() {
            running.finish(Outcome::Withdrawn);
        }
        shared.unreserve();
        Step::Continue
    }

    /// Releases the slot, and then stores the result.
    fn finish_job(self: Pin<&mut Self>, result: Result<Output<S>, JoinError>, outcome: Outcome, budget: u32) -> Step {
        let this = self.project();
        let shared = &this.registration.driver.shared;
        // Before the slot is released: a job that waits for the result must see that it is on its way.
        shared.state().holders -= 1;
        this.registration.slot = SlotState::None;
        if let Some(running) = this.running.take() {
            running.finish(outcome);
        }
        let mut state = shared.state();
        let consumer = this.registration.number.take().and_then(|number| state.buffer.put(number, result));
        drop(state);
        wake(consumer);
        if budget == 0 { Step::Yield } else { Step::Continue }
    }

    /// Like [`finish_job`](Self::finish_job), after a job with no place for another after it. If nothing else observes
    /// the end of the job, it does everything under one lock, and looks for room again.
    fn finish_and_look(mut self: Pin<&mut Self>, result: Output<S>, budget: u32) -> Step {
        let this = self.as_mut().project();
        let Some(running) = this.running.as_mut().filter(|running| budget > 0 && running.is_unobserved()) else {
            return self.finish_job(Ok(result), Outcome::Finished, budget);
        };
        let Registration { driver, key, number, slot, .. } = this.registration;
        let shared = &driver.shared;
        let inner = &shared.inner;
        // Under one lock: a thread that reads the state of the map finds either a running job or its result.
        let mut state = shared.state();
        state.holders -= 1;
        *slot = SlotState::None;
        let left = running.release_quietly();
        let slot_wanted = inner.slots.release_deferred();
        let consumer = number.take().and_then(|number| state.buffer.put(number, Ok(result)));
        let next = find_room(&mut state, *key, inner.slots.size()).err().unwrap_or(Step::Continue);
        drop(state);
        if slot_wanted {
            inner.slots.serve();
        }
        if !left {
            inner.live.leave_aborted();
        }
        wake(consumer);
        deadlock::changed(inner);
        next
    }
}

/// Returns the number of free places. If there is none for this worker, returns its next step instead, and parks it if
/// it may have to do something later.
#[inline]
fn find_room<T>(state: &mut MapState<T>, key: u32, size: usize) -> Result<usize, Step> {
    if !state.buffer.is_reading() {
        return Err(Step::Leave);
    }
    let room = if state.queued { 0 } else { state.buffer.room(size, 1) };
    if room > 0 {
        return Ok(room);
    }
    state.workers.park(key);
    Err(Step::Idle)
}

/// Polls a job. When it is ready, its future has been dropped.
#[inline]
fn poll_job<J: Future>(mut job: Pin<&mut Option<J>>, cx: &mut Context<'_>) -> Poll<J::Output> {
    let polled = match job.as_mut().as_pin_mut() {
        Some(job) => job.poll(cx),
        None => Poll::Pending,
    };
    if polled.is_ready() {
        job.set(None);
    }
    polled
}

/// The jobs of a map that follow each other in one slot.
struct MapJobs<'a, S: JobSource> {
    job: Pin<&'a mut Option<S::Job>>,
    inner: &'a Inner,
    /// Whether the slot is one of the pool's own, which may be kept.
    holds_own: bool,
    session: Session<'a, S>,
    user_code: UserCode,
    /// The number of the item whose job runs.
    number: Option<u64>,
}

impl<S: JobSource> Jobs for &mut MapJobs<'_, S> {
    type Value = Output<S>;
    type Exit = Exit<Output<S>>;

    fn is_aborted(&self) -> bool {
        false
    }

    #[inline]
    fn prepare(&mut self, entered: &mut Entered<'_>) -> ControlFlow<Self::Exit> {
        if self.number.is_some() {
            return ControlFlow::Continue(());
        }
        let MapJobs { job, inner, session, user_code, number, .. } = &mut **self;
        *number = context::outside(|| session.read(job.as_mut(), user_code));
        if number.is_none() {
            return ControlFlow::Break(Exit::Nothing { follows: session.follows });
        }
        if session.follows {
            inner.live.count_begun(1);
            entered.begin_next(inner);
        }
        ControlFlow::Continue(())
    }

    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Output<S>> {
        poll_job(self.job.as_mut(), cx)
    }

    #[inline]
    fn next(&mut self, entered: &mut Entered<'_>, value: Output<S>) -> ControlFlow<Self::Exit> {
        let MapJobs { inner, session, holds_own, number, .. } = &mut **self;
        let keeps = *holds_own
            && !inner.live.is_aborted(entered.epoch())
            && (inner.slots.can_keep(session.size) || session.may_keep_slot());
        let Some(number) = number.filter(|_| keeps) else {
            return ControlFlow::Break(Exit::Finished(value));
        };
        if let Err(value) = session.push(number, value) {
            return ControlFlow::Break(Exit::Full(value));
        }
        self.number = None;
        ControlFlow::Continue(())
    }

    fn aborted() -> Self::Exit {
        Exit::Aborted
    }

    #[inline]
    fn finished(value: Output<S>) -> Self::Exit {
        Exit::Finished(value)
    }
}

/// Why a worker stops running jobs in its slot.
enum Exit<T> {
    /// The job waits.
    Waits {
        /// Whether a worker has been notified for that.
        notified: bool,
    },
    /// The job has been aborted.
    Aborted,
    /// The job has finished.
    Finished(T),
    /// The job has finished and the slot could have been kept, but there is no place.
    Full(T),
    /// There is no item.
    Nothing {
        /// Whether jobs have run in the slot before.
        follows: bool,
    },
    Panicked(Box<dyn Any + Send>),
}

impl<S: JobSource> Future for MapWorker<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut budget = POLL_BUDGET;
        let polled = poll::drive(cx, |cx| {
            let step = match self.registration.slot {
                SlotState::Held | SlotState::Borrowed => ready!(self.as_mut().run(cx, &mut budget)),
                SlotState::Queued => ready!(self.as_mut().poll_queue(cx)),
                SlotState::None => self.as_mut().seek(cx),
            };
            if step == Step::Idle {
                deadlock::changed(&self.registration.driver.shared.inner);
            }
            Poll::Ready(step)
        });
        if polled.is_ready() {
            let this = self.as_mut().project();
            *this.running = None;
            this.registration.over = true;
        }
        polled
    }
}
