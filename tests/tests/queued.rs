//! A queued call is a job of its pool: it begins when its turn comes, whether or not the future of the spawn is polled.

use std::future::pending;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{StreamExt, future, poll, stream};
use greenpool::{GreenPile, GreenPool, green_pool};
use greenpool_tests::{Gate, Log, paused, threads, until_idle};
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

#[green_pool(size = 1)]
async fn work(number: u32) -> u32 {
    yield_now().await;
    number
}

/// A full pool of one slot. Its job ends when the gate opens.
async fn full() -> (GreenPool, Gate) {
    let (pool, gate) = (GreenPool::new(1), Gate::new());
    pool.spawn_n(gate.clone().opened()).await;
    (pool, gate)
}

#[test]
fn a_spawn_that_lost_a_select_does_not_hold_up_the_next_one() {
    paused(async {
        let (pool, gate) = full().await;
        let mut kept = pool.spawn(async { 1 });
        tokio::select! {
            biased;
            _ = &mut kept => unreachable!("the pool is full"),
            () = yield_now() => {}
        }
        gate.open();
        assert_eq!(pool.spawn(async { 2 }).await.await.unwrap(), 2);
        pool.waitall().await;
        assert_eq!(kept.await.await.unwrap(), 1);
    });
}

#[test]
fn spawns_in_a_stream_whose_consumer_uses_the_same_pool_go_on() {
    paused(async {
        let pool = GreenPool::new(2);
        let spawns = stream::iter(0..20).map(|n| pool.spawn(async move { n })).buffer_unordered(5);
        let mut spawns = std::pin::pin!(spawns);
        let mut sum = 0;
        while let Some(green) = spawns.next().await {
            // The others are not polled meanwhile.
            sum += green.await.unwrap() + pool.spawn(async { 1 }).await.await.unwrap();
        }
        assert_eq!(sum, 190 + 20);

        let mut set: FuturesUnordered<_> = (0..20).map(work::spawn).collect();
        let mut sum = 0;
        while let Some(green) = set.next().await {
            sum += green.await.unwrap() + work::spawn(1).await.await.unwrap();
            let mapped: Vec<_> = work::imap([1, 2]).map(Result::unwrap).collect().await;
            assert_eq!(mapped, [1, 2]);
        }
        assert_eq!(sum, 190 + 20);
    });
}

#[test]
fn an_accept_loop_that_shuts_down_leaves_no_connection_behind() {
    paused(async {
        let pool = GreenPool::new(2);
        let (connect, mut accept) = mpsc::channel(8);
        let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
        let handled = Log::new();
        let server = async {
            let mut spawning = None;
            loop {
                tokio::select! {
                    biased;
                    _ = &mut stopped => break,
                    () = async { spawning.as_mut().expect("checked").await }, if spawning.is_some() => spawning = None,
                    Some(connection) = accept.recv(), if spawning.is_none() => {
                        let log = handled.clone();
                        spawning = Some(Box::pin(pool.spawn_n(async move {
                            sleep(Duration::from_millis(10)).await;
                            log.push(connection);
                        })));
                    }
                }
            }
            // The loop still holds the spawn of a connection that it accepted.
            let report = pool.shutdown(Duration::from_secs(1)).await;
            (report, spawning)
        };
        let clients = async {
            for connection in 0..3 {
                connect.send(connection).await.unwrap();
            }
            sleep(Duration::from_millis(5)).await;
            stop.send(()).unwrap();
        };
        let ((report, spawning), ()) = future::join(server, clients).await;
        assert_eq!((report.finished, report.aborted), (3, 0));
        assert!(spawning.is_some());
        assert_eq!(handled.take(), [0, 1, 2]);
    });
}

#[test]
fn shutdown_refuses_what_is_still_queued_after_the_grace_period() {
    paused(async {
        let pool = GreenPool::new(1);
        pool.spawn_n(pending::<()>()).await;
        let mut one = pool.spawn(async { 1 });
        let mut two = pool.spawn_n(async {});
        assert!(poll!(&mut one).is_pending() && poll!(&mut two).is_pending());
        let report = pool.shutdown(Duration::from_secs(1)).await;
        assert_eq!((report.finished, report.aborted, pool.stats().refused), (0, 1, 2));
        assert!(one.await.await.unwrap_err().is_closed());
        two.await;
    });
}

