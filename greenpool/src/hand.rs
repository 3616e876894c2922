//! One hand of a map's crew: a task that reads items, runs their jobs and hands the results in.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::task::coop;

use crate::claim::{Acquire, Begun};
use crate::crew::{Crew, Feed, Output};
use crate::error::JoinError;
use crate::flow::Standing;
use crate::knot;
use crate::member::Member;
use crate::seat::Seat;
use crate::wake::wake;
use crate::worker::TURNS;

pin_project! {
    /// A hand, and the job that it runs. Dropped in the order of its fields: a slot never comes back before its job's future is gone, and
    /// no result is there before its slot is free.
    pub(crate) struct Hand<S: Feed> {
        #[pin]
        job: Option<S::Job>,
        seat: Option<Seat>,
        // The map's place in the pool's queue.
        acquire: Option<Acquire>,
        post: Post<S>,
    }
}

/// A hand's place in its crew. Dropped before its time, as when the runtime is shut down, it ends the map.
struct Post<S: Feed> {
    crew: Arc<Crew<S>>,
    key: u32,
    /// The number of the item whose job runs.
    number: Option<u64>,
    stand: Stand,
    /// The job has waited.
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
        {
            let staff = &mut flow.state().staff;
            match self.stand {
                Stand::Nowhere => {}
                Stand::Queued => staff.queued = false,
                Stand::Seated | Stand::OnLoan => staff.seated -= 1,
            }
        }
        if let Some(number) = self.number.take() {
            flow.put(number, Err(JoinError::cancelled()));
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
        Hand { job: None, seat: None, acquire: None, post }
    }

    /// Polled without a job: it has been called, or is not meant.
    fn come(self: Pin<&mut Self>, cx: &Context<'_>) -> Next {
        let this = self.project();
        let staff = &mut this.post.crew.flow.state().staff;
        let worker = &mut staff.workers[this.post.key as usize];
        match worker.standing {
            Standing::Idle => return Next::Idle,
            Standing::Busy => {}
            Standing::Called => {
                worker.waker.get_or_insert_with(|| cx.waker().clone());
                worker.standing = Standing::Busy;
                staff.called -= 1;
            }
        }
        Next::Seek
    }

    /// Without a slot: takes one, or the map's place in the queue.
    fn seek(mut self: Pin<&mut Self>) -> Next {
        let this = self.as_mut().project();
        let flow = &this.post.crew.flow;
        let size = flow.core.slots.size();
        {
            let state = &mut *flow.state();
            if !state.ring.is_reading() {
                return Next::Leave;
            }
            if state.staff.queued || state.ring.room(size) == 0 {
                state.staff.workers[this.post.key as usize].standing = Standing::Idle;
                state.staff.idle.push(this.post.key);
                return Next::Idle;
            }
            state.staff.queued = true;
            this.post.stand = Stand::Queued;
        }
        match flow.begin() {
            Begun::Acquired => self.granted(None),
            Begun::Closed => {
                flow.stop(Some(JoinError::closed()));
                Next::Leave
            }
            Begun::Queued(acquire) => {
                *this.acquire = Some(acquire);
                Next::Queue
            }
        }
    }

