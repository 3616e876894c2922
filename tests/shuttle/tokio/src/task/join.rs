//! The handles on a task.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::body::End;
use super::{Task, coop};
use crate::switch;

/// As `tokio::task::JoinHandle`.
pub struct JoinHandle<T> {
    task: Arc<Task>,
    end: Arc<End<T>>,
}

/// As `tokio::task::AbortHandle`.
#[derive(Clone)]
pub struct AbortHandle(Arc<Task>);

/// As `tokio::task::Id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(u64);

/// As `tokio::task::JoinError`.
pub struct JoinError {
    id: Id,
    panic: Option<Box<dyn Any + Send + 'static>>,
}

impl JoinError {
    pub(crate) fn cancelled(task: u64) -> Self {
        JoinError { id: Id(task), panic: None }
    }

    pub(crate) fn panic(task: u64, payload: Box<dyn Any + Send + 'static>) -> Self {
        JoinError { id: Id(task), panic: Some(payload) }
    }

    /// Which task it was.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        self.panic.is_some()
    }

    /// Whether the task was aborted, or dropped with its runtime.
    pub fn is_cancelled(&self) -> bool {
        self.panic.is_none()
    }

    /// What the task panicked with.
    ///
    /// # Panics
    /// If it did not.
    pub fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        self.panic.expect("the task did not panic")
    }

    /// What the task panicked with.
    ///
    /// # Errors
    /// If it did not.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send + 'static>, JoinError> {
        self.panic.ok_or(JoinError { id: self.id, panic: None })
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_panic() { "JoinError::Panic" } else { "JoinError::Cancelled" })
    }
}

impl<T> JoinHandle<T> {
    pub(crate) fn new(task: Arc<Task>, end: Arc<End<T>>) -> Self {
        JoinHandle { task, end }
    }

    /// Ends the task.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// Another handle, to end the task with.
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle(self.task.clone())
    }

    /// Whether the task is over.
    pub fn is_finished(&self) -> bool {
        switch();
        self.task.is_over()
    }

    /// Which task it is.
    pub fn id(&self) -> Id {
        Id(self.task.number)
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let turn = std::task::ready!(coop::poll_proceed(cx));
        switch();
        if !self.task.is_over() {
            let waker = cx.waker().clone();
            *self.end.reader.lock().expect("no code of others runs under this lock") = Some(waker);
            return Poll::Pending;
        }
        turn.made_progress();
        let result = self.end.result.lock().expect("no code of others runs under this lock").take();
        Poll::Ready(result.expect("a `JoinHandle` was polled after it was ready"))
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        // Who dropped it is not told of the end any more; a result that nobody takes goes with the task.
        let reader = self.end.reader.lock().expect("no code of others runs under this lock").take();
        drop(reader);
    }
}

impl AbortHandle {
    /// Ends the task.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Whether the task is over.
    pub fn is_finished(&self) -> bool {
        switch();
        self.0.is_over()
    }

    /// Which task it is.
    pub fn id(&self) -> Id {
        Id(self.0.number)
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AbortHandle").field(&self.id()).finish()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
