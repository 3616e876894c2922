//! The sources of a map: one iterable, a tuple of iterables that are zipped, or an iterable of tuples.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::inner::member::Member;
use crate::job::error::JoinError;
use crate::map::feed::{JobSource, Returned, UserCode};

/// Marks a source that is one iterable.
pub struct One(());

/// Marks a source that is a tuple of iterables, with one argument from each.
pub struct Zip<Arity>(std::marker::PhantomData<Arity>);

/// Describes a source of [`GreenPool::imap`](crate::GreenPool::imap): an iterable of items that `F` takes, or a tuple
/// of two to twelve iterables from each of which `F` takes one item.
///
/// `Kind` distinguishes the two, and is always inferred.
///
/// ```
/// use greenpool::{GreenMap, GreenPool, Sources};
///
/// /// Maps over any source, two items at once.
/// fn by_two<S: Sources<F, Kind>, F, Kind>(f: F, sources: S) -> GreenMap<S::Output> {
///     GreenPool::new(2).imap(f, sources)
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let mut sums = by_two(|a, b| async move { a + b }, ([1, 2], [10, 20]));
/// assert_eq!(sums.next().await.unwrap().unwrap(), 11);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be mapped over",
    label = "this is neither an iterable nor a tuple of iterables that fits the function",
    note = "write an iterable of the function's argument, or a tuple of iterables with one for each argument"
)]
pub trait Sources<F, Kind> {
    /// The output of each job.
    type Output: Send + 'static;
    #[doc(hidden)]
    #[allow(private_interfaces, private_bounds, reason = "how a map reads its source is an implementation detail")]
    type Jobs: JobSource<Output = Self::Output>;
    #[doc(hidden)]
    fn into_jobs(self, f: F) -> Self::Jobs;
}

/// Describes an item of [`GreenPool::starmap`](crate::GreenPool::starmap): a tuple of the arguments of `F`.
///
/// ```
/// use greenpool::{Arguments, GreenMap, GreenPool};
///
/// /// Maps over a single tuple.
/// fn once<A: Arguments<F> + Send + 'static, F: Send + 'static>(f: F, args: A) -> GreenMap<A::Output> {
///     GreenPool::new(1).starmap(f, std::iter::once(args))
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let mut sums = once(|a: u32, b: u32| async move { a + b }, (1, 2));
/// assert_eq!(sums.next().await.unwrap().unwrap(), 3);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`starmap` needs tuples of the function's arguments, and `{Self}` is not one",
    label = "not a tuple of the function's arguments",
    note = "for one argument write `(argument,)`, or use `imap`"
)]
pub trait Arguments<F> {
    /// The output of each job.
    type Output: Send + 'static;
    #[doc(hidden)]
    type Job: Future<Output = Self::Output> + Send + 'static;
    #[doc(hidden)]
    fn apply(self, f: &mut F) -> Self::Job;
}

/// An iterator, and the function that is applied to each of its items.
pub struct Applied<I, F> {
    items: I,
    apply: F,
}

impl<I, F> Applied<I, F> {
    pub(crate) fn new(items: I, apply: F) -> Self {
        Applied { items, apply }
    }
}

impl<I, F, Fut> JobSource for Applied<I, F>
where
    I: Iterator + Send + 'static,
    F: FnMut(I::Item) -> Fut + Send + 'static,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    type Job = Fut;
    type Output = Fut::Output;

    #[inline]
    fn next(&mut self, mut job: Pin<&mut Option<Fut>>, user_code: &mut UserCode) -> bool {
        let Some(item) = self.items.next() else { return false };
        *user_code = UserCode::Function;
        job.set(Some((self.apply)(item)));
        true
    }

    fn next_boxed(&mut self, user_code: &mut UserCode) -> Option<Box<Fut>> {
        let item = self.items.next()?;
        *user_code = UserCode::Function;
        Some(Box::new((self.apply)(item)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }

    #[inline]
    fn result(returned: Returned<Self>) -> Result<Self::Output, JoinError> {
        Ok(returned)
    }
}

impl<I, F, Fut> Sources<F, One> for I
where
    I: IntoIterator<IntoIter: Send + 'static>,
    F: FnMut(I::Item) -> Fut + Send + 'static,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    type Output = Fut::Output;
    type Jobs = Applied<I::IntoIter, F>;

    fn into_jobs(self, f: F) -> Self::Jobs {
        Applied { items: self.into_iter(), apply: f }
    }
}

/// An iterator of tuples, and the function that each of them is spread over.
pub struct Spread<I, F> {
    items: I,
    apply: F,
}

impl<I, F> Spread<I, F> {
    pub(crate) fn new(items: I, apply: F) -> Self {
        Spread { items, apply }
    }
}

