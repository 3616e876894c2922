//! One hand of a map's crew: a task that reads items, runs their jobs and hands the results in.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::job::error::JoinError;
use crate::job::running::Running;
use crate::lending::context;
use crate::lending::deadlock;
use crate::lending::waiter::{Acquired, Waiter};
use crate::map::feed::{Crew, Doing, Feed, Output};
use crate::map::session::Reach;
use crate::map::shared::{Flow, Foreman, State};
use crate::sync::wake::wake;
use crate::worker::idle::WorkerState;
use crate::worker::run::POLL_BUDGET;

pin_project! {
    /// A hand, and the job that it runs. Dropped in the order of its fields: a slot never comes back before its job's future is gone, and
    /// no result is there before its slot is free.
    pub(crate) struct Hand<S: Feed> {
        #[pin]
        job: Option<S::Job>,
        running: Option<Running>,
        // The map's place in the pool's queue.
        waiter: Option<Waiter>,
        post: Post<S>,
    }
}

/// Starts a map.
#[track_caller]
pub(crate) fn start<S: Feed>(inner: &Arc<Inner>, feed: S, ordered: bool) -> (Arc<Flow<Output<S>>>, Arc<dyn Foreman>) {
    let hire = |crew: &Arc<Crew<S>>, key| crew.runtime().spawn(Hand::new(crew.clone(), key)).abort_handle();
    Crew::start(inner, feed, ordered, hire)
}

/// A hand's place in its crew. Dropped before its time, as when the runtime is shut down, it ends the map.
struct Post<S: Feed> {
    crew: Arc<Crew<S>>,
    key: u32,
    /// The number of the item whose job runs.
    number: Option<u64>,
    stand: Stand,
    /// The job waits, or is thought to, as the last one did: one hand more has been called for that.
    waits: bool,
    over: bool,
}

/// What a hand counts as in its crew.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// It has no slot.
    Nowhere,
    /// It is the one that stands in the pool's queue.
    Queued,
    /// It has a slot of the pool's own.
    Seated,
    /// It has a slot that was lent to it.
    OnLoan,
}

impl<S: Feed> Drop for Post<S> {
    fn drop(&mut self) {
        let flow = &self.crew.flow;
        let seated = matches!(self.stand, Stand::Seated | Stand::OnLoan);
        {
            let mut state = flow.state();
            state.seated -= usize::from(seated);
            state.queued &= self.stand != Stand::Queued;
        }
        match self.number.take() {
            Some(number) => flow.put(number, Err(JoinError::cancelled())),
            // Whoever is told of a job that begins has panicked.
            None if seated && !self.over => flow.unreserve(),
            None => {}
        }
        flow.leave(self.key);
        if !self.over {
            flow.stop(Some(JoinError::cancelled()));
        }
    }
}

/// What a hand does next.
enum Next {
    /// It runs its job.
    Run,
    /// It stands in the pool's queue.
    Queue,
    /// It looks for a place and a slot.
    Seek,
    /// Nothing now, but it is to be polled once more.
    Again,
    Idle,
    Leave,
}

impl<S: Feed> Hand<S> {
    pub(crate) fn new(crew: Arc<Crew<S>>, key: u32) -> Self {
        let post = Post { crew, key, number: None, stand: Stand::Nowhere, waits: false, over: false };
        Hand { job: None, running: None, waiter: None, post }
    }

    /// Without a slot, and called: takes a slot and a place, or the map's place in the queue.
    fn seek(mut self: Pin<&mut Self>, cx: &Context<'_>) -> Next {
        let this = self.as_mut().project();
        let Post { crew, key, stand, waits, .. } = this.post;
        let flow = &crew.flow;
        let slots = &flow.inner.slots;
        let mut guard = flow.state();
        let state = &mut *guard;
        match state.workers.arrive(*key, cx.waker()) {
            WorkerState::Notified | WorkerState::Busy => {}
            WorkerState::Idle => return Next::Idle,
            WorkerState::Retired => return Next::Leave,
        }
        // Read now: who resizes the pool after that does not count this hand among those who come.
        let size = slots.size();
        let room = match look(state, *key, size) {
            Ok(room) => room,
            Err(next) => return next,
        };
        if slots.try_acquire().is_ok() {
            state.ring.occupy(1, room);
            state.seated += 1;
            *stand = Stand::Seated;
            let wakeup = state.notify_ahead(size, waits);
            drop(guard);
            match this.running {
                Some(running) => running.begin(&flow.inner),
                None => *this.running = Some(flow.running(None)),
            }
            crew.wake(wakeup);
            return Next::Run;
        }
        state.queued = true;
        *stand = Stand::Queued;
        drop(guard);
        match flow.begin() {
            Acquired::Now => self.granted(None),
            Acquired::Closed => {
                flow.stop(Some(JoinError::closed()));
                Next::Leave
            }
            Acquired::Queued(waiter) => {
                *this.waiter = Some(waiter);
                Next::Queue
            }
        }
    }

