//! Waiters for a slot, and for an idle pool: served, dropped, and served ahead of others.

use std::thread;

use greenpool_macros::green_pool;
use tokio::runtime::Runtime;

use super::check::check;
use super::world::{Gate, Gauge, Tally, Value, echo, finish, pause, poll_once, random_bool, try_once};
use crate::{GreenPool, inherit, lend};

#[green_pool(size = 1)]
async fn work(value: Value) -> Value {
    echo(value).await
}

#[test]
fn a_cancelled_spawn_passes_its_slot_on() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (handle, given) = (runtime.handle().clone(), tally.clone());
        let other = thread::spawn(move || {
            handle.block_on(async {
                work::spawn_n(given.value(0)).await;
                let started = try_once(work::spawn(given.value(1))).await.is_some();
                work::spawn_n(given.value(2)).await;
                usize::from(started)
            })
        });
        runtime.block_on(async {
            assert_eq!(work::spawn(tally.value(3)).await.await.unwrap().number, 3);
        });
        let kept = other.join().unwrap();
        finish(runtime, &[work::pool()], &tally);
        // A spawn that is dropped may have begun its job. That job is aborted, and may finish first.
        assert!((3 + kept..=4).contains(&tally.completed()), "{} of 4, {kept} kept", tally.completed());
        assert!(tally.started() >= tally.completed());
    });
}

#[test]
fn a_spawn_that_is_not_polled_again_runs_its_job() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (handle, given) = (runtime.handle().clone(), tally.clone());
        let other = thread::spawn(move || {
            handle.block_on(async {
                let mut kept = work::spawn(given.value(0));
                let spawned = poll_once(&mut kept).await.is_some();
                let value = given.value(1);
                let mut forgotten = work::pool().spawn_n(async { drop(echo(value).await) });
                let _ = poll_once(&mut forgotten).await;
                std::mem::forget(forgotten);
                // It is in line behind both, so it begins only after they have.
                work::spawn(given.value(2)).await.await.unwrap();
                if !spawned {
                    assert_eq!(kept.await.await.unwrap().number, 0);
                }
            });
        });
        runtime.block_on(work::spawn_n(tally.value(3)));
        other.join().unwrap();
        finish(runtime, &[work::pool()], &tally);
        assert_eq!(tally.completed(), 4);
    });
}

#[test]
fn calls_that_are_queued_side_by_side_begin_once_each_or_are_refused() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (handle, given) = (runtime.handle().clone(), tally.clone());
        let pool = work::pool();
        let other = thread::spawn(move || {
            handle.block_on(async {
                work::queue(given.value(0));
                pool.queue(echo(given.value(1)));
                if random_bool() {
                    drop(pool.abort_all())
                } else {
                    work::spawn_n(given.value(2)).await
                }
                work::queue(given.value(3));
            });
        });
        runtime.block_on(async {
            for number in 4..7 {
                work::queue(tally.value(number));
            }
            drop(work::spawn(tally.value(7)).await.await);
        });
        other.join().unwrap();
        finish(runtime, &[pool], &tally);
        let stats = pool.stats();
        let ended = (stats.finished + stats.aborted + stats.refused) as usize;
        assert!((7..=8).contains(&ended) && stats.queued == 0, "{stats:?}");
        assert!(tally.completed() >= stats.finished as usize);
    });
}

#[test]
fn a_slot_that_is_held_or_given_up_is_passed_on() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (handle, given) = (runtime.handle().clone(), tally.clone());
        let (pool, gauge) = (GreenPool::new(1), Gauge::default());
        let (slots, alone) = (pool.clone(), gauge.clone());
        let other = thread::spawn(move || {
            handle.block_on(async {
                drop(try_once(slots.slot()).await);
                let slot = slots.slot().await.unwrap();
                alone.clone().alone(pause()).await;
                let green = slot.spawn(alone.alone(echo(given.value(0))));
                assert_eq!(green.await.unwrap().number, 0);
            });
        });
        runtime.block_on(async {
            let slot = pool.slot().await.unwrap();
            let value = tally.value(1);
            pool.queue(gauge.clone().alone(async { drop(echo(value).await) }));
            if random_bool() { drop(slot) } else { slot.spawn_n(gauge.alone(echo(tally.value(2)))) }
        });
        other.join().unwrap();
        finish(runtime, &[&pool], &tally);
        assert_eq!(pool.stats().held, 0);
        assert!(tally.completed() >= 2);
    });
}

