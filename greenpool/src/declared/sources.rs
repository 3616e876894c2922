//! What declared maps read.

use futures_core::Stream;

use crate::declared::Implies;

/// A source that a declared map can read. A trait and not a bound on the type of the iterator, since rustc would report
/// such a bound at the whole call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an iterable that a map can read",
    label = "expected an iterable of `{T}`",
    note = "a map takes one iterable per parameter; for a value that all jobs share, declare its parameter as \
        `#[shared]`, or write `std::iter::repeat(..)`"
)]
pub trait ReadFromAnyThread<T> {
    /// What the map reads.
    type Reader: Iterator<Item = T> + Send + 'static;

    /// Returns what the map reads.
    fn into_reader(self) -> Self::Reader;
}

impl<T, I: IntoIterator<Item = T, IntoIter: Send + 'static>> ReadFromAnyThread<T> for I {
    type Reader = I::IntoIter;

    fn into_reader(self) -> I::IntoIter {
        self.into_iter()
    }
}

/// An async source that a declared map can read. An item may wait for its slot, so items are `Send`; the supertrait
/// implies that, so that an argument which is not is a single error, at the function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stream that a map can read",
    label = "expected a stream of `{T}`",
    note = "for an iterable, use `imap` or `starmap`"
)]
pub trait StreamFromAnyThread<T>: Implies<T, Is: Send> {
    /// What the map reads.
    type Reader: Stream<Item = T> + Send + 'static;

    /// Returns what the map reads.
    fn into_reader(self) -> Self::Reader;
}

impl<T: Send, S: Stream<Item = T> + Send + 'static> StreamFromAnyThread<T> for S {
    type Reader = S;

    fn into_reader(self) -> S {
        self
    }
}

/// An async source of `Result`s that a declared map can read.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stream that a map can read",
    label = "expected a stream of `Result<{T}, {E}>`",
    note = "for an iterable of `Result`s, use `try_imap`"
)]
pub trait TryStreamFromAnyThread<T, E>: Implies<T, Is: Send> {
    /// What the map reads.
    type Reader: Stream<Item = Result<T, E>> + Send + 'static;

    /// Returns what the map reads.
    fn into_reader(self) -> Self::Reader;
}

impl<T: Send, E, S: Stream<Item = Result<T, E>> + Send + 'static> TryStreamFromAnyThread<T, E> for S {
    type Reader = S;

    fn into_reader(self) -> S {
        self
    }
}
