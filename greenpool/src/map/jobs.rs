//! The jobs of a map that follow each other in one slot.

use std::any::Any;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::inner::Inner;
use crate::job::running::Entered;
use crate::lending::context;
use crate::map::feed::{JobSource, Returned, UserCode};
use crate::map::session::{NoItem, Session};
use crate::worker::poll::Jobs;

/// The jobs of one worker during one poll.
pub(crate) struct MapJobs<'a, S: JobSource> {
    pub(crate) job: Pin<&'a mut Option<S::Job>>,
    pub(crate) inner: &'a Inner,
    pub(crate) session: Session<'a, S>,
    pub(crate) user_code: UserCode,
    /// The number of the item whose job runs.
    pub(crate) number: Option<u64>,
}

/// Why a worker stops running jobs in its slot.
pub(crate) enum Exit<T> {
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
    Nothing(NoItem),
    /// Other tasks must run before the job, or before the next item is read.
    Yields,
    /// The job has panicked, or the function that makes it.
    Panicked(Box<dyn Any + Send>),
}

impl<S: JobSource> Jobs for &mut MapJobs<'_, S> {
    type Value = Returned<S>;
    type Exit = Exit<Returned<S>>;

    fn is_aborted(&self) -> bool {
        false
    }

    #[inline]
    fn prepare(&mut self, entered: &mut Entered<'_>, cx: &mut Context<'_>) -> ControlFlow<Self::Exit> {
        if self.job.is_some() {
            return ControlFlow::Continue(());
        }
        if self.session.has_woken {
            return ControlFlow::Break(Exit::Yields);
        }
        let MapJobs { job, inner, session, user_code, number, .. } = &mut **self;
        match context::outside(|| session.read(job.as_mut(), cx, user_code)) {
            Ok(read) => *number = Some(read),
            Err(no_item) => return ControlFlow::Break(Exit::Nothing(no_item)),
        }
        if std::mem::take(&mut session.follows) {
            inner.live.count_begun(1);
            entered.begin_next(inner, session.origin());
        }
        if session.has_woken { ControlFlow::Break(Exit::Yields) } else { ControlFlow::Continue(()) }
    }

    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Returned<S>> {
        let polled = match self.job.as_mut().as_pin_mut() {
            Some(job) => job.poll(cx),
            None => Poll::Pending,
        };
        if polled.is_ready() {
            self.job.set(None);
        }
        polled
    }

    #[inline]
    fn next(&mut self, entered: &mut Entered<'_>, value: Returned<S>) -> ControlFlow<Self::Exit> {
        let MapJobs { inner, session, number, .. } = &mut **self;
        let keeps = session.keeps_slot
            && !inner.live.is_aborted(entered.epoch())
            && (inner.slots.can_keep(session.size) || session.may_keep_slot());
        let Some(number) = number.filter(|_| keeps) else {
            return ControlFlow::Break(Exit::Finished(value));
        };
        if let Err(value) = session.push(number, value) {
            return ControlFlow::Break(Exit::Full(value));
        }
        self.number = None;
        self.session.follows = true;
        ControlFlow::Continue(())
    }

    fn aborted() -> Self::Exit {
        Exit::Aborted
    }

    #[inline]
    fn finished(value: Returned<S>) -> Self::Exit {
        Exit::Finished(value)
    }
}
