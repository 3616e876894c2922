//! `Run`: a sequence of jobs with a name.

use std::fmt;
use std::ops::Deref;

use crate::remote::verbs::{FarPool, Remote};

/// A sequence of jobs with a name, made by [`Far::run`](super::Far::run). It has the verbs of a [`Far`](super::Far).
///
/// Its jobs are numbered from 0 in the order in which its verbs are called, and a map numbers its items in the order in
/// which it reads them. A job of which a result is stored under this name and number is not run again: the stored
/// result is returned, or [`Lost::OtherArguments`](super::Lost::OtherArguments) if it belongs to other arguments. A
/// program that died and is started again with the same name and the same items goes on where it was.
///
/// A run of one job makes its name an idempotency key.
#[must_use = "a run does nothing until one of its verbs is called"]
pub struct Run<P: Remote> {
    verbs: P::Verbs,
}

impl<P: Remote> Run<P> {
    pub(crate) fn of(pool: FarPool<P>) -> Self {
        Run { verbs: P::verbs(pool) }
    }
}

impl<P: Remote> Deref for Run<P> {
    type Target = P::Verbs;

    fn deref(&self) -> &P::Verbs {
        &self.verbs
    }
}

impl<P: Remote> fmt::Debug for Run<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("function", &P::NAME).finish_non_exhaustive()
    }
}
