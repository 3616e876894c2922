//! The body of a task, and the state it shares with its handle.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::JoinError;

/// A type-erased future.
pub(crate) trait Run: Send {
    /// Polls the future. Returns true if it has completed, has been dropped, and its result is stored.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool;
    /// Drops the future.
    fn cancel(&mut self);
    /// Wakes the task that waits for the result.
    fn notify(&self);
}

/// The state that a task and its handle share.
pub(crate) struct Shared<T> {
    pub(crate) result: Mutex<Option<Result<T, JoinError>>>,
    pub(crate) waiter: Mutex<Option<Waker>>,
}

struct Body<F: Future> {
    task: u64,
    future: Option<Pin<Box<F>>>,
    shared: Arc<Shared<F::Output>>,
}

pub(crate) fn new<F>(task: u64, future: F) -> (Box<dyn Run>, Arc<Shared<F::Output>>)
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let shared = Arc::new(Shared { result: Mutex::new(None), waiter: Mutex::new(None) });
    (Box::new(Body { task, future: Some(Box::pin(future)), shared: shared.clone() }), shared)
}

impl<F> Body<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn complete(&mut self, result: Result<F::Output, JoinError>) {
        let future = self.future.take();
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(future)));
        let result = dropped.map_or_else(|payload| Err(JoinError::panic(self.task, payload)), |()| result);
        *self.shared.result.lock().expect("nothing panics while this lock is held") = Some(result);
    }
}

impl<F> Run for Body<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(future) = self.future.as_mut() else { return true };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => return false,
            Ok(Poll::Ready(value)) => self.complete(Ok(value)),
            Err(payload) => self.complete(Err(JoinError::panic(self.task, payload))),
        }
        true
    }

    fn cancel(&mut self) {
        self.complete(Err(JoinError::cancelled(self.task)));
    }

    fn notify(&self) {
        let waiter = self.shared.waiter.lock().expect("nothing panics while this lock is held").take();
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}
