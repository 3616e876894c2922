//! Replaces `tokio::task`.

mod body;
pub mod coop;
mod join;

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Wake, Waker};

use body::Run;
pub use join::{AbortHandle, Id, JoinError, JoinHandle};

use crate::runtime::Handle;
use crate::switch;

/// Spawns a task on the current runtime.
///
/// # Panics
/// If called outside a runtime.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    Handle::current().spawn(future)
}

pub(crate) fn spawn_on<F>(runtime: &Handle, future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    static NEXT: AtomicU64 = AtomicU64::new(1);
    switch();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let (body, shared) = body::new(number, future);
    let state = State { phase: Phase::Ready, body: Some(body), aborted: false };
    let task = Arc::new(Task { number, runtime: runtime.clone(), state: Mutex::new(state) });
    if runtime.queue().add(&task) {
        runtime.queue().push(task.clone(), runtime.thread());
    } else {
        task.clone().cancel();
    }
    JoinHandle::new(task, shared)
}

/// A spawned task.
pub(crate) struct Task {
    number: u64,
    runtime: Handle,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// `None` while the task is polled and after it has completed.
    body: Option<Box<dyn Run>>,
    aborted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    /// In the runtime's queue.
    Ready,
    Running,
    /// Woken while running.
    Woken,
    Over,
}

impl Task {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while this lock is held")
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.state().phase, Phase::Running | Phase::Woken)
    }

    fn is_over(&self) -> bool {
        self.state().phase == Phase::Over
    }

    /// Polls the task once.
    pub(crate) fn run(self: Arc<Self>) {
        let mut state = self.state();
        if state.phase != Phase::Ready {
            return;
        }
        if state.aborted {
            drop(state);
            return self.cancel();
        }
        let Some(mut body) = state.body.take() else { return };
        state.phase = Phase::Running;
        drop(state);
        switch();
        let waker = Waker::from(self.clone());
        if coop::budget(|| body.poll(&mut Context::from_waker(&waker))) {
            return self.complete(&*body);
        }
        switch();
        let mut state = self.state();
        if state.aborted || self.runtime.queue().is_closed() {
            drop(state);
            body.cancel();
            return self.complete(&*body);
        }
        state.body = Some(body);
        if state.phase == Phase::Woken {
            state.phase = Phase::Ready;
            drop(state);
            self.runtime.queue().push(self.clone(), None);
        } else {
            state.phase = Phase::Waiting;
        }
    }

    /// Drops the future, unless it is being polled or over.
    pub(crate) fn cancel(self: Arc<Self>) {
        let mut state = self.state();
        let Some(mut body) = state.body.take() else { return };
        state.phase = Phase::Running;
        drop(state);
        switch();
        body.cancel();
        self.complete(&*body);
    }

    /// Called when the future has been dropped and the result is stored.
    fn complete(self: Arc<Self>, body: &dyn Run) {
        self.state().phase = Phase::Over;
        self.runtime.queue().remove(&self);
        switch();
        body.notify();
    }

    fn abort(self: &Arc<Self>) {
        switch();
        let mut state = self.state();
        state.aborted = true;
        self.wake_in(state);
    }

    fn wake_in(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        match state.phase {
            Phase::Waiting => {
                state.phase = Phase::Ready;
                drop(state);
                self.runtime.queue().push(self.clone(), self.runtime.thread());
            }
            Phase::Running => state.phase = Phase::Woken,
            Phase::Ready | Phase::Woken | Phase::Over => {}
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        switch();
        self.wake_in(self.state());
    }
}
