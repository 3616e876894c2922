//! The items that the code written by the macros refers to. Nothing here is part of the public API.

use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;
use std::sync::{LazyLock, OnceLock};

pub use crate::declared::arguments::{Argument, Each, Maker, One};
pub use crate::declared::on::{Engine, Function};
pub use crate::declared::on_verbs::Shape;
pub use crate::declared::queue::{QueuedCall, UnsendableCall};
pub use crate::declared::rows::{Columns, Row};
pub use crate::declared::shared::{Shared, SharedFn, Shares, Unshared, Values, share};
pub use crate::declared::sources::{ReadFromAnyThread, StreamFromAnyThread, TryStreamFromAnyThread};
pub use crate::declared::{Implies, PooledFn, Same, SentBackFromItsThread, SpawnCall, SpawnCallN};
use crate::job::error::TrySpawnError;
use crate::job::handle::GreenThread;
use crate::map::GreenMap;
use crate::map::try_map::TryGreenMap;
pub use crate::pile::fixed::{Handles, InOrder, PileOf, Record, SameType};
use crate::pool::GreenPool;
pub use crate::sync::key::Key;
pub use crate::worker::WorkersCell;

pub use greenpool_macros::{__Companion, __pile};

/// Maps of functions with shared parameters, or in another pool.
pub mod maps {
    pub use crate::declared::maps::{imap, imap_stream, starmap, try_imap, try_imap_stream};
}

/// What the code of `#[green_pool(remote)]` and the engines refer to.
#[cfg(feature = "remote")]
pub mod remote {
    pub use crate::remote::codec::{Codec, Codecs, Travels, codec, fingerprint};
    pub use crate::remote::engine::{BoxFuture, End, Engine, Function, Job, Reply};
    pub use crate::remote::function::{RemoteFn, States, WorkerState, stateless, states};
    pub use crate::remote::handler::handler;
    pub use crate::remote::info::Lease;
    pub use crate::remote::verbs::{FarPool, Remote};
}

/// Whether foreign code may run on this thread, because it holds no lock of greenpool. For the tests.
#[must_use]
pub fn allows_foreign_code() -> bool {
    crate::sync::foreign::is_allowed()
}

/// The pool of one declared function, created on first use.
pub struct PoolCell {
    name: &'static str,
    size: fn() -> usize,
    per_key: Option<fn() -> usize>,
    pool: OnceLock<GreenPool>,
}

impl PoolCell {
    #[must_use]
    pub const fn new(name: &'static str, size: fn() -> usize) -> Self {
        PoolCell { name, size, per_key: None, pool: OnceLock::new() }
    }

    /// The pool of a function with a key.
    #[must_use]
    pub const fn with_keys(name: &'static str, size: fn() -> usize, per_key: fn() -> usize) -> Self {
        PoolCell { name, size, per_key: Some(per_key), pool: OnceLock::new() }
    }

