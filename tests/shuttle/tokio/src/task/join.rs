//! The handles of a task.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::body::Shared;
use super::{Task, coop};
use crate::switch;

/// Replaces `tokio::task::JoinHandle`.
pub struct JoinHandle<T> {
    task: Arc<Task>,
    shared: Arc<Shared<T>>,
}

/// Replaces `tokio::task::AbortHandle`.
#[derive(Clone)]
pub struct AbortHandle(Arc<Task>);

/// Replaces `tokio::task::Id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(u64);

/// Replaces `tokio::task::JoinError`.
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

    /// Returns the id of the task.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Returns whether the task panicked.
    pub fn is_panic(&self) -> bool {
        self.panic.is_some()
    }

    /// Returns whether the task was aborted, or dropped with its runtime.
    pub fn is_cancelled(&self) -> bool {
        self.panic.is_none()
    }

    /// Returns the panic payload.
    ///
    /// # Panics
    /// If the task did not panic.
    pub fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        self.panic.expect("the task did not panic")
    }

    /// Returns the panic payload.
    ///
    /// # Errors
    /// If the task did not panic.
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
    pub(crate) fn new(task: Arc<Task>, shared: Arc<Shared<T>>) -> Self {
        JoinHandle { task, shared }
    }

    /// Aborts the task.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// Returns another handle that can abort the task.
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle(self.task.clone())
    }

    /// Returns whether the task has completed.
    pub fn is_finished(&self) -> bool {
        switch();
        self.task.is_over()
    }

    /// Returns the id of the task.
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
            *self.shared.waiter.lock().expect("nothing panics while this lock is held") = Some(waker);
            return Poll::Pending;
        }
        turn.made_progress();
        let result = self.shared.result.lock().expect("nothing panics while this lock is held").take();
        Poll::Ready(result.expect("a `JoinHandle` was polled after it was ready"))
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        // A dropped handle is not woken any more. A result that is not taken is dropped with the task.
        let waiter = self.shared.waiter.lock().expect("nothing panics while this lock is held").take();
        drop(waiter);
    }
}

impl AbortHandle {
    /// Aborts the task.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Returns whether the task has completed.
    pub fn is_finished(&self) -> bool {
        switch();
        self.0.is_over()
    }

    /// Returns the id of the task.
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
