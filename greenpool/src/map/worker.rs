//! One worker of a map: a task that reads items, runs their jobs and stores the results.
//!
//! A worker keeps its slot from item to item, unless another waiter wants it, the pool has shrunk, or the slot is a
//! loan. At most one worker at a time is queued for the map, so a map waits for its turn like any other caller. A
//! worker without a job keeps its `Running`, vacant, for the next one; it gives up its slot and its place, or acquires
//! them, under the lock of the [shared state](crate::map::shared), so a job that waits once costs that lock twice. A
//! worker whose last job waited expects the next one to wait, and notifies another worker at once.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::inner::tracked::JobStatus;
use crate::job::cell::is_large;
use crate::job::error::JoinError;
use crate::job::running::{Outcome, Running};
use crate::lending::deadlock;
use crate::lending::waiter::{Acquired, Waiter};
use crate::map::feed::{Driver, JobSource, Output, Returned, UserCode};
use crate::map::jobs::{Exit, MapJobs};
use crate::map::registration::{Registration, SlotState};
use crate::map::session::{NoItem, Session};
use crate::map::shared::{DynDriver, LastItem, MapState, Shared};
use crate::map::source::Boxed;
use crate::sync::quiet::{drop_quietly, first, run_quietly};
use crate::sync::wake::wake;
use crate::worker::idle::WorkerState;
use crate::worker::poll::{self, POLL_BUDGET, Step};

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

    impl<S: JobSource> PinnedDrop for MapWorker<S> {
        // The future of the job, in its span.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(running) = this.running {
                running.in_scope(|| this.job.set(None));
            }
        }
    }
}

/// Starts a map.
#[track_caller]
pub(crate) fn start<S: JobSource>(
    inner: &Arc<Inner>,
    source: S,
    ordered: bool,
) -> (Arc<Shared<Output<S>>>, Arc<dyn DynDriver>) {
    if const { is_large::<S::Job>() } {
        start_workers(inner, Boxed(source), ordered)
    } else {
        start_workers(inner, source, ordered)
    }
}

#[track_caller]
fn start_workers<S: JobSource>(
    inner: &Arc<Inner>,
    source: S,
    ordered: bool,
) -> (Arc<Shared<Output<S>>>, Arc<dyn DynDriver>) {
    let spawn_worker =
        |driver: &Arc<Driver<S>>, key| Some(driver.runtime().spawn(MapWorker::new(driver.clone(), key)).abort_handle());
    Driver::start(inner, source, ordered, spawn_worker)
}

impl<S: JobSource> MapWorker<S> {
    pub(crate) fn new(driver: Arc<Driver<S>>, key: u32) -> Self {
        let registration = Registration::new(driver, key);
        MapWorker { job: None, running: None, waiter: None, registration }
    }

