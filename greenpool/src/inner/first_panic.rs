//! The first panic of a job without a handle, kept for [`GreenPool::waitall_or_panic`](crate::GreenPool).

use std::any::Any;

use crate::sync::quiet::drop_quietly;
use crate::sync::{Mutex, lock};

type Payload = Box<dyn Any + Send>;

/// The payload of the first panic since one was last taken. Only jobs that panic without a handle come here.
#[derive(Default)]
pub(crate) struct FirstPanic(Mutex<Option<Payload>>);

impl Drop for FirstPanic {
    fn drop(&mut self) {
        // Nobody has taken it, and its destructor may panic.
        drop_quietly(self.take());
    }
}

impl FirstPanic {
    /// Keeps a payload, unless there is one already; then it returns it.
    pub(crate) fn keep(&self, payload: Payload) -> Option<Payload> {
        let mut first = lock(&self.0);
        match &*first {
            Some(_) => Some(payload),
            None => first.replace(payload),
        }
    }

    pub(crate) fn take(&self) -> Option<Payload> {
        lock(&self.0).take()
    }
}
