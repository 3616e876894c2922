//! What ties a knot last is seen, whatever it is; and what only looks like one is none.

use std::time::Duration;

use futures::poll;
use greenpool::{GreenPile, GreenPool, GreenThread, lend};
use greenpool_tests::{Gate, at_rest, paused};
use tokio::time::timeout;

/// A job of `a` that waits for a job of `b`, which waits for a slot of `a`.
async fn a_knot(a: &GreenPool, b: &GreenPool) -> GreenThread<()> {
    let (a_in, b_in) = (a.clone(), b.clone());
    a.spawn(async move { b_in.spawn(async move { a_in.spawn(async {}).await.await.unwrap() }).await.await.unwrap() })
        .await
}

async fn ends(job: GreenThread<()>) {
    timeout(Duration::from_hours(1), job).await.expect("the knot is untied").unwrap();
}

/// A job that waits at the gate.
async fn waiter(pool: &GreenPool, gate: &Gate) -> GreenThread<()> {
    pool.spawn(gate.clone().passed()).await
}

#[test]
fn a_knot_is_untied_at_once_and_counted() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        ends(a_knot(&a, &b).await).await;
        assert_eq!(a.stats().overflowed + b.stats().overflowed, 1);
    });
}

#[test]
fn nothing_is_untied_while_any_job_of_the_pools_could_move() {
    paused(async {
        let (a, b, gate) = (GreenPool::new(1), GreenPool::new(2), Gate::new());
        let moving = waiter(&b, &gate).await;
        let knot = a_knot(&a, &b).await;
        at_rest().await;
        assert_eq!(a.stats().overflowed + b.stats().overflowed, 0);
        assert_eq!((a.waiting(), knot.is_finished()), (1, false));
        gate.open();
        ends(moving).await;
        ends(knot).await;
        assert_eq!(a.stats().overflowed + b.stats().overflowed, 1);
    });
}

#[test]
fn an_abort_of_the_last_job_that_could_move_unties() {
    paused(async {
        let (a, b, gate) = (GreenPool::new(1), GreenPool::new(2), Gate::new());
        let moving = waiter(&b, &gate).await;
        let knot = a_knot(&a, &b).await;
        at_rest().await;
        moving.abort();
        ends(knot).await;
    });
}

#[test]
fn a_slot_on_its_way_to_a_spawn_that_is_dropped_unties() {
    paused(async {
        let (a, b, gate) = (GreenPool::new(1), GreenPool::new(2), Gate::new());
        let moving = waiter(&b, &gate).await;
        let knot = a_knot(&a, &b).await;
        at_rest().await;
        let mut spawn = Box::pin(b.spawn(async {}));
        assert!(poll!(&mut spawn).is_pending());
        gate.open();
        ends(moving).await;
        // Now the slot is the pending spawn's, as far as anybody knows.
        at_rest().await;
        assert!(!knot.is_finished());
        drop(spawn);
        ends(knot).await;
    });
}

#[test]
fn a_resize_unties() {
    paused(async {
        let (a, b, gate) = (GreenPool::new(1), GreenPool::new(1), Gate::new());
        let (a_in, b_in, closed) = (a.clone(), b.clone(), gate.clone());
        let knot = a.spawn(async move {
            let inner = b_in.spawn(async move {
                closed.passed().await;
                a_in.spawn(async {}).await.await.unwrap();
            });
            inner.await.await.unwrap();
        });
        let knot = knot.await;
        a.resize(0);
        gate.open();
        at_rest().await;
        // Without slots, `a` begins nothing, not even on a loan.
        assert_eq!((knot.is_finished(), a.waiting(), a.stats().overflowed), (false, 1, 0));
        a.resize(1);
        ends(knot).await;
    });
}

#[test]
fn a_runtime_that_is_dropped_unties() {
    let (a, b, gate) = (GreenPool::new(1), GreenPool::new(2), Gate::new());
    let other = tokio::runtime::Builder::new_current_thread().build().unwrap();
    drop(other.block_on(waiter(&b, &gate)));
    paused(async move {
        let knot = a_knot(&a, &b).await;
        at_rest().await;
        assert!(!knot.is_finished());
        tokio::task::spawn_blocking(move || drop(other)).await.unwrap();
        ends(knot).await;
    });
}

#[test]
fn a_result_that_nobody_looks_at_keeps_no_knot_tied() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        let (a_in, b_in) = (a.clone(), b.clone());
        let job = a.spawn(async move {
            let mut held = b_in.spawn(tokio::task::yield_now()).await;
            // Waits for it once, and then for others while it is there.
            assert!(poll!(&mut held).is_pending());
            ends(a_knot(&b_in, &a_in).await).await;
            held.await.unwrap();
        });
        ends(job.await).await;
    });
}

