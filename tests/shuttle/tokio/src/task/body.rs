//! What a task runs, and what its handle hears of that.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::JoinError;

/// A future of any type.
pub(crate) trait Run: Send {
    /// Polls it. True: it is over, has been dropped, and its result is there.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool;
    /// Drops it.
    fn cancel(&mut self);
    /// Wakes who waits for the result.
    fn tell(&self);
}

/// What a task and its handle share.
pub(crate) struct End<T> {
    pub(crate) result: Mutex<Option<Result<T, JoinError>>>,
    pub(crate) reader: Mutex<Option<Waker>>,
}

struct Body<F: Future> {
    task: u64,
    future: Option<Pin<Box<F>>>,
    end: Arc<End<F::Output>>,
}

pub(crate) fn new<F>(task: u64, future: F) -> (Box<dyn Run>, Arc<End<F::Output>>)
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let end = Arc::new(End { result: Mutex::new(None), reader: Mutex::new(None) });
    (Box::new(Body { task, future: Some(Box::pin(future)), end: end.clone() }), end)
}

impl<F> Body<F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn end(&mut self, result: Result<F::Output, JoinError>) {
        let future = self.future.take();
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(future)));
        let result = dropped.map_or_else(|payload| Err(JoinError::panic(self.task, payload)), |()| result);
        *self.end.result.lock().expect("no code of others runs under this lock") = Some(result);
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
            Ok(Poll::Ready(value)) => self.end(Ok(value)),
            Err(payload) => self.end(Err(JoinError::panic(self.task, payload))),
        }
        true
    }

    fn cancel(&mut self) {
        self.end(Err(JoinError::cancelled(self.task)));
    }

    fn tell(&self) {
        let reader = self.end.reader.lock().expect("no code of others runs under this lock").take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}
