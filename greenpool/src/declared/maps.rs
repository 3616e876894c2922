//! Maps of functions declared with `#[green_pool]`: in the pool of the function, or in another.

use std::future::Future;

use futures_core::Stream;

use crate::declared::PooledFn;
use crate::declared::rows::{Columns, Row};
use crate::declared::shared::Values;
use crate::declared::sources::{ReadFromAnyThread, StreamFromAnyThread, TryStreamFromAnyThread};
use crate::map::GreenMap;
use crate::map::keyed::WithKey;
use crate::map::source::Applied;
use crate::map::stream::AppliedStream;
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
    start::<P, A, O, _, _>(pool, columns.into_rows(), move |rest| values.args(rest), ordered)
}

/// Starts a map over tuples of the arguments that are not shared.
#[track_caller]
pub fn starmap<P, A, O, V, I>(pool: &GreenPool, values: V, tuples: I, ordered: bool) -> GreenMap<O>
where
    P: PooledFn<A, O>,
    V: Values<P, A>,
    I: ReadFromAnyThread<V::Rest>,
{
    start::<P, A, O, _, _>(pool, tuples.into_reader(), move |rest| values.args(rest), ordered)
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
    let map = start::<P, A, O, _, _>(pool, items, move |item| values.args(Row::of(item)), ordered);
    TryGreenMap::new(map, failure)
}

/// Starts a map over an async source.
#[track_caller]
pub fn imap_stream<P, A, O, V, S>(pool: &GreenPool, values: V, source: S, ordered: bool) -> GreenMap<O>
where
    P: PooledFn<A, O>,
    V: Values<P, A, Rest: Row>,
    S: StreamFromAnyThread<<V::Rest as Row>::Item>,
{
    read::<P, A, O, _, _>(pool, source.into_reader(), move |item| values.args(Row::of(item)), ordered)
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
    let map = read::<P, A, O, _, _>(pool, items, move |item| values.args(Row::of(item)), ordered);
    TryGreenMap::new(map, failure)
}

/// Starts a map whose jobs get their arguments from `args`.
#[track_caller]
fn start<P, A, O, I, F>(pool: &GreenPool, items: I, args: F, ordered: bool) -> GreenMap<O>
where
    P: PooledFn<A, O>,
    I: Iterator + Send + 'static,
    F: Fn(I::Item) -> A + Send + 'static,
{
    let inner = pool.inner();
    if P::HAS_KEY && inner.slots.is_keyed() {
        GreenMap::start_keyed(inner, Applied::new(items, move |item| with_key::<P, A, O>(args(item))), ordered)
    } else {
        GreenMap::start(inner, Applied::new(items, move |item| P::call(args(item))), ordered)
    }
}

/// The same over an async source.
#[track_caller]
fn read<P, A, O, S, F>(pool: &GreenPool, items: S, args: F, ordered: bool) -> GreenMap<O>
where
    P: PooledFn<A, O>,
    S: Stream<Item: Send> + Send + 'static,
    F: Fn(S::Item) -> A + Send + 'static,
{
    let inner = pool.inner();
    if P::HAS_KEY && inner.slots.is_keyed() {
        let apply = move |item| with_key::<P, A, O>(args(item));
        GreenMap::start_keyed(inner, AppliedStream::new(inner, items, apply), ordered)
    } else {
        GreenMap::reading(inner, move |item| P::call(args(item)), items, ordered)
    }
}

fn with_key<P, A, O>(args: A) -> WithKey<impl Future<Output = O> + Send + 'static>
where
    P: PooledFn<A, O>,
{
    match P::key(args) {
        (args, Some(key)) => WithKey::new(key, P::call(args)),
        (..) => unreachable!("a function that says that it has a key has one"),
    }
}