    /// Without a slot: if notified, reserves a place and acquires a slot, or queues for the map. If the source is
    /// async, reserves a place and reads an item first.
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
        if state.last == LastItem::Over {
            state.last = LastItem::Read;
            drop(guard);
            return driver.read_on();
        }
        state.buffer.occupy(1, room);
        if S::IS_ASYNC {
            state.queued = true;
            *slot = SlotState::Reading;
            return Step::Continue;
        }
        if slots.try_acquire().is_ok() {
            state.holders += 1;
            *slot = SlotState::Held;
            let wakeup = state.notify_ahead(size, waits);
            drop(guard);
            match this.running {
                Some(running) => running.begin(&shared.inner, &shared.origin),
                None => *this.running = Some(shared.begin_job(None)),
            }
            return driver.before_job(driver.wake(wakeup));
        }
        (state.queued, state.queued_place) = (true, true);
        *slot = SlotState::Queued;
        drop(guard);
        self.queue()
    }

    /// Reads the next item of an async source, without a slot.
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step> {
        let Registration { driver, key, number, .. } = self.as_mut().project().registration;
        let mut state = driver.shared.state();
        let is_reader = state.awaiting.take() == Some(*key);
        let reading = state.buffer.is_reading();
        drop(state);
        if !reading {
            return Poll::Ready(self.give_up());
        }
        let guard = if is_reader { Some(driver.source()) } else { driver.try_source() };
        let mut guard = guard.filter(|source| source.as_ref().is_some_and(|source| source.is_free_for(*key)));
        let Some(source) = guard.as_deref_mut().and_then(Option::as_mut) else {
            drop(guard);
            return Poll::Ready(self.give_up());
        };
        source.reader = Some(*key);
        let error = match catch_unwind(AssertUnwindSafe(|| source.poll_ready(cx))) {
            Ok(Poll::Ready(true)) => {
                *number = Some(source.read);
                drop(guard);
                driver.notify_missed();
                return Poll::Ready(self.queue());
            }
            Ok(Poll::Pending) => {
                drop(guard);
                return self.await_item();
            }
            Ok(Poll::Ready(false)) => None,
            Err(payload) => Some(JoinError::panic(payload)),
        };
        let source = guard.and_then(|guard| driver.take_source(guard));
        driver.end(source, error);
        Poll::Ready(self.give_up())
    }

    /// The next item is not there yet: waits for it.
    fn await_item(self: Pin<&mut Self>) -> Poll<Step> {
        let registration = self.project().registration;
        let shared = &registration.driver.shared;
        let mut state = shared.state();
        let reading = state.buffer.is_reading();
        state.holders -= usize::from(registration.has_slot());
        state.awaiting = reading.then_some(registration.key);
        registration.slot = SlotState::Reading;
        drop(state);
        deadlock::changed(&shared.inner);
        // If the map has been stopped, it looks again and leaves.
        if reading { Poll::Pending } else { Poll::Ready(Step::Continue) }
    }

    /// Without a job: releases the slot, if there is one, and gives the place back. Then it leaves if the map is no
    /// longer reading, parks if another worker is, and looks again otherwise.
    fn give_up(self: Pin<&mut Self>) -> Step {
        let this = self.project();
        let registration = this.registration;
        let driver = &registration.driver;
        let mut state = driver.shared.state();
        let has_slot = registration.has_slot();
        state.holders -= usize::from(has_slot);
        state.queued &= registration.slot != SlotState::Reading;
        registration.slot = SlotState::None;
        drop(state);
        if has_slot {
            end_vacant(this.running, &mut registration.follows);
        }
        match registration.number.take() {
            // The map was stopped, and the source was dropped with this item.
            Some(number) => driver.shared.put(number, Err(JoinError::cancelled())),
            None => driver.shared.unreserve(),
        }
        let mut state = driver.shared.state();
        if !state.buffer.is_reading() {
            return Step::Leave;
        }
        if !driver.misses_source(registration.key) {
            return Step::Continue;
        }
        state.workers.park(registration.key);
        Step::Idle
    }

    /// Acquires a slot, or queues for one on behalf of the map.
    fn queue(mut self: Pin<&mut Self>) -> Step {
        let this = self.as_mut().project();
        this.registration.slot = SlotState::Queued;
        match this.registration.driver.shared.begin() {
            Acquired::Now => self.granted(None),
            Acquired::Closed => self.refused(),
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
            Err(_) => self.refused(),
        })
    }

    /// With a slot: begins to run jobs, or releases the slot if the map has been stopped, or if its window is smaller
    /// now than what it holds.
    fn granted(mut self: Pin<&mut Self>, lender: Option<Arc<Member>>) -> Step {
        let this = self.as_mut().project();
        let driver = &this.registration.driver;
        let shared = &driver.shared;
        let slot = if lender.is_some() { SlotState::Borrowed } else { SlotState::Held };
        let running = shared.begin_job(lender);
        let closed = shared.inner.slots.is_closed();
        let mut state = shared.state();
        let size = shared.inner.slots.size();
        if closed || !state.buffer.is_reading() || !S::IS_ASYNC && state.buffer.overflows(size) {
            drop(state);
            running.finish(Outcome::Withdrawn);
            return self.refused();
        }
        state.take_queued_place();
        state.holders += 1;
        let wakeup = state.notify(size, 0);
        drop(state);
        this.registration.slot = slot;
        this.registration.waits = false;
        *this.running = Some(running);
        driver.before_job(driver.wake(wakeup))
    }

    /// The pool is closed, or there is nothing to do with a slot.
    fn refused(self: Pin<&mut Self>) -> Step {
        let registration = self.project().registration;
        let shared = &registration.driver.shared;
        let closed = shared.inner.slots.is_closed();
        let error = if closed { JoinError::closed() } else { JoinError::cancelled() };
        let has_place = shared.state().take_queued_place();
        registration.slot = SlotState::None;
        match registration.number.take() {
            Some(number) => {
                shared.put(number, Err(error));
                shared.stop(None);
            }
            None => {
                if has_place {
                    shared.unreserve();
                }
                if closed {
                    shared.stop(Some(error));
                }
            }
        }
        Step::Continue
    }

    /// With a slot: polls the job and those that follow it, and acts on the exit.
    fn run(mut self: Pin<&mut Self>, cx: &mut Context<'_>, budget: &mut u32) -> Poll<Step> {
        self.as_mut().set_lends(false);
        let exit = self.as_mut().run_jobs(cx, budget);
        let mut this = self.as_mut().project();
        let panic = match exit {
            Exit::Waits { notified } => {
                // `abort_all` wakes all busy workers.
                this.registration.waits = true;
                let member = this.running.as_ref().and_then(Running::member);
                let lends = member.is_some_and(|member| member.lends());
                self.as_mut().set_lends(lends);
                if !notified || lends {
                    self.project().registration.driver.notify(1);
                }
                return Poll::Pending;
            }
            Exit::Full(value) => return Poll::Ready(self.finish_and_look(value, *budget)),
            Exit::Finished(value) => return Poll::Ready(self.finish_job(S::result(value), Outcome::Finished, *budget)),
            Exit::Nothing(NoItem::Awaited) => {
                let polled = self.as_mut().await_item();
                let this = self.as_mut().project();
                end_vacant(this.running, &mut this.registration.follows);
                return polled;
            }
            Exit::Nothing(NoItem::End | NoItem::Busy) => return Poll::Ready(self.give_up()),
            Exit::Yields => {
                if let Some(running) = this.running {
                    match *this.job {
                        Some(_) => running.mark_idle(),
                        None => running.mark_between_jobs(this.registration.follows),
                    }
                }
                return Poll::Ready(Step::Yield);
            }
            // There is no job to abort.
            Exit::Aborted if this.job.is_none() => {
                if this.registration.number.take().is_some() {
                    this.registration.driver.return_item();
                }
                // A pool that was reopened in the middle of its shutdown aborts each job as it begins, until the task
                // that shuts it down goes on.
                return Poll::Ready(match self.give_up() {
                    Step::Continue => Step::Yield,
                    step => step,
                });
            }
            Exit::Aborted => None,
            Exit::Panicked(payload) => Some(payload),
        };
        let outcome = if panic.is_some() { Outcome::Panicked } else { Outcome::Aborted };
        let mut drop_job = || this.job.set(None);
        let dropped = catch_unwind(AssertUnwindSafe(|| match this.running {
            Some(running) => running.in_scope(drop_job),
            None => drop_job(),
        }));
        let error = first(panic, dropped.err()).map_or_else(JoinError::cancelled, JoinError::panic);
        Poll::Ready(self.finish_job(Err(error), outcome, *budget))
    }

    /// Notes whether the job waits without its slot.
    #[inline]
    fn set_lends(self: Pin<&mut Self>, lends: bool) {
        let registration = self.project().registration;
        if std::mem::replace(&mut registration.lends, lends) != lends {
            let mut state = registration.driver.shared.state();
            state.away = state.away + usize::from(lends) - usize::from(!lends);
        }
    }

    /// Polls the job, or reads one for the reserved place, and then runs further jobs in the same slot while nothing
    /// else needs attention.
    fn run_jobs(self: Pin<&mut Self>, cx: &mut Context<'_>, budget: &mut u32) -> Exit<Returned<S>> {
        let this = self.project();
        let Some(running) = this.running else {
            unreachable!("a worker with a slot has a `Running`");
        };
        let registration = this.registration;
        let inner = &registration.driver.shared.inner;
        let mut session = Session::new(
            &registration.driver,
            registration.key,
            // A job that exists already has waited.
            this.job.is_some(),
            registration.waits,
        );
        session.is_reader = S::IS_ASYNC && registration.number.is_some() && !session.has_waited;
        (session.follows, session.is_last) = (registration.follows, registration.is_last);
        session.keeps_slot = registration.slot == SlotState::Held && !registration.is_last;
        let mut jobs = MapJobs { job: this.job, inner, session, user_code: UserCode::Job, number: registration.number };
        let ran = poll::run(&mut jobs, running, inner, budget, cx);
        let MapJobs { mut job, mut session, user_code, number, .. } = jobs;
        registration.number = number;
        registration.waits = session.has_waited;
        registration.follows = session.follows;
        registration.is_last = session.is_last;
        match (ran, user_code) {
            (Ok(Poll::Ready(exit)), _) => exit,
            (Ok(Poll::Pending), _) => Exit::Waits { notified: session.has_notified },
            (Err(payload), UserCode::Job) => Exit::Panicked(payload),
            (Err(payload), UserCode::Function) => {
                registration.number = Some(session.function_panicked());
                inner.live.count_begun(u64::from(std::mem::take(&mut registration.follows)));
                Exit::Panicked(payload)
            }
            (Err(payload), UserCode::Source) => {
                // If it was the size hint, the last item has been read already.
                registration.number = None;
                run_quietly(|| job.set(None));
                session.source_panicked(payload);
                Exit::Nothing(NoItem::End)
            }
        }
    }

    /// Releases the slot, and then stores the result.
    fn finish_job(self: Pin<&mut Self>, result: Result<Output<S>, JoinError>, outcome: Outcome, budget: u32) -> Step {
        let this = self.project();
        let driver = &this.registration.driver;
        let shared = &driver.shared;
        // Before the slot is released: a job that waits for the result must see that it is on its way.
        shared.state().holders -= 1;
        this.registration.slot = SlotState::None;
        if let Some(running) = this.running.take() {
            running.finish(outcome);
        }
        let mut result = Some(result);
        let mut state = shared.state();
        let consumer = this.registration.number.take().and_then(|number| state.buffer.put(number, &mut result));
        if std::mem::take(&mut this.registration.is_last) {
            state.last = LastItem::Over;
        }
        drop(state);
        let has_woken = consumer.is_some();
        wake(consumer);
        result.into_iter().for_each(drop_quietly);
        if budget == 0 { Step::Yield } else { driver.before_job(has_woken) }
    }

    /// Like [`finish_job`](Self::finish_job), after a job with no place for another after it. If nothing else observes
    /// the end of the job, it does everything under one lock, and looks for room again.
    fn finish_and_look(mut self: Pin<&mut Self>, returned: Returned<S>, budget: u32) -> Step {
        let this = self.as_mut().project();
        let Some(running) = this.running.as_mut().filter(|running| budget > 0 && running.is_unobserved()) else {
            return self.finish_job(S::result(returned), Outcome::Finished, budget);
        };
        let Registration { driver, key, number, slot, .. } = this.registration;
        let shared = &driver.shared;
        let inner = &shared.inner;
        let mut result = Some(S::result(returned));
        // Under one lock: a thread that reads the state of the map finds either a running job or its result.
        let mut state = shared.state();
        state.holders -= 1;
        *slot = SlotState::None;
        let left = running.release_quietly();
        let slot_wanted = inner.slots.release_deferred();
        let consumer = number.take().and_then(|number| state.buffer.put(number, &mut result));
        let next = find_room(&mut state, *key, inner.slots.size()).map(|_| driver.before_job(consumer.is_some()));
        drop(state);
        if slot_wanted {
            inner.slots.serve();
        }
        if !left {
            inner.live.leave_aborted();
        }
        wake(consumer);
        result.into_iter().for_each(drop_quietly);
        deadlock::changed(inner);
        next.unwrap_or_else(|step| step)
    }
}

