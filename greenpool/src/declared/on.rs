//! A declared function in a pool that is not its own: `fetch::on(&pool)`.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, LazyLock};

use crate::declared::PooledFn;
use crate::declared::signature::Signature;
use crate::pool::GreenPool;

/// Runs declared functions: what `fetch::on(&pool)` takes, for the function `P` of the type `F`,
/// such as `fn(String) -> Page`.
///
/// [`GreenPool`] is the one in this crate. References, `Arc`s and `LazyLock`s of such a type can be used like the type.
/// `Shape` says which parameters are `#[shared]`.
///
/// ```
/// use greenpool::{GreenPool, OnPool, Runs, green_pool};
///
/// #[green_pool(size = 4)]
/// async fn double(n: u32) -> u32 { n * 2 }
///
/// /// Uses any pool that gives the verbs of a local one.
/// fn two_at_once<E: Runs<double, fn(u32) -> u32, On = OnPool<double, fn(u32) -> u32>>>(engine: &E) -> usize {
///     double::on(engine).pool().size()
/// }
///
/// assert_eq!(two_at_once(&GreenPool::new(2)), 2);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a pool that can run this function",
    label = "expected a `GreenPool`",
    note = "write `on(&pool)` with a `GreenPool`, or with an `Arc` or a `LazyLock` of one"
)]
pub trait Runs<P, F, Shape = ()> {
    /// The function on this pool, with the verbs that run it.
    type On;

    /// Returns the function on this pool. It starts nothing.
    fn on(&self) -> Self::On;
}

impl<P, F, K> Runs<P, F, K> for GreenPool
where
    F: Signature,
    P: PooledFn<F::Args, F::Output>,
{
    type On = OnPool<P, F, K>;

    fn on(&self) -> OnPool<P, F, K> {
        OnPool { pool: self.clone(), function: PhantomData }
    }
}

#[diagnostic::do_not_recommend]
impl<E: Runs<P, F, K> + ?Sized, P, F, K> Runs<P, F, K> for &E {
    type On = E::On;

    fn on(&self) -> E::On {
        E::on(self)
    }
}

#[diagnostic::do_not_recommend]
impl<E: Runs<P, F, K> + ?Sized, P, F, K> Runs<P, F, K> for Arc<E> {
    type On = E::On;

    fn on(&self) -> E::On {
        E::on(self)
    }
}

#[diagnostic::do_not_recommend]
impl<E: Runs<P, F, K>, I: FnOnce() -> E, P, F, K> Runs<P, F, K> for LazyLock<E, I> {
    type On = E::On;

    fn on(&self) -> E::On {
        E::on(self)
    }
}

/// Runs a declared function in a given pool instead of its own; made by the function's `on`.
///
/// It has the verbs of the function's companion, with the same arguments: one argument, or one source, for each
/// parameter. Only the pool differs. `clone` returns another handle on the same pool, and **dropping** it affects no
/// job.
///
/// | verb | returns |
/// |---|---|
/// | `spawn(..).await` | a [`GreenThread`](crate::GreenThread), once a slot is free |
/// | `spawn_n(..).await` | nothing, once a slot is free and the job is started |
/// | `try_spawn(..)` | a `GreenThread`, or the arguments if no slot is free |
/// | `queue(..)` | nothing, at once; the job waits in line as its arguments |
/// | `imap(..)`, `starmap(..)`, `imap_stream(..)` | a [`GreenMap`](crate::GreenMap) |
/// | `try_imap(..)`, `try_imap_stream(..)` | a [`TryGreenMap`](crate::TryGreenMap) |
/// | each of these maps with `_unordered` | the same, in order of completion |
///
/// The documentation of the methods shows a function with two parameters; there are from none to twelve. A function
/// that is generic has one instance on each `OnPool`: call `on` again for another type.
///
/// # Compared with `pool.spawn(fetch(url))`
/// The jobs are the same. `OnPool` knows the function, so it has `imap` and the other maps, gives the arguments back
/// from `try_spawn`, and lets the function spawn itself.
///
/// ```
/// use greenpool::{GreenPool, OnPool, green_pool, pile};
///
/// #[green_pool(size = 100)]
/// async fn fetch(url: String) -> usize { url.len() }
///
/// /// A client with a limit of its own.
/// struct Client { fetch: OnPool<fetch, fn(String) -> usize> }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), greenpool::JoinError> {
/// let pool = GreenPool::new(2);
/// let client = Client { fetch: fetch::on(&pool) };
/// assert_eq!(client.fetch.spawn("one".into()).await.await?, 3);
///
/// let mut lengths = client.fetch.imap(["one", "three"].map(String::from));
/// assert_eq!(lengths.next().await.unwrap()?, 3);
/// assert_eq!(lengths.next().await.unwrap()?, 5);
///
/// let (length,) = pile![on pool; fetch("four".into())].try_join().await?;
/// assert_eq!(length, 4);
/// assert_eq!(pool.stats().finished, 4);
/// assert_eq!(fetch::pool().stats().finished, 0);
/// # Ok(()) }
/// ```
pub struct OnPool<P, F, K = ()> {
    pub(crate) pool: GreenPool,
    function: PhantomData<fn() -> (P, F, K)>,
}

