//! The tasks of one runtime, and the work of its threads.

use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use crate::random_below;
use crate::task::Task;

/// The tasks of one runtime.
pub(crate) struct Queue(Mutex<Tasks>);

struct Tasks {
    all: Vec<Arc<Task>>,
    ready: Vec<Arc<Task>>,
    /// For each thread, the task that it woke most recently and runs itself.
    own: Vec<Option<Arc<Task>>>,
    /// The idle threads.
    idle_threads: Vec<Waker>,
    closed: bool,
}

/// What a thread does next.
pub(crate) enum Work {
    Run(Arc<Task>),
    /// Drops a task, since the runtime is shutting down.
    Drop(Arc<Task>),
    Stop,
}

impl Queue {
    pub(crate) fn new(threads: usize) -> Self {
        let own = (0..threads).map(|_| None).collect();
        Queue(Mutex::new(Tasks { all: Vec::new(), ready: Vec::new(), own, idle_threads: Vec::new(), closed: false }))
    }

    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.0.lock().expect("nothing panics while this lock is held")
    }

    /// Adds a task. Returns false if the runtime accepts no more.
    pub(crate) fn add(&self, task: &Arc<Task>) -> bool {
        let mut tasks = self.tasks();
        if !tasks.closed {
            tasks.all.push(task.clone());
        }
        !tasks.closed
    }

    /// Schedules a ready task. If a thread of this runtime woke it, that thread may keep it for itself.
    pub(crate) fn push(&self, task: Arc<Task>, thread: Option<usize>) {
        let keep = thread.filter(|_| random_below(2) == 0);
        let mut tasks = self.tasks();
        match keep {
            Some(thread) => {
                let before = tasks.own[thread].replace(task);
                tasks.ready.extend(before);
            }
            None => tasks.ready.push(task),
        }
        let idle_threads = std::mem::take(&mut tasks.idle_threads);
        drop(tasks);
        idle_threads.into_iter().for_each(Waker::wake);
    }

    /// Returns what this thread should do next.
    pub(crate) fn poll_work(&self, thread: usize, cx: &Context<'_>) -> Poll<Work> {
        let mut tasks = self.tasks();
        if tasks.closed {
            let idle = tasks.all.iter().position(|task| !task.is_running());
            return match idle {
                Some(at) => Poll::Ready(Work::Drop(tasks.all.swap_remove(at))),
                None => Poll::Ready(Work::Stop),
            };
        }
        if let Some(task) = tasks.own[thread].take() {
            return Poll::Ready(Work::Run(task));
        }
        if tasks.ready.is_empty() {
            tasks.idle_threads.push(cx.waker().clone());
            return Poll::Pending;
        }
        let at = random_below(tasks.ready.len());
        Poll::Ready(Work::Run(tasks.ready.swap_remove(at)))
    }

    pub(crate) fn remove(&self, task: &Arc<Task>) {
        self.tasks().all.retain(|other| !Arc::ptr_eq(task, other));
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.tasks().closed
    }

    pub(crate) fn close(&self) {
        let mut tasks = self.tasks();
        tasks.closed = true;
        tasks.ready.clear();
        tasks.own.iter_mut().for_each(|own| *own = None);
        let idle_threads = std::mem::take(&mut tasks.idle_threads);
        drop(tasks);
        idle_threads.into_iter().for_each(Waker::wake);
    }
}
