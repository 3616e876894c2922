//! How a job runs: its seat in the pool, and the task that drives it.

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::claim::{Acquire, Begun, Refused};
use crate::error::JoinError;
use crate::heart::Core;
use crate::lineage::{self, Lineage};
use crate::member::{Blocked, Member};
use crate::thread::GreenThread;

/// What a job has from its beginning to its end: a slot, a place in the census, and its lineage. Dropping it gives all back.
pub(crate) struct Seat {
    core: Arc<Core>,
    lineage: Option<Lineage>,
    epoch: u64,
    enrolled: Option<usize>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not yet polled, or waiting for something. A seat that is dropped now was aborted.
    Idle,
    /// Inside the user's code. A seat that is dropped now is being unwound.
    Polling,
    Done,
    /// There was nothing to run.
    Withdrawn,
}

/// The job was told to end by `abort_all`, or was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Aborted,
    Closed,
}

impl Seat {
    /// A job begins with a slot that has just been acquired, or lent by `lender`.
    pub(crate) fn new(core: Arc<Core>, lender: Option<Arc<Member>>) -> Self {
        let epoch = core.join();
        let lineage = Some(Lineage::new(core.clone(), lender));
        Seat { core, lineage, epoch, enrolled: None, state: State::Idle }
    }

    /// Polls the job as what it is: known to greenpool's verbs, and ready to be told to end.
    pub(crate) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Result<T, Ended>> {
        if self.core.is_outdated(self.epoch) {
            return Poll::Ready(Err(Ended::Aborted));
        }
        self.state = State::Polling;
        let polled = Lineage::enter(&mut self.lineage, || poll(cx));
        match polled {
            Poll::Ready(value) => {
                self.state = State::Done;
                Poll::Ready(Ok(value))
            }
            Poll::Pending => {
                self.state = State::Idle;
                if self.enrolled.is_none() {
                    self.enrolled = Some(self.core.enrol(cx.waker()));
                    // `abort_all` may have read the roster just before.
                    if self.core.is_outdated(self.epoch) {
                        return Poll::Ready(Err(Ended::Aborted));
                    }
                }
                Poll::Pending
            }
        }
    }
}

impl Seat {
    /// The same slot for the next job, unless it is gone or this job ended badly.
    pub(crate) fn again(mut self) -> Option<Self> {
        let lineage = self.lineage.as_mut()?;
        if self.state != State::Done || self.core.is_outdated(self.epoch) || !lineage.again() {
            return None;
        }
        self.core.counters.spawned.fetch_add(1, Ordering::Relaxed);
        self.state = State::Idle;
        Some(self)
    }

    /// There is nothing to run after all.
    pub(crate) fn withdraw(mut self) {
        self.state = State::Withdrawn;
    }

    /// Takes the job out of the roster; its next poll puts it there again.
    fn strike(&mut self) {
        if let Some(key) = self.enrolled.take() {
            self.core.strike(key);
        }
    }

    /// The job panicked elsewhere than in its poll.
    pub(crate) fn mark_panicked(&mut self) {
        self.state = State::Polling;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let counters = &self.core.counters;
        match self.state {
            State::Done => {}
            State::Withdrawn => {
                counters.spawned.fetch_sub(1, Ordering::Relaxed);
            }
            State::Polling => {
                counters.panicked.fetch_add(1, Ordering::Relaxed);
            }
            State::Idle => {
                counters.aborted.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.strike();
        if let Some(lineage) = &mut self.lineage {
            lineage.end();
        }
        self.core.leave(self.epoch);
    }
}

pin_project! {
    /// One job in a task of its own. The future is dropped before the seat: a slot never comes back early.
    pub(crate) struct Job<F> {
        #[pin]
        future: F,
        seat: Seat,
    }
}

impl<F: Future> Future for Job<F> {
    type Output = Result<F::Output, Ended>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let future = this.future;
        this.seat.poll(cx, |cx| future.poll(cx))
    }
}

pin_project! {
    /// A job that has taken its place in the queue, and begins when its turn comes.
    #[project = QueuedProj]
    pub(crate) enum Queued<F> {
        Waiting { acquire: Acquire, future: Option<F>, core: Arc<Core> },
        Running { #[pin] job: Job<F> },
        Over,
    }
}

impl<F: Future> Future for Queued<F> {
    type Output = Result<F::Output, Ended>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let next = match self.as_mut().project() {
                QueuedProj::Running { job } => return job.poll(cx),
                QueuedProj::Over => return Poll::Ready(Err(Ended::Closed)),
                QueuedProj::Waiting { acquire, future, core } => {
                    match (std::task::ready!(acquire.poll(cx)), future.take()) {
                        (Ok(lender), Some(future)) => {
                            let seat = Seat::new(core.clone(), lender);
                            Queued::Running { job: Job { future, seat } }
                        }
                        _ => Queued::Over,
                    }
                }
            };
            self.set(next);
        }
    }
}