    fn queue(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next> {
        let this = self.as_mut().project();
        let Some(waiter) = this.waiter else {
            return Poll::Ready(Next::Seek);
        };
        let granted = ready!(waiter.poll(cx));
        *this.waiter = None;
        this.post.crew.flow.leave_queue();
        Poll::Ready(match granted {
            Ok(lender) => self.granted(lender),
            Err(_) => {
                this.post.crew.flow.stop(Some(JoinError::closed()));
                Next::Leave
            }
        })
    }

    /// With a slot: takes a place, if there is one.
    fn granted(self: Pin<&mut Self>, lender: Option<Arc<Member>>) -> Next {
        let this = self.project();
        let crew = &this.post.crew;
        let flow = &crew.flow;
        let stand = if lender.is_some() { Stand::OnLoan } else { Stand::Seated };
        let running = flow.running(lender);
        let closed = flow.inner.slots.is_closed();
        let mut state = flow.state();
        state.queued = false;
        this.post.stand = Stand::Nowhere;
        if closed || !state.ring.reserve(flow.inner.slots.size()) {
            drop(state);
            running.withdraw();
            if closed {
                flow.stop(Some(JoinError::closed()));
            }
            return Next::Seek;
        }
        state.seated += 1;
        this.post.stand = stand;
        let wakeup = state.notify(flow.inner.slots.size(), 0);
        drop(state);
        crew.wake(wakeup);
        this.post.waits = false;
        *this.running = Some(running);
        Next::Run
    }

    /// With a slot: has the job polled, or those that follow each other in it.
    fn run(mut self: Pin<&mut Self>, cx: &mut Context<'_>, budget: &mut u32) -> Poll<Next> {
        let stop = self.as_mut().work(cx, budget);
        let mut this = self.as_mut().project();
        let failed = match stop {
            Stop::Waits { called } => {
                // Who tells the job to end wakes all hands.
                this.post.waits = true;
                if !called {
                    this.post.crew.notify(1);
                }
                return Poll::Pending;
            }
            Stop::Full(value) => return Poll::Ready(self.rest(value, *budget)),
            Stop::Ended(value) => return Poll::Ready(self.rise(Ok(value), *budget)),
            Stop::Nothing { follows } => {
                if let (Some(running), false) = (this.running.take(), follows) {
                    running.withdraw();
                }
                return Poll::Ready(Next::Leave);
            }
            // Nothing has been read for it: there is no job to end.
            Stop::Aborted if this.post.number.is_none() => return Poll::Ready(self.stand_up()),
            Stop::Aborted => None,
            Stop::Panicked(payload) => Some(payload),
        };
        if let Some(running) = this.running {
            if failed.is_some() { running.mark_panicked() } else { running.mark_idle() }
        }
        let dropped = catch_unwind(AssertUnwindSafe(|| this.job.set(None)));
        let error = failed.or(dropped.err()).map_or_else(JoinError::cancelled, JoinError::panic);
        Poll::Ready(self.rise(Err(error), *budget))
    }

    /// Runs the job, or reads the one for the place that has been reserved; and goes on with those that follow in the same slot as long as there is nothing else
    /// to do.
    fn work(self: Pin<&mut Self>, cx: &mut Context<'_>, budget: &mut u32) -> Stop<Output<S>> {
        let mut this = self.project();
        let Some(running) = this.running else {
            return Stop::Nothing { follows: true };
        };
        let post = this.post;
        let inner = &post.crew.flow.inner;
        let seated = post.stand == Stand::Seated;
        // A job that is there already has waited.
        let mut reach = Reach::new(&post.crew, post.number.is_some(), post.waits);
        let mut doing = Doing::Job;
        let mut number = post.number;
        let mut left = *budget;
        let ran = catch_unwind(AssertUnwindSafe(|| {
            running.enter(|mut entered| {
                let epoch = entered.epoch();
                if inner.live.is_aborted(epoch) {
                    return Poll::Ready(Stop::Aborted);
                }
                loop {
                    let current = match number {
                        Some(current) => current,
                        None => {
                            number = context::outside(|| reach.read(this.job.as_mut(), &mut doing));
                            let Some(current) = number else {
                                return Poll::Ready(Stop::Nothing { follows: reach.follows });
                            };
                            if reach.follows {
                                inner.live.count_begun(1);
                                entered.begin_next(inner);
                            }
                            current
                        }
                    };
                    let value = ready!(entered.in_scope(|| poll(this.job.as_mut(), cx)));
                    let keep = left > 0
                        && seated
                        && !inner.live.is_aborted(epoch)
                        && !inner.awaited_by.any()
                        && context::is_plain()
                        && (inner.slots.can_keep(reach.size) || reach.may_keep_slot());
                    if !keep {
                        return Poll::Ready(Stop::Ended(value));
                    }
                    left -= 1;
                    if let Err(value) = reach.pass(current, value) {
                        return Poll::Ready(Stop::Full(value));
                    }
                    number = None;
                }
            })
        }));
        *budget = left;
        post.number = number;
        post.waits = reach.has_waited;
        match ran {
            Ok(Poll::Ready(stop)) => stop,
            Ok(Poll::Pending) => Stop::Waits { called: reach.has_called },
            Err(payload) => {
                if doing != Doing::Job {
                    post.number = Some(reach.lose(doing));
                    inner.live.count_begun(u64::from(reach.follows));
                }
                Stop::Panicked(payload)
            }
        }
    }

    /// Gives the slot and the place back, in which nothing has begun.
    fn stand_up(self: Pin<&mut Self>) -> Next {
        let this = self.project();
        let flow = &this.post.crew.flow;
        flow.state().seated -= 1;
        this.post.stand = Stand::Nowhere;
        if let Some(running) = this.running.take() {
            running.withdraw();
        }
        flow.unreserve();
        Next::Seek
    }

    /// Gives the slot back, and hands in the result after that.
    fn rise(self: Pin<&mut Self>, result: Result<Output<S>, JoinError>, budget: u32) -> Next {
        let this = self.project();
        let flow = &this.post.crew.flow;
        // First: a job that waits for the result is to see that somebody is on the way with it.
        flow.state().seated -= 1;
        this.post.stand = Stand::Nowhere;
        *this.running = None;
        let mut state = flow.state();
        let consumer = this.post.number.take().and_then(|number| state.ring.put(number, result));
        drop(state);
        wake(consumer);
        if budget == 0 { Next::Again } else { Next::Seek }
    }

    /// There was no place for a job after the one that is over. Does what [`rise`](Self::rise) does, and all at once if nobody else is to hear of it.
    fn rest(mut self: Pin<&mut Self>, result: Output<S>, budget: u32) -> Next {
        let this = self.as_mut().project();
        let Some(running) = this.running.as_mut().filter(|running| budget > 0 && running.is_unobserved()) else {
            return self.rise(Ok(result), budget);
        };
        let Post { crew, key, number, stand, .. } = this.post;
        let flow = &crew.flow;
        let inner = &flow.inner;
        // In one go: who looks at the map finds a job that runs, or its result.
        let mut state = flow.state();
        state.seated -= 1;
        *stand = Stand::Nowhere;
        let left = running.release_quietly();
        let wanted = inner.slots.release_deferred();
        let consumer = number.take().and_then(|number| state.ring.put(number, Ok(result)));
        let next = look(&mut state, *key, inner.slots.size()).err().unwrap_or(Next::Seek);
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
fn look<T>(state: &mut State<T>, key: u32, size: usize) -> Result<usize, Next> {
    if !state.ring.is_reading() {
        return Err(Next::Leave);
    }
    let room = if state.queued { 0 } else { state.ring.room(size, 1) };
    if room > 0 {
        return Ok(room);
    }
    state.workers.park(key);
    Err(Next::Idle)
}

/// Polls a job; when it has come to its end, its future has been dropped.
#[inline]
fn poll<J: Future>(mut job: Pin<&mut Option<J>>, cx: &mut Context<'_>) -> Poll<J::Output> {
    let polled = match job.as_mut().as_pin_mut() {
        Some(job) => job.poll(cx),
        None => Poll::Pending,
    };
    if polled.is_ready() {
        job.set(None);
    }
    polled
}

/// Why a hand does not go on in the same slot.
enum Stop<T> {
    /// The job waits. Whether one more hand has been called for that.
    Waits {
        called: bool,
    },
    /// The job has been told to end.
    Aborted,
    /// The job has come to its end.
    Ended(T),
    /// Likewise, and the slot could have been kept, but there was no place.
    Full(T),
    /// There is no item. Whether other jobs came before.
    Nothing {
        follows: bool,
    },
    Panicked(Box<dyn Any + Send>),
}

impl<S: Feed> Future for Hand<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut budget = POLL_BUDGET;
        let mut next = match self.post.stand {
            Stand::Seated | Stand::OnLoan => Next::Run,
            Stand::Queued => Next::Queue,
            Stand::Nowhere => Next::Seek,
        };
        loop {
            next = match next {
                Next::Run => ready!(self.as_mut().run(cx, &mut budget)),
                Next::Queue => ready!(self.as_mut().queue(cx)),
                Next::Seek => self.as_mut().seek(cx),
                Next::Idle => {
                    deadlock::changed(&self.post.crew.flow.inner);
                    return Poll::Pending;
                }
                Next::Again => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Next::Leave => {
                    let this = self.as_mut().project();
                    *this.running = None;
                    this.post.over = true;
                    return Poll::Ready(());
                }
            };
        }
    }
}
