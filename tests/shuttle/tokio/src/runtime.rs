//! Replaces `tokio::runtime`.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use shuttle::future::block_on;
use shuttle::thread;

use crate::queue::{Queue, Work};
use crate::task::{JoinHandle, spawn_on};

/// Identifies a runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(u64);

/// Replaces `tokio::runtime::Handle`.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

pub(crate) struct Shared {
    id: u64,
    threads: usize,
    pub(crate) queue: Queue,
}

/// Replaces `tokio::runtime::RuntimeFlavor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuntimeFlavor {
    /// Tasks are never polled in parallel.
    CurrentThread,
    /// Tasks may be polled in parallel.
    MultiThread,
}

/// Replaces `tokio::runtime::RuntimeMetrics`.
#[derive(Clone, Debug)]
pub struct RuntimeMetrics(usize);

shuttle::thread_local! {
    static CURRENT: RefCell<Option<(Handle, Option<usize>)>> = RefCell::new(None);
}

/// Replaces `tokio::runtime::TryCurrentError`.
#[derive(Debug)]
pub struct TryCurrentError(());

impl fmt::Display for TryCurrentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no reactor running, must be called from the context of a Tokio 1.x runtime")
    }
}

impl RuntimeMetrics {
    /// Number of threads that run tasks.
    pub fn num_workers(&self) -> usize {
        self.0
    }
}

impl Handle {
    /// Returns the runtime of this thread.
    ///
    /// # Panics
    /// If the thread has no runtime.
    #[track_caller]
    pub fn current() -> Handle {
        Self::try_current().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Returns the runtime of this thread.
    ///
    /// # Errors
    /// If the thread has no runtime.
    pub fn try_current() -> Result<Handle, TryCurrentError> {
        let current = CURRENT.with(|current| current.borrow().as_ref().map(|(handle, _)| handle.clone()));
        current.ok_or(TryCurrentError(()))
    }

    /// Returns the id of the runtime.
    pub fn id(&self) -> Id {
        Id(self.0.id)
    }

    /// Returns whether the runtime has one thread or more.
    pub fn runtime_flavor(&self) -> RuntimeFlavor {
        if self.0.threads == 1 { RuntimeFlavor::CurrentThread } else { RuntimeFlavor::MultiThread }
    }

    /// Returns the metrics of the runtime.
    pub fn metrics(&self) -> RuntimeMetrics {
        RuntimeMetrics(self.0.threads)
    }

    /// Spawns a task on the runtime.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        spawn_on(self, future)
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.0.queue
    }

    /// The index of this thread, if it belongs to this runtime.
    pub(crate) fn thread(&self) -> Option<usize> {
        let of = |(handle, thread): &(Handle, Option<usize>)| thread.filter(|_| Arc::ptr_eq(&handle.0, &self.0));
        CURRENT.try_with(|current| current.borrow().as_ref().and_then(of)).ok().flatten()
    }

    fn enter<R>(&self, thread: Option<usize>, f: impl FnOnce() -> R) -> R {
        let before = CURRENT.with(|current| current.borrow_mut().replace((self.clone(), thread)));
        let result = f();
        CURRENT.with(|current| *current.borrow_mut() = before);
        result
    }

    fn work(&self, thread: usize) {
        let work = || block_on(poll_fn(|cx| self.queue().poll_work(thread, cx)));
        self.enter(Some(thread), || {
            loop {
                match work() {
                    Work::Run(task) => task.run(),
                    Work::Drop(task) => task.cancel(),
                    Work::Stop => return,
                }
            }
        });
    }
}

/// A runtime. Dropping it shuts it down and waits for its threads.
pub struct Runtime {
    handle: Handle,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Runtime {
    /// Creates a runtime with this number of threads.
    pub fn new(threads: usize) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let handle = Handle(Arc::new(Shared { id, threads, queue: Queue::new(threads) }));
        let begin = |thread| {
            let handle = handle.clone();
            thread::spawn(move || handle.work(thread))
        };
        let threads = (0..threads).map(begin).collect();
        Runtime { handle, threads }
    }

    /// Returns a handle to the runtime.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Runs a future on this thread.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }
}

impl Handle {
    /// Runs a future on this thread.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.enter(None, || block_on(future))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        crate::switch();
        self.handle.queue().close();
        for thread in self.threads.drain(..) {
            thread.join().expect("a runtime thread catches the panics of its tasks");
        }
    }
}
