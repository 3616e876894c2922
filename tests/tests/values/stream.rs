//! `values`, `try_collect` and `try_for_each` of maps over async sources.

use std::pin::Pin;

use futures::stream;
use greenpool::GreenPool;
use greenpool_tests::{Gauge, paused, until_idle};

use crate::caught::caught;
use crate::{never, panics};

/// Jobs that fail at item 0, and never finish at later ones.
fn one_fails(
    alive: &Gauge,
) -> impl FnMut(u32) -> Pin<Box<dyn Future<Output = Result<u32, u32>> + Send>> + Send + 'static {
    let alive = alive.clone();
    move |n| match n {
        0 => Box::pin(async { Err(0) }),
        _ => Box::pin(never(&alive)),
    }
}

#[test]
fn values_of_a_map_over_a_stream_are_outputs_in_order() {
    paused(async {
        let pool = GreenPool::new(3);
        let mut values = pool.imap_stream(|n: u32| async move { n * 2 }, stream::iter(0..20)).values();
        let mut seen = vec![];
        while let Some(value) = values.next().await {
            seen.push(value);
        }
        assert_eq!(seen, (0..20).map(|n| n * 2).collect::<Vec<_>>());
        let mut values = pool.imap_stream(panics::<u32>, stream::iter(["boom", "bang"])).values();
        assert_eq!(caught(values.next()).await.message, "boom");
        assert_eq!(values.next().await, None);
    });
}

#[test]
fn a_failed_map_over_a_stream_has_ended_when_the_verb_returns() {
    paused(async {
        for window in [1, 3, 10] {
            let (pool, alive) = (GreenPool::new(3), Gauge::default());
            let map = pool.imap_stream(one_fails(&alive), stream::iter(0..).chain_pending()).window(window);
            assert_eq!(map.try_collect::<Vec<_>>().await, Err(0));
            assert_eq!((pool.running(), alive.now()), (0, 0));
            let map = pool.imap_stream_unordered(one_fails(&alive), stream::iter(0..2).chain_pending());
            assert_eq!(map.try_for_each(async |_| Ok::<_, u32>(())).await, Err(0));
            assert_eq!((pool.running(), pool.waiting(), alive.now()), (0, 0, 0));
            until_idle().await;
            assert_eq!(pool.running(), 0);
        }
    });
}

/// A stream that never ends.
trait ChainPending: futures::Stream + Sized {
    fn chain_pending(self) -> impl futures::Stream<Item = Self::Item> + Send
    where
        Self: Send,
        Self::Item: Send,
    {
        futures::StreamExt::chain(self, stream::pending())
    }
}

impl<S: futures::Stream> ChainPending for S {}

#[test]
fn a_panic_of_the_source_resumes() {
    paused(async {
        let pool = GreenPool::new(2);
        let source = futures::StreamExt::map(stream::iter(0..3), |n| {
            if n == 1 {
                std::panic::resume_unwind(Box::new("the source"));
            }
            n
        });
        let map = pool.imap_stream(|n: u32| async move { Ok::<_, ()>(n) }, source);
        assert_eq!(caught(map.try_collect::<Vec<_>>()).await.message, "the source");
        assert_eq!(pool.running(), 0);
    });
}