#[test]
fn close_lets_what_is_queued_run_and_abort_all_does_not_touch_it() {
    paused(async {
        let pool = GreenPool::new(1);
        pool.spawn_n(pending::<()>()).await;
        let mut one = pool.spawn(async { 1 });
        assert!(poll!(&mut one).is_pending());
        assert_eq!(pool.waiting(), 1);
        pool.close();
        assert!(pool.spawn(async {}).await.await.unwrap_err().is_closed());
        assert_eq!(pool.abort_all().await, 1);
        pool.waitall().await;
        assert_eq!((pool.waiting(), pool.stats().finished), (0, 1));
        assert_eq!(one.await.await.unwrap(), 1);
    });
}

#[test]
fn spawns_kept_over_two_pools_do_not_stop_either() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        let (inside_a, inside_b) = (a.clone(), b.clone());
        let job = async move {
            let mut first = inside_b.spawn(async { 1 });
            let mut second = inside_b.spawn(async { 2 });
            let mut own = inside_a.spawn(async { 3 });
            let kept = (poll!(&mut first), poll!(&mut second), poll!(&mut own));
            assert!(kept.1.is_pending() && kept.2.is_pending());
            let last = inside_b.spawn(async { 4 }).await.await.unwrap();
            last + second.await.await.unwrap() + own.await.await.unwrap()
        };
        assert_eq!(a.spawn(job).await.await.unwrap(), 9);
        a.waitall().await;
        b.waitall().await;
        assert_eq!((a.stats().overflowed, b.stats().overflowed), (0, 0));
    });
}

#[test]
fn a_spawn_into_a_pile_that_is_kept_is_a_result_of_the_pile() {
    paused(async {
        let (pool, gate) = full().await;
        let mut pile = GreenPile::on(&pool);
        let mut kept = pile.spawn(async { 1 });
        let mut dropped = Box::pin(pile.spawn(async { 2 }));
        assert!(poll!(&mut kept).is_pending() && poll!(&mut dropped).is_pending());
        drop(dropped);
        gate.open();
        assert_eq!(pile.next().await.unwrap().unwrap(), 1);
        assert!(pile.next().await.is_none());
        kept.await;
        assert!(pile.next().await.is_none());
    });
}

#[test]
fn a_kept_spawn_into_a_dropped_pile_starts_nothing() {
    paused(async {
        let (pool, gate) = full().await;
        let pile = GreenPile::on(&pool);
        let mut kept = pile.spawn(async { unreachable!("it must not begin") });
        assert!(poll!(&mut kept).is_pending());
        drop::<GreenPile<()>>(pile);
        assert_eq!(pool.waiting(), 0);
        gate.open();
        pool.waitall().await;
        kept.await;
        assert_eq!((pool.stats().finished, pool.stats().panicked), (1, 0));
    });
}

#[test]
fn a_spawn_kept_by_the_source_of_a_map_goes_on() {
    paused(async {
        let pool = GreenPool::new(1);
        let source = {
            let pool = pool.clone();
            stream::unfold(0, move |n| {
                let pool = pool.clone();
                async move {
                    let mut kept = Box::pin(pool.spawn(async {}));
                    let _ = poll!(&mut kept);
                    // The job of the map needs the slot that the kept spawn is ahead of.
                    let item = pool.spawn(async move { n }).await.await.unwrap();
                    (n < 3).then_some((item, n + 1))
                }
            })
        };
        let results: Vec<_> =
            pool.imap_stream(|n| async move { n }, source.boxed()).map(Result::unwrap).collect().await;
        assert_eq!(results, [0, 1, 2]);
        pool.waitall().await;
    });
}

