//! The result of a job that has no task of its own, on its way from the worker to the handle.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use crate::error::JoinError;
use crate::heart::Core;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::thread::JobId;
use crate::wake::wake;

/// What the handle on a job and the worker that runs it share. It serves one job after the other, each when the handle on the last is gone.
pub(crate) struct Reply<T> {
    core: Arc<Core>,
    aborted: AtomicBool,
    /// 0 until somebody asks.
    id: AtomicU64,
    state: Mutex<State<T>>,
}

struct State<T> {
    over: bool,
    /// There is no handle any more.
    detached: bool,
    result: Option<Result<T, JoinError>>,
    /// Who awaits the result.
    reader: Option<Waker>,
    /// Set when the job is about to give its slot back; there if a job awaits the result.
    ending: Option<Arc<AtomicBool>>,
    ended: bool,
    /// The worker, while the job waits for something: `abort` is to wake it.
    worker: Option<Waker>,
}

impl<T> State<T> {
    const fn new() -> Self {
        State { over: false, detached: false, result: None, reader: None, ending: None, ended: false, worker: None }
    }
}

impl<T> Reply<T> {
    fn new(core: &Arc<Core>) -> Arc<Self> {
        Arc::new(Reply {
            core: core.clone(),
            aborted: AtomicBool::new(false),
            id: AtomicU64::new(0),
            state: Mutex::new(State::new()),
        })
    }

    /// For the next job.
    fn renew(&mut self) {
        *self.aborted.get_mut() = false;
        *self.id.get_mut() = 0;
        let state = self.state.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.over = false;
        state.detached = false;
        state.ended = false;
        state.ending = None;
        // Taken by the handle, which is gone, or dropped since it was.
        debug_assert!(state.result.is_none() && state.worker.is_none());
        state.reader = None;
    }

    #[inline]
    fn poll<R>(&self, cx: &Context<'_>, look: impl FnOnce(&mut Option<Result<T, JoinError>>) -> Option<R>) -> Poll<R> {
        let mut state = lock(&self.state);
        if let Some(found) = look(&mut state.result) {
            return Poll::Ready(found);
        }
        Self::wait(state, cx);
        Poll::Pending
    }

    fn wait(mut state: MutexGuard<'_, State<T>>, cx: &Context<'_>) {
        match &mut state.reader {
            Some(old) if old.will_wake(cx.waker()) => {}
            old => {
                let old = old.replace(cx.waker().clone());
                drop(state);
                drop(old);
            }
        }
    }

    /// The job is about to give its slot back.
    fn end(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        if let Some(ending) = &state.ending {
            ending.store(true, Ordering::SeqCst);
        }
    }

    /// The job is over, its future has been dropped, and its slot is free.
    fn put(&self, result: Result<T, JoinError>) {
        let result = result.map_err(|error| error.of(self.id()));
        let mut state = lock(&self.state);
        state.over = true;
        let unwanted = if state.detached { Some(result) } else { state.result.replace(result) };
        let worker = state.worker.take();
        let reader = state.reader.take();
        drop(state);
        drop(worker);
        drop(unwanted);
        wake(reader);
    }

    /// Likewise, if nobody is to be told and nothing is to be dropped.
    #[inline]
    fn put_quietly(&self, value: T) -> Result<(), T> {
        let mut state = lock(&self.state);
        if state.detached || state.reader.is_some() || state.worker.is_some() {
            return Err(value);
        }
        state.over = true;
        state.result = Some(Ok(value));
        Ok(())
    }

    /// The job waits for something. False: it is to be aborted.
    fn enrol(&self, cx: &Context<'_>) -> bool {
        let mut state = lock(&self.state);
        state.worker.get_or_insert_with(|| cx.waker().clone());
        // Under the lock: either this sees the flag, or `abort` finds the waker.
        !self.is_aborted()
    }

    /// There is no handle any more.
    fn detach(&self) {
        let mut state = lock(&self.state);
        state.detached = true;
        let (result, reader) = (state.result.take(), state.reader.take());
        drop(state);
        drop((result, reader));
    }

    fn abort(&self) {
        let mut state = lock(&self.state);
        self.aborted.store(true, Ordering::Relaxed);
        let worker = state.worker.take();
        drop(state);
        if let Some(worker) = worker {
            worker.wake();
        }
    }

    fn is_over(&self) -> bool {
        lock(&self.state).over
    }

    #[inline]
    fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Relaxed)
    }

    fn id(&self) -> JobId {
        let id = match self.id.load(Ordering::Relaxed) {
            0 => {
                let new = JobId::next_number();
                self.id.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed).map_or_else(|old| old, |_| new)
            }
            id => id,
        };
        JobId::own(id)
    }
}

/// A job that can be aborted from elsewhere, whatever its result.
pub(crate) trait Abort: Send + Sync {
    fn abort(&self);
    fn is_over(&self) -> bool;
}

impl<T: Send> Abort for Reply<T> {
    fn abort(&self) {
        self.abort();
    }

    fn is_over(&self) -> bool {
        self.is_over()
    }
}

/// The handle's half. Dropping it drops the result, now or as soon as it is there.
pub(crate) struct Receiver<T> {
    reply: Arc<Reply<T>>,
    /// The result has been taken.
    taken: bool,
}

