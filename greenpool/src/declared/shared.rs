//! `#[shared]` parameters: a map takes one value for each of them, and every job gets a clone of it.

use std::marker::PhantomData;

use crate::declared::Implies;

/// Means that parameter `N` of a function is shared. The supertrait implies `Clone`, so a type that is not is a single
/// error, at the type: everything else clones through [`share`].
pub trait Shares<T, const N: usize>: Implies<T, Is: Clone> {}

/// Clones the value of parameter `N` for one job.
pub fn share<P, T, const N: usize>(value: &T) -> T
where
    P: Shares<T, N>,
{
    value.clone()
}

/// A function with shared parameters: `A` are all of its arguments, `S` the shared ones, and `R` the others.
pub trait SharedFn<A, S, R> {
    /// Makes the arguments of one job.
    fn args(shared: &S, rest: R) -> A;
}

/// What a map of the function `P` adds to what it reads, to make the arguments `A` of a job.
pub trait Values<P, A>: Send + 'static {
    /// What the map reads for each job.
    type Rest;

    /// Makes the arguments of one job.
    fn args(&self, rest: Self::Rest) -> A;
}

/// The values of a function without shared parameters.
pub struct Unshared;

impl<P, A> Values<P, A> for Unshared {
    type Rest = A;

    #[inline]
    fn args(&self, rest: A) -> A {
        rest
    }
}

/// The values of the shared parameters `S` of a function whose other parameters are `R`.
pub struct Shared<S, R> {
    values: S,
    rest: PhantomData<fn() -> R>,
}

impl<S, R> Shared<S, R> {
    /// The values of the parameters, in their order.
    #[must_use]
    pub fn new(values: S) -> Self {
        Shared { values, rest: PhantomData }
    }
}

impl<P, A, S, R> Values<P, A> for Shared<S, R>
where
    P: SharedFn<A, S, R>,
    S: Send + 'static,
    R: 'static,
{
    type Rest = R;

    #[inline]
    fn args(&self, rest: R) -> A {
        P::args(&self.values, rest)
    }
}