    fn queue(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next> {
        let this = self.as_mut().project();
        let Some(acquire) = this.acquire else {
            return Poll::Ready(Next::Seek);
        };
        let granted = std::task::ready!(acquire.poll(cx));
        *this.acquire = None;
        this.post.crew.flow.end_claim();
        Poll::Ready(match granted {
            Ok(lender) => self.granted(lender),
            Err(_) => {
                this.post.crew.flow.stop(Some(JoinError::closed()));
                Next::Leave
            }
        })
    }

    /// With a slot: takes a place and reads an item.
    fn granted(mut self: Pin<&mut Self>, lender: Option<Arc<Member>>) -> Next {
        let this = self.as_mut().project();
        let crew = &this.post.crew;
        let flow = &crew.flow;
        let stand = if lender.is_some() { Stand::OnLoan } else { Stand::Seated };
        let seat = flow.seat(lender);
        let closed = flow.core.slots.is_closed();
        let mut state = flow.state();
        state.staff.queued = false;
        this.post.stand = Stand::Nowhere;
        if closed || !state.ring.reserve(flow.core.slots.size()) {
            drop(state);
            seat.withdraw();
            if closed {
                flow.stop(Some(JoinError::closed()));
            }
            return Next::Seek;
        }
        state.staff.seated += 1;
        this.post.stand = stand;
        let call = state.call(flow.core.slots.size(), 0);
        drop(state);
        crew.make(call);
        match crew.read() {
            Some((number, job)) => {
                *this.seat = Some(seat);
                self.begin(number, job)
            }
            None => {
                seat.withdraw();
                Next::Leave
            }
        }
    }

    /// An item has been read, by a hand that has a seat.
    #[inline]
    fn begin(mut self: Pin<&mut Self>, number: u64, job: Result<S::Job, JoinError>) -> Next {
        let mut this = self.as_mut().project();
        this.post.number = Some(number);
        this.post.waits = false;
        match job {
            Ok(job) => {
                this.job.set(Some(job));
                Next::Run
            }
            Err(error) => {
                if let Some(seat) = this.seat {
                    seat.mark_panicked();
                }
                self.rise(Err(error))
            }
        }
    }

    /// Polls the job; when it has come to an end, its future has been dropped.
    #[inline]
    fn run(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Output<S>, JoinError>> {
        let mut this = self.project();
        let Some(seat) = this.seat else {
            return Poll::Ready(Err(JoinError::cancelled()));
        };
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let polled = seat.poll(|| match this.job.as_mut().as_pin_mut() {
                Some(job) => job.poll(cx),
                None => Poll::Pending,
            });
            if polled.is_ready() {
                this.job.set(None);
            }
            polled
        }));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Ok(value))) => Poll::Ready(Ok(value)),
            Ok(Poll::Ready(Err(_))) => Poll::Ready(Err(JoinError::cancelled())),
            Err(payload) => {
                seat.mark_panicked();
                let _ = catch_unwind(AssertUnwindSafe(|| this.job.set(None)));
                Poll::Ready(Err(JoinError::panic(payload)))
            }
        }
    }

    /// The job waits. False: it has been told to end.
    fn waits(self: Pin<&mut Self>, cx: &Context<'_>) -> bool {
        let this = self.project();
        if !std::mem::replace(&mut this.post.waits, true) {
            this.post.crew.call(1);
        }
        this.seat.as_mut().is_none_or(|seat| seat.enrol(cx))
    }

    /// The job has ended. Goes on with the next item in the same slot, if it may.
    #[inline]
    fn end(mut self: Pin<&mut Self>, result: Result<Output<S>, JoinError>, turns: &mut u32) -> Next {
        let this = self.as_mut().project();
        let crew = &this.post.crew;
        let flow = &crew.flow;
        let slots = &flow.core.slots;
        let may_go_on = *turns > 0 && coop::has_budget_remaining();
        let (Some(seat), Some(number)) = (this.seat.as_mut(), this.post.number) else {
            return Next::Leave;
        };
        let keep = may_go_on
            && this.post.stand == Stand::Seated
            && !slots.is_closed()
            && !flow.is_wanted_by_others()
            && seat.renew();
        if keep {
            let mut state = flow.state();
            if state.ring.reserve(slots.size()) {
                this.post.number = None;
                let consumer = state.ring.put(number, result);
                let call = state.call(slots.size(), 0);
                drop(state);
                wake(consumer);
                crew.make(call);
                *turns -= 1;
                return match crew.read() {
                    Some((number, job)) => {
                        seat.begin_next();
                        self.begin(number, job)
                    }
                    None => Next::Leave,
                };
            }
        }
        match self.rise(result) {
            Next::Seek if !may_go_on => Next::Again,
            next => next,
        }
    }

    /// Gives the slot back, and hands in the result after that.
    fn rise(self: Pin<&mut Self>, result: Result<Output<S>, JoinError>) -> Next {
        let this = self.project();
        let flow = &this.post.crew.flow;
        // First: a job that waits for the result is to see that somebody is on the way with it.
        flow.state().staff.seated -= 1;
        this.post.stand = Stand::Nowhere;
        *this.seat = None;
        let mut state = flow.state();
        let consumer = this.post.number.take().and_then(|number| state.ring.put(number, result));
        drop(state);
        wake(consumer);
        Next::Seek
    }
}

impl<S: Feed> Future for Hand<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut turns = TURNS;
        let mut next = match () {
            () if self.seat.is_some() => Next::Run,
            () if self.acquire.is_some() => Next::Queue,
            () => self.as_mut().come(cx),
        };
        loop {
            next = match next {
                Next::Run => match self.as_mut().run(cx) {
                    Poll::Ready(result) => self.as_mut().end(result, &mut turns),
                    Poll::Pending if self.as_mut().waits(cx) => return Poll::Pending,
                    Poll::Pending => Next::Run,
                },
                Next::Queue => std::task::ready!(self.as_mut().queue(cx)),
                Next::Seek => self.as_mut().seek(),
                Next::Idle => {
                    knot::changed(&self.post.crew.flow.core);
                    return Poll::Pending;
                }
                Next::Again => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Next::Leave => {
                    let this = self.as_mut().project();
                    *this.seat = None;
                    this.post.over = true;
                    return Poll::Ready(());
                }
            };
        }
    }
}
