//! As `tokio::runtime`.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use shuttle::future::block_on;
use shuttle::thread;

use crate::queue::{Queue, Work};
use crate::task::{JoinHandle, spawn_on};

/// Which runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(u64);

/// As `tokio::runtime::Handle`.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

pub(crate) struct Shared {
    id: u64,
    threads: usize,
    pub(crate) queue: Queue,
}

/// As `tokio::runtime::RuntimeFlavor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuntimeFlavor {
    /// No two of its tasks are polled at once.
    CurrentThread,
    /// They may be.
    MultiThread,
}

/// As `tokio::runtime::RuntimeMetrics`.
#[derive(Clone, Debug)]
pub struct RuntimeMetrics(usize);

shuttle::thread_local! {
    static CURRENT: RefCell<Option<(Handle, Option<usize>)>> = RefCell::new(None);
}

impl RuntimeMetrics {
    /// How many threads run tasks.
    pub fn num_workers(&self) -> usize {
        self.0
    }
}

impl Handle {
    /// The runtime that this thread belongs to.
    ///
    /// # Panics
    /// If it belongs to none.
    #[track_caller]
    pub fn current() -> Handle {
        let current = CURRENT.with(|current| current.borrow().as_ref().map(|(handle, _)| handle.clone()));
        current.expect("there is no reactor running, must be called from the context of a Tokio 1.x runtime")
    }

    /// Which runtime it is.
    pub fn id(&self) -> Id {
        Id(self.0.id)
    }

    /// Whether it has one thread or more.
    pub fn runtime_flavor(&self) -> RuntimeFlavor {
        if self.0.threads == 1 { RuntimeFlavor::CurrentThread } else { RuntimeFlavor::MultiThread }
    }

    /// What is known of it.
    pub fn metrics(&self) -> RuntimeMetrics {
        RuntimeMetrics(self.0.threads)
    }

    /// Begins a task on it.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        spawn_on(self, future)
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.0.queue
    }

    /// The number of this thread, if it is one of this runtime's own.
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

/// A runtime of so many threads. Dropped, it is shut down, and its threads are waited for.
pub struct Runtime {
    handle: Handle,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Runtime {
    /// One of so many threads.
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

    /// A handle on it.
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
            thread.join().expect("a runtime's thread catches what its tasks panic with");
        }
    }
}
