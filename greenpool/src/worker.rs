//! One worker: a long-lived task that runs one job of a declared function after the other.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::task::coop;

use crate::error::JoinError;
use crate::reply::Promise;
use crate::seat::{Ended, Seat, Slot};
use crate::trace;
use crate::workers::{Found, Workers};

/// So many jobs a worker runs before it lets other tasks run, as a task of tokio has a budget of so many operations.
pub(crate) const TURNS: u32 = 128;

pin_project! {
    /// A worker, and the job that it runs. Dropped in the order of its fields: when the handle on the job hears of its end, the future has
    /// been dropped and the slot is free.
    pub(crate) struct Worker<F>
    where
        F: Future,
        F: Send,
        F: 'static,
        F::Output: Send,
        F::Output: 'static,
    {
        #[pin]
        job: Option<F>,
        seat: Option<Seat>,
        promise: Promise<F::Output>,
        // The job has waited, and `abort` knows whom to wake.
        waits: bool,
        place: Place<F>,
    }
}

/// A worker's place in its crew.
struct Place<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    workers: &'static Workers<F>,
    serial: u64,
    key: u32,
    dismissed: bool,
}

impl<F> Drop for Place<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn drop(&mut self) {
        if self.dismissed {
            self.workers.leave(self.serial, self.key);
        } else {
            self.workers.dissolve(self.serial);
        }
    }
}

/// How a job's future ended: with its value if somebody wants it, or in another way.
type End<T> = Result<Option<T>, JoinError>;

impl<F> Worker<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    pub(crate) fn new(workers: &'static Workers<F>, serial: u64, key: u32) -> Self {
        let place = Place { workers, serial, key, dismissed: false };
        Worker { job: None, seat: None, promise: Promise::none(), waits: false, place }
    }

    /// Polls the job; when it has come to an end, its future has been dropped.
    #[inline]
    fn poll_job(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<End<F::Output>> {
        let mut this = self.project();
        let (Some(seat), false) = (this.seat.as_mut(), this.promise.is_aborted()) else {
            return Poll::Ready(end_early(this.job));
        };
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let polled = seat.poll(|| match this.job.as_mut().as_pin_mut() {
                Some(job) => job.poll(cx),
                None => Poll::Pending,
            });
            polled.map_ok(|value| {
                this.job.set(None);
                this.promise.is_wanted().then_some(value)
            })
        }));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Ok(value))) => Poll::Ready(Ok(value)),
            Ok(Poll::Ready(Err(Ended::Aborted | Ended::Closed))) => Poll::Ready(end_early(this.job)),
            Err(payload) => {
                seat.mark_panicked();
                let _ = end_early(this.job);
                let error = JoinError::panic(payload);
                if !this.promise.is_wanted() {
                    trace::lost(seat.core(), &error);
                }
                Poll::Ready(Err(error))
            }
        }
    }

    /// The job has ended. Goes on with the next one, if there is one.
    #[inline]
    fn end(self: Pin<&mut Self>, end: End<F::Output>, turns: &mut u32) -> Found {
        let mut this = self.project();
        let promise = std::mem::replace(this.promise, Promise::none());
        let result = end.transpose();
        let mut taken = None;
        let Place { workers, serial, key, .. } = *this.place;
        let found = if *turns > 0 && coop::has_budget_remaining() {
            *turns -= 1;
            workers.next(serial, key, |order| {
                this.job.set(Some(order.future));
                *this.promise = order.promise;
                taken = Some(order.slot);
            })
        } else {
            // Something else is to run first.
            Found::Again
        };
        *this.waits = false;
        if this.seat.as_ref().is_some_and(|seat| seat.core().awaited.any()) {
            promise.end();
        }
        match (taken, this.seat.as_mut()) {
            (Some(slot), Some(seat)) if seat.is_done() => slot.follow(seat),
            (taken, _) => {
                *this.seat = None;
                *this.seat = taken.map(Slot::seat);
            }
        }
        promise.keep(result);
        found
    }

    /// Looks for a job.
    fn come(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Found {
        let mut this = self.project();
        let Place { workers, serial, key, .. } = *this.place;
        let mut taken = None;
        let found = workers.come(serial, key, cx.waker(), |order| {
            this.job.set(Some(order.future));
            *this.promise = order.promise;
            taken = Some(order.slot);
        });
        *this.waits = false;
        *this.seat = taken.map(Slot::seat);
        found
    }

    /// The job waits. False: it has been aborted meanwhile.
    #[inline]
    fn waits(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let this = self.project();
        if std::mem::replace(this.waits, true) {
            return !this.promise.is_aborted();
        }
        this.place.workers.pend(this.place.serial);
        this.promise.enrol(cx)
    }
}

/// Drops a future before its end.
fn end_early<F: Future>(mut job: Pin<&mut Option<F>>) -> End<F::Output> {
    match catch_unwind(AssertUnwindSafe(|| job.set(None))) {
        Ok(()) => Err(JoinError::cancelled()),
        Err(payload) => Err(JoinError::panic(payload)),
    }
}

impl<F> Future for Worker<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut turns = TURNS;
        let mut found = if self.seat.is_none() { self.as_mut().come(cx) } else { Found::Order };
        loop {
            match found {
                Found::Order => match self.as_mut().poll_job(cx) {
                    Poll::Ready(end) => found = self.as_mut().end(end, &mut turns),
                    Poll::Pending if self.as_mut().waits(cx) => return Poll::Pending,
                    Poll::Pending => {}
                },
                Found::Idle => return Poll::Pending,
                Found::Again => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Found::Dismissed => {
                    self.project().place.dismissed = true;
                    return Poll::Ready(());
                }
            }
        }
    }
}