impl<P, F, K> OnPool<P, F, K> {
    /// Returns the pool that the jobs run in.
    ///
    /// ```
    /// use greenpool::{GreenPool, green_pool};
    ///
    /// #[green_pool(size = 4)]
    /// async fn double(n: u32) -> u32 { n * 2 }
    ///
    /// let doubles = double::on(&GreenPool::new(2));
    /// doubles.pool().resize(3);
    /// assert_eq!(doubles.pool().size(), 3);
    /// ```
    pub fn pool(&self) -> &GreenPool {
        &self.pool
    }
}

impl<P, F, K> Clone for OnPool<P, F, K> {
    fn clone(&self) -> Self {
        OnPool { pool: self.pool.clone(), function: PhantomData }
    }
}

impl<P, F, K> fmt::Debug for OnPool<P, F, K>
where
    F: Signature,
    P: PooledFn<F::Args, F::Output>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnPool").field("function", &P::name()).field("pool", &self.pool).finish()
    }
}

/// A declared function, as a value. An entry of `pile![on POOL; ..]` asks it for the verbs of its pool.
pub struct Function<P, F, K = ()>(PhantomData<fn() -> (P, F, K)>);

impl<P, F, K> Function<P, F, K> {
    /// Makes the value.
    #[allow(clippy::new_without_default, reason = "only generated code makes one")]
    #[must_use]
    pub const fn new() -> Self {
        Function(PhantomData)
    }

    /// Returns the function on a pool.
    #[must_use]
    pub fn on<E: Runs<P, F, K>>(self, engine: &E) -> E::On {
        engine.on()
    }
}

/// A pool that `pile![on POOL; ..]` can name. What is not such a pool is a single error, at its expression: the
/// projection has no type then, so the entries have no errors.
#[diagnostic::on_unimplemented(
    message = "expected a `GreenPool`, found `{Self}`",
    label = "expected a `GreenPool`",
    note = "`on` takes a pool that runs declared functions; for a number of slots write `size = ..`"
)]
pub trait Engine {
    /// The type of the pool.
    type Engine: ?Sized;

    /// Returns the pool.
    fn engine(&self) -> &Self::Engine;
}

impl Engine for GreenPool {
    type Engine = GreenPool;

    fn engine(&self) -> &GreenPool {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<E: Engine + ?Sized> Engine for &E {
    type Engine = E::Engine;

    fn engine(&self) -> &E::Engine {
        E::engine(self)
    }
}

#[diagnostic::do_not_recommend]
impl<E: Engine + ?Sized> Engine for Arc<E> {
    type Engine = E::Engine;

    fn engine(&self) -> &E::Engine {
        E::engine(self)
    }
}

#[diagnostic::do_not_recommend]
impl<E: Engine, F: FnOnce() -> E> Engine for LazyLock<E, F> {
    type Engine = E::Engine;

    fn engine(&self) -> &E::Engine {
        E::engine(self)
    }
}
