//! `reopen`.
#![expect(clippy::unused_async, reason = "they are jobs")]

use std::time::Duration;

use futures::poll;
use greenpool::{GreenPool, green_pool};
use greenpool_tests::{Gate, paused, until_idle, with_deadline};
use tokio::runtime::Builder;

#[green_pool(size = 2)]
async fn double(n: u32) -> u32 {
    n * 2
}

#[test]
fn a_declared_pool_serves_the_next_runtime_after_a_shutdown() {
    with_deadline(|| {
        for n in 0..3 {
            let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
            runtime.block_on(async {
                assert_eq!(double::spawn(n).await.await.unwrap(), n * 2);
                double::pool().shutdown(Duration::from_secs(1)).await;
                assert!(double::pool().is_closed());
                assert!(double::spawn(n).await.await.unwrap_err().is_closed());
            });
            double::pool().reopen();
            assert!(!double::pool().is_closed());
        }
        assert_eq!((double::pool().stats().finished, double::pool().stats().refused), (3, 3));
    });
}

#[test]
fn every_verb_works_again_after_reopen() {
    paused(async {
        let pool = GreenPool::new(1);
        pool.reopen();
        pool.close();
        pool.close();
        pool.reopen();
        assert_eq!(pool.spawn(async { 1 }).await.await.unwrap(), 1);
        pool.spawn_n(async {}).await;
        pool.waitall().await;
        assert_eq!(pool.try_spawn(async { 2 }).unwrap().await.unwrap(), 2);
        let mut map = pool.imap(|n: u32| async move { n }, 0..3);
        for n in 0..3 {
            assert_eq!(map.next().await.unwrap().unwrap(), n);
        }
        assert!(map.next().await.is_none());
    });
}

#[test]
fn what_was_refused_stays_refused_and_what_was_queued_keeps_its_turn() {
    paused(async {
        let (pool, gate) = (GreenPool::new(1), Gate::new());
        pool.spawn_n(gate.clone().opened()).await;
        let mut early = Box::pin(pool.spawn(async { "early" }));
        assert!(poll!(&mut early).is_pending());
        pool.close();
        let mut map = pool.imap(|n: u32| async move { n }, 0..3);
        let refused = pool.spawn(async { "refused" }).await;
        until_idle().await;
        pool.reopen();
        let mut late = Box::pin(pool.spawn(async { "late" }));
        assert!(poll!(&mut late).is_pending());
        gate.open();
        assert_eq!(early.await.await.unwrap(), "early");
        assert_eq!(late.await.await.unwrap(), "late");
        assert!(refused.await.unwrap_err().is_closed());
        assert!(map.next().await.unwrap().unwrap_err().is_closed());
        assert!(map.next().await.is_none());
    });
}
