//! What ends while calls wait for their key: pools, runtimes, jobs, and the calls themselves.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use futures::poll;
use greenpool::lend;
use greenpool_tests::{Gate, Log, paused, until_idle, with_deadline};
use tokio::runtime::Builder;
use tokio::task::yield_now;

use crate::keyed;

#[test]
fn a_spawn_that_is_dropped_leaves_the_line_of_its_key() {
    paused(async {
        let (pool, gate, log) = (keyed(8, 1), Gate::new(), Log::new());
        pool.queue_keyed("a", gate.clone().opened());
        {
            let mut spawn = pin!(pool.spawn_n_keyed("a", async { unreachable!("it left") }));
            assert!(poll!(&mut spawn).is_pending());
            let after = log.clone();
            pool.queue_keyed("a", async move { after.push("after") });
            assert_eq!(pool.waiting(), 2);
        }
        assert_eq!(pool.waiting(), 1);
        gate.open();
        pool.waitall().await;
        assert_eq!(log.take(), ["after"]);
    });
}

#[test]
fn a_call_in_line_that_is_dropped_lets_the_next_of_its_key_into_the_line() {
    paused(async {
        let (pool, gate, log) = (keyed(1, 1), Gate::new(), Log::new());
        pool.queue_keyed("a", gate.clone().opened());
        let second = gate.clone();
        let mut dropped = Box::pin(pool.spawn_n_keyed("b", async { unreachable!("it left") }));
        assert!(poll!(&mut dropped).is_pending());
        let after = log.clone();
        pool.queue_keyed("b", async move {
            after.push("b");
            second.opened().await;
        });
        drop(dropped);
        pool.resize(2);
        until_idle().await;
        assert_eq!(log.take(), ["b"]);
        gate.open();
        pool.waitall().await;
    });
}

#[test]
fn a_key_is_free_again_after_a_panic_and_after_an_abort() {
    paused(async {
        let pool = keyed(8, 1);
        assert!(pool.spawn_keyed("a", async { panic!("it ends") }).await.await.unwrap_err().is_panic());
        let green = pool.spawn_keyed("a", pending::<()>()).await;
        let mut next = pin!(pool.spawn_keyed("a", async { 1 }));
        assert!(poll!(&mut next).is_pending());
        green.abort();
        assert_eq!(next.await.await.unwrap(), 1);
        // Before its first poll, too.
        let green = pool.spawn_keyed("a", async { unreachable!("it was aborted") }).await;
        green.abort();
        assert!(green.await.unwrap_err().is_cancelled());
        assert_eq!(pool.spawn_keyed("a", async { 2 }).await.await.unwrap(), 2);
        assert!(pool.keys().is_empty());
    });
}

#[test]
fn close_refuses_queued_calls_and_those_of_spawns_keep_their_turn() {
    paused(async {
        let (pool, gate) = (keyed(8, 1), Gate::new());
        pool.queue_keyed("a", gate.clone().opened());
        pool.queue_keyed("a", async { unreachable!("it was refused") });
        let mut spawn = pin!(pool.spawn_keyed("a", async { 1 }));
        assert!(poll!(&mut spawn).is_pending());
        pool.close();
        assert_eq!((pool.waiting(), pool.stats().refused, pool.stats().queued), (1, 1, 0));
        assert!(pool.spawn_keyed("b", async {}).await.await.unwrap_err().is_closed());
        gate.open();
        assert_eq!(spawn.await.await.unwrap(), 1);
        pool.waitall().await;
        assert!(pool.keys().is_empty());
    });
}

#[test]
fn abort_all_and_shutdown_end_what_waits_for_a_key() {
    paused(async {
        let pool = keyed(8, 1);
        pool.queue_keyed("a", pending::<()>());
        pool.queue_keyed("a", async { unreachable!("it was refused") });
        assert_eq!(pool.abort_all().await, 1);
        assert_eq!((pool.running(), pool.waiting(), pool.stats().refused, pool.keys().len()), (0, 0, 1, 0));

        pool.queue_keyed("a", pending::<()>());
        let mut spawn = pin!(pool.spawn_keyed("a", async { unreachable!("it was refused") }));
        assert!(poll!(&mut spawn).is_pending());
        let report = pool.shutdown(Duration::from_secs(1)).await;
        assert_eq!(report.aborted, 1);
        assert!(spawn.await.await.unwrap_err().is_closed());
        assert!(pool.keys().is_empty());
        pool.reopen();
        assert_eq!(pool.spawn_keyed("a", async { 1 }).await.await.unwrap(), 1);
    });
}

#[test]
fn the_last_handle_is_dropped_while_calls_wait_for_a_key() {
    paused(async {
        let (pool, gate, log) = (keyed(8, 1), Gate::new(), Log::new());
        for n in 0..3 {
            let (gate, log) = (gate.clone(), log.clone());
            pool.queue_keyed("a", async move {
                gate.opened().await;
                log.push(n);
            });
        }
        drop(pool);
        gate.open();
        until_idle().await;
        assert_eq!(log.take(), [0, 1, 2]);
    });
}

#[test]
fn the_jobs_of_a_runtime_that_ends_give_their_key_to_those_of_another() {
    with_deadline(|| {
        let pool = keyed(8, 1);
        let one = Builder::new_current_thread().build().unwrap();
        let two = Builder::new_current_thread().build().unwrap();
        one.block_on(async {
            pool.queue_keyed("a", pending::<()>());
            pool.queue_keyed("a", async { unreachable!("its runtime ended") });
        });
        let mut waits = Box::pin(pool.spawn_keyed("a", async { 1 }));
        two.block_on(async { assert!(poll!(&mut waits).is_pending()) });
        assert_eq!(pool.waiting(), 2);
        drop(one);
        assert_eq!(two.block_on(async { waits.await.await.unwrap() }), 1);
        assert!(pool.keys().is_empty());
    });
}

#[test]
fn waitall_waits_for_a_call_whose_key_is_about_to_be_free() {
    paused(async {
        let (pool, log) = (keyed(2, 1), Log::new());
        let lends = pool.spawn_keyed("a", lend(pending::<()>())).await;
        until_idle().await;
        let after = log.clone();
        pool.queue_keyed("a", async move {
            yield_now().await;
            after.push("after");
        });
        let mut all = pin!(pool.waitall());
        assert!(poll!(&mut all).is_pending());
        assert_eq!((pool.running(), pool.waiting()), (0, 1));
        lends.abort();
        all.await;
        assert_eq!((log.take(), pool.running()), (vec!["after"], 0));
    });
}