/// Begins a job in a task of the current runtime.
#[track_caller]
pub(crate) fn begin<F>(future: F, seat: Seat) -> GreenThread<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let core = seat.core.clone();
    GreenThread::of(tokio::spawn(Job { future, seat }), core, None)
}

/// How many jobs deep the first poll of a lent-to child may nest on one stack.
const NESTED: usize = 8;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Begins a job that the caller lends its slot to: polls it once, here and now, and only then gives it a task.
///
/// So the child comes before anything that was spawned earlier and has not begun, as in eventlet, which runs it inside of
/// the caller. A child that is ready at once needs no task at all.
pub(crate) fn begin_here<F>(future: F, seat: Seat, cx: &mut Context<'_>) -> GreenThread<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let depth = DEPTH.get();
    if depth >= NESTED {
        return begin(future, seat);
    }
    let core = seat.core.clone();
    let mut job = Box::pin(Job { future, seat });
    DEPTH.set(depth + 1);
    let polled = catch_unwind(AssertUnwindSafe(|| job.as_mut().poll(cx)));
    DEPTH.set(depth);
    let result = match polled {
        Ok(Poll::Pending) => {
            // The task enrols with a waker of its own.
            job.as_mut().project().seat.strike();
            return GreenThread::of(tokio::spawn(job), core, None);
        }
        Ok(Poll::Ready(Ok(value))) => Ok(value),
        Ok(Poll::Ready(Err(_))) => Err(JoinError::cancelled()),
        Err(payload) => Err(JoinError::panic(payload)),
    };
    match catch_unwind(AssertUnwindSafe(|| drop(job))) {
        Ok(()) => GreenThread::ended(result),
        Err(payload) => GreenThread::ended(Err(JoinError::panic(payload))),
    }
}

/// Begins a job if there is a free slot, else puts it into the queue, where it keeps its turn without being awaited.
#[track_caller]
pub(crate) fn submit<F>(core: &Arc<Core>, future: F) -> GreenThread<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match Acquire::begin(core, || lineage::member_of(core)) {
        Begun::Closed => refuse(core),
        Begun::Acquired => begin(future, Seat::new(core.clone(), None)),
        Begun::Queued(acquire) => {
            let claim = acquire.claim();
            let queued = Queued::Waiting { acquire, future: Some(future), core: core.clone() };
            GreenThread::of(tokio::spawn(queued), core.clone(), Some(claim))
        }
    }
}

/// What a closed pool answers.
pub(crate) fn refuse<T>(core: &Core) -> GreenThread<T> {
    core.counters.refused.fetch_add(1, Ordering::Relaxed);
    GreenThread::ended(Err(JoinError::closed()))
}

/// Something that becomes a job when it gets a slot: a future, or a function and its arguments.
pub(crate) trait Start {
    type Output: Send + 'static;

    fn start(self, seat: Seat) -> GreenThread<Self::Output>;

