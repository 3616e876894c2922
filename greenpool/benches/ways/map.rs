//! Maps one function over many inputs. The results are taken one by one and summed.

use std::future::ready;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::{Stream, StreamExt, stream};
use futures_buffered::BufferedStreamExt;
use futures_concurrency::concurrent_stream::ConcurrentStream;
use futures_concurrency::stream::StreamExt as _;
use greenpool::{GreenMap, GreenPool};

use super::work::Work;

async fn total(mut numbers: impl Stream<Item = u64> + Unpin) -> u64 {
    let mut total = 0;
    while let Some(number) = numbers.next().await {
        total += number;
    }
    total
}

async fn total_of_map(mut map: GreenMap<u64>) -> u64 {
    let mut total = 0;
    while let Some(number) = map.next().await {
        total += number.expect("no job panics");
    }
    total
}

pub(crate) async fn spawn_buffered<W: Work>(size: usize, jobs: u64) -> u64 {
    let tasks = stream::iter(0..jobs).map(|number| tokio::spawn(W::call(number)));
    total(tasks.buffered(size).map(|number| number.expect("no job panics"))).await
}

pub(crate) async fn buffered<W: Work>(size: usize, jobs: u64) -> u64 {
    total(stream::iter(0..jobs).map(W::call).buffered(size)).await
}

pub(crate) async fn buffer_unordered<W: Work>(size: usize, jobs: u64) -> u64 {
    total(stream::iter(0..jobs).map(W::call).buffer_unordered(size)).await
}

pub(crate) async fn futures_buffered<W: Work>(size: usize, jobs: u64) -> u64 {
    total(stream::iter(0..jobs).map(W::call).buffered_ordered(size)).await
}

pub(crate) async fn futures_buffered_unordered<W: Work>(size: usize, jobs: u64) -> u64 {
    total(stream::iter(0..jobs).map(W::call).buffered_unordered(size)).await
}

pub(crate) async fn futures_concurrency<W: Work>(size: usize, jobs: u64) -> u64 {
    let total = AtomicU64::new(0);
    let jobs = stream::iter(0..jobs).co().limit(NonZeroUsize::new(size)).map(W::call);
    jobs.for_each(|number| {
        total.fetch_add(number, Ordering::Relaxed);
        ready(())
    })
    .await;
    total.into_inner()
}

pub(crate) async fn declared<W: Work>(size: usize, jobs: u64) -> u64 {
    W::sized(size);
    total_of_map(W::imap(0..jobs)).await
}

pub(crate) async fn declared_unordered<W: Work>(size: usize, jobs: u64) -> u64 {
    W::sized(size);
    total_of_map(W::imap_unordered(0..jobs)).await
}

pub(crate) async fn pool<W: Work>(size: usize, jobs: u64) -> u64 {
    let pool = GreenPool::new(size);
    total_of_map(pool.imap(W::call, 0..jobs)).await
}