impl<T> Receiver<T> {
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.reply.core
    }

    /// Takes the result when it is there.
    #[inline]
    pub(crate) fn poll_take(&mut self, cx: &Context<'_>) -> Poll<Result<T, JoinError>> {
        let polled = self.reply.poll(cx, Option::take);
        self.taken = polled.is_ready();
        polled
    }

    /// Ready when the result is there, which stays.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.taken { Poll::Ready(()) } else { self.reply.poll(cx, |result| result.as_ref().map(|_| ())) }
    }

    /// The result, if it is there.
    pub(crate) fn take(&mut self) -> Option<Result<T, JoinError>> {
        let result = lock(&self.reply.state).result.take();
        self.taken |= result.is_some();
        result
    }

    /// The result has been taken already.
    #[inline]
    pub(crate) fn is_taken(&self) -> bool {
        self.taken
    }

    /// The error, if that is the result; then a cancellation stays in its place.
    pub(crate) fn take_error(&mut self) -> Option<JoinError> {
        match &mut lock(&self.reply.state).result {
            Some(Err(error)) => Some(std::mem::replace(error, JoinError::cancelled())),
            _ => None,
        }
    }

    pub(crate) fn abort(&self) {
        self.reply.abort();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.reply.is_over()
    }

    /// The job's id, which it gets when somebody first asks.
    pub(crate) fn id(&self) -> JobId {
        self.reply.id()
    }

    /// A flag that is set from before the job gives its slot back.
    pub(crate) fn ending(&self) -> Arc<AtomicBool> {
        let mut state = lock(&self.reply.state);
        let ended = state.ended || state.over;
        state.ending.get_or_insert_with(|| Arc::new(AtomicBool::new(ended))).clone()
    }
}

impl<T: Send + 'static> Receiver<T> {
    /// For a handle that only aborts.
    pub(crate) fn target(&self) -> Arc<dyn Abort> {
        self.reply.clone()
    }
}

impl<T> Drop for Receiver<T> {
    #[inline]
    fn drop(&mut self) {
        if !self.taken {
            self.reply.detach();
        }
    }
}

/// The worker's half: that somebody who may want a job's result will hear of its end, also if the job is dropped with its runtime.
pub(crate) struct Promise<T> {
    /// The one of the last job may still be there.
    reply: Option<Arc<Reply<T>>>,
    wanted: bool,
    /// The job has waited, and that worker runs it.
    waits: bool,
    worker: u32,
}

impl<T> Promise<T> {
    /// Nobody wants a result.
    pub(crate) const fn none() -> Self {
        Promise { reply: None, wanted: false, waits: false, worker: 0 }
    }

    /// Somebody wants the result of a job of `core`, as all that this serves are.
    #[inline]
    pub(crate) fn make(&mut self, core: &Arc<Core>) -> Receiver<T> {
        self.wanted = true;
        let reply = match self.reply.as_mut().and_then(Arc::get_mut) {
            Some(reply) => {
                reply.renew();
                self.reply.clone()
            }
            None => None,
        };
        let reply = reply.unwrap_or_else(|| self.reply.insert(Reply::new(core)).clone());
        Receiver { reply, taken: false }
    }

    #[inline]
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Of a job whose result is wanted.
    #[inline]
    fn reply(&self) -> Option<&Reply<T>> {
        self.reply.as_deref().filter(|_| self.wanted)
    }

    #[inline]
    pub(crate) fn is_aborted(&self) -> bool {
        self.reply().is_some_and(Reply::is_aborted)
    }

    /// For the next job.
    #[inline]
    pub(crate) fn renew(&mut self) {
        self.waits = false;
    }

    /// The job waits for something; that worker runs it. Whether this is new.
    pub(crate) fn wait(&mut self, worker: u32) -> bool {
        self.worker = worker;
        !std::mem::replace(&mut self.waits, true)
    }

    /// Whether the job has ever waited.
    #[inline]
    pub(crate) fn has_waited(&self) -> bool {
        self.waits
    }

    /// Which worker runs a job that waits.
    pub(crate) fn worker(&self) -> u32 {
        self.worker
    }

    /// The job waits for something. False: it is to be aborted.
    pub(crate) fn enrol(&self, cx: &Context<'_>) -> bool {
        self.reply().is_none_or(|reply| reply.enrol(cx))
    }

    /// The job is about to give its slot back.
    pub(crate) fn end(&self) {
        if let Some(reply) = self.reply() {
            reply.end();
        }
    }

    /// Hands the result over. A panic of whoever hears of it, or of the result that nobody takes, ends here.
    pub(crate) fn keep(&mut self, result: Result<T, JoinError>) {
        if let Some(reply) = self.reply() {
            let _ = catch_unwind(AssertUnwindSafe(move || reply.put(result)));
        }
        self.wanted = false;
    }

    /// Hands a value over, if that runs no code of a user's.
    #[inline]
    pub(crate) fn keep_quietly(&mut self, value: T) -> Result<(), T> {
        if let Some(reply) = self.reply() {
            reply.put_quietly(value)?;
        }
        self.wanted = false;
        Ok(())
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        if self.wanted {
            self.keep(Err(JoinError::cancelled()));
        }
    }
}
