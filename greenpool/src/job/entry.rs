//! A job of a pile.

use crate::job::handle::GreenThread;

/// A job of a pile, and its spawn, by number, if that had not returned when the consumer took the job or has not yet.
pub(crate) struct Entry<T> {
    pub(crate) thread: GreenThread<T>,
    pub(crate) spawn: Option<u64>,
}
