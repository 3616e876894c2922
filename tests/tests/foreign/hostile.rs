//! Wakers and values that use greenpool whenever they are cloned, woken or dropped.

use std::backtrace::Backtrace;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use greenpool::GreenPool;

/// What was found so far.
#[derive(Clone, Default)]
pub(crate) struct Findings(Arc<Mutex<Vec<String>>>);

impl Findings {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Foreign code runs, and does what it likes.
    fn run(&self, what: &str, pool: &GreenPool) {
        if greenpool::__private::allows_foreign_code() {
            // Each of these takes locks of the pool.
            drop((pool.stats(), pool.jobs(), pool.report()));
            drop(pool.try_spawn(async {}));
            pool.queue(async {});
        } else {
            let place = Backtrace::force_capture().to_string();
            let frames = place.lines().filter(|line| line.contains("greenpool::")).take(12);
            let place = frames.map(str::trim).collect::<Vec<_>>().join("\n    ");
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{what} under a lock:\n    {place}"));
        }
    }
}

/// A value that uses the pool in its destructor. With `bomb`, the destructor then panics.
pub(crate) struct Hostile {
    pub(crate) findings: Findings,
    pub(crate) pool: GreenPool,
    pub(crate) bomb: bool,
}

impl Hostile {
    pub(crate) fn runs(&self, what: &str) {
        self.findings.run(what, &self.pool);
    }
}

impl Clone for Hostile {
    fn clone(&self) -> Self {
        self.runs("clone of a value");
        Hostile { findings: self.findings.clone(), pool: self.pool.clone(), bomb: self.bomb }
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.runs("drop of a value");
        if self.bomb && !std::thread::panicking() {
            std::panic::resume_unwind(Box::new("planned"));
        }
    }
}

/// A waker that uses the pool when it is woken and when its last clone is dropped, and passes wakes on. Cloning it runs
/// no code of its own, so greenpool checks that itself.
struct HostileWaker {
    inner: Waker,
    value: Hostile,
}

impl Wake for HostileWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.value.runs("wake");
        self.inner.wake_by_ref();
    }
}

impl Hostile {
    /// A waker of a task that is as hostile.
    pub(crate) fn waker(&self, inner: &Waker) -> Waker {
        Waker::from(Arc::new(HostileWaker { inner: inner.clone(), value: self.clone() }))
    }

    /// Polls once, with a waker that only the future keeps.
    pub(crate) fn poll<F: Future + ?Sized>(&self, future: Pin<&mut F>, inner: &Waker) -> Poll<F::Output> {
        let waker = self.waker(inner);
        let polled = future.poll(&mut Context::from_waker(&waker));
        drop(waker);
        polled
    }
}
