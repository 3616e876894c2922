//! The result of a job that has no task of its own, on its way from the worker to the handle.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use crate::error::JoinError;
use crate::heart::Core;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::thread::JobId;
use crate::wake::wake;

/// What the handle on a job and the worker that runs it share. It serves one job after the other, each when the handle on the last is gone.
///
/// There is one for each handle, also of a job that waits, so it is as small as it can be.
pub(crate) struct Reply<T> {
    core: Arc<Core>,
    // These are written under the lock.
    aborted: AtomicBool,
    /// The job's end is known here.
    over: AtomicBool,
    /// The job is about to give its slot back, or has.
    ended: AtomicBool,
    /// There is no handle any more.
    detached: AtomicBool,
    state: Mutex<State<T>>,
}

struct State<T> {
    stage: Stage<T>,
    /// The worker, while the job waits for something: `abort` is to wake it.
    worker: Option<Waker>,
    rare: Option<Box<Rare>>,
}

enum Stage<T> {
    /// There is no result yet, or none any more; and who awaits it.
    Open(Option<Waker>),
    There(Result<T, JoinError>),
}

/// What few jobs have.
#[derive(Default)]
struct Rare {
    /// There when somebody has asked.
    id: Option<JobId>,
    /// Set when the job is about to give its slot back; there if a job awaits the result.
    ending: Option<Arc<AtomicBool>>,
}

impl<T> State<T> {
    const fn new() -> Self {
        State { stage: Stage::Open(None), worker: None, rare: None }
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn id(&mut self) -> JobId {
        *self.rare().id.get_or_insert_with(JobId::next)
    }
}

impl<T> Stage<T> {
    #[inline]
    fn take(&mut self) -> Option<Result<T, JoinError>> {
        if let Stage::Open(_) = self {
            return None;
        }
        match std::mem::replace(self, Stage::Open(None)) {
            Stage::There(result) => Some(result),
            Stage::Open(_) => None,
        }
    }
}

impl<T> Reply<T> {
    fn new(core: &Arc<Core>) -> Arc<Self> {
        Arc::new(Reply {
            core: core.clone(),
            aborted: AtomicBool::new(false),
            over: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            detached: AtomicBool::new(false),
            state: Mutex::new(State::new()),
        })
    }

    /// For the next job.
    fn renew(&mut self) {
        for mark in [&mut self.aborted, &mut self.over, &mut self.ended, &mut self.detached] {
            *mark.get_mut() = false;
        }
        let state = self.state.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Taken by the handle, which is gone, or dropped since it was.
        debug_assert!(matches!(state.stage, Stage::Open(_)) && state.worker.is_none());
        state.stage = Stage::Open(None);
        state.rare = None;
    }

    #[inline]
    fn poll<R>(&self, cx: &Context<'_>, look: impl FnOnce(&mut Stage<T>) -> Option<R>) -> Poll<R> {
        let mut state = lock(&self.state);
        if let Some(found) = look(&mut state.stage) {
            return Poll::Ready(found);
        }
        Self::wait(state, cx);
        Poll::Pending
    }

    fn wait(mut state: MutexGuard<'_, State<T>>, cx: &Context<'_>) {
        match &mut state.stage {
            Stage::Open(Some(old)) if old.will_wake(cx.waker()) => {}
            Stage::Open(old) => {
                let old = old.replace(cx.waker().clone());
                drop(state);
                drop(old);
            }
            Stage::There(_) => {}
        }
    }

    /// The job is about to give its slot back.
    fn end(&self) {
        let state = lock(&self.state);
        self.ended.store(true, Ordering::Relaxed);
        if let Some(ending) = state.rare.as_ref().and_then(|rare| rare.ending.as_ref()) {
            ending.store(true, Ordering::SeqCst);
        }
    }

    /// The job is over, its future has been dropped, and its slot is free.
    fn put(&self, result: Result<T, JoinError>) {
        let mut state = lock(&self.state);
        let result = result.map_err(|error| error.of(state.id()));
        self.end_now();
        let (unwanted, reader) = if self.detached.load(Ordering::Relaxed) {
            (Some(result), None)
        } else {
            match std::mem::replace(&mut state.stage, Stage::There(result)) {
                Stage::Open(reader) => (None, reader),
                Stage::There(result) => (Some(result), None),
            }
        };
        let worker = state.worker.take();
        drop(state);
        drop(worker);
        drop(unwanted);
        wake(reader);
    }

    #[inline]
    fn end_now(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.over.store(true, Ordering::Release);
    }

    /// Likewise, if nobody is to be told and nothing is to be dropped.
    #[inline]
    fn put_quietly(&self, value: T) -> Result<(), T> {
        let mut state = lock(&self.state);
        let alone = matches!(state.stage, Stage::Open(None)) && state.worker.is_none();
        if !alone || self.detached.load(Ordering::Relaxed) {
            return Err(value);
        }
        self.end_now();
        state.stage = Stage::There(Ok(value));
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
        self.detached.store(true, Ordering::Relaxed);
        let stage = std::mem::replace(&mut state.stage, Stage::Open(None));
        drop(state);
        drop(stage);
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
        self.over.load(Ordering::Acquire)
    }

    #[inline]
    fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Relaxed)
    }

    fn id(&self) -> JobId {
        lock(&self.state).id()
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
        let polled = self.reply.poll(cx, Stage::take);
        self.taken = polled.is_ready();
        polled
    }

    /// Ready when the result is there, which stays.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.taken {
            Poll::Ready(())
        } else {
            self.reply.poll(cx, |stage| matches!(stage, Stage::There(_)).then_some(()))
        }
    }

    /// The result, if it is there.
    pub(crate) fn take(&mut self) -> Option<Result<T, JoinError>> {
        let result = lock(&self.reply.state).stage.take();
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
        match &mut lock(&self.reply.state).stage {
            Stage::There(Err(error)) => Some(std::mem::replace(error, JoinError::cancelled())),
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
        let ended = self.reply.ended.load(Ordering::Relaxed);
        state.rare().ending.get_or_insert_with(|| Arc::new(AtomicBool::new(ended))).clone()
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
