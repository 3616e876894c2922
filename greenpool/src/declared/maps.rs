//! Maps of functions declared with `#[green_pool]`.

use crate::declared::PooledFn;
use crate::declared::rows::{Columns, Row};
use crate::declared::sources::{ReadFromAnyThread, StreamFromAnyThread, TryStreamFromAnyThread};
use crate::map::GreenMap;
use crate::map::source::Applied;
use crate::map::try_map::{TryGreenMap, UntilError};

/// Starts a map over one iterable per parameter.
#[track_caller]
pub fn imap<P, A, O, C>(columns: C, ordered: bool) -> GreenMap<O>
where
    P: PooledFn<A, O>,
    C: Columns<A>,
{
    GreenMap::start(P::pool().inner(), Applied::new(columns.into_rows(), |args| P::call(args)), ordered)
}

/// Starts a map over tuples of arguments.
#[track_caller]
pub fn starmap<P, A, O, I>(tuples: I, ordered: bool) -> GreenMap<O>
where
    P: PooledFn<A, O>,
    I: ReadFromAnyThread<A>,
{
    GreenMap::start(P::pool().inner(), Applied::new(tuples.into_reader(), |args| P::call(args)), ordered)
}

/// Starts a map over a source that can fail.
#[track_caller]
pub fn try_imap<P, A, O, E, I>(source: I, ordered: bool) -> TryGreenMap<O, E>
where
    P: PooledFn<A, O>,
    A: Row,
    E: Send + 'static,
    I: ReadFromAnyThread<Result<A::Item, E>>,
{
    let (items, failure) = UntilError::new(source.into_reader());
    let map = GreenMap::start(P::pool().inner(), Applied::new(items, |item| P::call(A::of(item))), ordered);
    TryGreenMap::new(map, failure)
}

/// Starts a map over an async source.
#[track_caller]
pub fn imap_stream<P, A, O, S>(source: S, ordered: bool) -> GreenMap<O>
where
    P: PooledFn<A, O>,
    A: Row,
    S: StreamFromAnyThread<A::Item>,
{
    GreenMap::reading(P::pool().inner(), |item| P::call(A::of(item)), source.into_reader(), ordered)
}

/// Starts a map over an async source that can fail.
#[track_caller]
pub fn try_imap_stream<P, A, O, E, S>(source: S, ordered: bool) -> TryGreenMap<O, E>
where
    P: PooledFn<A, O>,
    A: Row,
    E: Send + 'static,
    S: TryStreamFromAnyThread<A::Item, E>,
{
    let (items, failure) = UntilError::new(source.into_reader());
    let map = GreenMap::reading(P::pool().inner(), |item| P::call(A::of(item)), items, ordered);
    TryGreenMap::new(map, failure)
}
