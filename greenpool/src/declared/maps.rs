//! Maps of functions declared with `#[green_pool]`: in the pool of the function, or in another.

use crate::declared::PooledFn;
use crate::declared::rows::{Columns, Row};
use crate::declared::shared::Values;
use crate::declared::sources::{ReadFromAnyThread, StreamFromAnyThread, TryStreamFromAnyThread};
use crate::map::GreenMap;
use crate::map::source::Applied;
use crate::map::try_map::{TryGreenMap, UntilError};
use crate::pool::GreenPool;

/// Starts a map over one iterable per parameter that is not shared.
#[track_caller]
pub fn imap<P, A, O, V, C>(pool: &GreenPool, values: V, columns: C, ordered: bool) -> GreenMap<O>
where
    P: PooledFn<A, O>,
    V: Values<P, A>,
    C: Columns<V::Rest>,
{
    let jobs = Applied::new(columns.into_rows(), move |rest| P::call(values.args(rest)));
    GreenMap::start(pool.inner(), jobs, ordered)
}

/// Starts a map over tuples of the arguments that are not shared.
#[track_caller]
pub fn starmap<P, A, O, V, I>(pool: &GreenPool, values: V, tuples: I, ordered: bool) -> GreenMap<O>
where
    P: PooledFn<A, O>,
    V: Values<P, A>,
    I: ReadFromAnyThread<V::Rest>,
{
    let jobs = Applied::new(tuples.into_reader(), move |rest| P::call(values.args(rest)));
    GreenMap::start(pool.inner(), jobs, ordered)
}

/// Starts a map over a source that can fail.
#[track_caller]
pub fn try_imap<P, A, O, E, V, I>(pool: &GreenPool, values: V, source: I, ordered: bool) -> TryGreenMap<O, E>
where
    P: PooledFn<A, O>,
    E: Send + 'static,
    V: Values<P, A, Rest: Row>,
    I: ReadFromAnyThread<Result<<V::Rest as Row>::Item, E>>,
{
    let (items, failure) = UntilError::new(source.into_reader());
    let jobs = Applied::new(items, move |item| P::call(values.args(Row::of(item))));
    TryGreenMap::new(GreenMap::start(pool.inner(), jobs, ordered), failure)
}

/// Starts a map over an async source.
#[track_caller]
pub fn imap_stream<P, A, O, V, S>(pool: &GreenPool, values: V, source: S, ordered: bool) -> GreenMap<O>
where
    P: PooledFn<A, O>,
    V: Values<P, A, Rest: Row>,
    S: StreamFromAnyThread<<V::Rest as Row>::Item>,
{
    let apply = move |item| P::call(values.args(Row::of(item)));
    GreenMap::reading(pool.inner(), apply, source.into_reader(), ordered)
}

/// Starts a map over an async source that can fail.
#[track_caller]
pub fn try_imap_stream<P, A, O, E, V, S>(pool: &GreenPool, values: V, source: S, ordered: bool) -> TryGreenMap<O, E>
where
    P: PooledFn<A, O>,
    E: Send + 'static,
    V: Values<P, A, Rest: Row>,
    S: TryStreamFromAnyThread<<V::Rest as Row>::Item, E>,
{
    let (items, failure) = UntilError::new(source.into_reader());
    let apply = move |item| P::call(values.args(Row::of(item)));
    TryGreenMap::new(GreenMap::reading(pool.inner(), apply, items, ordered), failure)
}
