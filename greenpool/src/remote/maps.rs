//! The maps of a function on an engine. Each job of such a map stands for one on the engine, and ends as that one ends.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::declared::rows::{Columns, Row};
use crate::declared::sources::{ReadFromAnyThread, StreamFromAnyThread, TryStreamFromAnyThread};
use crate::inner::member::Member;
use crate::map::GreenMap;
use crate::map::feed::{JobSource, Returned, UserCode};
use crate::map::source::Applied;
use crate::map::stream::AppliedStream;
use crate::map::try_map::{TryGreenMap, UntilError};
use crate::remote::call::{Call, Outcome};
use crate::remote::function::RemoteFn;
use crate::remote::info::in_a_job;
use crate::remote::verbs::FarPool;

/// A source whose jobs return the results of jobs elsewhere, which are the results of the map.
struct Elsewhere<S>(S);

impl<S, T> JobSource for Elsewhere<S>
where
    S: JobSource<Output = Outcome<T>, Job: Future<Output = Outcome<T>>>,
    T: Send + 'static,
{
    type Job = S::Job;
    type Output = T;

    const IS_ASYNC: bool = S::IS_ASYNC;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.0.poll_ready(cx)
    }

    fn outsider(&self) -> Option<&Arc<Member>> {
        self.0.outsider()
    }

    fn next(&mut self, job: Pin<&mut Option<S::Job>>, user_code: &mut UserCode) -> bool {
        self.0.next(job, user_code)
    }

    fn next_boxed(&mut self, user_code: &mut UserCode) -> Option<Box<S::Job>> {
        self.0.next_boxed(user_code)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    fn result(returned: Returned<Self>) -> Outcome<T> {
        returned
    }
}

impl<P: RemoteFn> FarPool<P> {
    /// Runs a job for each item of one iterable per parameter.
    #[track_caller]
    pub fn imap<C: Columns<P::Args>>(&self, columns: C, ordered: bool) -> GreenMap<P::Output> {
        self.start(columns.into_rows(), |args| args, ordered)
    }

    /// Runs a job for each tuple of arguments.
    #[track_caller]
    pub fn starmap<I: ReadFromAnyThread<P::Args>>(&self, tuples: I, ordered: bool) -> GreenMap<P::Output> {
        self.start(tuples.into_reader(), |args| args, ordered)
    }

    /// Runs a job for each item of a source that can fail.
    #[track_caller]
    pub fn try_imap<E, I>(&self, source: I, ordered: bool) -> TryGreenMap<P::Output, E>
    where
        P::Args: Row,
        E: Send + 'static,
        I: ReadFromAnyThread<Result<<P::Args as Row>::Item, E>>,
    {
        let (items, failure) = UntilError::new(source.into_reader());
        TryGreenMap::new(self.start(items, P::Args::of, ordered), failure)
    }

    /// Runs a job for each item of an async source.
    #[track_caller]
    pub fn imap_stream<S>(&self, source: S, ordered: bool) -> GreenMap<P::Output>
    where
        P::Args: Row,
        S: StreamFromAnyThread<<P::Args as Row>::Item>,
    {
        self.read(source.into_reader(), P::Args::of, ordered)
    }

    /// Runs a job for each item of an async source that can fail.
    #[track_caller]
    pub fn try_imap_stream<E, S>(&self, source: S, ordered: bool) -> TryGreenMap<P::Output, E>
    where
        P::Args: Row,
        E: Send + 'static,
        S: TryStreamFromAnyThread<<P::Args as Row>::Item, E>,
    {
        let (items, failure) = UntilError::new(source.into_reader());
        TryGreenMap::new(self.read(items, P::Args::of, ordered), failure)
    }

    #[track_caller]
    fn start<I, F>(&self, items: I, args: F, ordered: bool) -> GreenMap<P::Output>
    where
        I: Iterator + Send + 'static,
        F: Fn(I::Item) -> P::Args + Send + 'static,
    {
        GreenMap::start(self.window.inner(), Elsewhere(Applied::new(items, self.calls(args))), ordered)
    }

    #[track_caller]
    fn read<S, F>(&self, items: S, args: F, ordered: bool) -> GreenMap<P::Output>
    where
        S: Stream<Item: Send> + Send + 'static,
        F: Fn(S::Item) -> P::Args + Send + 'static,
    {
        let window = self.window.inner();
        GreenMap::start(window, Elsewhere(AppliedStream::new(window, items, self.calls(args))), ordered)
    }

    /// What makes the call for an item. Whether it is allowed is a matter of who makes the map.
    fn calls<T, F: Fn(T) -> P::Args>(&self, args: F) -> impl Fn(T) -> Call<P> + use<P, T, F> {
        let (pool, refused) = (self.clone(), in_a_job());
        move |item| Call::new(pool.engine.clone(), pool.number(), args(item), refused)
    }
}