impl<I, F> JobSource for Spread<I, F>
where
    I: Iterator<Item: Arguments<F>> + Send + 'static,
    F: Send + 'static,
{
    type Job = <I::Item as Arguments<F>>::Job;
    type Output = <I::Item as Arguments<F>>::Output;

    #[inline]
    fn next(&mut self, mut job: Pin<&mut Option<Self::Job>>, user_code: &mut UserCode) -> bool {
        let Some(item) = self.items.next() else { return false };
        *user_code = UserCode::Function;
        job.set(Some(item.apply(&mut self.apply)));
        true
    }

    fn next_boxed(&mut self, user_code: &mut UserCode) -> Option<Box<Self::Job>> {
        let item = self.items.next()?;
        *user_code = UserCode::Function;
        Some(Box::new(item.apply(&mut self.apply)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }

    #[inline]
    fn result(returned: Returned<Self>) -> Result<Self::Output, JoinError> {
        Ok(returned)
    }
}

/// A source whose jobs are large, so each of them lives in a box of its own.
pub(crate) struct Boxed<S>(pub(crate) S);

impl<S: JobSource> JobSource for Boxed<S> {
    type Job = Pin<Box<S::Job>>;
    type Output = S::Output;

    const IS_ASYNC: bool = S::IS_ASYNC;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.0.poll_ready(cx)
    }

    fn outsider(&self) -> Option<&Arc<Member>> {
        self.0.outsider()
    }

    fn next(&mut self, mut job: Pin<&mut Option<Self::Job>>, user_code: &mut UserCode) -> bool {
        job.set(self.0.next_boxed(user_code).map(Box::into_pin));
        job.is_some()
    }

    fn next_boxed(&mut self, user_code: &mut UserCode) -> Option<Box<Self::Job>> {
        self.0.next_boxed(user_code).map(|job| Box::new(Box::into_pin(job)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    #[inline]
    fn result(returned: Returned<Self>) -> Result<Self::Output, JoinError> {
        S::result(returned)
    }
}

/// Zipped iterators. Each step takes one item from each, from left to right, until one of them ends.
pub struct Zipped<I>(I);

impl<I> Zipped<I> {
    pub(crate) fn new(iterators: I) -> Self {
        Zipped(iterators)
    }
}

macro_rules! arity {
    ($($I:ident $i:ident)+) => {
        impl<Fun, Fut, $($I),+> Arguments<Fun> for ($($I,)+)
        where
            Fun: FnMut($($I),+) -> Fut,
            Fut: Future<Output: Send + 'static> + Send + 'static,
        {
            type Output = Fut::Output;
            type Job = Fut;

            fn apply(self, f: &mut Fun) -> Fut {
                let ($($i,)+) = self;
                f($($i),+)
            }
        }

        impl<$($I: Iterator),+> Iterator for Zipped<($($I,)+)> {
            type Item = ($($I::Item,)+);

            fn next(&mut self) -> Option<Self::Item> {
                let ($($i,)+) = &mut self.0;
                Some(($($i.next()?,)+))
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                let ($($i,)+) = &self.0;
                shortest([$($i.size_hint()),+])
            }
        }

        impl<Fun, Fut, $($I),+> Sources<Fun, Zip<($($I,)+)>> for ($($I,)+)
        where
            $($I: IntoIterator<IntoIter: Send + 'static>,)+
            Fun: FnMut($($I::Item),+) -> Fut + Send + 'static,
            Fut: Future<Output: Send + 'static> + Send + 'static,
        {
            type Output = Fut::Output;
            type Jobs = Spread<Zipped<($($I::IntoIter,)+)>, Fun>;

            fn into_jobs(self, f: Fun) -> Self::Jobs {
                let ($($i,)+) = self;
                Spread::new(Zipped(($($i.into_iter(),)+)), f)
            }
        }
    };
}

/// The size hint of the shortest iterator.
fn shortest<const N: usize>(hints: [(usize, Option<usize>); N]) -> (usize, Option<usize>) {
    let lower = hints.iter().map(|hint| hint.0).min().unwrap_or(0);
    (lower, hints.iter().filter_map(|hint| hint.1).min())
}

arity!(A a);
arity!(A a B b);
arity!(A a B b C c);
arity!(A a B b C c D d);
arity!(A a B b C c D d E e);
arity!(A a B b C c D d E e G g);
arity!(A a B b C c D d E e G g H h);
arity!(A a B b C c D d E e G g H h I i);
arity!(A a B b C c D d E e G g H h I i J j);
arity!(A a B b C c D d E e G g H h I i J j K k);
arity!(A a B b C c D d E e G g H h I i J j K k L l);
arity!(A a B b C c D d E e G g H h I i J j K k L l M m);
