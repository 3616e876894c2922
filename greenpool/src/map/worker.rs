//! One hand of a map's crew: a task that reads items, runs their jobs and hands the results in.

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
    /// A hand, and the job that it runs. Dropped in the order of its fields: a slot never comes back before its job's future is gone, and
    /// no result is there before its slot is free.
    pub(crate) struct MapWorker<S: JobSource> {
        #[pin]
        job: Option<S::Job>,
        running: Option<Running>,
        // The map's place in the pool's queue.
        waiter: Option<Waiter>,
        registration: Registration<S>,
    }
}

/// Starts a map.
#[track_caller]
pub(crate) fn start<S: JobSource>(
    inner: &Arc<Inner>,
    feed: S,
    ordered: bool,
) -> (Arc<Shared<Output<S>>>, Arc<dyn DynDriver>) {
    let spawn_worker =
        |driver: &Arc<Driver<S>>, key| driver.runtime().spawn(MapWorker::new(driver.clone(), key)).abort_handle();
    Driver::start(inner, feed, ordered, spawn_worker)
}

/// A hand's place in its crew. Dropped before its time, as when the runtime is shut down, it ends the map.
struct Registration<S: JobSource> {
    driver: Arc<Driver<S>>,
    key: u32,
    /// The number of the item whose job runs.
    number: Option<u64>,
    slot: SlotState,
    /// The job waits, or is thought to, as the last one did: one hand more has been called for that.
    waits: bool,
    over: bool,
}

/// What a hand counts as in its crew.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SlotState {
    /// It has no slot.
    None,
    /// It is the one that stands in the pool's queue.
    Queued,
    /// It has a slot of the pool's own.
    Held,
    /// It has a slot that was lent to it.
    Borrowed,
}

impl<S: JobSource> Drop for Registration<S> {
    fn drop(&mut self) {
        let shared = &self.driver.shared;
        let holders = matches!(self.slot, SlotState::Held | SlotState::Borrowed);
        {
            let mut state = shared.state();
            state.holders -= usize::from(holders);
            state.queued &= self.slot != SlotState::Queued;
        }
        match self.number.take() {
            Some(number) => shared.put(number, Err(JoinError::cancelled())),
            // Whoever is told of a job that begins has panicked.
            None if holders && !self.over => shared.unreserve(),
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

    /// Without a slot, and called: takes a slot and a place, or the map's place in the queue.
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
        // Read now: who resizes the pool after that does not count this hand among those who come.
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
            unreachable!("a worker of a map that is queued has a place in the queue");
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

    /// With a slot: takes a place, if there is one.
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

    /// With a slot: has the job polled, or those that follow each other in it.
    fn run(mut self: Pin<&mut Self>, cx: &mut Context<'_>, budget: &mut u32) -> Poll<Step> {
        let exit = self.as_mut().run_jobs(cx, budget);
        let mut this = self.as_mut().project();
        let panic = match exit {
            Exit::Waits { called } => {
                // Who tells the job to end wakes all hands.
                this.registration.waits = true;
                if !called {
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
            // Nothing has been read for it: there is no job to end.
            Exit::Aborted if this.registration.number.is_none() => return Poll::Ready(self.release_unused()),
            Exit::Aborted => None,
            Exit::Panicked(payload) => Some(payload),
        };
        let outcome = if panic.is_some() { Outcome::Panicked } else { Outcome::Aborted };
        let dropped = catch_unwind(AssertUnwindSafe(|| this.job.set(None)));
        let error = panic.or(dropped.err()).map_or_else(JoinError::cancelled, JoinError::panic);
        Poll::Ready(self.finish_job(Err(error), outcome, *budget))
    }

    /// Runs the job, or reads the one for the place that has been reserved; and goes on with those that follow in the same slot as long as there
    /// is nothing else to do.
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
            // A job that is there already has waited.
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
            Ok(Poll::Pending) => Exit::Waits { called: session.has_called },
            Err(payload) => {
                if user_code != UserCode::Job {
                    registration.number = Some(session.panicked(user_code));
                    inner.live.count_begun(u64::from(session.follows));
                }
                Exit::Panicked(payload)
            }
        }
    }

    /// Gives the slot and the place back, in which nothing has begun.
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

    /// Gives the slot back, and hands in the result after that.
    fn finish_job(self: Pin<&mut Self>, result: Result<Output<S>, JoinError>, outcome: Outcome, budget: u32) -> Step {
        let this = self.project();
        let shared = &this.registration.driver.shared;
        // First: a job that waits for the result is to see that somebody is on the way with it.
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

    /// There was no place for a job after the one that is over. Does what [`rise`](Self::rise) does, and all at once if nobody else is to hear of it.
    fn finish_and_look(mut self: Pin<&mut Self>, result: Output<S>, budget: u32) -> Step {
        let this = self.as_mut().project();
        let Some(running) = this.running.as_mut().filter(|running| budget > 0 && running.is_unobserved()) else {
            return self.finish_job(Ok(result), Outcome::Finished, budget);
        };
        let Registration { driver, key, number, slot, .. } = this.registration;
        let shared = &driver.shared;
        let inner = &shared.inner;
        // In one go: who looks at the map finds a job that runs, or its result.
        let mut state = shared.state();
        state.holders -= 1;
        *slot = SlotState::None;
        let left = running.release_quietly();
        let wanted = inner.slots.release_deferred();
        let consumer = number.take().and_then(|number| state.buffer.put(number, Ok(result)));
        let next = find_room(&mut state, *key, inner.slots.size()).err().unwrap_or(Step::Continue);
        drop(state);
        if wanted {
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

/// Looks for room in the ring, and says how much there is. If there is none for the hand, what it does instead: it is idle then, if it may have to do
/// something later.
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

/// Polls a job; when it has come to its end, its future has been dropped.
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

/// The jobs of a map, which follow each other in one slot.
struct MapJobs<'a, S: JobSource> {
    job: Pin<&'a mut Option<S::Job>>,
    inner: &'a Inner,
    /// The slot is one of the pool's own, and may be kept.
    holds_own: bool,
    session: Session<'a, S>,
    user_code: UserCode,
    /// The number of the item whose job runs.
    number: Option<u64>,
}

impl<S: JobSource> Jobs for &mut MapJobs<'_, S> {
    type Value = Output<S>;
    type Exit = Exit<Output<S>>;

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

/// Why a hand does not go on in the same slot.
enum Exit<T> {
    /// The job waits. Whether one more hand has been called for that.
    Waits {
        called: bool,
    },
    /// The job has been told to end.
    Aborted,
    /// The job has come to its end.
    Finished(T),
    /// Likewise, and the slot could have been kept, but there was no place.
    Full(T),
    /// There is no item. Whether other jobs came before.
    Nothing {
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
