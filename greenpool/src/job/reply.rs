//! The result of a job that has no task of its own, on its way from the worker to the handle.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use crate::inner::Core;
use crate::job::error::JoinError;
use crate::job::handle::JobId;
use crate::job::reply_page::Page;
use crate::sync::wake::wake;
use crate::sync::{Mutex, MutexGuard, lock};

/// What the handle on a job and the worker that runs it share. It serves one job after the other, each when the handle on the last is gone.
///
/// There is one for each handle, also of a job that waits, so it is as small as it can be.
pub(crate) struct Reply<T>(Mutex<State<T>>);

struct State<T> {
    stage: Stage<T>,
    rare: Option<Box<Rare>>,
}

enum Stage<T> {
    /// The job is not over, or has not begun.
    Open(Open),
    /// It is.
    There(Result<T, JoinError>),
    /// And nobody can ask for its result any more, but somebody may ask for other things.
    Over,
}

/// What is known of a job before its end.
#[derive(Default)]
struct Open {
    aborted: bool,
    /// It is about to give its slot back, or has.
    ending: bool,
    /// There is no handle any more.
    detached: bool,
    /// It waits for something, and `abort` is to wake this worker. (One more than its key.)
    worker: Option<NonZero<u32>>,
    /// Who awaits the result.
    reader: Option<Waker>,
}

/// What few handles ask for. A reply that has it is used for no other job.
#[derive(Default)]
struct Rare {
    id: Option<JobId>,
    /// Set when the job is about to give its slot back; there if a job awaits the result.
    ending: Option<Arc<AtomicBool>>,
}

impl<T> State<T> {
    /// The job is about to give its slot back.
    #[inline]
    fn end(&mut self) {
        if let Stage::Open(open) = &mut self.stage {
            open.ending = true;
        }
        if let Some(ending) = self.rare.as_ref().and_then(|rare| rare.ending.as_ref()) {
            ending.store(true, Ordering::SeqCst);
        }
    }

    /// The result, if it is there. The reply is as new then, if it can serve another job.
    #[inline]
    fn take(&mut self) -> Option<Result<T, JoinError>> {
        if !matches!(self.stage, Stage::There(_)) {
            return None;
        }
        match self.clear() {
            Stage::There(result) => Some(result),
            _ => None,
        }
    }

    #[inline]
    fn clear(&mut self) -> Stage<T> {
        let next = if self.rare.is_none() { Stage::Open(Open::default()) } else { Stage::Over };
        std::mem::replace(&mut self.stage, next)
    }
}

impl<T> Reply<T> {
    pub(crate) fn new() -> Self {
        Reply(Mutex::new(State { stage: Stage::Open(Open::default()), rare: None }))
    }

    #[inline]
    fn state(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.0)
    }

    #[inline]
    fn poll<R>(&self, cx: &Context<'_>, look: impl FnOnce(&mut State<T>) -> Option<R>) -> Poll<R> {
        let mut state = self.state();
        if let Some(found) = look(&mut state) {
            return Poll::Ready(found);
        }
        Self::wait(state, cx);
        Poll::Pending
    }

    fn wait(mut state: MutexGuard<'_, State<T>>, cx: &Context<'_>) {
        let Stage::Open(open) = &mut state.stage else { return };
        if !open.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
            let old = open.reader.replace(cx.waker().clone());
            drop(state);
            drop(old);
        }
    }

    /// The job is over, and its slot is free: has the value if nobody is to be told and nothing is to be dropped. (So no job awaits it, and nobody has to be told that it is
    /// [about to end](Receiver::ending).)
    #[inline]
    fn put_quietly(&self, value: T) -> Result<(), T> {
        let mut state = self.state();
        if let Stage::Open(Open { reader: None, detached: false, .. }) = state.stage {
            state.stage = Stage::There(Ok(value));
            return Ok(());
        }
        Err(value)
    }

    /// The job waits for something, and that worker runs it. False: it is to be aborted.
    fn enrol(&self, worker: u32) -> bool {
        let mut state = self.state();
        let Stage::Open(open) = &mut state.stage else { return true };
        open.worker = NonZero::new(worker + 1);
        // Under the lock: either this sees the mark, or `abort` finds the worker.
        !open.aborted
    }

    fn is_aborted(&self) -> bool {
        matches!(self.state().stage, Stage::Open(Open { aborted: true, .. }))
    }

    fn is_detached(&self) -> bool {
        matches!(self.state().stage, Stage::Open(Open { detached: true, .. }))
    }

    fn is_over(&self) -> bool {
        !matches!(self.state().stage, Stage::Open(_))
    }
}