/// Ends the [`Running`] of a slot in which no job runs, but one may have run before.
fn end_vacant(running: &mut Option<Running>, follows: &mut bool) {
    if let Some(running) = running.take() {
        running.finish(if std::mem::take(follows) { Outcome::Finished } else { Outcome::Withdrawn });
    }
}

/// Returns the number of free places. If there is none for this worker, returns its next step instead, and parks it if
/// it may have to do something later.
#[inline]
fn find_room<T>(state: &mut MapState<T>, key: u32, size: usize) -> Result<usize, Step> {
    if !state.buffer.is_reading() {
        return Err(Step::Leave);
    }
    let room = if state.queued || state.last == LastItem::Read { 0 } else { state.buffer.room(size, 1) };
    if room > 0 {
        return Ok(room);
    }
    state.workers.park(key);
    Err(Step::Idle)
}

impl<S: JobSource> Future for MapWorker<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut budget = POLL_BUDGET;
        let polled = poll::drive(cx, |cx| {
            let step = match self.registration.slot {
                SlotState::Held | SlotState::Borrowed => ready!(self.as_mut().run(cx, &mut budget)),
                SlotState::Queued => ready!(self.as_mut().poll_queue(cx)),
                SlotState::Reading => ready!(self.as_mut().poll_read(cx)),
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
            let Registration { driver, over, .. } = this.registration;
            *over = true;
            // If it was reading when the map was stopped, the source is still there.
            drop_quietly(driver.discard_source());
        }
        polled
    }
}