    /// In the slot of the caller, who is being polled with `cx`.
    fn start_here(self, seat: Seat, cx: &mut Context<'_>) -> GreenThread<Self::Output>;
}

/// A future of any kind, run in a task of its own.
pub(crate) struct Plain<F>(pub(crate) F);

impl<F> Start for Plain<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Output = F::Output;

    fn start(self, seat: Seat) -> GreenThread<F::Output> {
        begin(self.0, seat)
    }

    fn start_here(self, seat: Seat, cx: &mut Context<'_>) -> GreenThread<F::Output> {
        begin_here(self.0, seat, cx)
    }
}

/// The waiting half of each spawning verb: gets a slot, begins the job, and comes back when the caller may go on.
///
/// (Its types are bounded where they are used, not here: a bound with `'static` on a type that is held over an `.await`
/// is a "higher-ranked lifetime error" in the async function that holds it.)
pub(crate) struct Spawning<S, T> {
    core: Arc<Core>,
    what: Option<S>,
    stage: Stage<T>,
    blocked: Blocked,
}

enum Stage<T> {
    Start,
    Queued(Acquire),
    /// The caller has lent its own slot, and waits until the child is over.
    Lent(GreenThread<T>),
    Begun(GreenThread<T>),
    Over,
}

impl<S: Start> Spawning<S, S::Output> {
    pub(crate) fn new(core: Arc<Core>, what: S) -> Self {
        Spawning { core, what: Some(what), stage: Stage::Start, blocked: Blocked::default() }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<GreenThread<S::Output>> {
        loop {
            self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
                Stage::Start => match Acquire::begin(&self.core, || lineage::member_of(&self.core)) {
                    Begun::Acquired => self.start(None, cx),
                    Begun::Queued(acquire) => Stage::Queued(acquire),
                    Begun::Closed => Stage::Begun(refuse(&self.core)),
                },
                Stage::Queued(mut acquire) => match self.poll_queued(&mut acquire, cx) {
                    Poll::Ready(Ok(lender)) => self.start(lender, cx),
                    Poll::Ready(Err(Refused)) => Stage::Begun(refuse(&self.core)),
                    Poll::Pending => {
                        self.stage = Stage::Queued(acquire);
                        return Poll::Pending;
                    }
                },
                Stage::Lent(mut child) => {
                    if child.poll_over(cx).is_pending() {
                        self.stage = Stage::Lent(child);
                        self.blocked.pend(&self.core, None, cx);
                        return Poll::Pending;
                    }
                    Stage::Begun(child)
                }
                Stage::Begun(child) => {
                    if self.blocked.poll_resume(cx).is_pending() {
                        self.stage = Stage::Begun(child);
                        return Poll::Pending;
                    }
                    return Poll::Ready(child);
                }
                Stage::Over => panic!("a spawn was polled after it was ready"),
            };
        }
    }

    fn poll_queued(
        &mut self,
        acquire: &mut Acquire,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Arc<Member>>, Refused>> {
        if let Poll::Ready(grant) = acquire.poll(cx) {
            return Poll::Ready(grant);
        }
        // In a job of this pool, this lends the job's own slot to the ticket at once.
        self.blocked.pend(&self.core, Some(acquire.ticket()), cx);
        acquire.poll(cx)
    }

    fn start(&mut self, lender: Option<Arc<Member>>, cx: &mut Context<'_>) -> Stage<S::Output> {
        let Some(what) = self.what.take() else {
            return Stage::Over;
        };
        let lent = lender.as_ref().is_some_and(lineage::is_me);
        let seat = Seat::new(self.core.clone(), lender);
        if lent { Stage::Lent(what.start_here(seat, cx)) } else { Stage::Begun(what.start(seat)) }
    }
}

impl<S, T> Drop for Spawning<S, T> {
    fn drop(&mut self) {
        // The caller has given up, or has been aborted itself, and nobody was given a handle: the slot comes home.
        if let Stage::Lent(child) = &self.stage {
            child.abort();
        }
    }
}
