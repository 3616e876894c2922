//! The tasks of one runtime, and its threads' work.

use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use crate::any_below;
use crate::task::Task;

/// The tasks of one runtime.
pub(crate) struct Queue(Mutex<Tasks>);

struct Tasks {
    all: Vec<Arc<Task>>,
    ready: Vec<Arc<Task>>,
    /// What the thread of that number has woken last, and runs itself.
    own: Vec<Option<Arc<Task>>>,
    /// The threads that have nothing to do.
    resting: Vec<Waker>,
    closed: bool,
}

/// What a thread finds to do.
pub(crate) enum Work {
    Run(Arc<Task>),
    /// The runtime is shut down.
    Drop(Arc<Task>),
    Stop,
}

impl Queue {
    pub(crate) fn new(threads: usize) -> Self {
        let own = (0..threads).map(|_| None).collect();
        Queue(Mutex::new(Tasks { all: Vec::new(), ready: Vec::new(), own, resting: Vec::new(), closed: false }))
    }

    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.0.lock().expect("no code of others runs under this lock")
    }

    /// A new task. False: the runtime takes no more.
    pub(crate) fn add(&self, task: &Arc<Task>) -> bool {
        let mut tasks = self.tasks();
        if !tasks.closed {
            tasks.all.push(task.clone());
        }
        !tasks.closed
    }

    /// A task is ready. If a thread of this runtime made it so, that one may keep it to itself.
    pub(crate) fn push(&self, task: Arc<Task>, thread: Option<usize>) {
        let keep = thread.filter(|_| any_below(2) == 0);
        let mut tasks = self.tasks();
        match keep {
            Some(thread) => {
                let before = tasks.own[thread].replace(task);
                tasks.ready.extend(before);
            }
            None => tasks.ready.push(task),
        }
        let resting = std::mem::take(&mut tasks.resting);
        drop(tasks);
        resting.into_iter().for_each(Waker::wake);
    }

    /// What that thread is to do next.
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
            tasks.resting.push(cx.waker().clone());
            return Poll::Pending;
        }
        let at = any_below(tasks.ready.len());
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
        let resting = std::mem::take(&mut tasks.resting);
        drop(tasks);
        resting.into_iter().for_each(Waker::wake);
    }
}