impl<T> Page<T> {
    /// The job is over, its future has been dropped, and its slot is free. Without a result it was cancelled, or there is no handle. Gives back what nobody wants.
    fn put(&self, at: u8, result: Option<Result<T, JoinError>>) -> Option<Result<T, JoinError>> {
        let mut state = self.reply(at).state();
        state.end();
        let Stage::Open(Open { detached: false, reader, .. }) = &mut state.stage else {
            state.clear();
            drop(state);
            self.give_back(at);
            return result;
        };
        let reader = reader.take();
        let result = result.unwrap_or_else(|| Err(JoinError::cancelled()));
        let result = result.map_err(|error| error.of(self.id(at, &mut state)));
        state.stage = Stage::There(result);
        drop(state);
        wake(reader);
        None
    }

    fn abort(&self, at: u8) {
        let mut state = self.reply(at).state();
        let Stage::Open(open) = &mut state.stage else { return };
        open.aborted = true;
        let worker = open.worker.take();
        self.ask();
        drop(state);
        if let Some(worker) = worker {
            self.rouse(worker.get() - 1);
        }
    }

    /// There is no handle any more, which has not given a result.
    #[inline]
    fn detach(&self, at: u8) {
        let mut state = self.reply(at).state();
        if let Stage::Open(open) = &mut state.stage {
            open.detached = true;
            let reader = open.reader.take();
            self.ask();
            drop(state);
            drop(reader);
            return;
        }
        let unwanted = state.take();
        drop(state);
        drop(unwanted);
        self.give_back(at);
    }

    fn rare<'a>(&self, at: u8, state: &'a mut State<T>) -> &'a mut Rare {
        self.spend(at);
        state.rare.get_or_insert_default()
    }

    fn id(&self, at: u8, state: &mut State<T>) -> JobId {
        *self.rare(at, state).id.get_or_insert_with(JobId::next)
    }
}

/// A job that can be aborted from elsewhere, whatever its result.
pub(crate) trait Abort: Send + Sync {
    fn abort(&self);
    fn is_over(&self) -> bool;
}

/// One that has a reply.
struct Target<T> {
    page: Arc<Page<T>>,
    at: u8,
}

impl<T: Send> Abort for Target<T> {
    fn abort(&self) {
        self.page.abort(self.at);
    }

    fn is_over(&self) -> bool {
        self.page.reply(self.at).is_over()
    }
}

/// The handle's half. Dropping it drops the result, now or as soon as it is there.
pub(crate) struct Receiver<T> {
    page: Arc<Page<T>>,
    at: u8,
    /// The result has been taken.
    taken: bool,
}

impl<T> Receiver<T> {
    pub(crate) fn core(&self) -> &Arc<Core> {
        self.page.core()
    }

    #[inline]
    fn reply(&self) -> &Reply<T> {
        self.page.reply(self.at)
    }

    /// Takes the result when it is there.
    #[inline]
    pub(crate) fn poll_take(&mut self, cx: &Context<'_>) -> Poll<Result<T, JoinError>> {
        let polled = self.reply().poll(cx, State::take);
        self.taken = polled.is_ready();
        polled
    }