    #[inline]
    pub fn get(&'static self) -> &'static GreenPool {
        self.pool.get().unwrap_or_else(|| self.get_or_init())
    }

    // Not inline, so that it is compiled once.
    #[cold]
    fn get_or_init(&'static self) -> &'static GreenPool {
        self.pool.get_or_init(|| {
            let per_key = self.per_key.map(|per_key| per_key());
            assert_ne!(per_key, Some(0), "with a limit of 0 per key nothing would ever run; write at least 1");
            GreenPool::named((self.size)(), per_key, self.name)
        })
    }
}

pub fn spawn<P, A, O>(args: A) -> SpawnCall<P, A, O>
where
    P: PooledFn<A, O>,
{
    SpawnCall::new(args)
}

pub fn spawn_n<P, A, O>(args: A) -> SpawnCallN<P, A, O>
where
    P: PooledFn<A, O>,
{
    SpawnCallN::new(args)
}

#[track_caller]
pub fn try_spawn<P, A, O>(args: A) -> Result<GreenThread<O>, TrySpawnError<A>>
where
    P: PooledFn<A, O>,
{
    crate::declared::try_spawn::<P, A, O>(args)
}

/// Submits an entry of `pile!`: it starts at once, or is queued.
#[track_caller]
pub fn submit<P, A, O>(args: A) -> GreenThread<O>
where
    P: PooledFn<A, O>,
{
    crate::declared::submit::<P, A, O>(args)
}

/// Submits an entry of `pile![in POOL; ..]` in the same way.
#[track_caller]
pub fn submit_in<F, T>(pool: &GreenPool, future: F) -> GreenThread<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    pool.submit(future)
}

// Maps of functions without shared parameters, which are almost all functions, in the function's own pool.

#[track_caller]
pub fn imap<P, A, O, C>(columns: C, ordered: bool) -> GreenMap<O>
where
    P: PooledFn<A, O>,
    C: Columns<A>,
{
    maps::imap::<P, A, O, _, _>(P::pool(), Unshared, columns, ordered)
}

#[track_caller]
pub fn starmap<P, A, O, I>(tuples: I, ordered: bool) -> GreenMap<O>
where
    P: PooledFn<A, O>,
    I: ReadFromAnyThread<A>,
{
    maps::starmap::<P, A, O, _, _>(P::pool(), Unshared, tuples, ordered)
}

#[track_caller]
pub fn try_imap<P, A, O, E, I>(source: I, ordered: bool) -> TryGreenMap<O, E>
where
    P: PooledFn<A, O>,
    A: Row,
    E: Send + 'static,
    I: ReadFromAnyThread<Result<A::Item, E>>,
{
    maps::try_imap::<P, A, O, _, _, _>(P::pool(), Unshared, source, ordered)
}

#[track_caller]
pub fn imap_stream<P, A, O, S>(source: S, ordered: bool) -> GreenMap<O>
where
    P: PooledFn<A, O>,
    A: Row,
    S: StreamFromAnyThread<A::Item>,
{
    maps::imap_stream::<P, A, O, _, _>(P::pool(), Unshared, source, ordered)
}

#[track_caller]
pub fn try_imap_stream<P, A, O, E, S>(source: S, ordered: bool) -> TryGreenMap<O, E>
where
    P: PooledFn<A, O>,
    A: Row,
    E: Send + 'static,
    S: TryStreamFromAnyThread<A::Item, E>,
{
    maps::try_imap_stream::<P, A, O, _, _, _>(P::pool(), Unshared, source, ordered)
}

/// Makes the key of a call.
pub fn key<K: CallKey>(key: K) -> Key {
    key.into_key()
}

/// The values that `key = ..` can have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a call",
    label = "expected a key that is `Hash + Eq + Debug + Send + Sync + 'static`",
    note = "use a `String`, a number, or a type that derives these traits"
)]
pub trait CallKey {
    fn into_key(self) -> Key;
}

impl<K: Hash + Eq + Debug + Send + Sync + 'static> CallKey for K {
    fn into_key(self) -> Key {
        Key::new(self)
    }
}

/// A type by another name.
pub type Alias<T> = T;

/// Returns the pool that `pool = PATH` names.
pub fn shared<T: StaticPool>(pool: &'static T) -> &'static GreenPool {
    pool.get()
}

/// The types that `pool = PATH` can name.
#[diagnostic::on_unimplemented(
    message = "expected a `static` of type `GreenPool` or `LazyLock<GreenPool>`, found `{Self}`",
    label = "expected a `static` of type `GreenPool` or `LazyLock<GreenPool>`",
    note = "write `static POOL: GreenPool = GreenPool::const_new(100);` and `pool = POOL`"
)]
pub trait StaticPool {
    fn get(&'static self) -> &'static GreenPool;
}

impl StaticPool for GreenPool {
    fn get(&'static self) -> &'static GreenPool {
        self
    }
}

impl<F: FnOnce() -> GreenPool> StaticPool for LazyLock<GreenPool, F> {
    fn get(&'static self) -> &'static GreenPool {
        self
    }
}

/// The output of a function: `!` can be named only as `<fn() -> ! as FnOutput>::Output`.
pub trait FnOutput {
    type Output;
}

impl<T> FnOutput for fn() -> T {
    type Output = T;
}

/// Returns the pool of `pile![in POOL; ..]`.
pub fn given<P: AsPool + ?Sized>(pool: &P) -> &GreenPool {
    pool.as_pool()
}

/// The types that `pile![in POOL; ..]` can name.
#[diagnostic::on_unimplemented(message = "expected a `GreenPool`, found `{Self}`", label = "expected a `GreenPool`")]
pub trait AsPool {
    fn as_pool(&self) -> &GreenPool;
}

impl AsPool for GreenPool {
    fn as_pool(&self) -> &GreenPool {
        self
    }
}

impl<F: FnOnce() -> GreenPool> AsPool for LazyLock<GreenPool, F> {
    fn as_pool(&self) -> &GreenPool {
        self
    }
}

impl<P: AsPool + ?Sized> AsPool for &P {
    fn as_pool(&self) -> &GreenPool {
        (**self).as_pool()
    }
}

/// Returns the pool of `pile![on POOL; ..]`.
pub fn engine<E: Engine<Engine = X> + ?Sized, X: ?Sized>(pool: &E) -> &X {
    pool.engine()
}

pub fn pile<R: Handles>(handles: R) -> PileOf<R> {
    PileOf::new(handles)
}

pub fn pile_named<R: Handles, N>(handles: R) -> PileOf<R, N> {
    PileOf::new(handles)
}