#[test]
fn a_runtime_that_ends_takes_its_queued_calls_along() {
    check(|| {
        let (runtime, ending, tally) = (Runtime::new(1), Runtime::new(1), Tally::default());
        let pool = GreenPool::new(1);
        runtime.block_on(pool.spawn_n(echo(tally.value(0))));
        ending.block_on(async {
            work::on(&pool).queue(tally.value(1));
            work::on(&pool).queue(tally.value(2));
        });
        runtime.block_on(async { work::on(&pool).queue(tally.value(3)) });
        let ends = thread::spawn(move || drop(ending));
        runtime.block_on(async { assert_eq!(pool.spawn(echo(tally.value(4))).await.await.unwrap().number, 4) });
        ends.join().unwrap();
        finish(runtime, &[&pool], &tally);
        let stats = pool.stats();
        assert_eq!(stats.finished + stats.aborted + stats.refused, 5, "{stats:?}");
        assert!(stats.finished >= 3, "what is queued on the other runtime runs: {stats:?}");
    });
}

#[test]
fn a_runtime_that_ends_takes_its_queued_jobs_along() {
    check(|| {
        let (runtime, ending, tally) = (Runtime::new(1), Runtime::new(1), Tally::default());
        let pool = GreenPool::new(1);
        let handles = ending.block_on(async {
            let (mut one, mut two) = (pool.spawn(echo(tally.value(0))), pool.spawn(echo(tally.value(1))));
            let one = (poll_once(&mut one).await, one);
            let two = (poll_once(&mut two).await, two);
            [one, two]
        });
        let ends = thread::spawn(move || drop(ending));
        runtime.block_on(async {
            pool.spawn_n(echo(tally.value(2))).await;
            for (handle, spawn) in handles {
                let green = match handle {
                    Some(green) => green,
                    None => spawn.await,
                };
                let result = green.await;
                assert!(result.is_ok_and(|value| value.number < 2) || tally.completed() < 3);
            }
        });
        ends.join().unwrap();
        finish(runtime, &[&pool], &tally);
    });
}

#[test]
fn a_job_is_polled_only_while_it_has_a_slot() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (pool, gauge) = (GreenPool::new(1), Gauge::default());
        let (inside, given, polls, gate) = (pool.clone(), tally.clone(), gauge.clone(), Gate::default());
        let open = gate.clone();
        let parent = gauge.clone().part(async move {
            let mut child = inside.spawn(polls.clone().alone(echo(given.value(0))));
            // The job keeps the pending spawn, and waits for something else.
            let spawned = poll_once(&mut child).await;
            let task = tokio::spawn(inherit(polls.part(pause())));
            gate.opened().await;
            task.await.unwrap();
            let green = match spawned {
                Some(green) => green,
                None => child.await,
            };
            green.await.unwrap().number
        });
        let opens = thread::spawn(move || open.open());
        runtime.block_on(async {
            let green = pool.spawn(parent).await;
            pool.spawn_n(gauge.alone(echo(tally.value(1)))).await;
            assert_eq!(green.await.unwrap(), 0);
        });
        opens.join().unwrap();
        finish(runtime, &[&pool], &tally);
        assert_eq!(tally.completed(), 2);
    });
}

#[test]
fn a_job_that_has_lent_its_slot_reacquires_one() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (pool, gate) = (GreenPool::new(1), Gate::default());
        let (open, value) = (gate.clone(), tally.value(0));
        runtime.block_on(async {
            let green = pool.spawn(async move {
                lend(gate.opened()).await;
                echo(value).await
            });
            let green = green.await;
            pool.spawn_n(echo(tally.value(1))).await;
            pool.spawn_n(async move { open.open() }).await;
            assert_eq!(green.await.unwrap().number, 0);
        });
        finish(runtime, &[&pool], &tally);
        assert_eq!(tally.completed(), 2);
    });
}

#[test]
fn a_task_that_inherits_from_a_job_can_use_its_slot() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(1);
        let (inner, given) = (pool.clone(), tally.clone());
        runtime.block_on(async {
            let green = pool.spawn(async move {
                let task = inherit(async move { inner.spawn(echo(given.value(1))).await.await });
                let task = tokio::spawn(task);
                task.await.unwrap().unwrap().number
            });
            let green = green.await;
            pool.spawn_n(echo(tally.value(0))).await;
            assert_eq!(green.await.unwrap(), 1);
        });
        finish(runtime, &[&pool], &tally);
        assert_eq!(tally.completed(), 2);
    });
}

#[test]
fn waitall_returns_only_after_the_earlier_jobs() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let (handle, given) = (runtime.handle().clone(), tally.clone());
        runtime.block_on(work::spawn_n(tally.value(0)));
        let other = thread::spawn(move || {
            handle.block_on(async {
                work::spawn_n(given.value(1)).await;
                work::pool().waitall().await;
                assert!(given.completed() >= 2, "an earlier job has not completed");
            });
        });
        runtime.block_on(work::pool().waitall());
        assert!(tally.completed() >= 1, "the earlier job has not completed");
        other.join().unwrap();
        finish(runtime, &[work::pool()], &tally);
    });
}