#[test]
fn a_job_that_is_about_to_read_a_result_keeps_its_slot() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        // The handle is not the job's own.
        let result = b.spawn(tokio::task::yield_now()).await;
        let job = a.spawn(async move { result.await.unwrap() }).await;
        let queued = a.spawn(async {});
        let ((), queued) = tokio::join!(ends(job), queued);
        ends(queued).await;
        assert_eq!((a.stats().overflowed, b.stats().overflowed), (0, 0));
    });
}

#[test]
fn a_map_that_is_about_to_queue_comes_before_strangers() {
    paused(async {
        let pool = GreenPool::new(1);
        let inner = pool.clone();
        let job = pool.spawn(async move {
            let mut map = inner.imap(|n| async move { n }, [1, 2]);
            while map.next().await.is_some() {}
        });
        let job = job.await;
        let mut pile = GreenPile::on(&pool);
        pile.spawn(async {}).await;
        ends(job).await;
        pile.next().await.unwrap().unwrap();
        assert_eq!(pool.stats().overflowed, 0);
    });
}

#[test]
fn a_job_that_waits_for_an_async_source_keeps_its_slot() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        let (give, take) = futures::channel::mpsc::unbounded::<()>();
        let inner = b.clone();
        let job = a.spawn(async move {
            let mut map = inner.imap_stream(|()| async {}, take);
            while map.next().await.is_some() {}
        });
        let job = job.await;
        let mut queued = Box::pin(a.spawn(async {}));
        assert!(poll!(&mut queued).is_pending());
        at_rest().await;
        // The items come from outside, when they will: that is no reason to begin one job after the other.
        assert!(poll!(&mut queued).is_pending());
        give.unbounded_send(()).unwrap();
        drop(give);
        ends(job).await;
        ends(queued.await).await;
        assert_eq!((a.stats().overflowed, b.stats().overflowed), (0, 0));
    });
}

#[test]
fn a_source_that_is_itself_a_map_can_be_part_of_a_knot() {
    paused(async {
        let (a, b, c) = (GreenPool::new(1), GreenPool::new(1), GreenPool::new(1));
        let (a_in, b_in, c_in) = (a.clone(), b.clone(), c.clone());
        let job = a.spawn(async move {
            let back = a_in.clone();
            let source = b_in.imap(
                move |()| {
                    let back = back.clone();
                    async move { back.spawn(async {}).await.await }
                },
                [()],
            );
            let mut map = c_in.imap_stream(|_| async {}, source);
            while map.next().await.is_some() {}
        });
        ends(job.await).await;
    });
}

#[test]
fn a_job_that_waits_for_a_pool_without_slots_keeps_its_own() {
    paused(async {
        let (a, b, gate) = (GreenPool::new(1), GreenPool::new(1), Gate::new());
        let (b_in, told) = (b.clone(), gate.clone());
        let job = a.spawn(async move { b_in.spawn(lend(told.passed())).await.await.unwrap() }).await;
        let mut queued = Box::pin(a.spawn(async {}));
        assert!(poll!(&mut queued).is_pending());
        b.resize(0);
        gate.open();
        // The inner job is done with what it waited for, and needs a slot to go on; only a `resize` can give it one.
        at_rest().await;
        assert!(poll!(&mut queued).is_pending());
        b.resize(1);
        ends(job).await;
        ends(queued.await).await;
        assert_eq!((a.stats().overflowed, b.stats().overflowed), (0, 0));
    });
}

#[test]
fn a_job_that_waits_for_another_pool_to_be_idle_is_part_of_a_knot_also_if_nothing_runs_there() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        let (a_in, b_in, gate) = (a.clone(), b.clone(), Gate::new());
        let told = gate.clone();
        let job = a.spawn(async move {
            told.passed().await;
            b_in.waitall().await;
        });
        let job = job.await;
        b.spawn_n(lend(async move { a_in.spawn(async {}).await.await.unwrap() })).await;
        at_rest().await;
        assert_eq!((b.running(), a.waiting()), (0, 1));
        gate.open();
        ends(job).await;
        assert_eq!((a.stats().overflowed, b.stats().finished), (1, 1));
    });
}

#[test]
fn a_job_that_is_no_knot_only_since_it_waits_for_a_resize_too_comes_to_rest() {
    paused(async {
        let [a, b, c] = [1, 1, 0].map(GreenPool::new);
        let (a_in, b_in, c_in) = (a.clone(), b.clone(), c.clone());
        let job = a.spawn(async move {
            let knot =
                async { b_in.spawn(async move { a_in.spawn(async {}).await.await.unwrap() }).await.await.unwrap() };
            let turns = async {
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::join!(biased; knot, async { c_in.spawn(async {}).await.await.unwrap() }, turns);
        });
        let job = job.await;
        at_rest().await;
        assert_eq!((a.waiting(), c.waiting(), a.stats().overflowed), (1, 1, 0));
        c.resize(1);
        ends(job).await;
        assert_eq!(a.stats().overflowed, 1);
    });
}