    /// Ready when the result is there, which stays.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.taken {
            Poll::Ready(())
        } else {
            self.reply().poll(cx, |state| matches!(state.stage, Stage::There(_)).then_some(()))
        }
    }

    /// The result, if it is there.
    pub(crate) fn take(&mut self) -> Option<Result<T, JoinError>> {
        let result = self.reply().state().take();
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
        match &mut self.reply().state().stage {
            Stage::There(Err(error)) => Some(std::mem::replace(error, JoinError::cancelled())),
            _ => None,
        }
    }

    pub(crate) fn abort(&self) {
        if !self.taken {
            self.page.abort(self.at);
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.taken || self.reply().is_over()
    }

    /// The job's id, which it gets when somebody first asks.
    pub(crate) fn id(&self) -> JobId {
        self.page.id(self.at, &mut self.reply().state())
    }

    /// A flag that is set from before the job gives its slot back.
    pub(crate) fn ending(&self) -> Arc<AtomicBool> {
        let mut state = self.reply().state();
        let ending = !matches!(state.stage, Stage::Open(Open { ending: false, .. }));
        self.page.rare(self.at, &mut state).ending.get_or_insert_with(|| Arc::new(AtomicBool::new(ending))).clone()
    }
}

impl<T: Send + 'static> Receiver<T> {
    /// For a handle that only aborts; none if the result has been taken.
    pub(crate) fn target(&self) -> Option<Arc<dyn Abort>> {
        if self.taken {
            return None;
        }
        self.page.rare(self.at, &mut self.reply().state());
        Some(Arc::new(Target { page: self.page.clone(), at: self.at }))
    }
}

impl<T> Drop for Receiver<T> {
    #[inline]
    fn drop(&mut self) {
        if self.taken {
            self.page.give_back(self.at);
        } else {
            self.page.detach(self.at);
        }
    }
}

/// The worker's half: that somebody who may want a job's result will hear of its end, also if the job is dropped with its runtime.
pub(crate) struct Promise<T> {
    /// The one of the last job may still be there.
    page: Option<Arc<Page<T>>>,
    /// The job has waited, and that worker runs it.
    worker: u32,
    waits: bool,
    wanted: bool,
    at: u8,
}

impl<T> Promise<T> {
    /// Nobody wants a result.
    pub(crate) const fn none() -> Self {
        Promise { page: None, worker: 0, waits: false, wanted: false, at: 0 }
    }

    /// Somebody wants the result. `deal` gives a new reply, which is in use then.
    #[inline]
    pub(crate) fn make(&mut self, deal: impl FnOnce() -> (Arc<Page<T>>, u8)) -> Receiver<T> {
        self.wanted = true;
        let page = match &self.page {
            Some(page) if page.take(self.at) => page.clone(),
            _ => {
                let (page, at) = deal();
                self.page = Some(page.clone());
                self.at = at;
                page
            }
        };
        Receiver { page, at: self.at, taken: false }
    }

    /// Somebody has wanted the result of this job.
    #[inline]
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted
    }

    #[inline]
    fn page(&self) -> Option<&Page<T>> {
        self.page.as_deref().filter(|_| self.wanted)
    }

    /// Of a job whose result is wanted.
    #[inline]
    fn reply(&self) -> Option<&Reply<T>> {
        Some(self.page()?.reply(self.at))
    }

    /// Likewise, if it may have been told to end, or nobody may want the result any more.
    #[inline]
    fn asked(&self) -> Option<&Reply<T>> {
        let page = self.page()?;
        page.is_asked().then(|| page.reply(self.at))
    }

    #[inline]
    pub(crate) fn is_aborted(&self) -> bool {
        self.asked().is_some_and(Reply::is_aborted)
    }

    /// Whether there is somebody who may want the result.
    #[inline]
    pub(crate) fn has_handle(&self) -> bool {
        self.wanted && !self.asked().is_some_and(Reply::is_detached)
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

    /// The job [waits](Self::wait), and `abort` is to wake its worker. False: it has been aborted.
    pub(crate) fn enrol(&self) -> bool {
        self.reply().is_none_or(|reply| reply.enrol(self.worker))
    }

    /// The job is about to give its slot back.
    pub(crate) fn end(&self) {
        if let Some(reply) = self.reply() {
            reply.state().end();
        }
    }

    /// Hands the result over, and gives it back if nobody wants it. Without one the job was cancelled, or there is no handle.
    pub(crate) fn keep(&mut self, result: Option<Result<T, JoinError>>) -> Option<Result<T, JoinError>> {
        let unwanted = match self.page() {
            Some(page) => page.put(self.at, result),
            None => result,
        };
        self.wanted = false;
        unwanted
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
            self.keep(None);
        }
    }
}
