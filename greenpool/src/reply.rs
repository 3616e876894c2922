//! The result of a job that has no task of its own, on its way from the worker to the handle.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use crate::error::JoinError;
use crate::sync::{Mutex, lock};
use crate::thread::JobId;
use crate::wake::wake;

/// What the handle on a job and the worker that runs it share.
pub(crate) struct Reply<T> {
    aborted: AtomicBool,
    /// 0 until somebody asks.
    id: AtomicU64,
    state: Mutex<State<T>>,
}

struct State<T> {
    over: bool,
    result: Option<Result<T, JoinError>>,
    /// Who awaits the result.
    reader: Option<Waker>,
    /// Set when the job is about to give its slot back; there if a job awaits the result.
    ending: Option<Arc<AtomicBool>>,
    ended: bool,
    /// The worker, while the job waits for something: `abort` is to wake it.
    worker: Option<Waker>,
}

impl<T> Reply<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Reply {
            aborted: AtomicBool::new(false),
            id: AtomicU64::new(0),
            state: Mutex::new(State {
                over: false,
                result: None,
                reader: None,
                ending: None,
                ended: false,
                worker: None,
            }),
        })
    }

    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<Result<T, JoinError>> {
        let mut state = lock(&self.state);
        if let Some(result) = state.result.take() {
            return Poll::Ready(result);
        }
        match &mut state.reader {
            Some(old) if old.will_wake(cx.waker()) => {}
            old => {
                let old = old.replace(cx.waker().clone());
                drop(state);
                drop(old);
            }
        }
        Poll::Pending
    }

    /// The job is about to give its slot back.
    pub(crate) fn end(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        if let Some(ending) = &state.ending {
            ending.store(true, Ordering::SeqCst);
        }
    }

    /// A flag that is set from before the job gives its slot back.
    pub(crate) fn ending(&self) -> Arc<AtomicBool> {
        let mut state = lock(&self.state);
        let ended = state.ended || state.over;
        state.ending.get_or_insert_with(|| Arc::new(AtomicBool::new(ended))).clone()
    }

    /// The job is over, its future has been dropped, and its slot is free.
    pub(crate) fn put(&self, result: Result<T, JoinError>) {
        let result = result.map_err(|error| error.of(self.id()));
        let mut state = lock(&self.state);
        state.over = true;
        state.result = Some(result);
        let worker = state.worker.take();
        let reader = state.reader.take();
        drop(state);
        drop(worker);
        wake(reader);
    }

    /// The job waits for something. False: it is to be aborted.
    pub(crate) fn enrol(&self, cx: &Context<'_>) -> bool {
        let mut state = lock(&self.state);
        state.worker.get_or_insert_with(|| cx.waker().clone());
        // Under the lock: either this sees the flag, or `abort` finds the waker.
        !self.is_aborted()
    }

    pub(crate) fn abort(&self) {
        let mut state = lock(&self.state);
        self.aborted.store(true, Ordering::Relaxed);
        let worker = state.worker.take();
        drop(state);
        if let Some(worker) = worker {
            worker.wake();
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        lock(&self.state).over
    }

    /// The job's id, which it gets when somebody first asks.
    pub(crate) fn id(&self) -> JobId {
        let id = match self.id.load(Ordering::Relaxed) {
            0 => {
                let new = JobId::next_number();
                self.id.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed).map_or_else(|old| old, |_| new)
            }
            id => id,
        };
        JobId::own(id)
    }

    #[inline]
    pub(crate) fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Relaxed)
    }
}

/// A job that can be aborted from elsewhere, whatever its result.
pub(crate) trait Abort: Send + Sync {
    fn abort(&self);
    fn is_over(&self) -> bool;
}

impl<T: Send> Abort for Reply<T> {
    fn abort(&self) {
        Reply::abort(self);
    }

    fn is_over(&self) -> bool {
        Reply::is_over(self)
    }
}

/// That somebody who may want a job's result will hear of its end, also if the job is dropped with its runtime.
pub(crate) struct Promise<T>(Option<Arc<Reply<T>>>);

impl<T> Promise<T> {
    pub(crate) fn to(reply: &Arc<Reply<T>>) -> Self {
        Promise(Some(reply.clone()))
    }

    /// Nobody wants the result.
    pub(crate) fn none() -> Self {
        Promise(None)
    }

    #[inline]
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    #[inline]
    pub(crate) fn is_aborted(&self) -> bool {
        self.0.as_ref().is_some_and(|reply| reply.is_aborted())
    }

    /// The job waits for something. False: it is to be aborted.
    pub(crate) fn enrol(&self, cx: &Context<'_>) -> bool {
        self.0.as_ref().is_none_or(|reply| reply.enrol(cx))
    }

    /// The job is about to give its slot back.
    pub(crate) fn end(&self) {
        if let Some(reply) = &self.0 {
            reply.end();
        }
    }

    /// Hands the result over. A panic of whoever hears of it, or of the result that nobody takes, ends here.
    #[inline]
    pub(crate) fn keep(mut self, result: Option<Result<T, JoinError>>) {
        let Some(reply) = self.0.take() else { return };
        if let Some(result) = result {
            let _ = catch_unwind(AssertUnwindSafe(move || {
                reply.put(result);
                drop(reply);
            }));
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        if let Some(reply) = self.0.take() {
            reply.put(Err(JoinError::cancelled()));
        }
    }
}
