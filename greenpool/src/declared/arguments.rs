//! The arguments of `imap` for a function with shared parameters, in the order of its parameters: a value for each that
//! is shared, an iterable for each other.

use std::iter::{Repeat, repeat};
use std::marker::PhantomData;

use crate::declared::sources::ReadFromAnyThread;

/// Marks a parameter of which each job gets a clone of one value.
pub struct One(());

/// Marks a parameter of which each job gets a value of its own.
pub struct Each(());

/// One argument of `imap`, for a parameter of the type `A`.
pub trait Argument<Mark, A> {
    /// What the map reads for each job.
    type Read: 'static;
    /// Reads it.
    type Reader: Iterator<Item = Self::Read> + Send + 'static;
    /// Makes the argument of a job.
    type Maker: Maker<Self::Read, A> + Send + 'static;

    /// Splits the argument into what the map reads and what makes the value of a job from it.
    fn split(self) -> (Self::Reader, Self::Maker);
}

/// Makes the argument of a job from what was read for it.
pub trait Maker<Read, A> {
    /// Makes the argument.
    fn make(&self, read: Read) -> A;
}

impl<A: Clone + Send + 'static> Argument<One, A> for A {
    type Read = ();
    type Reader = Repeat<()>;
    type Maker = CloneOf<A>;

    fn split(self) -> (Repeat<()>, CloneOf<A>) {
        (repeat(()), CloneOf(self))
    }
}

impl<A: 'static, I: ReadFromAnyThread<A>> Argument<Each, A> for I {
    type Read = A;
    type Reader = I::Reader;
    type Maker = AsRead;

    fn split(self) -> (I::Reader, AsRead) {
        (self.into_reader(), AsRead)
    }
}

/// Clones the value.
pub struct CloneOf<A>(A);

/// Takes what was read.
pub struct AsRead;

impl<A: Clone> Maker<(), A> for CloneOf<A> {
    fn make(&self, (): ()) -> A {
        self.0.clone()
    }
}

impl<A> Maker<A, A> for AsRead {
    fn make(&self, read: A) -> A {
        read
    }
}

/// Makes all arguments of a job with the makers `M`, from what was read, `R`.
pub(crate) struct Makers<M, R> {
    pub(crate) makers: M,
    read: PhantomData<fn() -> R>,
}

impl<M, R> Makers<M, R> {
    pub(crate) fn new(makers: M) -> Self {
        Makers { makers, read: PhantomData }
    }
}