#[test]
fn a_forgotten_spawn_holds_nothing_up() {
    paused(async {
        let (pool, gate) = full().await;
        let mut forgotten = Box::pin(pool.spawn_n(async {}));
        assert!(poll!(&mut forgotten).is_pending());
        std::mem::forget(forgotten);
        gate.open();
        assert_eq!(pool.spawn(async { 2 }).await.await.unwrap(), 2);
        pool.waitall().await;
        let report = pool.shutdown(Duration::from_secs(1)).await;
        assert_eq!((pool.stats().finished, report.aborted), (3, 0));
    });
}

#[test]
fn a_job_queued_on_a_runtime_that_ends_leaves_the_queue() {
    let pool = GreenPool::new(1);
    let (ending, other) = (runtime(), runtime());
    other.block_on(pool.spawn_n(pending::<()>()));
    let mut kept = Box::pin(pool.spawn(async { 1 }));
    let mut pile = GreenPile::on(&pool);
    let mut in_pile = Box::pin(pile.spawn(async { 2 }));
    ending.block_on(async { assert!(poll!(&mut kept).is_pending() && poll!(&mut in_pile).is_pending()) });
    assert_eq!(pool.waiting(), 2);
    drop(ending);
    assert_eq!(pool.waiting(), 0);
    other.block_on(async {
        assert!(kept.await.await.unwrap_err().is_cancelled());
        assert!(pile.next().await.unwrap().unwrap_err().is_cancelled());
        assert_eq!(pool.abort_all().await, 1);
        assert_eq!(pool.spawn(async { 3 }).await.await.unwrap(), 3);
    });
}

#[test]
fn a_job_begins_on_the_runtime_where_it_was_queued() {
    let pool = GreenPool::new(1);
    let (here, there) = (runtime(), runtime());
    let gate = Gate::new();
    here.block_on(pool.spawn_n(gate.clone().opened()));
    let mut kept = Box::pin(pool.spawn(async { tokio::runtime::Handle::current().id() }));
    there.block_on(async { assert!(poll!(&mut kept).is_pending()) });
    gate.open();
    here.block_on(turns());
    there.block_on(turns());
    let id = here.block_on(async { kept.await.await.unwrap() });
    assert_eq!(id, there.handle().id());
}

fn runtime() -> tokio::runtime::Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

async fn turns() {
    for _ in 0..20 {
        yield_now().await;
    }
}

#[test]
fn a_timeout_around_a_queued_spawn_takes_it_out_of_the_queue() {
    paused(async {
        let (pool, gate) = full().await;
        let late = timeout(Duration::from_millis(1), pool.spawn(async { unreachable!("it left the queue") }));
        assert!(late.await.is_err());
        assert_eq!(pool.waiting(), 0);
        gate.open();
        pool.waitall().await;
        assert_eq!(pool.stats().spawned, 1);
    });
}

#[test]
fn the_order_is_that_of_the_first_polls() {
    threads(2, async {
        for _ in 0..50 {
            let (pool, gate) = full().await;
            let order = Log::new();
            let mut kept: Vec<_> = (0..20)
                .map(|n| {
                    let order = order.clone();
                    Box::pin(pool.spawn_n(async move { order.push(n) }))
                })
                .collect();
            for spawn in &mut kept {
                assert!(poll!(spawn).is_pending());
            }
            gate.open();
            // Polled in the other order.
            while let Some(spawn) = kept.pop() {
                spawn.await;
            }
            pool.waitall().await;
            assert_eq!(order.take(), (0..20).collect::<Vec<_>>());
        }
    });
}

#[test]
fn a_queued_spawn_that_nobody_polls_is_no_deadlock() {
    paused(async {
        let (pool, gate) = full().await;
        let mut kept = Box::pin(pool.spawn(async { 1 }));
        assert!(poll!(&mut kept).is_pending());
        until_idle().await;
        assert_eq!((pool.running(), pool.waiting(), pool.stats().overflowed), (1, 1, 0));
        gate.open();
        until_idle().await;
        assert_eq!((pool.running(), pool.waiting(), pool.stats().finished), (0, 0, 2));
        assert_eq!(kept.await.await.unwrap(), 1);
    });
}
